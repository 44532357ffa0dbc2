//! Which cells are copies of each other: the permutation, and the labels it is proven by.
//!
//! The cells of the permuted columns are numbered, `n column + row`. A cycle goes through the cells
//! that are equal, and the permutation maps each cell to the next one of its cycle. The argument
//! knows the cell `(i, row)` by its label `delta^i omega^row`; labels are products of a few powers,
//! so that numbers are kept, of 4 bytes, and no labels, of 32.

use std::collections::HashMap;

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkml_core::proving::vector::{multiply_by_powers, powers};

use super::domain::Domain;

/// Rows that one task takes.
const CHUNK: usize = 1 << 12;

/// The cell that follows each cell in its cycle of equal cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copies {
    /// For each permuted column, for each row, the number of a cell.
    successors: Vec<Vec<u32>>,
    labels: Labels,
}

impl Copies {
    /// A map of cells in columns of `2^k` rows; each number is that of a cell.
    pub(super) fn new(k: u32, successors: Vec<Vec<u32>>) -> Self {
        let labels = Labels::new(k, successors.len());
        Self { successors, labels }
    }

    /// The most cells that there are numbers for.
    pub(super) const MAX_CELLS: u64 = 1 << u32::BITS;

    /// The map whose labels are those of `columns`, which have at most [`Self::MAX_CELLS`] cells;
    /// none if one is not the label of a cell.
    pub(super) fn of_labels<C: AsRef<[Fr]> + Sync>(k: u32, columns: &[C]) -> Option<Self> {
        let labels = Labels::new(k, columns.len());
        let numbers = labels.numbers();
        let successors = columns.par_iter().enumerate().map(|(column, successors)| {
            let mut own = vec![Fr::ZERO; 1 << k];
            labels.write_own(column, &mut own);
            let number = |(row, (label, own)): (usize, (&Fr, &Fr))| {
                if label == own { Some(((column << k) + row) as u32) } else { numbers.of(label) }
            };
            successors.as_ref().iter().zip(&own).enumerate().map(number).collect()
        });
        let successors = successors.collect::<Option<Vec<Vec<u32>>>>()?;
        Some(Self { successors, labels })
    }

    /// The numbers of the successors of a column's cells.
    pub(super) fn successors(&self, column: usize) -> &[u32] {
        &self.successors[column]
    }

    /// Number of permuted columns.
    pub(super) fn columns(&self) -> usize {
        self.successors.len()
    }

    /// The permuted column and the row of a number.
    pub(super) fn cell(&self, number: u32) -> (usize, usize) {
        self.labels.cell(number)
    }

    /// The labels of the successors of a column's cells.
    pub(super) fn labels(&self, column: usize) -> Vec<Fr> {
        let mut labels = vec![Fr::ZERO; self.successors[column].len()];
        self.write_labels(column, &mut labels);
        labels
    }

    /// As [`Self::labels`], written over as many elements.
    pub(super) fn write_labels(&self, column: usize, to: &mut [Fr]) {
        // Most cells are no copies.
        self.labels.write_own(column, to);
        let successors = self.successors[column].par_chunks(CHUNK);
        to.par_chunks_mut(CHUNK).zip(successors).enumerate().for_each(
            |(task, (to, successors))| {
                let own = (column * self.labels.rows() + task * CHUNK) as u64..;
                for ((label, successor), own) in to.iter_mut().zip(successors).zip(own) {
                    if u64::from(*successor) != own {
                        *label = self.labels.of(*successor);
                    }
                }
            },
        );
    }
}

/// The labels of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Labels {
    k: u32,
    omega: Fr,
    /// `1, delta, delta^2, ...`
    columns: Vec<Fr>,
    /// `omega^row` for the rows below `2^low`.
    first: Vec<Fr>,
    /// `omega^(2^low i)`
    steps: Vec<Fr>,
    low: u32,
}

impl Labels {
    fn new(k: u32, columns: usize) -> Self {
        let (omega, low) = (Domain::new(k).omega(), k / 2);
        let step = omega.pow_vartime([1 << low]);
        Self {
            k,
            omega,
            columns: powers(Fr::DELTA, columns),
            first: powers(omega, 1 << low),
            steps: powers(step, 1 << (k - low)),
            low,
        }
    }

    fn rows(&self) -> usize {
        1 << self.k
    }

    fn cell(&self, number: u32) -> (usize, usize) {
        let number = number as usize;
        (number >> self.k, number & (self.rows() - 1))
    }

    /// The label of a cell.
    fn of(&self, number: u32) -> Fr {
        let (column, row) = self.cell(number);
        let rest = row & (self.first.len() - 1);
        self.columns[column] * self.steps[row >> self.low] * self.first[rest]
    }

    /// The labels of a column's own cells.
    fn write_own(&self, column: usize, to: &mut [Fr]) {
        to.fill(self.columns[column]);
        multiply_by_powers(to, self.omega);
    }

    fn numbers(&self) -> Numbers {
        let rows = powers(self.omega, self.rows());
        let columns = self.columns.iter().map(|label| self.to_the_rows(label));
        Numbers {
            labels: self.clone(),
            rows: rows.iter().map(Fr::to_bytes).zip(0..).collect(),
            columns: columns.map(|power| power.to_bytes()).zip(0..).collect(),
            inverses: self.columns.iter().map(|label| label.invert().unwrap_or(Fr::ZERO)).collect(),
        }
    }

    /// `label^n`, which is the same for all cells of a column and differs between columns.
    fn to_the_rows(&self, label: &Fr) -> Fr {
        (0..self.k).fold(*label, |power, _| power.square())
    }
}

/// From labels to numbers.
struct Numbers {
    labels: Labels,
    /// The rows of `omega^row`.
    rows: HashMap<[u8; 32], u32>,
    /// The columns of `delta^(n column)`.
    columns: HashMap<[u8; 32], u32>,
    /// `delta^-column`
    inverses: Vec<Fr>,
}

impl Numbers {
    fn of(&self, label: &Fr) -> Option<u32> {
        let column = *self.columns.get(&self.labels.to_the_rows(label).to_bytes())?;
        let row = self.rows.get(&(*label * self.inverses[column as usize]).to_bytes())?;
        Some((column << self.labels.k) + row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    #[test]
    fn labels_are_those_of_the_argument() {
        for k in [1, 4, 13] {
            let (columns, n, omega) = (5, 1usize << k, Domain::new(k).omega());
            let label = |cell: usize| {
                let (column, row) = ((cell / n) as u64, (cell % n) as u64);
                Fr::DELTA.pow_vartime([column]) * omega.pow_vartime([row])
            };
            let mut dice = Dice::new(u64::from(k));
            let successor = |cell: usize| match cell % 3 {
                0 => dice.below(columns * n) as u32,
                _ => cell as u32,
            };
            let numbers: Vec<u32> = (0..columns * n).map(successor).collect();
            let successors: Vec<Vec<u32>> = numbers.chunks(n).map(<[u32]>::to_vec).collect();
            let copies = Copies::new(k, successors);
            let labels: Vec<Vec<Fr>> = (0..columns).map(|column| copies.labels(column)).collect();
            let expected: Vec<Fr> = numbers.iter().map(|cell| label(*cell as usize)).collect();
            assert_eq!(labels.concat(), expected, "{k}");
            assert_eq!(Copies::of_labels(k, &labels), Some(copies.clone()));
            assert_eq!(copies.cell((3 * n + 1) as u32), (3, 1));

            // What is no label, or that of another column's cell.
            for stranger in [Fr::ZERO, Fr::from(5), label(columns * n)] {
                let mut labels = labels.clone();
                labels[2][n / 2] = stranger;
                assert_eq!(Copies::of_labels(k, &labels), None);
            }
        }
    }
}
