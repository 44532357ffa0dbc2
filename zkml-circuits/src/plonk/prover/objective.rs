//! What the prover saves.

use crate::plonk::program::Slices;

/// What a prover saves where it has the choice. Proofs are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProverObjective {
    /// Time.
    #[default]
    Time,
    /// Memory: constraints are evaluated with few columns at a time, and on half a coset at a time
    /// where that saves a quarter of what is on a coset, for which columns that are kept by their
    /// values are interpolated twice as often. With more than a few threads it does not, as each
    /// has a column to transform.
    Memory,
}

impl ProverObjective {
    /// Columns that a slice of a program loads.
    pub(in crate::plonk) fn load(self) -> usize {
        match self {
            Self::Time => 6,
            Self::Memory => 3,
        }
    }

    /// Parts of a coset that are evaluated one after the other.
    pub(in crate::plonk) fn parts(self, programs: &[Slices]) -> usize {
        // In halves of columns. A thread that transforms one has its coefficients, and for a half its
        // values on all rows besides; halves of sums are put together.
        let most = |of: &dyn Fn(&Slices) -> usize| programs.iter().map(of).max().unwrap_or(0);
        let threads = rayon::current_num_threads();
        let wholes = most(&|slices| 2 * slices.in_memory(1)) + 2 * threads;
        let halves = most(&|slices| slices.in_memory(2) + 2 * slices.outputs.len()) + 4 * threads;
        match self {
            Self::Time => 1,
            // Halves take longer: not for a little.
            Self::Memory if 4 * halves <= 3 * wholes => 2,
            Self::Memory => 1,
        }
    }
}
