//! The columns of the third phase, each computed when it is needed.
//!
//! They are field elements, a third of what a proof would keep, and follow from little: units and
//! vector rows from those used, everything of the lookups from small integers and an
//! inverse for each table row.

use super::{Drawn, FirstPhase, junk::Junk, logup::LogUp, units::Units, vector::Vectors};
use crate::{
    machine::MachineColumns,
    plan::{Geometry, RowProgram},
    plonk::{AdviceColumn, ComputedColumn},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Advice, Column},
};
use std::sync::Arc;

/// What the columns are computed from.
pub(super) struct Third<'a> {
    rows: &'a RowProgram,
    fold: usize,
    units: Units,
    vectors: Vectors,
    lookups: LogUp<'a>,
}

/// A column: which, and what it is computed from.
struct ThirdColumn<'a> {
    of: Arc<Third<'a>>,
    role: ThirdRole,
}

/// Roles of the phase's columns, those of which there are several counted from 0.
#[derive(Clone, Copy)]
enum ThirdRole {
    Units(usize),
    A,
    B,
    Z,
    Helpers(usize),
    Quotients(usize),
    Sum,
}

impl<'a> Third<'a> {
    pub(super) fn new(
        rows: &'a RowProgram,
        geometry: Geometry,
        first: &FirstPhase,
        junk: &Junk,
        drawn: &Drawn,
    ) -> Self {
        let (units, lookups) = rayon::join(
            || Units::new(rows, geometry, first, drawn),
            || LogUp::new(rows, geometry, first, drawn),
        );
        let vectors = Vectors::new(rows, geometry, &units, junk, drawn);
        Self { rows, fold: geometry.fold(), units, vectors, lookups }
    }

    /// All columns.
    pub(super) fn columns(self, columns: &MachineColumns) -> Vec<(usize, AdviceColumn<'a>)> {
        let of = Arc::new(self);
        let quotients: Vec<_> = columns.tables.iter().map(|table| table.quotient).collect();
        let several = |columns: &[Column<Advice>], role: fn(usize) -> ThirdRole| {
            columns.iter().copied().zip((0..).map(role)).collect::<Vec<_>>()
        };
        let roles = [
            several(&columns.units, ThirdRole::Units),
            vec![(columns.a, ThirdRole::A), (columns.b, ThirdRole::B), (columns.z, ThirdRole::Z)],
            several(&columns.helpers, ThirdRole::Helpers),
            several(&quotients, ThirdRole::Quotients),
            vec![(columns.sum, ThirdRole::Sum)],
        ];
        let column = |(column, role): (Column<Advice>, ThirdRole)| {
            let of_role = Arc::new(ThirdColumn { of: of.clone(), role });
            (column.index(), AdviceColumn::Computed(of_role))
        };
        roles.into_iter().flatten().map(column).collect()
    }
}

impl ComputedColumn for ThirdColumn<'_> {
    fn write(&self, to: &mut [Fr]) {
        let Third { rows, fold, units, vectors, lookups } = self.of.as_ref();
        match self.role {
            ThirdRole::Units(column) => units.write(column, *fold, to),
            ThirdRole::A => vectors.write_operands(&rows.vector, units, |row| row.a, to),
            ThirdRole::B => vectors.write_operands(&rows.vector, units, |row| row.b, to),
            ThirdRole::Z => vectors.write_z(to),
            ThirdRole::Helpers(column) => lookups.write_helpers(column, to),
            ThirdRole::Quotients(table) => lookups.write_quotients(table, to),
            ThirdRole::Sum => lookups.write_sum(to),
        }
    }
}
