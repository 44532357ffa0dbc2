//! The linter's evaluator at drawn challenges: numbers, to be compared with the cells of a witness.

use crate::{
    formal::{Formal, FormalError, Poly, run_starts},
    machine::Unit,
    plan::{Geometry, RowProgram, Source, UnitRef},
    witness::{FirstPhase, Honest},
};
use ff::Field;
use halo2curves::bn256::Fr;

/// What the evaluator's polynomials have for unknowns.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// The first challenge.
    pub rho: Fr,
    /// The second.
    pub lambda: Fr,
    /// The junk column.
    pub junk: &'a [Fr],
}

/// Values of cells of the third phase, or why there is none.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// Every unit of every group and every `Z` of the machine.
    pub sources: Vec<(Source, Result<Fr, String>)>,
    /// `left - right` of every equation.
    pub differences: Vec<Result<Fr, String>>,
}

/// Evaluates a row program, linted or not, at the cells of a first phase.
pub fn evaluate(
    rows: &RowProgram,
    geometry: Geometry,
    first: &FirstPhase,
    drawn: Drawn<'_>,
) -> Evaluated {
    let (cells, starts) = (Honest::new(rows, first), run_starts(rows));
    let mut formal = Formal::new(rows, geometry, &starts, &cells, drawn.rho);
    let mut powers = vec![Fr::ONE];
    let mut value = |poly: &Poly| {
        while powers.len() < poly.end() {
            powers.push(powers[powers.len() - 1] * drawn.lambda);
        }
        let junk = |row: usize| drawn.junk.get(row).copied().unwrap_or(Fr::ZERO);
        let junk = poly.junk().iter().map(|j| j.factor * powers[j.exponent] * junk(j.row));
        poly.coefficients().map(|(e, c)| c * powers[e]).sum::<Fr>() + junk.sum::<Fr>()
    };
    let name = |error: FormalError| format!("{error:?}");
    let units = (0..geometry.groups())
        .flat_map(|group| Unit::ALL.map(|unit| Source::Unit(UnitRef::new(unit, group))));
    let sources = units.chain((0..rows.vector.len()).map(Source::Z));
    let sources = sources
        .map(|source| {
            let poly = formal.value(source);
            (source, poly.map(|poly| value(&poly)).map_err(name))
        })
        .collect();
    let differences = rows
        .equations
        .iter()
        .map(|equation| formal.difference(*equation).map(|poly| value(&poly)).map_err(name))
        .collect();
    Evaluated { sources, differences }
}
