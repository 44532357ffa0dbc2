//! Words of a verifying key's data contract.
//!
//! ```text
//! 0 digest            5 omega^-1           | omega^r for every opened rotation r
//! 1 transcript_repr   6 omega^-stride      | barycentric weights, set by set (two points and more)
//! 2 k                 7 1/n                | fixed commitments (x, y), column by column
//! 3 number of words   8 omega^-last        | permutation commitments (x, y)
//! 4 stride
//! ```
//!
//! Steps are inverses because row `i`'s Lagrange polynomial is `(x^n - 1) / (n (x omega^-i - 1))`; `last`, the last
//! usable row, is `-(blinding + 1)`. The weight of point `j` in a set of
//! rotations `r` is `1 / prod_{k != j} (omega^(r_j) - omega^(r_k))`: dividing it by `x^(m-1)` gives
//! the Lagrange denominators, so the contract inverts nothing that does not depend on a challenge.
//! All of it but the commitments, the digest and the representation follows from `k` and `stride`.

use super::{Opening, POINT, WORD};
use zkml_circuits::plonk::Protocol;

/// Word indices of a key's blob (after its leading zero byte).
#[derive(Clone, Debug)]
pub struct KeyLayout {
    /// First of the powers `omega^r`.
    pub points: usize,
    /// For each rotation set, its first barycentric weight; `None` for sets of one point.
    pub weights: Vec<Option<usize>>,
    /// First fixed commitment.
    pub fixed: usize,
    /// First permutation commitment.
    pub sigmas: usize,
    /// Length in words.
    pub words: usize,
}

impl KeyLayout {
    /// Digest.
    pub const DIGEST: usize = 0;
    /// Transcript representation.
    pub const REPRESENTATION: usize = 1;
    /// log2 of the domain's size.
    pub const K: usize = 2;
    /// Number of public words.
    pub const COUNT: usize = 3;
    /// Rows from a public word to the next.
    pub const STRIDE: usize = 4;
    /// `omega^-1`, of the domain's generator.
    pub const ROW_STEP: usize = 5;
    /// `omega^-stride`.
    pub const STRIDE_STEP: usize = 6;
    /// `1 / n`.
    pub const N_INVERSE: usize = 7;
    /// `omega^(blinding + 1)`.
    pub const LAST_STEP: usize = 8;
    const HEADER: usize = 9;

    pub(super) fn new(protocol: &Protocol, opening: &Opening) -> Self {
        let points = Self::HEADER;
        let mut next = points + opening.rotations.len();
        let mut weights = Vec::with_capacity(opening.sets.len());
        for set in &opening.sets {
            let several = set.rotations.len() > 1;
            weights.push(several.then_some(next));
            next += if several { set.rotations.len() } else { 0 };
        }
        let fixed = next;
        let sigmas = fixed + protocol.num_fixed * (POINT / WORD);
        let words = sigmas + protocol.permutation.len() * (POINT / WORD);
        Self { points, weights, fixed, sigmas, words }
    }

    /// Length of the data contract's code: the words and the leading zero byte.
    #[must_use]
    pub fn code_length(&self) -> usize {
        1 + self.words * WORD
    }
}
