//! Linear combinations of columns, taken once a coset, of integers, instead of once
//! a row, of field elements.
//!
//! A gate may contain `sum_i u_i c_i` over cells `c_i` of columns that nothing else reads, with `u_i`
//! that do not depend on the row: a unit that reads many weight columns does. The combination of
//! the columns is a column itself, so that the quotient transforms and multiplies one column
//! instead of many. Cells at different rotations take a combination each.

use std::collections::{BTreeMap, BTreeSet};

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_core::proving::{Operand, Operation, needed_operations};

use super::{Compiler, Leaf, LeafKind, Query};

/// A column that is a linear combination of others.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct Combination {
    /// A column, and the uniform it is multiplied by.
    terms: Vec<(Named, usize)>,
}

/// Kind and index of a column.
type Named = (LeafKind, usize);

impl Combination {
    /// The columns, each with what it is multiplied by.
    pub(in crate::plonk) fn terms(&self, uniforms: &[Fr]) -> impl Iterator<Item = (Fr, Named)> {
        self.terms.iter().map(|(named, uniform)| (uniforms[*uniform], *named))
    }
}

/// Rewrites operations and outputs so that combinations that save columns are cells of their own.
pub(super) fn extract(compiler: &mut Compiler<'_>, outputs: &mut [Operand]) -> Vec<Combination> {
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
fn roots(compiler: &Compiler<'_>, outputs: &[Operand]) -> Vec<usize> {
    let ops = &compiler.operations;
    let needed = needed_operations(ops, outputs);
    let mut linear = vec![false; ops.len()];
    let mut roots = BTreeSet::new();
    let mut reads: BTreeMap<Named, usize> = BTreeMap::new();
    let needed_ops = || ops.iter().enumerate().filter(|(i, _)| needed[*i]);
    for (index, op) in needed_ops() {
        let is_linear = |source: Operand| match source {
            Operand::Cell(_) => true,
            Operand::Result(i) => linear[i],
            Operand::Uniform(_) => false,
        };
        let uniform = |source: Operand| matches!(source, Operand::Uniform(_));
        let [a, b] = op.operands();
        linear[index] = match op {
            Operation::Add(..) | Operation::Sub(..) => is_linear(a) && is_linear(b),
            Operation::Mul(..) => is_linear(a) && uniform(b) || uniform(a) && is_linear(b),
        };
        for source in [a, b] {
            match source {
                Operand::Cell(cell) => {
                    *reads.entry(compiler.leaves[cell].column()).or_default() += 1
                }
                Operand::Result(i) if linear[i] && !linear[index] => drop(roots.insert(i)),
                _ => {}
            }
        }
    }
    for output in outputs {
        match output {
            Operand::Cell(cell) => *reads.entry(compiler.leaves[*cell].column()).or_default() += 1,
            Operand::Result(i) if linear[*i] => drop(roots.insert(*i)),
            _ => {}
        }
    }
    let saves = |root: &usize| {
        let mut of_root: BTreeMap<Named, usize> = BTreeMap::new();
        let mut rotations = BTreeSet::new();
        for row in rows_of(ops, *root) {
            let [a, b] = ops[row].operands();
            for source in [a, b] {
                if let Operand::Cell(cell) = source {
                    let leaf = compiler.leaves[cell];
                    *of_root.entry(leaf.column()).or_default() += 1;
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
fn rows_of(ops: &[Operation], root: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::from([root]), vec![root]);
    while let Some(row) = open.pop() {
        let [a, b] = ops[row].operands();
        for source in [a, b] {
            if let Operand::Result(i) = source
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
    let mut coefficients = BTreeMap::from([(Operand::Result(root), one)]);
    // From the root to the leaves: users come before what they use.
    for row in rows_of(&compiler.operations, root).into_iter().rev() {
        let op = compiler.operations[row];
        let factor = coefficients[&Operand::Result(row)];
        let minus = compiler.op(Operation::Sub(zero, factor));
        let [a, b] = op.operands();
        let parts = match op {
            Operation::Add(..) => vec![(a, factor), (b, factor)],
            Operation::Sub(..) => vec![(a, factor), (b, minus)],
            Operation::Mul(..) => {
                let (of, by) = if matches!(a, Operand::Uniform(_)) { (b, a) } else { (a, b) };
                vec![(of, compiler.op(Operation::Mul(factor, by)))]
            }
        };
        for (source, factor) in parts {
            let before = coefficients.get(&source).copied();
            let sum = before.map_or(factor, |before| compiler.op(Operation::Add(before, factor)));
            coefficients.insert(source, sum);
        }
    }
    let cells = coefficients.into_iter().filter_map(|term| match term {
        (Operand::Cell(cell), Operand::Uniform(uniform)) => Some((cell, uniform)),
        _ => None,
    });
    cells.collect()
}

/// Puts the sum of cells in place of each result that has some.
fn replace(
    compiler: &mut Compiler<'_>,
    outputs: &mut [Operand],
    cells_of: &BTreeMap<usize, Vec<Operand>>,
) {
    // Positions change, so what is known of them is not any more.
    compiler.known.clear();
    let mut moved: Vec<Operand> = Vec::with_capacity(compiler.operations.len());
    for (index, op) in std::mem::take(&mut compiler.operations).into_iter().enumerate() {
        let here = |source| match source {
            Operand::Result(i) => moved[i],
            other => other,
        };
        let source = match cells_of.get(&index).map(Vec::as_slice) {
            Some([first, rest @ ..]) => {
                rest.iter().fold(*first, |sum, cell| compiler.op(Operation::Add(sum, *cell)))
            }
            _ => compiler.op(op.map(here)),
        };
        moved.push(source);
    }
    for output in outputs {
        if let Operand::Result(i) = *output {
            *output = moved[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{column, machine, run, sum};
    use super::super::{Constraints, Program, Uniforms, WithUniforms};
    use super::*;
    use crate::plonk::protocol::{Column, ColumnKind, Protocol};
    use crate::plonk::prover::ProverObjective;

    /// Rows of the columns.
    const ROWS: usize = 16;

    /// The gates, reading combinations.
    fn combined(protocol: &Protocol) -> (WithUniforms, Vec<Combination>) {
        let mut compiler = Compiler::new(protocol);
        let mut outputs = compiler.gates();
        let combinations = extract(&mut compiler, &mut outputs);
        let program = Program::new(&compiler, &outputs);
        (WithUniforms { uniforms: Uniforms(compiler.uniforms), program }, combinations)
    }

    /// The values of all gates on columns of random values.
    fn values(gates: &WithUniforms, combinations: &[Combination]) -> Vec<Vec<Fr>> {
        let uniforms = gates.uniforms.values(|input| column(&input, 1)[0]);
        let plain = |kind: LeafKind, index: usize| column(&(kind, index), ROWS);
        run(&gates.program, &uniforms, |kind, index| match kind {
            LeafKind::Combination => sum(&combinations[index], &uniforms, plain),
            kind => plain(kind, index),
        })
    }

    #[test]
    fn gates_have_the_same_values() {
        for (lanes, fold, weights) in [(3, 1, 9), (4, 2, 12), (2, 2, 2)] {
            let protocol = machine(lanes, fold, weights);
            let (gates, combinations) = combined(&protocol);
            assert_eq!(values(&WithUniforms::gates(&protocol), &[]), values(&gates, &combinations));
        }
    }

    #[test]
    fn weights_are_one_column_a_rotation() {
        for (lanes, fold, weights, of_weights) in [(3, 1, 9, 1), (4, 2, 12, 2), (2, 2, 2, 0)] {
            let protocol = machine(lanes, fold, weights);
            let (plain, (gates, combinations)) =
                (WithUniforms::gates(&protocol), combined(&protocol));
            // Argument and value of the table are one more.
            assert_eq!(combinations.len(), of_weights + 1);
            assert_eq!(
                Constraints::new(&protocol, 5, ProverObjective::Time).combinations.len(),
                of_weights + 1
            );
            let read = |gates: &WithUniforms, of: LeafKind| {
                gates.program.columns().into_iter().filter(|(kind, _)| *kind == of).count()
            };
            let saved = if of_weights == 0 { 0 } else { weights / fold };
            let fixed = LeafKind::Fixed;
            assert_eq!(read(&plain, fixed) - read(&gates, fixed), saved + 2);
            // Columns with gates of their own stay.
            assert_eq!(read(&plain, LeafKind::Advice), read(&gates, LeafKind::Advice));
        }
    }

    /// Columns of the permutation are needed as they are.
    #[test]
    fn permuted_columns_stay() {
        let mut protocol = machine(3, 1, 9);
        let all = (0..protocol.num_fixed).map(|index| Column { kind: ColumnKind::Fixed, index });
        protocol.permutation.extend(all);
        assert!(Constraints::new(&protocol, 5, ProverObjective::Time).combinations.is_empty());
    }
}
