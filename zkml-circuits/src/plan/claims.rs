//! What a plan says its equations mean.
//!
//! Nobody has to believe it: the linter proves each claim from the fixed data and the integer
//! program, and that the claims together are all that the program asks for.

use serde::{Deserialize, Serialize};
use zkml_core::program::TensorId;

/// `lambda^lambda rho^rho`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Monomial {
    /// Exponent of `lambda`.
    pub lambda: u32,
    /// Exponent of `rho`.
    pub rho: u32,
}

/// The meaning of one equation `left = right`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// `left - right = sum lambda^i (p - v)` over pairs of a scalar (by its number among the
    /// plan's) and `i`, where `v` is the value of the element that the scalar copies.
    Tie(Vec<(usize, u32)>),
    /// `left - right = sum lambda^i rho^e D` at every exponent of `lambda` without junk, where
    /// `D = 2^s x + r - 2^(s-1) - c` is the definition of an element with accumulator `c`.
    Step {
        /// The tensor.
        tensor: TensorId,
        /// Elements with their monomials.
        elements: Vec<(u32, Monomial)>,
    },
}
