//! Multiplicities, helpers and running sum of the lookups.

use super::{Drawn, FirstPhase, signed};
use crate::{
    machine::MachineColumns,
    plan::{Geometry, RowProgram, TableRow},
    plonk::AdviceColumn,
};
use ff::{BatchInvert, Field};
use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;
use std::collections::HashMap;

/// Elements inverted together.
const BATCH: usize = 1 << 10;

/// Finds table rows.
pub(super) struct TableIndex {
    rows: HashMap<TableRow, usize>,
}

impl TableIndex {
    pub(super) fn new(rows: &RowProgram) -> Self {
        Self { rows: rows.tables.iter().enumerate().map(|(i, row)| (*row, i)).collect() }
    }

    /// How often each table row is looked up. A tuple in no table counts nowhere, and the running
    /// sum will not close.
    pub(super) fn count(
        &self,
        rows: &RowProgram,
        geometry: Geometry,
        first: &FirstPhase,
    ) -> Vec<Vec<i64>> {
        let tables = rows.profile.tables();
        let mut counts = vec![vec![0; geometry.rows()]; tables];
        for (tag, input, output) in lookups(rows, geometry, first) {
            let (Ok(input), Ok(output)) = (i32::try_from(input), i32::try_from(output)) else {
                continue;
            };
            if let Some(index) = self.rows.get(&TableRow { tag, input, output }) {
                let (table, row) = rows.table_cell(*index);
                counts[table][row] += 1;
            }
        }
        counts
    }
}

/// Every lookup of every group, in the order of the helper gate: `(tag, in, out)`.
fn lookups<'a>(
    rows: &'a RowProgram,
    geometry: Geometry,
    first: &'a FirstPhase,
) -> impl Iterator<Item = (u32, i64, i64)> + 'a {
    let lanes = rows.profile.lanes();
    (0..geometry.groups()).flat_map(move |index| {
        let (tag_r, tag_f) = rows.groups.get(index).map_or((0, 0), |g| (g.tag_r, g.tag_f));
        (index * lanes..(index + 1) * lanes).flat_map(move |cell| {
            let [x, r, y] = [0, 1, 2].map(|role| first.lanes[role][cell]);
            [(tag_r, r, 0), (tag_f, x, y)]
        })
    })
}

/// Third-phase columns of the lookups.
pub(super) struct LogUp {
    helpers: Vec<Vec<Fr>>,
    quotients: Vec<Vec<Fr>>,
    sum: Vec<Fr>,
}

impl LogUp {
    pub(super) fn new(
        rows: &RowProgram,
        geometry: Geometry,
        first: &FirstPhase,
        drawn: &Drawn,
    ) -> Self {
        let entry = |tag: u32, input: i64, output: i64| {
            let tuple = signed(input) + drawn.beta * signed(output);
            drawn.alpha + Fr::from(u64::from(tag)) + drawn.beta * tuple
        };
        let mut factors: Vec<Fr> = lookups(rows, geometry, first)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|(tag, input, output)| entry(tag, input, output))
            .collect();
        invert(&mut factors);
        let profile = rows.profile;
        let columns = profile.columns_for(profile.helpers());
        let mut helpers = vec![vec![Fr::ZERO; geometry.rows()]; columns];
        for (index, group) in factors.chunks(2 * profile.lanes()).enumerate() {
            for (helper, inverses) in group.chunks(3).enumerate() {
                let row = index * geometry.fold() + helper % geometry.fold();
                helpers[helper / geometry.fold()][row] = inverses.iter().sum();
            }
        }

        let mut quotients = vec![vec![entry(0, 0, 0); geometry.rows()]; profile.tables()];
        for (index, row) in rows.tables.iter().enumerate() {
            let (table, at) = rows.table_cell(index);
            quotients[table][at] = entry(row.tag, row.input.into(), row.output.into());
        }
        for (column, counts) in quotients.iter_mut().zip(&first.m) {
            invert(column);
            for (inverse, count) in column.iter_mut().zip(counts) {
                *inverse *= signed(*count);
            }
        }
        let mut sum = Vec::with_capacity(geometry.rows());
        let mut total = Fr::ZERO;
        for row in 0..geometry.rows() {
            sum.push(total);
            total += helpers.iter().map(|column| column[row]).sum::<Fr>();
            total -= quotients.iter().map(|column| column[row]).sum::<Fr>();
        }
        Self { helpers, quotients, sum }
    }

    pub(super) fn columns(self, columns: &MachineColumns) -> Vec<(usize, AdviceColumn)> {
        let helpers = columns.helpers.iter().zip(self.helpers);
        let quotients = columns.tables.iter().map(|t| &t.quotient).zip(self.quotients);
        helpers
            .chain(quotients)
            .chain([(&columns.sum, self.sum)])
            .map(|(column, values)| (column.index(), AdviceColumn::Full(values)))
            .collect()
    }
}

/// Inverts in place; 0 stays 0 (probability `2^-225` over `alpha`).
fn invert(values: &mut [Fr]) {
    values.par_chunks_mut(BATCH).for_each(|chunk| {
        chunk.iter_mut().batch_invert();
    });
}
