//! The structured reference string of KZG commitments over BN254.
//!
//! For a secret `s` and `n = 2^k` it holds
//!
//! ```text
//! monomial  [s^0]_1, [s^1]_1, ..., [s^n]_1                    n + 1 points
//! lagrange  [L_0(s)]_1, ..., [L_{n-1}(s)]_1                   n points
//! G2        [1]_2, [s]_2
//! ```
//!
//! where `L_i` is the Lagrange polynomial of `omega^i` in the domain of size `n`,
//! `L_i(X) = omega^i (X^n - 1) / (n (X - omega^i))`. There is one power more than a polynomial of
//! `n` coefficients needs: blinding the pieces of the quotient adds a term of degree `n`.
//!
//! Whoever knows `s` can prove anything, so every string carries its [`Provenance`], and nothing
//! here returns `s`. Source: Kate, Zaverucha, Goldberg, "Constant-Size Commitments to Polynomials
//! and Their Applications" (ASIACRYPT 2010), section 3.1.

mod check;
mod encoding;
mod error;
mod file;
mod generate;
mod lagrange;
mod provenance;
mod ptau;
mod reader;
mod string;

pub use error::{PointFault, SrsError};
pub use provenance::{Ceremony, InsecureOrigin, Provenance};
pub use ptau::{import_ptau, import_ptau_file};
pub use string::Srs;

/// Smallest `k` of a string.
pub const MIN_K: u32 = 1;

/// Largest `k` of a string: the two-adicity of BN254's scalar field.
pub const MAX_K: u32 = 28;
