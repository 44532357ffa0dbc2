//! Stages that the prover announces to its caller's [`Progress`](zkml_core::progress::Progress),
//! one after the other.

/// Grand products of the permutation.
pub const PRODUCTS: &str = "permutation products";
/// Commitments to the grand products and to the random polynomial.
pub const COMMIT_PRODUCTS: &str = "commit permutation products";
/// Columns by their coefficients.
pub const INTERPOLATION: &str = "interpolation";
/// The quotient.
pub const QUOTIENT: &str = "quotient";
/// Commitments to its pieces.
pub const COMMIT_QUOTIENT: &str = "commit quotient";
/// Evaluations of everything that is opened.
pub const EVALUATIONS: &str = "evaluations";
/// The opening of all evaluations.
pub const OPENING: &str = "opening";

const WITNESS: [&str; 3] = ["witness of phase 1", "witness of phase 2", "witness of phase 3"];
const COMMIT: [&str; 3] = ["commit phase 1", "commit phase 2", "commit phase 3"];

/// The witness computes the columns of `phase`, which counts from 0; halo2 has three.
#[must_use]
pub fn witness(phase: u8) -> &'static str {
    WITNESS[usize::from(phase).min(2)]
}

/// Commitments to the columns of `phase`, which counts from 0.
#[must_use]
pub fn commit(phase: u8) -> &'static str {
    COMMIT[usize::from(phase).min(2)]
}
