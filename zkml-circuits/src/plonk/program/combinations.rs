//! Linear combinations of columns, taken once a proof instead of once a row.
//!
//! A gate may contain `sum_i u_i c_i` over cells `c_i` of columns that nothing else reads, with `u_i`
//! that do not depend on the row: a unit that reads many weight columns does. The combination of
//! the columns is a column itself, so that the quotient transforms and multiplies one column
//! instead of many. Cells at different rotations take a combination each.

use std::collections::{BTreeMap, BTreeSet};

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::{Compiler, Leaf, LeafKind, Op, Query, Source, last_uses};
use crate::plonk::protocol::ColumnKind;

/// Rows that one task takes.
const CHUNK: usize = 1 << 10;

/// A column that is a linear combination of others.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct Combination {
    /// A column, and the uniform it is multiplied by.
    terms: Vec<(Named, usize)>,
}

/// Kind and index of a column.
type Named = (LeafKind, usize);

impl Combination {
    /// The combination of columns given as values or as coefficients, all of one length.
    pub(in crate::plonk) fn of<'a>(
        &self,
        uniforms: &[Fr],
        column: impl Fn(LeafKind, usize) -> &'a [Fr],
    ) -> Vec<Fr> {
        let mut sum = Vec::new();
        for ((kind, index), uniform) in &self.terms {
            let values = column(*kind, *index);
            let factor = uniforms[*uniform];
            sum.resize(values.len(), Fr::ZERO);
            sum.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(sum, values)| {
                sum.iter_mut().zip(values).for_each(|(s, v)| *s += factor * v);
            });
        }
        sum
    }
}

/// Rewrites operations and outputs so that combinations that save columns are cells of their own.
pub(super) fn extract(compiler: &mut Compiler<'_>, outputs: &mut [Source]) -> Vec<Combination> {
    let mut combinations = Vec::new();
    let mut cells_of = BTreeMap::new();
    for root in roots(compiler, outputs) {
        let mut by_rotation: BTreeMap<i32, Combination> = BTreeMap::new();
        for (cell, uniform) in terms(compiler, root) {
            let Leaf { kind, query } = compiler.leaves[cell];
            let combination = by_rotation.entry(query.rotation);
            let combination = combination.or_insert(Combination { terms: Vec::new() });
            combination.terms.push(((kind, query.column), uniform));
        }
        let mut cells = Vec::new();
        for (rotation, combination) in by_rotation {
            let query = Query { column: combinations.len(), rotation };
            combinations.push(combination);
            cells.push(compiler.cell(LeafKind::Combination, query));
        }
        cells_of.insert(root, cells);
    }
    replace(compiler, outputs, &cells_of);
    combinations
}

/// Results that are linear in cells and used by what is not, of which at least one column is read
/// by nothing else for each rotation, and one more.
fn roots(compiler: &Compiler<'_>, outputs: &[Source]) -> Vec<usize> {
    let ops = &compiler.ops;
    let used = last_uses(ops, outputs);
    let mut linear = vec![false; ops.len()];
    let mut roots = BTreeSet::new();
    let mut reads: BTreeMap<Named, usize> = BTreeMap::new();
    let used_ops = || ops.iter().enumerate().filter(|(i, _)| used[*i].is_some());
    for (index, op) in used_ops() {
        let is_linear = |source: Source| match source {
            Source::Cell(_) => true,
            Source::Row(i) => linear[i],
            Source::Uniform(_) => false,
        };
        let uniform = |source: Source| matches!(source, Source::Uniform(_));
        let (a, b) = op.operands();
        linear[index] = match op {
            Op::Add(..) | Op::Sub(..) => is_linear(a) && is_linear(b),
            Op::Mul(..) => is_linear(a) && uniform(b) || uniform(a) && is_linear(b),
        };
        for source in [a, b] {
            match source {
                Source::Cell(cell) => *reads.entry(compiler.leaves[cell].named()).or_default() += 1,
                Source::Row(i) if linear[i] && !linear[index] => drop(roots.insert(i)),
                _ => {}
            }
        }
    }
    for output in outputs {
        match output {
            Source::Cell(cell) => *reads.entry(compiler.leaves[*cell].named()).or_default() += 1,
            Source::Row(i) if linear[*i] => drop(roots.insert(*i)),
            _ => {}
        }
    }
    // Columns of the permutation are transformed in any case.
    for column in &compiler.protocol.permutation {
        let kind = match column.kind {
            ColumnKind::Advice => LeafKind::Advice,
            ColumnKind::Fixed => LeafKind::Fixed,
            ColumnKind::Instance => LeafKind::Instance,
        };
        *reads.entry((kind, column.index)).or_default() += 1;
    }
    let saves = |root: &usize| {
        let mut of_root: BTreeMap<Named, usize> = BTreeMap::new();
        let mut rotations = BTreeSet::new();
        for row in rows_of(ops, *root) {
            let (a, b) = ops[row].operands();
            for source in [a, b] {
                if let Source::Cell(cell) = source {
                    let leaf = compiler.leaves[cell];
                    *of_root.entry(leaf.named()).or_default() += 1;
                    rotations.insert(leaf.query.rotation);
                }
            }
        }
        let alone = of_root.iter().all(|(column, count)| reads.get(column) == Some(count));
        alone && of_root.len() > rotations.len()
    };
    roots.into_iter().filter(saves).collect()
}

/// The operations that a result depends on, itself included.
fn rows_of(ops: &[Op], root: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::from([root]), vec![root]);
    while let Some(row) = open.pop() {
        let (a, b) = ops[row].operands();
        for source in [a, b] {
            if let Source::Row(i) = source
                && found.insert(i)
            {
                open.push(i);
            }
        }
    }
    found
}

/// The cells of a linear result, each with the uniform it is multiplied by.
fn terms(compiler: &mut Compiler<'_>, root: usize) -> Vec<(usize, usize)> {
    let one = compiler.constant(Fr::ONE);
    let zero = compiler.constant(Fr::ZERO);
    let mut coefficients = BTreeMap::from([(Source::Row(root), one)]);
    // From the root to the leaves: users come before what they use.
    for row in rows_of(&compiler.ops, root).into_iter().rev() {
        let op = compiler.ops[row];
        let factor = coefficients[&Source::Row(row)];
        let minus = compiler.op(Op::Sub(zero, factor));
        let (a, b) = op.operands();
        let parts = match op {
            Op::Add(..) => vec![(a, factor), (b, factor)],
            Op::Sub(..) => vec![(a, factor), (b, minus)],
            Op::Mul(..) => {
                let (of, by) = if matches!(a, Source::Uniform(_)) { (b, a) } else { (a, b) };
                vec![(of, compiler.op(Op::Mul(factor, by)))]
            }
        };
        for (source, factor) in parts {
            let before = coefficients.get(&source).copied();
            let sum = before.map_or(factor, |before| compiler.op(Op::Add(before, factor)));
            coefficients.insert(source, sum);
        }
    }
    let cells = coefficients.into_iter().filter_map(|term| match term {
        (Source::Cell(cell), Source::Uniform(uniform)) => Some((cell, uniform)),
        _ => None,
    });
    cells.collect()
}

/// Puts the sum of cells in place of each result that has some.
fn replace(
    compiler: &mut Compiler<'_>,
    outputs: &mut [Source],
    cells_of: &BTreeMap<usize, Vec<Source>>,
) {
    // Positions change, so what is known of them is not any more.
    compiler.known.clear();
    let mut moved: Vec<Source> = Vec::with_capacity(compiler.ops.len());
    for (index, op) in std::mem::take(&mut compiler.ops).into_iter().enumerate() {
        let here = |source| match source {
            Source::Row(i) => moved[i],
            other => other,
        };
        let source = match cells_of.get(&index).map(Vec::as_slice) {
            Some([first, rest @ ..]) => {
                rest.iter().fold(*first, |sum, cell| compiler.op(Op::Add(sum, *cell)))
            }
            _ => compiler.op(match op {
                Op::Add(a, b) => Op::Add(here(a), here(b)),
                Op::Sub(a, b) => Op::Sub(here(a), here(b)),
                Op::Mul(a, b) => Op::Mul(here(a), here(b)),
            }),
        };
        moved.push(source);
    }
    for output in outputs {
        if let Source::Row(i) = *output {
            *output = moved[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Program;
    use super::*;
    use crate::{
        machine::{CircuitProfile, MachineCircuit, Profile},
        plonk::protocol::{Column, Protocol},
        testing::Dice,
    };

    fn protocol(lanes: usize, fold: usize, weights: usize) -> Protocol {
        let profile = Profile::new(lanes, fold, weights, 1).expect("a machine");
        Protocol::of_circuit::<MachineCircuit<'_>>(CircuitProfile(profile)).expect("supported")
    }

    /// The values of all gates on a table of random columns of 16 rows.
    fn values(protocol: &Protocol, program: &Program, row: usize) -> Vec<Fr> {
        let column = |kind: LeafKind, index: usize| -> Vec<Fr> {
            let mut dice = Dice::new(1 + 3 * index as u64 + kind as u64);
            (0..16).map(|_| Fr::from(dice.below(1 << 30) as u64)).collect()
        };
        let challenges: Vec<Fr> =
            (0..protocol.challenge_phase.len() as u64).map(|i| Fr::from(i + 1000)).collect();
        let uniforms = program.uniforms(&challenges);
        let combinations: Vec<Vec<Fr>> = program
            .combinations()
            .iter()
            .map(|c| c.of(&uniforms, |kind, index| column(kind, index).leak()))
            .collect();
        let cell = |leaf: usize| {
            let Leaf { kind, query } = program.leaves()[leaf];
            let at = row.wrapping_add_signed(query.rotation as isize) & 15;
            match kind {
                LeafKind::Combination => combinations[query.column][at],
                kind => column(kind, query.column)[at],
            }
        };
        program.run(&uniforms, &mut program.slots(), cell).collect()
    }

    #[test]
    fn gates_have_the_same_values() {
        for (lanes, fold, weights) in [(3, 1, 9), (4, 2, 12), (2, 2, 2)] {
            let protocol = protocol(lanes, fold, weights);
            let (plain, combined) = (Program::new(&protocol), Program::combined(&protocol));
            for row in [0, 7, 15] {
                assert_eq!(values(&protocol, &plain, row), values(&protocol, &combined, row));
            }
        }
    }

    #[test]
    fn weights_are_one_column_a_rotation() {
        for (lanes, fold, weights, of_weights) in [(3, 1, 9, 1), (4, 2, 12, 2), (2, 2, 2, 0)] {
            let protocol = protocol(lanes, fold, weights);
            let (plain, combined) = (Program::new(&protocol), Program::combined(&protocol));
            assert!(plain.combinations().is_empty());
            // Argument and value of the table are one more.
            assert_eq!(combined.combinations().len(), of_weights + 1);
            let read = |program: &Program| {
                (0..protocol.num_fixed).filter(|c| program.reads(LeafKind::Fixed, *c)).count()
            };
            let saved = if of_weights == 0 { 0 } else { weights / fold };
            assert_eq!(read(&plain) - read(&combined), saved + 2);
            let advice = (0..protocol.advice_phase.len())
                .all(|c| combined.reads(LeafKind::Advice, c) == plain.reads(LeafKind::Advice, c));
            assert!(advice, "columns with gates of their own stay");
        }
    }

    /// Columns of the permutation are needed as they are.
    #[test]
    fn permuted_columns_stay() {
        let mut protocol = protocol(3, 1, 9);
        let all = (0..protocol.num_fixed).map(|index| Column { kind: ColumnKind::Fixed, index });
        protocol.permutation.extend(all);
        assert!(Program::combined(&protocol).combinations().is_empty());
    }
}
