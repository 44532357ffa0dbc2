//! Fills the machine's advice columns, whole columns at a time.
//!
//! [`FirstPhase`] holds what the prover chooses; [`Witness`] derives everything else from it and
//! the row program by the gates' own equations, for whatever first phase it is given. So a test
//! that lies in the first phase gets the most consistent later phases there are.

mod first;
mod junk;
mod logup;
mod lookups;
mod units;
mod vector;

pub use first::FirstPhase;
#[cfg(any(test, feature = "testing"))]
pub(crate) use junk::Honest;

use crate::{
    machine::{MachineColumns, Role, configure},
    plan::{Geometry, RowProgram},
    plonk::{AdviceColumn, PhaseWitness, ProveError},
};
use ff::Field;
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Advice, Column, ConstraintSystem},
};

pub use zkml_core::proving::vector::from_integer as signed;

/// Advice columns of a row program, for one proof: its cells are dropped when all are committed.
#[derive(Clone, Debug)]
pub struct Witness<'a> {
    rows: &'a RowProgram,
    geometry: Geometry,
    columns: MachineColumns,
    first: FirstPhase,
    /// Junk column, known after `rho`.
    junk: Vec<Fr>,
    /// Whether a proof has been made: cells are not there any more.
    done: bool,
}

impl<'a> Witness<'a> {
    /// A witness of `rows` (which fits `geometry`) from its first phase.
    pub fn new(rows: &'a RowProgram, geometry: Geometry, first: FirstPhase) -> Self {
        let mut cs = ConstraintSystem::default();
        let columns = configure(&mut cs, rows.profile);
        Self { rows, geometry, columns, first, junk: Vec::new(), done: false }
    }

    /// The first phase; after a proof without lanes and multiplicities.
    pub fn first(&self) -> &FirstPhase {
        &self.first
    }

    /// Columns, for tests that name cells.
    pub fn columns(&self) -> &MachineColumns {
        &self.columns
    }

    fn first_phase(&self) -> Vec<(usize, AdviceColumn)> {
        let mut out = Vec::new();
        for role in [Role::X, Role::R, Role::Y] {
            out.extend(self.lane_columns(role));
        }
        let mut scalars = vec![0; self.geometry.rows()];
        for (cell, value) in scalars.iter_mut().step_by(self.geometry.fold()).zip(&self.first.p) {
            *cell = *value;
        }
        out.push((self.columns.scalar.index(), AdviceColumn::Small(scalars)));
        for (table, multiplicities) in self.columns.tables.iter().zip(&self.first.m) {
            let column = table.multiplicity.index();
            out.push((column, AdviceColumn::Small(multiplicities.clone())));
        }
        out
    }

    /// The columns of a role: lane `c R + j` of group `g` at row `g R + j` of column `c`.
    fn lane_columns(&self, role: Role) -> Vec<(usize, AdviceColumn)> {
        use rayon::prelude::*;
        let (lanes, fold) = (self.rows.profile.lanes(), self.geometry.fold());
        let values = self.first.role(role);
        (0..lanes / fold)
            .into_par_iter()
            .map(|c| {
                let column = values
                    .chunks(lanes)
                    .flat_map(|group| group.iter().skip(c * fold).take(fold))
                    .copied()
                    .collect();
                (self.columns.lane(role, c * fold).0.index(), AdviceColumn::Small(column))
            })
            .collect()
    }

    fn third_phase(&self, challenges: &Drawn) -> Vec<(usize, AdviceColumn)> {
        let (units, logup) = rayon::join(
            || units::Units::new(self.rows, self.geometry, &self.first, challenges),
            || logup::LogUp::new(self.rows, self.geometry, &self.first, challenges),
        );
        let vector = vector::Vectors::new(self.rows, self.geometry, &units, &self.junk, challenges);
        let mut out = units.columns(&self.columns, self.geometry);
        let full = |column: Column<Advice>, values| (column.index(), AdviceColumn::Full(values));
        out.extend([
            full(self.columns.a, vector.a),
            full(self.columns.b, vector.b),
            full(self.columns.z, vector.z),
        ]);
        out.extend(logup.columns(&self.columns));
        out
    }
}

impl PhaseWitness for Witness<'_> {
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn)>, ProveError> {
        if self.done {
            return Err(ProveError::Witness("a witness makes one proof".into()));
        }
        Ok(match phase {
            0 => self.first_phase(),
            1 => {
                let drawn = Drawn::new(challenges);
                self.junk = junk::column(self.rows, self.geometry, &self.first, &drawn);
                for (cell, added) in self.junk.iter_mut().zip(&self.first.j) {
                    *cell += added;
                }
                vec![(self.columns.junk.index(), AdviceColumn::Full(self.junk.clone()))]
            }
            _ => self.third_phase(&Drawn::new(challenges)),
        })
    }

    fn done(&mut self) {
        self.done = true;
        self.first.lanes = Default::default();
        self.first.m = Vec::new();
        self.junk = Vec::new();
    }
}

/// The challenges, drawn.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    rho: Fr,
    lambda: Fr,
    alpha: Fr,
    beta: Fr,
}

impl Drawn {
    /// In the order of [`crate::machine::Challenges`].
    fn new(challenges: &[Fr]) -> Self {
        let get = |i: usize| challenges.get(i).copied().unwrap_or(Fr::ZERO);
        Self { rho: get(0), lambda: get(1), alpha: get(2), beta: get(3) }
    }
}
