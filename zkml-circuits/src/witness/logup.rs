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
    plan::{Geometry, RowProgram, TableRow},
    plonk::Integers,
};
use ff::Field;
use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::vector::invert;

/// Lookups of a helper.
const PER_HELPER: usize = 3;
/// Rows that one task takes.
const CHUNK: usize = 1 << 10;

/// What the third-phase columns of the lookups are computed from.
pub(super) struct LogUp<'a> {
    rows: &'a RowProgram,
    geometry: Geometry,
    drawn: Drawn,
    index: TableIndex,
    /// Of each table row.
    inverses: Vec<Fr>,
    /// Of the entry that cells of no table row have.
    null: Fr,
    /// `x`, `r`, `y`.
    lanes: [Stored; 3],
    /// Of each table.
    multiplicities: Vec<Stored>,
}

impl<'a> LogUp<'a> {
    pub(super) fn new(
        rows: &'a RowProgram,
        geometry: Geometry,
        first: &FirstPhase,
        drawn: &Drawn,
    ) -> Self {
        let entry = |row: &TableRow| drawn.entry((row.tag, row.input.into(), row.output.into()));
        let mut inverses: Vec<Fr> = rows.tables.par_iter().map(entry).collect();
        invert(&mut inverses);
        Self {
            rows,
            geometry,
            drawn: *drawn,
            index: TableIndex::new(rows),
            inverses,
            null: inverse_or_zero(drawn.entry((0, 0, 0))),
            lanes: [0, 1, 2].map(|role| Stored::new(&first.lanes[role])),
            multiplicities: first.m.iter().map(|m| Stored::new(m)).collect(),
        }
    }

    /// Writes a column of helpers, counted from the first.
    pub(super) fn write_helpers(&self, column: usize, to: &mut [Fr]) {
        self.write(to, |group, offset| self.helper(group, column * self.geometry.fold() + offset));
    }

    /// Writes the column of quotients of a table.
    pub(super) fn write_quotients(&self, table: usize, to: &mut [Fr]) {
        let fold = self.geometry.fold();
        self.write(to, |group, offset| self.quotient(table, group * fold + offset));
    }

    /// Writes the sum of helpers less quotients over the rows above each.
    pub(super) fn write_sum(&self, to: &mut [Fr]) {
        let (profile, fold) = (self.rows.profile, self.geometry.fold());
        let columns = profile.columns_for(profile.helpers());
        self.write(to, |group, offset| {
            let helpers = (0..columns).map(|column| self.helper(group, column * fold + offset));
            let quotients =
                (0..profile.tables()).map(|table| self.quotient(table, group * fold + offset));
            helpers.sum::<Fr>() - quotients.sum::<Fr>()
        });
        to[..self.geometry.rows()].iter_mut().fold(Fr::ZERO, |total, step| {
            let step = std::mem::replace(step, total);
            total + step
        });
    }

    /// Writes a value for each row of each group, then zeros.
    fn write(&self, to: &mut [Fr], value: impl Fn(usize, usize) -> Fr + Sync) {
        let fold = self.geometry.fold();
        let (first, rest) = to.split_at_mut(self.geometry.rows());
        let groups = first.par_chunks_mut(fold).enumerate().with_min_len(CHUNK / fold);
        groups.for_each(|(group, cells)| {
            cells.iter_mut().enumerate().for_each(|(offset, cell)| *cell = value(group, offset));
        });
        rest.fill(Fr::ZERO);
    }

    fn helper(&self, group: usize, helper: usize) -> Fr {
        let lookups = 2 * self.rows.profile.lanes();
        let numbers = helper * PER_HELPER..lookups.min((helper + 1) * PER_HELPER);
        let cell = |cell: usize| [0, 1, 2].map(|role| self.lanes[role].at(cell));
        let lookups = self.index.of_group(group, numbers, self.rows, cell);
        let inverse = |(row, lookup): (Option<u32>, Lookup)| match row {
            Some(row) => self.inverses[row as usize],
            None => inverse_or_zero(self.drawn.entry(lookup)),
        };
        lookups.map(inverse).sum()
    }

    fn quotient(&self, table: usize, row: usize) -> Fr {
        match self.multiplicities.get(table).map_or(0, |counts| counts.at(row)) {
            0 => Fr::ZERO,
            count => {
                let index = row * self.rows.profile.tables() + table;
                signed(count) * self.inverses.get(index).unwrap_or(&self.null)
            }
        }
    }
}

impl Drawn {
    /// What a lookup or a table row is as an element.
    fn entry(&self, (tag, input, output): Lookup) -> Fr {
        let tuple = signed(input) + self.beta * signed(output);
        self.alpha + Fr::from(u64::from(tag)) + self.beta * tuple
    }
}

/// Cells, in as few bytes as hold them.
enum Stored {
    Narrow(Integers),
    /// Of more than 32 bits: a lie.
    Wide(Vec<i64>),
}

impl Stored {
    fn new(cells: &[i64]) -> Self {
        Integers::new(cells).map_or_else(|| Self::Wide(cells.to_vec()), Self::Narrow)
    }

    /// The cell; 0 after the last.
    fn at(&self, cell: usize) -> i64 {
        match self {
            Self::Narrow(cells) => cells.at(cell),
            Self::Wide(cells) => cells.get(cell).copied().unwrap_or(0),
        }
    }
}

/// The inverse; that of 0 is 0 (probability `2^-225` over `alpha`).
fn inverse_or_zero(value: Fr) -> Fr {
    value.invert().unwrap_or(Fr::ZERO)
}
