//! The linter: proves, from fixed data alone, that a row program means its integer program.
//!
//! The row program is part of the soundness (machine.md, finding 16): an overlapping read, a wrong
//! mask, a segment that runs on, an unread copy, junk where an output lives are all "valid" fixed
//! data. The plan claims for each equation `left = right` that
//!
//! ```text
//! left - right = sum lambda^i rho^e D_(i,e)      at every exponent of lambda without junk
//! ```
//!
//! with `D` the definition of an element by the integer program (or a scalar minus what it copies).
//! The left side is evaluated by the gates as a polynomial in `lambda` (`crate::formal`), the right
//! one by the program, both at cells and a `rho` drawn from a hash of program and plan (`Sample`).
//! Junk is committed after `rho` and may be anything, so an exponent with junk says nothing, and
//! nothing is claimed there. `lambda` is drawn after all cells: every other coefficient is 0, and
//! since `rho` is drawn after the cells of phase 1, so is every `D` there.
//!
//! | rule | demand |
//! |---|---|
//! | home | each stored element stands in one lane; each lane holds at most one |
//! | owner | `x, y` (and `r`) of a home are looked up with the tags of its tensor; each `p` is tied once to one element |
//! | claims | monomials of a claim are distinct; no element stands at an exponent of `lambda` with junk, whatever its `rho` |
//! | definition | each computed element is claimed once, and every claim is true |
//! | features | a group's feature unit reads weights or activations, not their sum |
//! | nothing free | no operand is free; runs use what is above them; no run leaves the machine |
//! | degrees | exponents of `lambda`, and degrees in `rho` and cells together, are at most `2^26`: one sample tells |
//! | tables | the rows of each tag are exactly its table over its domain, tag 0 only `(0, 0, 0)` |
//! | statement | the schema lists each output (and each input, if public) by name, shape, scale and range |
//! | words | each public element stands in one digit of one word, looked up in a table of 16 bits, at most 8 digits |
//! | bounds | accumulators stay far below half the field |
//!
//! So dead lanes are not read (a dead cell has no home, and its random value would show), reads are injective on
//! exponents, and no equation uses a cell committed after a challenge it contains but for junk,
//! which is committed after `rho` and stands where nothing is claimed (Rule F).

mod claims;
mod definitions;
mod products;
mod sample;
mod tables;

#[cfg(test)]
mod tests;

use crate::{
    formal::{Formal, FormalError, run_starts},
    plan::{Claim, Geometry, GeometryError, Group, Monomial, Plan, Source},
};
use claims::Claims;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use sample::{Sample, WithScalars};
use std::collections::BTreeSet;
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
    /// A degree beyond bounds, or a product of two junk cells.
    #[error("a degree of an equation is beyond bounds, or junk is multiplied by junk")]
    Overflow,
    /// Program or plan cannot be hashed.
    #[error("program or plan cannot be encoded")]
    Encoding,
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
    /// A group whose feature unit would add weights to activations.
    #[error("group {group} has weights and reads activations along rho as well")]
    Feature {
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
    /// An equation and no claim of what it means, or the other way round.
    #[error("{equations} equations with {claims} claims")]
    Claims {
        /// Number of equations.
        equations: usize,
        /// Number of claims.
        claims: usize,
    },
    /// A claim that names something at the place of something else, or something that does not
    /// exist.
    #[error("the claim on equation {equation} is at fault at {monomial:?}")]
    Claim {
        /// Index of the equation.
        equation: usize,
        /// The monomial.
        monomial: Monomial,
    },
    /// An equation that does not say what is claimed.
    #[error("equation {equation} ({what}) does not say what the program says at lambda^{exponent}")]
    Equation {
        /// Index of the equation.
        equation: usize,
        /// What it is claimed to define.
        what: String,
        /// The exponent.
        exponent: usize,
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
    let mixed = |group: &Group| group.feature.is_some() && !group.weights.is_empty();
    if let Some(group) = plan.rows.groups.iter().position(mixed) {
        return Err(LintError::Feature { group });
    }
    let mut claims = Claims::new(program, plan, geometry)?;
    claims.check_statement()?;
    claims.check_words()?;
    let equations = &plan.rows.equations;
    if equations.len() != plan.claims.len() {
        let (equations, claims) = (equations.len(), plan.claims.len());
        return Err(LintError::Claims { equations, claims });
    }
    let sample = Sample::new(program, plan, geometry)?;
    for (index, claim) in plan.claims.iter().enumerate() {
        claims.account(index, claim)?;
    }
    let checker = Checker {
        plan,
        geometry,
        claims: &claims,
        tied: claims.tied(&sample),
        starts: run_starts(&plan.rows),
        sample,
    };
    let degrees: Vec<Monomial> = (0..equations.len())
        .into_par_iter()
        .map(|index| checker.equation(index))
        .collect::<Result<_, _>>()?;
    let mut report = LintReport::default();
    for degree in degrees {
        report.lambda_degree = report.lambda_degree.max(degree.lambda);
        report.rho_degree = report.rho_degree.max(degree.rho);
    }
    (report.definitions, report.ties) = claims.finish()?;
    Ok(report)
}

/// Compares equations with their claims at one sample.
struct Checker<'a> {
    plan: &'a Plan,
    geometry: Geometry,
    claims: &'a Claims<'a>,
    sample: Sample,
    /// Scalars that equal what they copy.
    tied: Vec<Fr>,
    starts: Vec<usize>,
}

impl Checker<'_> {
    /// Proves the claim on one equation; gives its degrees.
    fn equation(&self, index: usize) -> Result<Monomial, LintError> {
        let rows = &self.plan.rows;
        let claim = &self.plan.claims[index];
        // Ties hold for whatever scalars there are; definitions may then use them.
        let (scalars, what) = match claim {
            Claim::Tie(_) => (&self.sample.scalars, "copies of an operand".to_string()),
            Claim::Step { tensor, .. } => (&self.tied, format!("tensor {}", tensor.0)),
        };
        let cells = WithScalars { sample: &self.sample, scalars };
        let (starts, rho) = (&self.starts, self.sample.rho);
        let difference = Formal::new(rows, self.geometry, starts, &cells, rho)
            .difference(rows.equations[index])?;
        let expected = self.claims.expected(claim, &self.sample);
        let free: BTreeSet<usize> = difference.junk().iter().map(|junk| junk.exponent).collect();
        // Where nothing is claimed, nothing may be left but junk; what is claimed is without junk.
        let stray = difference.coefficients().map(|(exponent, _)| exponent);
        let stray = stray.filter(|e| !free.contains(e) && !expected.contains_key(e));
        let untrue = expected
            .iter()
            .filter(|(e, value)| free.contains(e) || difference.at(**e) != **value)
            .map(|(e, _)| *e);
        if let Some(exponent) = stray.chain(untrue).min() {
            return Err(LintError::Equation { equation: index, what, exponent });
        }
        let end = expected.keys().next_back().map_or(0, |last| last + 1).max(difference.end());
        // Exponents are at most `Poly::MAX_DEGREE`.
        Ok(Monomial { lambda: end.saturating_sub(1) as u32, rho: difference.rho })
    }
}

impl From<FormalError> for LintError {
    fn from(error: FormalError) -> Self {
        match error {
            FormalError::Dangling(at) => Self::Dangling { at },
            FormalError::Cycle(at) => Self::Cycle { at },
            FormalError::FreeOperand(row) => Self::FreeOperand { row },
            FormalError::Shift(group) => Self::Shift { group },
            FormalError::Weights(group) => Self::Weights { group },
            FormalError::Degree => Self::Overflow,
        }
    }
}
