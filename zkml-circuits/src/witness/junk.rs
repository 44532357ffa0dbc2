//! Junk: what products leave where no output lives.
//!
//! An equation `left = right` with junk cells `j_k` at exponents of their own is, for `rho` drawn and
//! `lambda` not, a polynomial identity; the coefficient at the exponent of `j_k` gives its value.

use super::{Drawn, FirstPhase, signed};
use crate::{
    formal::{Cells, Formal, Poly, run_starts},
    plan::{Carry, Geometry, RowProgram, Source},
    plonk::ComputedColumn,
};
use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The cells of a first phase.
pub(crate) struct Honest<'a> {
    first: &'a FirstPhase,
    lanes: usize,
}

impl<'a> Honest<'a> {
    pub(crate) fn new(rows: &RowProgram, first: &'a FirstPhase) -> Self {
        Self { first, lanes: rows.profile.lanes() }
    }
}

impl Cells for Honest<'_> {
    fn lane(&self, role: usize, group: usize, lane: usize) -> Fr {
        self.first.lanes[role].get(group * self.lanes + lane).map_or(Fr::ZERO, |v| signed(*v))
    }

    fn scalar(&self, group: usize) -> Fr {
        self.first.p.get(group).map_or(Fr::ZERO, |v| signed(*v))
    }
}

/// The cells of the junk column that are not 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Junk {
    /// By row.
    cells: Vec<(usize, Fr)>,
}

impl Junk {
    /// The junk that makes every equation hold at its junk exponents, and what is added to it.
    pub(super) fn new(
        rows: &RowProgram,
        geometry: Geometry,
        first: &FirstPhase,
        drawn: &Drawn,
    ) -> Self {
        let honest = Honest::new(rows, first);
        let starts = run_starts(rows);
        let with_junk = rows_with_junk(rows);
        let has_junk = |source: &Source| match source {
            Source::Z(row) => with_junk.get(*row).copied().unwrap_or(false),
            Source::Unit(_) => false,
        };
        // An equation that cannot be evaluated has no junk to find; no plan that passed the linter has one.
        let found: Vec<Vec<(usize, Fr)>> = rows
            .equations
            .par_iter()
            .filter(|(left, right)| has_junk(left) || has_junk(right))
            .map(|equation| {
                let mut formal = Formal::new(rows, geometry, &starts, &honest, drawn.rho);
                formal
                    .difference(*equation)
                    .map(|difference| solve(&difference))
                    .unwrap_or_default()
            })
            .collect();
        let mut cells: BTreeMap<usize, Fr> = found.into_iter().flatten().collect();
        for (row, added) in first.j.iter().enumerate() {
            *cells.entry(row).or_default() += added;
        }
        let there = |(row, value): &(usize, Fr)| *row < geometry.rows() && *value != Fr::ZERO;
        Self { cells: cells.into_iter().filter(there).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(super) fn get(&self, row: usize) -> Fr {
        let place = self.cells.binary_search_by_key(&row, |(row, _)| *row);
        place.map_or(Fr::ZERO, |place| self.cells[place].1)
    }
}

impl ComputedColumn for Junk {
    fn write(&self, to: &mut [Fr]) {
        to.fill(Fr::ZERO);
        self.cells.iter().for_each(|(row, value)| to[*row] = *value);
    }
}

/// By vector row, whether its `Z` depends on a junk cell: most equations of a model have none, and
/// polynomials are dear.
fn rows_with_junk(rows: &RowProgram) -> Vec<bool> {
    let mut with_junk = vec![false; rows.vector.len()];
    let mut start = 0;
    for run in rows.vector.split_inclusive(|row| row.carry == Carry::None) {
        // `Z` of a row holds all rows after it in its run; operands come from runs above.
        let mut found = false;
        for (index, row) in run.iter().enumerate().rev() {
            let operands = [row.a, row.b].into_iter().flatten();
            found |= row.junk != 0
                || operands.into_iter().any(|source| match source {
                    Source::Z(from) => with_junk.get(from).copied().unwrap_or(false),
                    Source::Unit(_) => false,
                });
            with_junk[start + index] = found;
        }
        start += run.len();
    }
    with_junk
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
