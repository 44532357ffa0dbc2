//! Compiles the constraint system's polynomials to straight-line Yul.
//!
//! [`dag`] turns expressions into hash-consed n-ary sums and products (equal subexpressions become
//! one node, common factors are taken out of sums, repeated pairs of factors become nodes), [`emit`]
//! gives nodes used more than once a memory slot and writes the rest as nested expressions.
//!
//! Field values are kept lazily reduced: `mulmod` and `addmod` accept any 256-bit operand and
//! `5 r < 2^256`, so up to five reduced values are summed by plain `add`.

mod code;
mod dag;
mod emit;
mod factor;
mod system;
#[cfg(test)]
#[cfg(feature = "evm")]
mod tests;

pub(crate) use code::literal;
pub(crate) use emit::{Program, compile};
pub(crate) use system::constraints;
