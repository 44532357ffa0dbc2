//! What the prover saves.

use crate::plonk::program::Slices;

/// What a prover saves where it has the choice. Proofs are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProverObjective {
    /// Time.
    #[default]
    Time,
    /// Memory: constraints are evaluated with few columns at a time, and on half a coset at a time
    /// where that helps, for which columns of integers are interpolated twice as often.
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
        // In halves of columns. What it takes to have the values of a column on a half are its
        // coefficients and its values on all rows, and there are sums to put together.
        let halves = |parts| {
            let of = |slices: &Slices| match parts {
                1 => 2 * slices.in_memory(1),
                _ => slices.in_memory(2) + 2 * slices.outputs.len(),
            };
            let most = programs.iter().map(of).max();
            most.unwrap_or(0) + 2 * parts * rayon::current_num_threads()
        };
        match self {
            Self::Time => 1,
            // Halves take longer: not for a little.
            Self::Memory if 4 * halves(2) <= 3 * halves(1) => 2,
            Self::Memory => 1,
        }
    }
}
