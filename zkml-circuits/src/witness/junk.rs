//! Junk: what products leave where no output lives.
//!
//! An equation `left = right` with junk cells `j_k` at exponents of their own is, for `rho` drawn and
//! `lambda` not, a polynomial identity; the coefficient at the exponent of `j_k` gives its value.

use super::{Drawn, FirstPhase, signed};
use crate::{
    formal::{Cells, Formal, Poly, run_starts},
    plan::{Geometry, RowProgram},
};
use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use std::collections::BTreeMap;

struct Honest<'a> {
    first: &'a FirstPhase,
    lanes: usize,
}

impl Cells for Honest<'_> {
    fn lane(&self, role: usize, group: usize, lane: usize) -> Fr {
        self.first.lanes[role].get(group * self.lanes + lane).map_or(Fr::ZERO, |v| signed(*v))
    }

    fn scalar(&self, group: usize) -> Fr {
        self.first.p.get(group).map_or(Fr::ZERO, |v| signed(*v))
    }
}

/// The junk column that makes every equation hold at its junk exponents; 0 elsewhere.
pub(super) fn column(
    rows: &RowProgram,
    geometry: Geometry,
    first: &FirstPhase,
    drawn: &Drawn,
) -> Vec<Fr> {
    let mut column = vec![Fr::ZERO; geometry.rows()];
    if rows.vector.iter().all(|row| row.junk == 0) {
        return column;
    }
    let cells = Honest { first, lanes: rows.profile.lanes() };
    let starts = run_starts(rows);
    // An equation that cannot be evaluated has no junk to find; no plan that passed the linter has one.
    let found: Vec<Vec<(usize, Fr)>> = rows
        .equations
        .par_iter()
        .map(|equation| {
            let mut formal = Formal::new(rows, geometry, &starts, &cells, drawn.rho);
            formal.difference(*equation).map(|difference| solve(&difference)).unwrap_or_default()
        })
        .collect();
    for (row, value) in found.into_iter().flatten() {
        if let Some(cell) = column.get_mut(row) {
            *cell = value;
        }
    }
    column
}

/// The values of the junk cells for which an equation with this difference of sides holds.
fn solve(difference: &Poly) -> Vec<(usize, Fr)> {
    let mut by_exponent = BTreeMap::new();
    for junk in difference.junk() {
        by_exponent.entry(junk.exponent).or_insert(*junk);
    }
    let solution = by_exponent.into_iter().filter_map(|(exponent, junk)| {
        let inverse: Option<Fr> = junk.factor.invert().into();
        Some((junk.row, -difference.at(exponent) * inverse?))
    });
    solution.collect()
}
