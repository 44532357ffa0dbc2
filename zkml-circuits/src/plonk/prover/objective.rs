//! What the prover saves.

use crate::plonk::program::Slices;
use crate::plonk::protocol::Protocol;

/// Bytes that a proof may take above its keys to save time, for each cell of advice, grand products
/// and the random polynomial.
const BYTES: usize = 40;
/// Bytes that it may take however few its cells: a process takes more.
const LEAST: usize = 6 << 20;
/// Bytes that a proof takes for each thread, whatever the rows.
const BUFFERS: usize = 1 << 19;

/// What a prover saves where it has the choice. Proofs are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProverObjective {
    /// Time: computed columns are kept, if a proof takes no more than 40 bytes a cell above its keys all
    /// the same, or 6 MiB. That of a machine of few columns takes more, and does not keep them.
    #[default]
    Time,
    /// Memory: computed columns are never kept, and constraints are evaluated on half a coset at a
    /// time where that saves a quarter of what is on a coset, for which columns that are kept by their
    /// values are interpolated twice as often. With more than a few threads it does not, as each
    /// has a column to transform.
    Memory,
}

impl ProverObjective {
    /// Whether computed columns are kept, as coefficients, once they are committed, where constraints are
    /// evaluated by these programs.
    pub(in crate::plonk) fn keeps_computed(
        self,
        protocol: &Protocol,
        k: u32,
        programs: &[Slices],
    ) -> bool {
        let advice = protocol.advice_phase.len();
        let integers = protocol.advice_phase.iter().filter(|phase| **phase == 0).count();
        let products = protocol.num_products();
        let on_coset = most(programs, |slices| slices.in_memory(1));
        let threads = rayon::current_num_threads();
        // With two columns of what the quotient is made from, and one that each thread transforms.
        let elements = advice - integers + products + on_coset + 2 + threads;
        let bytes = ((32 * elements + 2 * integers) << k) + BUFFERS * threads;
        let cells = (advice + products + 1) << k;
        self == Self::Time && bytes <= LEAST.max(BYTES * cells)
    }

    /// Parts of a coset that are evaluated one after the other.
    pub(in crate::plonk) fn parts(self, programs: &[Slices]) -> usize {
        // In halves of columns. A thread that transforms one has its coefficients, and for a half its
        // values on all rows besides; halves of sums are put together.
        let threads = rayon::current_num_threads();
        let wholes = most(programs, |slices| 2 * slices.in_memory(1)) + 2 * threads;
        let halves =
            most(programs, |slices| slices.in_memory(2) + 2 * slices.outputs.len()) + 4 * threads;
        match self {
            Self::Time => 1,
            // Halves take longer: not for a little.
            Self::Memory if 4 * halves <= 3 * wholes => 2,
            Self::Memory => 1,
        }
    }
}

fn most(programs: &[Slices], of: impl Fn(&Slices) -> usize) -> usize {
    programs.iter().map(of).max().unwrap_or(0)
}
