//! Fills the machine's advice columns, whole columns at a time.
//!
//! [`FirstPhase`] holds what the prover chooses; [`Witness`] derives everything else from it and
//! the row program by the gates' own equations, for whatever first phase it is given. So a test
//! that lies in the first phase gets the most consistent later phases there are.

mod first;
mod junk;
mod logup;
mod lookups;
mod third;
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
use halo2_proofs::{halo2curves::bn256::Fr, plonk::ConstraintSystem};
use std::sync::Arc;

use self::{junk::Junk, third::Third};

pub use zkml_core::proving::vector::from_integer as signed;

/// Advice columns of a row program, for one proof: its cells are dropped when all are committed.
#[derive(Clone, Debug)]
pub struct Witness<'a> {
    rows: &'a RowProgram,
    geometry: Geometry,
    columns: MachineColumns,
    first: FirstPhase,
    /// Junk column, known after `rho`.
    junk: Arc<Junk>,
    /// Whether a proof has been made: cells are not there any more.
    done: bool,
}

impl<'a> Witness<'a> {
    /// A witness of `rows` (which fits `geometry`) from its first phase.
    pub fn new(rows: &'a RowProgram, geometry: Geometry, first: FirstPhase) -> Self {
        let mut cs = ConstraintSystem::default();
        let columns = configure(&mut cs, rows.profile);
        Self { rows, geometry, columns, first, junk: Arc::default(), done: false }
    }

    /// The first phase; after a proof without lanes and multiplicities.
    pub fn first(&self) -> &FirstPhase {
        &self.first
    }

    /// Size of the machine, for tests that name cells.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Columns, for tests that name cells.
    pub fn columns(&self) -> &MachineColumns {
        &self.columns
    }

    fn first_phase(&self) -> Vec<(usize, AdviceColumn<'a>)> {
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
    fn lane_columns(&self, role: Role) -> Vec<(usize, AdviceColumn<'a>)> {
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

    fn third_phase(&self, challenges: &Drawn) -> Vec<(usize, AdviceColumn<'a>)> {
        Third::new(self.rows, self.geometry, &self.first, &self.junk, challenges)
            .columns(&self.columns)
    }
}

impl<'a> PhaseWitness<'a> for Witness<'a> {
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn<'a>)>, ProveError> {
        if self.done {
            return Err(ProveError::Witness("a witness makes one proof".into()));
        }
        Ok(match phase {
            0 => self.first_phase(),
            1 => {
                let drawn = Drawn::new(challenges);
                self.junk = Junk::new(self.rows, self.geometry, &self.first, &drawn).into();
                let column = match self.junk.is_empty() {
                    true => AdviceColumn::Small(Vec::new()),
                    false => AdviceColumn::Computed(self.junk.clone()),
                };
                vec![(self.columns.junk.index(), column)]
            }
            _ => self.third_phase(&Drawn::new(challenges)),
        })
    }

    fn done(&mut self) {
        self.done = true;
        self.first.lanes = Default::default();
        self.first.m = Vec::new();
        self.junk = Arc::default();
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
