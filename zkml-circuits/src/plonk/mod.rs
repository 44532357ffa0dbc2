//! A PLONKish proof system over BN254 with KZG, knowing nothing of machine learning.
//!
//! The constraint system, key generation and the referee verifier are halo2-axiom's; prover,
//! light verifier and transcript are ours. One round trip:
//!
//! 1. [`generate_keys`] turns a halo2 `Circuit` into a [`ProvingKey`] with its [`VerifyingKey`];
//! 2. [`prove`] asks a [`PhaseWitness`] for the advice columns of each phase and writes a proof;
//! 3. [`verify`] checks it from the verifying key and the public words.
//!
//! [`mock::check`] finds the constraint that a witness breaks.

#[cfg(feature = "prover")]
mod copies;
mod domain;
#[cfg(feature = "prover")]
mod integers;
mod interpolation;
mod keys;
#[cfg(feature = "prover")]
pub mod mock;
mod openings;
#[cfg(feature = "prover")]
mod program;
mod protocol;
#[cfg(feature = "prover")]
mod prover;
mod shape;
#[cfg(feature = "testing")]
pub mod testing;
mod transcript;
#[cfg(feature = "prover")]
mod values;
mod verifier;

pub use domain::MAX_K;
#[cfg(feature = "prover")]
pub(crate) use integers::Integers;
pub use keys::{InstanceLayout, KeyFormatError, LayoutError, VerifyingKey};
#[cfg(feature = "prover")]
pub use keys::{KeyError, KeyOptions, ProvingKey, generate_keys};
pub use openings::{Opened, Openings, Poly, RotationSet};
pub use protocol::{Column, ColumnKind, Expr, Protocol, ProtocolError, Query};
#[cfg(feature = "prover")]
pub use prover::{
    AdviceColumn, ComputedColumn, PhaseWitness, ProveError, ProverObjective, ProverRng, prove,
    stages,
};
pub use transcript::{
    Challenge, KeccakRead, KeccakWrite, POINT_BYTES, SCALAR_BYTES, TranscriptError, point_to_bytes,
    scalar_from_bytes, scalar_to_bytes,
};
pub use verifier::{VerifyError, verify};
