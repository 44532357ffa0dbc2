//! Fingerprint units, backwards from the last group.

use super::{Drawn, FirstPhase, signed};
use crate::{
    machine::Unit,
    plan::{Base, Geometry, Group, LaneRead, OperandRead, RowProgram, UnitRef},
};
use ff::Field;
use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::Basis;

/// Values of the three units at every group.
pub(super) struct Units {
    values: [Vec<Fr>; 3],
}

/// Powers of the bases up to the widest unit.
struct Powers {
    lambda: Basis,
    square: Basis,
    rho: Basis,
}

impl Units {
    pub(super) fn new(
        rows: &RowProgram,
        geometry: Geometry,
        first: &FirstPhase,
        drawn: &Drawn,
    ) -> Self {
        let width = rows.profile.lanes().max(rows.profile.weight_lanes());
        let powers = Powers {
            lambda: powers(drawn.lambda, width),
            square: powers(drawn.lambda.square(), width),
            rho: powers(drawn.rho, width),
        };
        let values = Unit::ALL.map(|unit| {
            let reads: Vec<Fr> = rows
                .groups
                .par_iter()
                .enumerate()
                .map(|(index, group)| read(unit, index, group, rows, first, &powers))
                .collect();
            accumulate(unit, rows, reads, geometry, &powers)
        });
        Self { values }
    }

    /// The value of a unit; 0 outside the machine.
    pub(super) fn get(&self, at: UnitRef) -> Fr {
        self.values[at.unit.index()].get(at.group).copied().unwrap_or(Fr::ZERO)
    }

    /// Writes a unit column, counted from the first.
    pub(super) fn write(&self, column: usize, fold: usize, to: &mut [Fr]) {
        to.fill(Fr::ZERO);
        for (offset, unit) in Unit::ALL.iter().skip(column * fold).take(fold).enumerate() {
            let cells = to.iter_mut().skip(offset).step_by(fold);
            for (cell, value) in cells.zip(&self.values[unit.index()]) {
                *cell = *value;
            }
        }
    }
}

/// What a unit reads in one group, without what it carries on.
fn read(
    unit: Unit,
    index: usize,
    group: &Group,
    rows: &RowProgram,
    first: &FirstPhase,
    powers: &Powers,
) -> Fr {
    let width = rows.profile.lanes();
    let at = |role: usize, lane: usize| first.lanes[role][index * width + lane];
    let lanes = (0..width).filter(|lane| group.mask >> lane & 1 == 1);
    let dot = |base: &Basis, values: &mut dyn Iterator<Item = (usize, i64)>| {
        base.combine(values.filter(|(_, v)| *v != 0))
    };
    match unit {
        Unit::Output => {
            let scale = group.output_scale();
            let mut values = lanes.map(|l| {
                // Within 2^33: x and r have at most 16 bits, and lies in tests little more.
                (l, at(0, l).wrapping_mul(scale).wrapping_add(at(1, l)))
            });
            dot(powers.of(group.output_base()), &mut values)
        }
        Unit::Operand => {
            let base = powers.of(group.operand_base());
            match group.operand {
                None => Fr::ZERO,
                Some(OperandRead::X) => dot(base, &mut lanes.map(|l| (l, at(0, l)))),
                Some(OperandRead::Y) => dot(base, &mut lanes.map(|l| (l, at(2, l)))),
                Some(OperandRead::One) => dot(base, &mut lanes.map(|l| (l, 1))),
                Some(OperandRead::Scalar) => signed(first.p[index]),
            }
        }
        Unit::Feature => {
            let read = match group.feature {
                None => Fr::ZERO,
                Some(LaneRead::X) => dot(&powers.rho, &mut lanes.map(|l| (l, at(0, l)))),
                Some(LaneRead::Y) => dot(&powers.rho, &mut lanes.map(|l| (l, at(2, l)))),
            };
            read + dot(&powers.rho, &mut group.weights.iter().copied().enumerate())
        }
    }
}

/// `U[g] = read[g] + [next] base^width U[g + 1]`.
fn accumulate(
    unit: Unit,
    rows: &RowProgram,
    mut reads: Vec<Fr>,
    geometry: Geometry,
    powers: &Powers,
) -> Vec<Fr> {
    let lanes = rows.profile.lanes();
    let mut after = Fr::ZERO;
    for (value, group) in reads.iter_mut().zip(&rows.groups).rev() {
        let (next, factor) = match unit {
            Unit::Output => {
                (group.output_goes_on(), powers.of(group.output_base()).elements()[lanes])
            }
            Unit::Operand => {
                (group.operand_next, powers.of(group.operand_base()).elements()[lanes])
            }
            Unit::Feature => {
                (group.feature_next, powers.rho.elements()[group.feature_width(rows.profile)])
            }
        };
        if next {
            *value += factor * after;
        }
        after = *value;
    }
    reads.resize(geometry.groups(), Fr::ZERO);
    reads
}

impl Powers {
    fn of(&self, base: Base) -> &Basis {
        match base {
            Base::Lambda => &self.lambda,
            Base::LambdaSquared => &self.square,
            Base::Rho => &self.rho,
        }
    }
}

/// `base^0 ..= base^count`.
fn powers(base: Fr, count: usize) -> Basis {
    let powers = std::iter::successors(Some(Fr::ONE), |p| Some(*p * base)).take(count + 1);
    Basis::new(powers.collect())
}
