//! What the prover saves.

/// What a prover saves where it has the choice. Proofs are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProverObjective {
    /// Time: constraints are evaluated on a whole coset at a time.
    #[default]
    Time,
    /// Memory: constraints are evaluated on half a coset at a time, for which columns of
    /// integers are interpolated twice as often.
    Memory,
}

impl ProverObjective {
    /// Parts of a coset that are evaluated one after the other, a power of two.
    pub(in crate::plonk) fn parts(self) -> usize {
        match self {
            Self::Time => 1,
            Self::Memory => 2,
        }
    }
}
