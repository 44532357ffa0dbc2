//! Programs on columns of arbitrary values.

use std::hash::{DefaultHasher, Hash, Hasher};

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_core::proving::CellOf;

use super::{LeafKind, Program};
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
    let columns: Vec<_> =
        program.leaves().iter().map(|leaf| column(leaf.kind, leaf.query.column)).collect();
    let cells: Vec<CellOf<'_>> = program
        .leaves()
        .iter()
        .zip(&columns)
        .map(|(leaf, values)| CellOf { values, rotation: leaf.query.rotation })
        .collect();
    let rows = columns.first().map_or(0, Vec::len);
    let mut outputs = vec![vec![Fr::ZERO; rows]; program.outputs()];
    let mut slices: Vec<&mut [Fr]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    program.on(&cells, uniforms).write(0, &mut slices);
    outputs
}
