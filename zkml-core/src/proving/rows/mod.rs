//! Straight-line programs over columns: what a prover computes on every row of a coset.
//!
//! A [`RowProgram`] is made once from additions, subtractions and multiplications of cells, of
//! values that are the same on all rows, and of earlier results. It then runs on any columns
//! ([`RowProgram::on`]), sixteen rows at a time where the processor has the instructions, one at a
//! time elsewhere, with the same values.
//!
//! Making a program decides all that does not depend on values. Operations that no output needs
//! are dropped; [`bounds`] keeps sums below what vectors can hold; [`slots`] places results in few
//! slots, so that those of a block of rows stay in the first cache. A run is then a walk along the
//! steps.

mod bounds;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod scalar;
mod slots;
#[cfg(test)]
mod tests;

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

/// Where an operand comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operand {
    /// A value that does not depend on the row, by its position.
    Uniform(usize),
    /// A cell, by its position.
    Cell(usize),
    /// Result of an earlier operation, by its position.
    Result(usize),
}

/// An operation on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Sum.
    Add(Operand, Operand),
    /// Difference.
    Sub(Operand, Operand),
    /// Product.
    Mul(Operand, Operand),
}

impl Operation {
    /// What it is applied to.
    #[must_use]
    pub fn operands(self) -> [Operand; 2] {
        let (Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b)) = self;
        [a, b]
    }

    /// The same operation on other operands.
    #[must_use]
    pub fn map(self, mut to: impl FnMut(Operand) -> Operand) -> Self {
        match self {
            Self::Add(a, b) => Self::Add(to(a), to(b)),
            Self::Sub(a, b) => Self::Sub(to(a), to(b)),
            Self::Mul(a, b) => Self::Mul(to(a), to(b)),
        }
    }
}

/// Which operations some output depends on.
#[must_use]
pub fn needed_operations(operations: &[Operation], outputs: &[Operand]) -> Vec<bool> {
    let mut needed = vec![false; operations.len()];
    let mark = |needed: &mut [bool], operand: Operand| {
        if let Operand::Result(i) = operand {
            needed[i] = true;
        }
    };
    outputs.iter().for_each(|output| mark(&mut needed, *output));
    for (index, operation) in operations.iter().enumerate().rev() {
        if needed[index] {
            operation.operands().into_iter().for_each(|operand| mark(&mut needed, operand));
        }
    }
    needed
}

/// A cell of each row: the value of a column some rows further. Rows are taken modulo the length
/// of the column.
#[derive(Clone, Copy, Debug)]
pub struct CellOf<'a> {
    /// Values of the column.
    pub values: &'a [Fr],
    /// Rows from the current one to the cell's.
    pub rotation: i32,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Add {
        a: Operand,
        b: Operand,
        carry: bool,
    },
    /// `b` is below `bound p`.
    Sub {
        a: Operand,
        b: Operand,
        bound: usize,
        carry: bool,
    },
    Mul(Operand, Operand),
    Square(Operand),
    /// The same value below `2 p`.
    Reduce(Operand),
    /// A value that is asked for.
    Output(Operand),
}

impl Action {
    /// The same with other operands.
    fn map(self, mut to: impl FnMut(Operand) -> Operand) -> Self {
        match self {
            Self::Add { a, b, carry } => Self::Add { a: to(a), b: to(b), carry },
            Self::Sub { a, b, bound, carry } => Self::Sub { a: to(a), b: to(b), bound, carry },
            Self::Mul(a, b) => Self::Mul(to(a), to(b)),
            Self::Square(a) => Self::Square(to(a)),
            Self::Reduce(a) => Self::Reduce(to(a)),
            Self::Output(a) => Self::Output(to(a)),
        }
    }
}

/// A step of a row. Operands that are results name the slot they lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    action: Action,
    /// The slot that is written; of an output, its position.
    to: usize,
}

/// A program for one row.
#[derive(Clone, Debug)]
pub struct RowProgram {
    steps: Vec<Step>,
    slots: usize,
    /// Positions of the cells that are read.
    cells: Vec<usize>,
    uniforms: usize,
    outputs: usize,
}

impl RowProgram {
    /// A program of `operations` on `cells` cells and `uniforms` values that do not depend on the
    /// row. `outputs` are what is asked for.
    ///
    /// # Panics
    /// When an operand is out of range, or a result that is not earlier.
    #[must_use]
    pub fn new(
        operations: &[Operation],
        outputs: &[Operand],
        cells: usize,
        uniforms: usize,
    ) -> Self {
        let earlier = |operand: Operand, at: usize| match operand {
            Operand::Uniform(i) => i < uniforms,
            Operand::Cell(i) => i < cells,
            Operand::Result(i) => i < at,
        };
        for (at, operation) in operations.iter().enumerate() {
            let known = operation.operands().iter().all(|operand| earlier(*operand, at));
            assert!(known, "operation {at} has an operand that is not known");
        }
        let known = outputs.iter().all(|operand| earlier(*operand, operations.len()));
        assert!(known, "an output is not known");
        let (actions, cells) = bounds::actions(operations, outputs, cells);
        let (steps, slots) = slots::place(actions);
        Self { steps, slots, cells, uniforms, outputs: outputs.len() }
    }

    /// Positions of the cells that an output depends on, in ascending order.
    #[must_use]
    pub fn cells(&self) -> &[usize] {
        &self.cells
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The program on columns, one for each of [`Self::cells`].
    ///
    /// # Panics
    /// When the number of cells or of uniforms is not the program's, or columns differ in length,
    /// or their length is not a power of two.
    #[must_use]
    pub fn on<'a>(&'a self, cells: &[CellOf<'a>], uniforms: &[Fr]) -> Run<'a> {
        assert_eq!(cells.len(), self.cells.len(), "cells of the program");
        assert_eq!(uniforms.len(), self.uniforms, "uniforms of the program");
        let rows = cells.first().map_or(1, |cell| cell.values.len());
        assert!(rows.is_power_of_two(), "columns of {rows} rows");
        assert!(cells.iter().all(|cell| cell.values.len() == rows), "columns of one length");
        let shifted = cells.iter().map(|cell| Shifted {
            values: cell.values,
            // A power of two divides 2^64: masking is the remainder, of negative numbers too.
            shift: (cell.rotation as isize as usize) & (rows - 1),
        });
        Run {
            program: self,
            cells: shifted.collect(),
            uniforms: uniforms.to_vec(),
            #[cfg(target_arch = "x86_64")]
            lanes: super::simd::available().then(|| lanes::uniforms(uniforms)),
        }
    }
}

/// A column and the row of it that row 0 reads.
#[derive(Clone, Copy, Debug)]
struct Shifted<'a> {
    values: &'a [Fr],
    shift: usize,
}

impl Shifted<'_> {
    /// The row of the column that `row` reads.
    fn row(&self, row: usize) -> usize {
        (row + self.shift) & (self.values.len() - 1)
    }
}

/// A program with the columns it runs on.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    program: &'a RowProgram,
    cells: Vec<Shifted<'a>>,
    uniforms: Vec<Fr>,
    /// Uniforms as vectors read them, where there are vectors.
    #[cfg(target_arch = "x86_64")]
    lanes: Option<Vec<lanes::Uniform>>,
}

/// Rows that one task takes.
const CHUNK: usize = 1 << 9;

/// What is done with the values of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// They take the place of what was there.
    Write,
    /// They are added to it.
    Add,
}

/// The rows of columns that each task writes.
fn tasks<'a>(columns: impl Iterator<Item = &'a mut [Fr]>, rows: usize) -> Vec<Vec<&'a mut [Fr]>> {
    let mut tasks: Vec<Vec<&mut [Fr]>> = Vec::new();
    tasks.resize_with(rows.div_ceil(CHUNK), Vec::new);
    for column in columns {
        tasks.iter_mut().zip(column.chunks_mut(CHUNK)).for_each(|(task, to)| task.push(to));
    }
    tasks
}

impl Run<'_> {
    /// The values of the first `rows` rows, a column for each output.
    #[must_use]
    pub fn columns(&self, rows: usize) -> Vec<Vec<Fr>> {
        let mut columns = vec![vec![Fr::ZERO; rows]; self.program.outputs];
        let of_tasks = tasks(columns.iter_mut().map(Vec::as_mut_slice), rows);
        let numbered = of_tasks.into_par_iter().enumerate();
        numbered.for_each(|(task, mut outputs)| self.write(task * CHUNK, &mut outputs));
        columns
    }

    /// Adds the values of each output to a column, from row 0 on.
    ///
    /// # Panics
    /// When there is not a column for each output, or they differ in length.
    pub fn add_to(&self, sums: &mut [&mut [Fr]]) {
        let rows = self.rows_of(sums);
        let of_tasks = tasks(sums.iter_mut().map(|sum| &mut **sum), rows).into_par_iter();
        of_tasks.enumerate().for_each(|(task, mut sums)| {
            self.put(task * CHUNK, &mut sums, Put::Add);
        });
    }

    /// Writes the values of the rows from `first_row` on, a slice for each output. Rows are taken
    /// modulo the number of rows.
    ///
    /// # Panics
    /// When there is not a slice for each output, or they differ in length.
    pub fn write(&self, first_row: usize, outputs: &mut [&mut [Fr]]) {
        self.put(first_row, outputs, Put::Write);
    }

    /// The number of rows of what outputs go to.
    fn rows_of(&self, outputs: &[&mut [Fr]]) -> usize {
        assert_eq!(outputs.len(), self.program.outputs, "outputs of the program");
        let rows = outputs.first().map_or(0, |output| output.len());
        assert!(outputs.iter().all(|output| output.len() == rows), "outputs of one length");
        rows
    }

    fn put(&self, first_row: usize, outputs: &mut [&mut [Fr]], put: Put) {
        let rows = self.rows_of(outputs);
        let done = self.put_blocks(first_row, outputs, put);
        scalar::put(self, first_row, done..rows, outputs, put);
    }

    /// Does whole blocks of rows if there are vectors; the number of rows that are done.
    #[cfg(target_arch = "x86_64")]
    fn put_blocks(&self, first_row: usize, outputs: &mut [&mut [Fr]], put: Put) -> usize {
        match &self.lanes {
            Some(uniforms) => lanes::put(self, uniforms, first_row, outputs, put),
            None => 0,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn put_blocks(&self, _: usize, _: &mut [&mut [Fr]], _: Put) -> usize {
        0
    }
}
