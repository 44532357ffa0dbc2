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

// TEMP
/// t
#[derive(Clone, Debug)]
pub enum AdviceColumn {
    /// s
    Small(Vec<i64>),
    /// f
    Full(Vec<halo2curves::bn256::Fr>),
}
/// e
#[derive(Clone, Debug)]
pub struct ProveError;
/// w
pub trait PhaseWitness {
    /// p
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[halo2curves::bn256::Fr],
    ) -> Result<Vec<(usize, AdviceColumn)>, ProveError>;
}
