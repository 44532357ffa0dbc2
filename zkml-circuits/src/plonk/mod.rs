//! A PLONKish proof system over BN254 with KZG, knowing nothing of machine learning.
//!
//! The constraint system, key generation and the referee verifier are halo2-axiom's; prover,
//! light verifier and transcript are ours.

mod protocol;
mod transcript;

pub use protocol::{Column, ColumnKind, Expr, Protocol, ProtocolError, Query};
pub use transcript::{
    Challenge, KeccakRead, KeccakWrite, POINT_BYTES, SCALAR_BYTES, TranscriptError, point_to_bytes,
    scalar_from_bytes, scalar_to_bytes,
};

mod temp_witness;
pub use temp_witness::{AdviceColumn, PhaseWitness, ProveError};
