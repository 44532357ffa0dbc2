//! What the prover saves.

/// What a prover saves where it has the choice. Proofs are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProverObjective {
    /// Time: columns are evaluated on half a coset at a time, which takes no longer than on whole
    /// ones.
    #[default]
    Time,
    /// Memory: columns are evaluated on an eighth of a coset at a time, at the price of reading
    /// their coefficients eight times.
    Memory,
}

impl ProverObjective {
    /// Parts of a coset that are evaluated one after the other, a power of two.
    pub(in crate::plonk) fn parts(self) -> usize {
        match self {
            Self::Time => 2,
            Self::Memory => 8,
        }
    }
}
