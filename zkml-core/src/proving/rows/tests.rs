//! Programs against arithmetic on field elements, with vectors and without.

use ff::Field;
use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::*;

/// Rows of the columns.
const ROWS: usize = 32;

/// What programs run on.
struct Data {
    columns: Vec<Vec<Fr>>,
    rotations: Vec<i32>,
    uniforms: Vec<Fr>,
}

impl Data {
    /// Random values, with small ones and the field's largest among them.
    fn new(cells: usize, uniforms: usize, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut value = || match rng.next_u32() % 4 {
            0 => -Fr::from(u64::from(rng.next_u32() % 3)),
            1 => Fr::from(u64::from(rng.next_u32() % 3)),
            _ => Fr::random(&mut rng),
        };
        let columns = (0..cells).map(|_| (0..ROWS).map(|_| value()).collect()).collect();
        let uniforms = (0..uniforms).map(|_| value()).collect();
        let rotations = [0, 1, -1, 3, -7, 40, i32::MIN, i32::MAX];
        let rotations = (0..cells).map(|i| rotations[i % rotations.len()]).collect();
        Self { columns, rotations, uniforms }
    }

    fn cells(&self, program: &RowProgram) -> Vec<CellOf<'_>> {
        let cell = |i: &usize| CellOf { values: &self.columns[*i], rotation: self.rotations[*i] };
        program.cells().iter().map(cell).collect()
    }

    /// The outputs of a row, from the definition of operations.
    fn row(&self, operations: &[Operation], outputs: &[Operand], row: usize) -> Vec<Fr> {
        let mut results = Vec::new();
        let read = |results: &[Fr], operand| match operand {
            Operand::Uniform(i) => self.uniforms[i],
            Operand::Cell(i) => {
                let at = row as i64 + i64::from(self.rotations[i]);
                self.columns[i][at.rem_euclid(ROWS as i64) as usize]
            }
            Operand::Result(i) => results[i],
        };
        for operation in operations {
            let [a, b] = operation.operands().map(|operand| read(&results, operand));
            results.push(match operation {
                Operation::Add(..) => a + b,
                Operation::Sub(..) => a - b,
                Operation::Mul(..) => a * b,
            });
        }
        outputs.iter().map(|output| read(&results, *output)).collect()
    }

    /// Compares all rows, from several first rows, with vectors where there are some and without.
    fn check(&self, operations: &[Operation], outputs: &[Operand]) {
        let (cells, uniforms) = (self.columns.len(), self.uniforms.len());
        let program = RowProgram::new(operations, outputs, cells, uniforms);
        let expected: Vec<Vec<Fr>> =
            (0..ROWS).map(|row| self.row(operations, outputs, row)).collect();
        let run = program.on(&self.cells(&program), &self.uniforms);
        let columns = run.columns(ROWS);
        for (row, expected) in expected.iter().enumerate() {
            let of_row: Vec<Fr> = columns.iter().map(|column| column[row]).collect();
            assert_eq!(of_row, *expected, "row {row}");
        }
        let mut sums = vec![self.columns[0].clone(); outputs.len()];
        let mut to: Vec<&mut [Fr]> = sums.iter_mut().map(Vec::as_mut_slice).collect();
        run.add_to(&mut to);
        for (column, sum) in columns.iter().zip(&sums) {
            let added = self.columns[0].iter().zip(column).map(|(before, value)| before + value);
            assert!(added.eq(sum.iter().copied()), "sums");
        }
        for (first, len) in [(0, ROWS), (3, 21), (16, 8), (ROWS - 4, 7)] {
            let written = written(&run, outputs.len(), first, len);
            let alone = |to: &mut [&mut [Fr]]| scalar::put(&run, first, 0..len, to, Put::Write);
            assert_eq!(written, filled(outputs.len(), len, alone));
            for (output, written) in written.iter().enumerate() {
                for (row, value) in (first..).zip(written) {
                    assert_eq!(*value, expected[row % ROWS][output], "row {row} from {first}");
                }
            }
        }
    }
}

fn written(run: &Run<'_>, outputs: usize, first: usize, len: usize) -> Vec<Vec<Fr>> {
    filled(outputs, len, |to| run.write(first, to))
}

fn filled(outputs: usize, len: usize, fill: impl FnOnce(&mut [&mut [Fr]])) -> Vec<Vec<Fr>> {
    let mut values = vec![vec![Fr::ZERO; len]; outputs];
    let mut slices: Vec<&mut [Fr]> = values.iter_mut().map(Vec::as_mut_slice).collect();
    fill(&mut slices);
    values
}

#[test]
fn random_programs() {
    for seed in 0..40 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (cells, uniforms) = (9, 4);
        let mut operations: Vec<Operation> = Vec::new();
        for at in 0..60 {
            let mut operand = || {
                let recent = at.min(12);
                match rng.next_u32() % 6 {
                    0 => Operand::Uniform(rng.next_u32() as usize % uniforms),
                    1 | 2 => Operand::Cell(rng.next_u32() as usize % cells),
                    _ if recent == 0 => Operand::Cell(0),
                    _ => Operand::Result(at - 1 - rng.next_u32() as usize % recent),
                }
            };
            let (a, b) = (operand(), operand());
            operations.push(match rng.next_u32() % 5 {
                0 | 1 => Operation::Add(a, b),
                2 => Operation::Sub(a, b),
                3 => Operation::Mul(a, b),
                _ => Operation::Mul(a, a),
            });
        }
        let outputs: Vec<Operand> = (0..5).map(|i| Operand::Result(59 - 7 * i)).collect();
        Data::new(cells, uniforms, 100 + seed).check(&operations, &outputs);
    }
}

/// Doublings and differences pass every bound; a carry comes only where a product reads.
#[test]
fn long_sums() {
    let mut operations = vec![Operation::Sub(Operand::Uniform(0), Operand::Cell(0))];
    for i in 0..700 {
        let (last, cell) = (Operand::Result(i), Operand::Cell(i % 3));
        operations.push(match i % 7 {
            0 => Operation::Add(last, last),
            1..4 => Operation::Sub(cell, last),
            _ => Operation::Sub(last, cell),
        });
    }
    let sum = operations.len() - 1;
    operations.push(Operation::Mul(Operand::Result(sum), Operand::Result(sum - 1)));
    let outputs = [Operand::Result(sum), Operand::Result(sum + 1)];
    Data::new(3, 1, 7).check(&operations, &outputs);
}

#[test]
fn outputs_may_be_cells_and_uniforms() {
    let outputs = [Operand::Cell(1), Operand::Uniform(0), Operand::Cell(1), Operand::Cell(0)];
    Data::new(2, 1, 8).check(&[], &outputs);
}

#[test]
fn operations_that_nobody_needs_are_dropped() {
    let (a, b) = (Operand::Cell(0), Operand::Cell(1));
    let operations = [
        Operation::Mul(a, b),
        Operation::Add(Operand::Result(0), b),
        Operation::Mul(a, a),
        Operation::Sub(Operand::Result(2), a),
    ];
    let program = RowProgram::new(&operations, &[Operand::Result(3)], 2, 0);
    assert_eq!(program.cells(), [0]);
    // The square, the difference and the output.
    assert_eq!(program.steps.len(), 3);
    assert_eq!(program.slots, 1);
}

/// A sum of many products needs two slots whatever its length.
#[test]
fn slots_are_used_again() {
    let mut operations = vec![Operation::Mul(Operand::Cell(0), Operand::Uniform(0))];
    for i in 1..100 {
        operations.push(Operation::Mul(Operand::Cell(i), Operand::Uniform(0)));
        let last = operations.len();
        operations
            .push(Operation::Add(Operand::Result(last.max(2) - 2), Operand::Result(last - 1)));
    }
    let output = Operand::Result(operations.len() - 1);
    let program = RowProgram::new(&operations, &[output], 100, 1);
    assert_eq!(program.slots, 2);
}

#[test]
#[should_panic(expected = "operation 0 has an operand that is not known")]
fn later_results_are_refused() {
    let operation = Operation::Add(Operand::Cell(0), Operand::Result(0));
    let _ = RowProgram::new(&[operation], &[], 1, 0);
}
