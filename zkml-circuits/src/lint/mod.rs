//! The linter: proves, from fixed data alone, that a row program means its integer program.
//!
//! The row program is part of the soundness (machine.md, finding 16): an overlapping read, a wrong
//! mask, a segment that runs on, an unread copy are all "valid" fixed data. The linter evaluates
//! the equations symbolically, splits them by monomial into linear equations over
//! cells, and demands that they are *exactly* those of the program:
//!
//! | rule | demand |
//! |---|---|
//! | home | each stored element stands in one lane; each lane holds at most one |
//! | owner | `x, y` (and `r`) of a home are looked up with the tags of its tensor; `p` is tied, alone, to one element |
//! | definition | each computed element has one equation: `2^s x + r - 2^(s-1) - bias - sum w v = 0`, coefficient by coefficient |
//! | nothing else | every equation is a tie or a definition; no operand is free; no cycle; no run leaves the machine; junk is unread |
//! | tables | the rows of each tag are exactly its table, tag 0 only `(0, 0, 0)` |
//! | statement | the schema lists each output (and each input, if public) by name, shape, scale and range |
//! | words | each public element stands in one digit of one word, looked up, at most 8 digits |
//! | bounds | accumulators stay far below half the field |
//!
//! So the reads are injective on exponents (two elements at one monomial would give an equation
//! that is no definition), dead lanes are not read (a dead cell has no home), and no equation uses
//! a cell committed after a challenge it contains (Rule F: only phase-1 cells occur).

mod claims;
mod symbolic;
mod tables;

#[cfg(test)]
mod tests;

pub use symbolic::{Cell, Monomial};

use crate::plan::{Geometry, GeometryError, Plan, Source};
use claims::Claims;
use symbolic::Symbolic;
use zkml_core::program::{BoundError, Bounds, Program, ProgramError};

/// What the linter proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LintReport {
    /// Computed elements, each with its definition.
    pub definitions: usize,
    /// Scalars, each with its tie.
    pub ties: usize,
    /// Largest exponent of `lambda` in an equation: the degree that bounds its error.
    pub lambda_degree: u32,
    /// Largest exponent of `rho`.
    pub rho_degree: u32,
}

/// A row program that does not mean its program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LintError {
    /// The integer program is malformed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// An accumulator may leave its range.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// The row program does not fit its machine.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// A number in the symbolic evaluation does not fit 127 bits.
    #[error("a coefficient or exponent of an equation overflows")]
    Overflow,
    /// A reference to a cell outside the gates.
    #[error("{at:?} reaches a cell outside the machine's gates")]
    Dangling {
        /// The reference.
        at: Source,
    },
    /// A value defined by itself.
    #[error("{at:?} depends on itself")]
    Cycle {
        /// The value.
        at: Source,
    },
    /// A vector row uses an operand that nothing determines (Rule F).
    #[error("vector row {row} uses an operand that is copied from nowhere")]
    FreeOperand {
        /// The row.
        row: usize,
    },
    /// A vector row reads the junk column, which no operation of this version does.
    #[error("vector row {row} reads the junk column")]
    Junk {
        /// The row.
        row: usize,
    },
    /// A product of two witness values, which no operation of this version has.
    #[error("vector row {row} multiplies two witness values")]
    WitnessProduct {
        /// The row.
        row: usize,
    },
    /// A shift beyond the tables.
    #[error("group {group} has a shift above 16")]
    Shift {
        /// The group.
        group: usize,
    },
    /// More weights than lanes.
    #[error("group {group} has more weights than lanes")]
    Weights {
        /// The group.
        group: usize,
    },
    /// A stored element without exactly one home, or a home that is no lane.
    #[error("element {element} of tensor {tensor} has no home of its own")]
    Home {
        /// Tensor.
        tensor: usize,
        /// Element.
        element: usize,
    },
    /// A lane whose tags are not those of the tensor it holds.
    #[error("group {group} looks up tags {got:?}, its tensor needs {expected:?}")]
    Tags {
        /// The group.
        group: usize,
        /// Tags of the tensor: remainder, function.
        expected: (u32, u32),
        /// Tags of the group.
        got: (u32, u32),
    },
    /// An equation that is neither a tie nor a definition.
    #[error("equation {equation} at {monomial:?} is neither a tie nor a definition")]
    Equation {
        /// Index of the equation.
        equation: usize,
        /// The monomial.
        monomial: Monomial,
    },
    /// A definition whose coefficients are not the program's.
    #[error("element {element} of tensor {tensor} is not computed as the program says")]
    Definition {
        /// Tensor.
        tensor: usize,
        /// Element.
        element: usize,
    },
    /// A computed element, or a scalar, without its equation, or with two.
    #[error("{what} has {got} equations instead of one")]
    Count {
        /// What it is.
        what: String,
        /// Equations found.
        got: usize,
    },
    /// Table rows of a tag that are not its table.
    #[error("the rows of tag {tag} are not its table")]
    Table {
        /// The tag.
        tag: u32,
    },
    /// A schema that is not the program's list of public tensors.
    #[error("the statement does not list the program's public tensors: {what}")]
    Statement {
        /// What differs.
        what: String,
    },
    /// A public word that does not pack what the schema says.
    #[error("public word {word} does not pack what the statement says")]
    Word {
        /// The word.
        word: usize,
    },
}

/// Proves that `plan` means `program`.
///
/// # Errors
/// The first rule that is broken.
pub fn lint(program: &Program, plan: &Plan) -> Result<LintReport, LintError> {
    program.check()?;
    // Accumulators below 2^62: with shifts of 16 and ranges of 16 bits far below half the field.
    let _ = Bounds::new(program)?;
    let geometry = Geometry::check(&plan.rows)?;
    tables::check(program, plan)?;
    let mut claims = Claims::new(program, plan, geometry)?;
    claims.check_statement()?;
    claims.check_words()?;
    let mut symbolic = Symbolic::new(&plan.rows, geometry);
    let mut report = LintReport::default();
    for index in 0..plan.rows.equations.len() {
        for (monomial, linear) in symbolic.equation(index)? {
            report.lambda_degree = report.lambda_degree.max(monomial.lambda);
            report.rho_degree = report.rho_degree.max(monomial.rho);
            claims.account(index, monomial, &linear)?;
        }
    }
    (report.definitions, report.ties) = claims.finish()?;
    Ok(report)
}
