//! Temporary: these three types are replaced by the `plonk` branch's own; whoever lands it drops
//! this file.

use halo2curves::bn256::Fr;

/// One advice column, usable rows only.
#[derive(Clone, Debug)]
pub enum AdviceColumn {
    /// Small signed integers.
    Small(Vec<i64>),
    /// Field elements.
    Full(Vec<Fr>),
}

/// Why a proof cannot be made.
#[derive(Clone, Debug)]
pub struct ProveError;

/// Supplies advice columns phase by phase.
pub trait PhaseWitness {
    /// Columns of `phase`, given the challenges squeezed so far.
    ///
    /// # Errors
    /// Whatever keeps the witness from being made.
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn)>, ProveError>;
}
