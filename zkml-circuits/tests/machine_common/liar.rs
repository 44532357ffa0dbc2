//! Tools of a dishonest prover: whatever follows from a lie is made to agree with it.

use std::collections::{BTreeMap, HashMap};

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_circuits::{
    machine::{Control, MachineColumns, Role, Unit},
    plan::{Geometry, PublicRole, RowProgram, Source, TableRow},
    plonk::{AdviceColumn, PhaseWitness, ProveError},
    witness::{FirstPhase, Witness, signed},
};
use zkml_core::proving::vector::invert;

/// Advice columns of a phase, by index.
pub(crate) type Cells = BTreeMap<usize, Vec<Fr>>;

/// A witness whose columns are changed at will, all phases so far at hand.
pub(crate) struct Liar<'a, F> {
    pub(crate) inner: Witness<'a>,
    pub(crate) geometry: Geometry,
    /// Gets the phase just computed, the challenges known by then, and all columns so far.
    pub(crate) change: F,
    cells: Cells,
}

impl<'a, F: FnMut(u8, &[Fr], &mut Cells)> Liar<'a, F> {
    pub(crate) fn new(inner: Witness<'a>, geometry: Geometry, change: F) -> Self {
        Self { inner, geometry, change, cells: Cells::new() }
    }
}

impl<'a, F: FnMut(u8, &[Fr], &mut Cells)> PhaseWitness<'a> for Liar<'a, F> {
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn<'a>)>, ProveError> {
        let columns = self.inner.phase(phase, challenges)?;
        let indices: Vec<usize> = columns.iter().map(|(index, _)| *index).collect();
        for (index, values) in columns {
            self.cells.insert(index, values.elements(self.geometry.rows()));
        }
        (self.change)(phase, challenges, &mut self.cells);
        let full = |index: &usize| (*index, AdviceColumn::Full(self.cells[index].clone()));
        Ok(indices.iter().map(full).collect())
    }
}

/// Column and row of a source.
pub(crate) fn cell_of(columns: &MachineColumns, source: Source) -> (usize, usize) {
    match source {
        Source::Z(row) => (columns.z.index(), row),
        Source::Unit(at) => {
            let (column, offset) = columns.unit(at.unit);
            (column.index(), at.group * columns.profile().fold() + offset)
        }
    }
}

/// Multiplicities of what a first phase looks up; what is in no table counts nowhere.
pub(crate) fn recount(rows: &RowProgram, geometry: Geometry, first: &mut FirstPhase) {
    let index: HashMap<TableRow, usize> =
        rows.tables.iter().enumerate().map(|(at, row)| (*row, at)).collect();
    let lanes = rows.profile.lanes();
    first.m = vec![vec![0; geometry.rows()]; rows.profile.tables()];
    for group in 0..geometry.groups() {
        let (tag_r, tag_f) = rows.groups.get(group).map_or((0, 0), |g| (g.tag_r, g.tag_f));
        for cell in group * lanes..(group + 1) * lanes {
            let [x, r, y] = [0, 1, 2].map(|role| first.lanes[role][cell]);
            for (tag, input, output) in [(tag_r, r, 0), (tag_f, x, y)] {
                let (Ok(input), Ok(output)) = (input.try_into(), output.try_into()) else {
                    continue;
                };
                if let Some(at) = index.get(&TableRow { tag, input, output }) {
                    let (table, row) = rows.table_cell(*at);
                    first.m[table][row] += 1;
                }
            }
        }
    }
}

/// The words that a first phase packs, legal digits or not.
pub(crate) fn words_of(rows: &RowProgram, first: &FirstPhase) -> Vec<Fr> {
    let lanes = rows.profile.lanes();
    (0..rows.words)
        .map(|group| {
            let role = match rows.groups[group].public {
                Some(PublicRole::X) => Role::X,
                Some(PublicRole::Y) => Role::Y,
                // A damaged group packs nothing, and any word will do.
                None => return Fr::ZERO,
            };
            (0..rows.profile.public_lanes()).rev().fold(Fr::ZERO, |word, lane| {
                let live = rows.groups[group].mask >> lane & 1 == 1;
                let value = first.role(role)[group * lanes + lane] + (1 << 15);
                word * Fr::from(1 << 16) + if live { signed(value) } else { Fr::ZERO }
            })
        })
        .collect()
}

/// Sets the accumulator `2^s x + r` of a lane, `r` in range.
pub(crate) fn set_accumulator(
    rows: &RowProgram,
    first: &mut FirstPhase,
    (group, lane): (usize, usize),
    change: impl FnOnce(i64) -> i64,
) {
    let (shift, at) = (rows.groups[group].shift, group * rows.profile.lanes() + lane);
    let [x, r, _] = &mut first.lanes;
    let value = change((x[at] << shift) + r[at]);
    (x[at], r[at]) = (value >> shift, value & ((1 << shift) - 1));
}

/// Helpers, table quotients and running sum, as the gates ask for the phase-1 cells at hand,
/// field elements included. Gives what the sum is after the last row, which gates want to be 0. A helper
/// with a factor of 0 stays 0: at most one value of `alpha` makes one.
pub(crate) fn logup(
    rows: &RowProgram,
    columns: &MachineColumns,
    geometry: Geometry,
    challenges: &[Fr],
    cells: &mut Cells,
) -> Fr {
    let (alpha, beta) = (challenges[2], challenges[3]);
    let (fold, lanes) = (geometry.fold(), rows.profile.lanes());
    let tag = |group: usize, control| {
        let (r, f) = rows.groups.get(group).map_or((0, 0), |g| (g.tag_r, g.tag_f));
        alpha + Fr::from(u64::from(if control == Control::TagR { r } else { f }))
    };
    let value = |group: usize, role, lane| {
        let (column, offset) = columns.lane(role, lane);
        cells[&column.index()][group * fold + offset]
    };
    let places = (0..geometry.groups()).flat_map(|group| (0..lanes).map(move |lane| (group, lane)));
    let mut inverses: Vec<Fr> = places
        .flat_map(|(group, lane)| {
            let [x, r, y] = [Role::X, Role::R, Role::Y].map(|role| value(group, role, lane));
            let function = tag(group, Control::TagF) + beta * (x + beta * y);
            [tag(group, Control::TagR) + beta * r, function]
        })
        .collect();
    invert(&mut inverses);
    for (group, inverses) in inverses.chunks(2 * lanes).enumerate() {
        for (helper, inverses) in inverses.chunks(3).enumerate() {
            let (column, offset) = columns.helper(helper);
            let defined = inverses.iter().all(|inverse| *inverse != Fr::ZERO);
            let sum = if defined { inverses.iter().sum() } else { Fr::ZERO };
            cells.get_mut(&column.index()).expect("a column")[group * fold + offset] = sum;
        }
    }
    let mut entries = vec![vec![alpha; geometry.rows()]; rows.profile.tables()];
    for (index, row) in rows.tables.iter().enumerate() {
        let (table, at) = rows.table_cell(index);
        let output = beta * signed(row.output.into());
        entries[table][at] +=
            Fr::from(u64::from(row.tag)) + beta * (signed(row.input.into()) + output);
    }
    for (table, mut inverses) in columns.tables.iter().zip(entries) {
        invert(&mut inverses);
        for (row, inverse) in inverses.into_iter().enumerate() {
            let quotient = cells[&table.multiplicity.index()][row] * inverse;
            cells.get_mut(&table.quotient.index()).expect("a column")[row] = quotient;
        }
    }
    let mut total = Fr::ZERO;
    for row in 0..geometry.rows() {
        cells.get_mut(&columns.sum.index()).expect("a column")[row] = total;
        total += columns.helpers.iter().map(|h| cells[&h.index()][row]).sum::<Fr>();
        total -= columns.tables.iter().map(|t| cells[&t.quotient.index()][row]).sum::<Fr>();
    }
    total
}

/// Whether `source` is a read of the operand unit.
pub(crate) fn is_operand(source: Source) -> bool {
    matches!(source, Source::Unit(at) if at.unit == Unit::Operand)
}
