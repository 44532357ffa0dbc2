//! Programs on columns of arbitrary values.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use ff::Field;
use halo2curves::bn256::Fr;

use super::combinations::Combination;
use super::{LeafKind, Program, Slices};
use crate::{
    machine::{CircuitProfile, MachineCircuit, Profile},
    plonk::protocol::Protocol,
    testing::Dice,
};

/// The constraint system of a machine.
pub(super) fn machine(lanes: usize, fold: usize, weights: usize) -> Protocol {
    let profile = Profile::new(lanes, fold, weights, 1).expect("a machine");
    Protocol::of_circuit::<MachineCircuit<'_>>(CircuitProfile(profile)).expect("supported")
}

/// Values that follow from a name.
pub(super) fn column(name: &impl Hash, rows: usize) -> Vec<Fr> {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let mut dice = Dice::new(hasher.finish());
    (0..rows).map(|_| Fr::from(dice.below(1 << 30) as u64) - Fr::from(1 << 29)).collect()
}

/// All outputs on the rows of columns.
pub(super) fn run(
    program: &Program,
    uniforms: &[Fr],
    column: impl Fn(LeafKind, usize) -> Vec<Fr>,
) -> Vec<Vec<Fr>> {
    let columns: BTreeMap<(LeafKind, usize), Vec<Fr>> =
        program.columns().into_iter().map(|(kind, i)| ((kind, i), column(kind, i))).collect();
    let rows = columns.values().next().map_or(0, Vec::len);
    program.on_columns(uniforms, |kind, index| &columns[&(kind, index)]).columns(rows)
}

/// All outputs on the rows of columns, slice by slice.
pub(super) fn run_slices(
    program: &Slices,
    uniforms: &[Fr],
    column: impl Fn(LeafKind, usize) -> Vec<Fr>,
) -> Vec<Vec<Fr>> {
    let mut sums: BTreeMap<usize, Vec<Fr>> = BTreeMap::new();
    for slice in &program.slices {
        let values = run(&slice.program, uniforms, |kind, index| match kind {
            LeafKind::Accumulator => sums[&index].clone(),
            kind => column(kind, index),
        });
        for (index, values) in slice.adds.iter().zip(values) {
            let sum = sums.entry(*index).or_insert_with(|| vec![Fr::ZERO; values.len()]);
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        // What nothing reads any more must not be missed.
        sums.retain(|index, _| program.reads(slice, *index));
    }
    program.outputs.iter().map(|index| sums[index].clone()).collect()
}

/// A combination of columns.
pub(super) fn sum(
    combination: &Combination,
    uniforms: &[Fr],
    column: impl Fn(LeafKind, usize) -> Vec<Fr>,
) -> Vec<Fr> {
    let mut sum = Vec::new();
    for (factor, (kind, index)) in combination.terms(uniforms) {
        let values = column(kind, index);
        sum.resize(values.len(), Fr::ZERO);
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
    }
    sum
}
