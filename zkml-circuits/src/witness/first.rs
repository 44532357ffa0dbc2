//! What the prover chooses: lanes, scalars, multiplicities, junk.

use super::lookups::TableIndex;
use crate::{
    machine::Role,
    plan::{Geometry, Plan},
};
use halo2_proofs::halo2curves::bn256::Fr;
use zkml_core::{
    exec::integer::Trace,
    program::{Program, Step, Table},
};

/// Free cells of phases 1 and 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstPhase {
    /// `x`, `r`, `y`: lane `l` of group `g` at `g W + l`.
    pub lanes: [Vec<i64>; 3],
    /// `p` by group.
    pub p: Vec<i64>,
    /// Multiplicities of each table triple, by row.
    pub m: Vec<Vec<i64>>,
    /// Added to the junk column (phase 2) that the equations call for, by row: nothing if honest.
    pub j: Vec<Fr>,
}

impl FirstPhase {
    /// The honest first phase of an execution.
    pub fn new(program: &Program, plan: &Plan, geometry: Geometry, trace: &Trace) -> Self {
        let width = plan.rows.profile.lanes();
        let cells = geometry.groups() * width;
        let mut lanes = [vec![0; cells], vec![0; cells], vec![0; cells]];
        let mut values = Vec::with_capacity(program.tensors.len());
        for ((tensor, layout), stored) in
            program.tensors.iter().zip(&plan.layouts).zip(&trace.tensors)
        {
            let table = match &tensor.step {
                Step::Affine(affine) => affine.table.and_then(|t| program.tables.get(t.0)),
                _ => None,
            };
            if let Some((x, y)) = table.and_then(filler) {
                // Dead lanes look their tags up too: a legal filler that nobody reads.
                for segment in &layout.segments {
                    let groups = segment.slots.len().div_ceil(width);
                    let cells = segment.group * width..(segment.group + groups) * width;
                    lanes[0][cells.clone()].fill(x);
                    lanes[2][cells].fill(y);
                }
            }
            for (element, group, lane) in layout.cells(width) {
                let (cell, element) = (group * width + lane, element as usize);
                lanes[0][cell] = stored.x[element].into();
                lanes[1][cell] = stored.r.get(element).map_or(0, |r| i64::from(*r));
                lanes[2][cell] = stored.y.get(element).map_or(0, |y| i64::from(*y));
            }
            values.push(stored.values());
        }
        let mut p = vec![0; geometry.groups()];
        for scalar in &plan.scalars {
            p[scalar.group] = values[scalar.tensor.0][scalar.element as usize].into();
        }
        let mut first = Self { lanes, p, m: Vec::new(), j: Vec::new() };
        first.m = TableIndex::new(&plan.rows).count(&plan.rows, geometry, &first);
        first
    }

    /// `x`, `r` and `y` of a cell.
    pub(super) fn cell(&self, cell: usize) -> [i64; 3] {
        [0, 1, 2].map(|role| self.lanes[role][cell])
    }

    /// Cells of a role.
    pub fn role(&self, role: Role) -> &[i64] {
        match role {
            Role::X => &self.lanes[0],
            Role::R => &self.lanes[1],
            Role::Y => &self.lanes[2],
        }
    }
}

/// The entry of a table nearest to 0, which need not be in its domain.
fn filler(table: &Table) -> Option<(i64, i64)> {
    let domain = table.domain();
    let x = 0.max(*domain.start()).min(*domain.end());
    table.get(x).map(|y| (x, y))
}
