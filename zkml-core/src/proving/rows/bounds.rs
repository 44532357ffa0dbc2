//! Which multiple of `p` each value may reach, and where that calls for a step more.
//!
//! Vectors hold values below `64 p`. A cell comes below `16 p`, a uniform
//! below `p`, a product of values below `a p` and `b p` below `(1 + a b / 84) p`; bounds of sums
//! add up, and a subtrahend's bound is added before it is taken away. Where a sum would pass the
//! limit an operand is reduced first. A product wants limbs below `2^52`: sums whose readers only
//! add leave them as they are.

use super::{Action, Operand, Operation, needed_operations};

/// The largest bound, as a multiple of `p`.
const LIMIT: usize = 64;
/// Sums of twice as many words below `2^52` still fit a word of 64 bits with its sign.
const TERMS: usize = 1 << 9;
/// Bound of a cell.
const CELL: usize = 16;
/// Bound of a value after a reduction.
const REDUCED: usize = 2;

/// What is known of a value.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Where it is.
    at: Operand,
    /// It is below `bound p`.
    bound: usize,
    /// Limbs are sums of as many words below `2^52`, or of their negatives.
    terms: usize,
}

/// What to do to compute `outputs`, which come in their order, and the cells that are read, of
/// `cells`. Results name actions, and cells their position among those that are read.
pub(super) fn actions(
    operations: &[Operation],
    outputs: &[Operand],
    cells: usize,
) -> (Vec<Action>, Vec<usize>) {
    let needed = needed_operations(operations, outputs);
    let live = || operations.iter().enumerate().filter(|(index, _)| needed[*index]);
    let mut multiplied = vec![false; operations.len()];
    let mut is_read = vec![false; cells];
    let mut read = |operand: Operand, multiplies: bool| match operand {
        Operand::Uniform(_) => {}
        Operand::Cell(i) => is_read[i] = true,
        Operand::Result(i) => multiplied[i] |= multiplies,
    };
    for (_, operation) in live() {
        let multiplies = matches!(operation, Operation::Mul(..));
        operation.operands().into_iter().for_each(|operand| read(operand, multiplies));
    }
    outputs.iter().for_each(|output| read(*output, true));
    let read: Vec<usize> = (0..cells).filter(|cell| is_read[*cell]).collect();
    let mut builder = Builder {
        actions: Vec::new(),
        cells: vec![None; cells],
        results: vec![None; operations.len()],
    };
    for (position, cell) in read.iter().enumerate() {
        let known = Known { at: Operand::Cell(position), bound: CELL, terms: 1 };
        builder.cells[*cell] = Some(known);
    }
    for (index, operation) in live() {
        builder.operation(index, *operation, multiplied[index]);
    }
    for output in outputs {
        // What is there already may be added, a cell.
        if builder.read(*output).bound + CELL > LIMIT {
            builder.reduce(*output);
        }
        let Known { at, .. } = builder.read(*output);
        builder.actions.push(Action::Output(at));
    }
    (builder.actions, read)
}

struct Builder {
    actions: Vec<Action>,
    /// For each cell that is read, what is known of it.
    cells: Vec<Option<Known>>,
    /// For each operation what is known of its result.
    results: Vec<Option<Known>>,
}

impl Builder {
    fn push(&mut self, action: Action, bound: usize, terms: usize) -> Known {
        self.actions.push(action);
        Known { at: Operand::Result(self.actions.len() - 1), bound, terms }
    }

    fn read(&self, operand: Operand) -> Known {
        match operand {
            Operand::Uniform(_) => Known { at: operand, bound: 1, terms: 1 },
            Operand::Cell(i) => self.cells[i].expect("a cell that is read"),
            Operand::Result(i) => self.results[i].expect("an earlier result that is needed"),
        }
    }

    /// Reduces a value, for its later readers too.
    fn reduce(&mut self, operand: Operand) {
        let at = self.read(operand).at;
        let reduced = self.push(Action::Reduce(at), REDUCED, 1);
        match operand {
            Operand::Uniform(_) => unreachable!("uniforms are below p"),
            Operand::Cell(i) => self.cells[i] = Some(reduced),
            Operand::Result(i) => self.results[i] = Some(reduced),
        }
    }

    /// Both operands of a sum, whose bounds together are within the limit.
    fn addends(&mut self, a: Operand, b: Operand) -> (Known, Known) {
        loop {
            let (x, y) = (self.read(a), self.read(b));
            if x.bound + y.bound <= LIMIT {
                return (x, y);
            }
            self.reduce(if x.bound >= y.bound { a } else { b });
        }
    }

    fn operation(&mut self, index: usize, operation: Operation, multiplied: bool) {
        let known = match operation {
            Operation::Add(a, b) => {
                let (x, y) = self.addends(a, b);
                let terms = x.terms + y.terms;
                let carry = multiplied || terms > TERMS;
                let action = Action::Add { a: x.at, b: y.at, carry };
                self.push(action, x.bound + y.bound, if carry { 1 } else { terms })
            }
            Operation::Sub(a, b) => {
                let (x, y) = self.addends(a, b);
                let terms = x.terms + y.terms + 1;
                let carry = multiplied || terms > TERMS;
                let action = Action::Sub { a: x.at, b: y.at, bound: y.bound, carry };
                self.push(action, x.bound + y.bound, if carry { 1 } else { terms })
            }
            Operation::Mul(a, b) => {
                let (x, y) = (self.read(a), self.read(b));
                let bound = 1 + (x.bound * y.bound).div_ceil(84);
                let action = if a == b { Action::Square(x.at) } else { Action::Mul(x.at, y.at) };
                self.push(action, bound, 1)
            }
        };
        self.results[index] = Some(known);
    }
}
