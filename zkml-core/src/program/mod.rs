//! The integer program: what a model computes, bit for bit.
//!
//! A real tensor `t` is stored as integers `v` with `t ~ v * 2^-scale`. A program is a list of
//! *stored tensors*, each defined by one step from earlier ones:
//!
//! ```text
//! c = sum of terms + bias                               exact integer accumulator
//! x = floor((c + 2^(s-1)) / 2^s)     (x = c if s = 0)   re-quantised: round half up
//! y = table[x]                       (y = x if none)    what later steps read
//! ```
//!
//! with `x` in `[-2^(bits-1), 2^(bits-1))`, and in the domain of the table if there is one, an error
//! otherwise. Equivalently, with the remainder
//! `r = c + 2^(s-1) - 2^s x`, `0 <= r < 2^s`: this is the equation the circuit proves.
//!
//! There is no cryptography here, and no float: [`crate::exec`] runs this, `zkml-circuits` proves it.

mod bounds;
mod builder;
mod check;
mod input;
mod table;
#[cfg(test)]
mod tests;
mod types;

pub use bounds::{BoundError, Bounds};
pub use builder::{Encoding, ProgramBuilder};
pub use input::Given;
pub use table::TableError;
pub use types::{
    Affine, Bits, Columns, InputDecl, InputKind, OutputDecl, Program, ProgramError, Scale, Step,
    StoredTensor, Table, TableId, TensorId, Term, View,
};
