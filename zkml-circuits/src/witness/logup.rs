//! Helpers, quotients and running sum of the lookups.
//!
//! A helper is a sum of inverses `1 / (alpha + t)` over three lookups. There are far more lookups
//! than table rows, so the inverse of each table row is taken once and looked up; only a tuple in
//! no table, which an honest witness does not have, is inverted for itself.

use super::{
    Drawn, FirstPhase,
    lookups::{Lookup, TableIndex},
    signed,
};
use crate::{
    machine::MachineColumns,
    plan::{Geometry, RowProgram},
    plonk::AdviceColumn,
};
use ff::Field;
use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::vector::invert;

/// Lookups of a helper.
const PER_HELPER: usize = 3;

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
        let entry = |(tag, input, output): Lookup| {
            let tuple = signed(input) + drawn.beta * signed(output);
            drawn.alpha + Fr::from(u64::from(tag)) + drawn.beta * tuple
        };
        let mut inverses: Vec<Fr> = rows
            .tables
            .par_iter()
            .map(|row| entry((row.tag, row.input.into(), row.output.into())))
            .collect();
        invert(&mut inverses);
        let inverse = |row: Option<u32>, lookup: Lookup| match row {
            Some(row) => inverses[row as usize],
            None => inverse_or_zero(entry(lookup)),
        };

        let index = TableIndex::new(rows);
        let (profile, fold) = (rows.profile, geometry.fold());
        let columns = profile.columns_for(profile.helpers());
        // A row at a time: helper h of group g stands in column h / R, row g R + h mod R.
        let mut by_row = vec![Fr::ZERO; geometry.groups() * fold * columns];
        by_row.par_chunks_mut(fold * columns).enumerate().for_each(|(group, cells)| {
            for (at, (row, lookup)) in index.of_group(group, rows, first).enumerate() {
                let helper = at / PER_HELPER;
                cells[helper % fold * columns + helper / fold] += inverse(row, lookup);
            }
        });
        let mut helpers = vec![vec![Fr::ZERO; geometry.rows()]; columns];
        helpers.par_iter_mut().enumerate().for_each(|(column, values)| {
            for (value, row) in values.iter_mut().zip(by_row.chunks_exact(columns)) {
                *value = row[column];
            }
        });

        let null = inverse_or_zero(entry((0, 0, 0)));
        let mut quotients = vec![vec![null; geometry.rows()]; profile.tables()];
        for (index, inverse) in inverses.iter().enumerate() {
            let (table, at) = rows.table_cell(index);
            quotients[table][at] = *inverse;
        }
        for (column, counts) in quotients.iter_mut().zip(&first.m) {
            let cells = column.par_iter_mut().zip(counts);
            cells.for_each(|(cell, count)| match count {
                0 => *cell = Fr::ZERO,
                _ => *cell *= signed(*count),
            });
        }
        let sum = running_sum(&helpers, &quotients, geometry.rows());
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

/// The sum of helpers less quotients over the rows above each.
fn running_sum(helpers: &[Vec<Fr>], quotients: &[Vec<Fr>], rows: usize) -> Vec<Fr> {
    let steps: Vec<Fr> = (0..rows)
        .into_par_iter()
        .map(|row| {
            let of = |columns: &[Vec<Fr>]| columns.iter().map(|c| c[row]).sum::<Fr>();
            of(helpers) - of(quotients)
        })
        .collect();
    let running = steps.into_iter().scan(Fr::ZERO, |total, step| {
        let before = *total;
        *total += step;
        Some(before)
    });
    running.collect()
}

/// The inverse; that of 0 is 0 (probability `2^-225` over `alpha`).
fn inverse_or_zero(value: Fr) -> Fr {
    value.invert().unwrap_or(Fr::ZERO)
}
