//! A program that reads many columns, as slices that read few each.
//!
//! The sum of all constraints reads every column, each of its terms a few. A linear result that
//! reads more than a few columns is an *accumulator*: a column of values of its own, to which
//! slices add its terms, times uniforms, one after the other. A product of such results is a term
//! that reads accumulators, in a slice after those that complete them. So whoever runs the slices
//! in order needs the columns of one slice at a time, those that later slices read again, and the
//! accumulators.
//!
//! Terms are free in their order. The one taken next is the one that asks for the fewest columns
//! that are not there and reads most of those that are, a column that `u` more terms read counting
//! as `1 / u`: so terms of one lane come together, and shared columns do not wait for each other. How
//! much more those count that are there depends on the program ([`Cut`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_core::proving::{Operand, Operation};

use self::order::Order;
use super::{Compiler, LeafKind, Program, Query};

mod order;

/// Kind and index of a column.
type Named = (LeafKind, usize);

/// A part of a program.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct Slice {
    pub(in crate::plonk) program: Program,
    /// For each output of the program the accumulator that it is added to.
    pub(in crate::plonk) adds: Vec<usize>,
    /// Columns and accumulators that later slices read.
    pub(in crate::plonk) later: BTreeSet<Named>,
}

/// A program in slices.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct Slices {
    pub(in crate::plonk) slices: Vec<Slice>,
    /// The accumulators that are the program's outputs, once all slices have run.
    pub(in crate::plonk) outputs: Vec<usize>,
}

impl Slices {
    /// Whether an accumulator is read after a slice: by a later one, or as an output.
    pub(in crate::plonk) fn reads(&self, slice: &Slice, accumulator: usize) -> bool {
        slice.later.contains(&(LeafKind::Accumulator, accumulator))
            || self.outputs.contains(&accumulator)
    }

    /// How many columns are in memory at a time, at most; of a coset in parts, how many parts of
    /// columns.
    pub(in crate::plonk) fn in_memory(&self, parts: usize) -> usize {
        let (mut live, mut most) = (BTreeSet::new(), 0);
        for slice in &self.slices {
            let part = |rotation: i32| i64::from(rotation).rem_euclid(parts as i64);
            live.extend(slice.program.leaves().iter().map(|leaf| match leaf.column() {
                sum @ (LeafKind::Accumulator, _) => (sum, 0),
                column => (column, part(leaf.query.rotation)),
            }));
            live.extend(slice.adds.iter().map(|index| ((LeafKind::Accumulator, *index), 0)));
            most = most.max(live.len());
            live.retain(|(column, _)| match column {
                (LeafKind::Accumulator, index) => self.reads(slice, *index),
                column => slice.later.contains(column),
            });
        }
        most
    }
}

/// How a program is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// About as many columns are loaded by a slice, if there are no more threads.
    pub(super) load: usize,
    /// Results that read no more columns than this are not taken apart.
    pub(super) small: usize,
    /// What it counts for a term to read a column that is there, in halves of what it counts against
    /// it to read one that is not.
    pub(super) there: i64,
    /// Whether it counts, and far more, how many columns and accumulators come and go with a term.
    pub(super) counts: bool,
}

/// Slices whose programs are still to be made, when the compiler has all operations.
pub(super) struct Draft {
    /// For each slice what it adds to which accumulators.
    slices: Vec<BTreeMap<usize, Operand>>,
    outputs: Vec<usize>,
}

impl Draft {
    /// Cuts a program with these outputs.
    pub(super) fn new(compiler: &mut Compiler<'_>, outputs: &[Operand], cut: Cut) -> Self {
        let mut split = Split::new(compiler, cut.small);
        let outputs: Vec<usize> = outputs.iter().map(|output| split.accumulator(*output)).collect();
        // Sums of constraints of different degrees are different.
        let different = outputs.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(different, outputs.len(), "two outputs are one sum");
        let tasks = split.tasks();
        let mut slices = Vec::new();
        for slice in Order::new(&tasks, split.accumulators.len(), cut).slices() {
            let mut sums: BTreeMap<usize, Operand> = BTreeMap::new();
            for task in slice {
                let Task { term, adds, .. } = &tasks[task];
                for (accumulator, factor) in adds {
                    let term = compiler.op(Operation::Mul(*term, *factor));
                    let sum = match sums.get(accumulator) {
                        Some(before) => compiler.op(Operation::Add(*before, term)),
                        None => term,
                    };
                    sums.insert(*accumulator, sum);
                }
            }
            slices.push(sums);
        }
        Self { slices, outputs }
    }

    pub(super) fn finish(self, compiler: &Compiler<'_>) -> Slices {
        let Self { slices, outputs } = self;
        let mut later = BTreeSet::new();
        let mut finished: Vec<Slice> = Vec::new();
        for sums in slices.into_iter().rev() {
            let (adds, sums): (Vec<usize>, Vec<Operand>) = sums.into_iter().unzip();
            let program = Program::new(compiler, &sums);
            let read = program.columns();
            finished.push(Slice { program, adds, later: later.clone() });
            later.extend(read);
        }
        finished.reverse();
        Slices { slices: finished, outputs }
    }
}

/// Accumulators and their terms.
struct Split<'c, 'p> {
    compiler: &'c mut Compiler<'p>,
    /// A result that reads no more columns is not taken apart.
    small: usize,
    /// The columns that each result reads.
    reads: Vec<BTreeSet<Named>>,
    /// For each accumulator its terms, each with the uniform it is multiplied by.
    accumulators: Vec<BTreeMap<Operand, Operand>>,
    of: HashMap<Operand, usize>,
}

impl<'c, 'p> Split<'c, 'p> {
    fn new(compiler: &'c mut Compiler<'p>, small: usize) -> Self {
        Self { compiler, small, reads: Vec::new(), accumulators: Vec::new(), of: HashMap::new() }
    }

    /// The columns that a value reads, accumulators not among them; of what reads very many, some.
    fn reads(&mut self, value: Operand) -> BTreeSet<Named> {
        let of = |reads: &[BTreeSet<Named>], compiler: &Compiler<'_>, value| match value {
            Operand::Uniform(_) => BTreeSet::new(),
            Operand::Cell(cell) => match compiler.leaves[cell].column() {
                (LeafKind::Accumulator, _) => BTreeSet::new(),
                column => BTreeSet::from([column]),
            },
            Operand::Result(i) => reads[i].clone(),
        };
        for operation in &self.compiler.operations[self.reads.len()..] {
            let [mut a, mut b] = operation.operands().map(|v| of(&self.reads, self.compiler, v));
            // No term reads more: two operands that are not large.
            if a.len() <= 2 * self.small {
                a.append(&mut b);
            }
            self.reads.push(a);
        }
        of(&self.reads, self.compiler, value)
    }

    /// The operation that gives a value which reads many columns.
    fn large(&mut self, value: Operand) -> Option<Operation> {
        if self.reads(value).len() > self.small { self.compiler.operation(value) } else { None }
    }

    /// The accumulator of a value.
    fn accumulator(&mut self, value: Operand) -> usize {
        if let Some(known) = self.of.get(&value) {
            return *known;
        }
        let one = self.compiler.constant(Fr::ONE);
        let zero = self.compiler.constant(Fr::ZERO);
        let (mut open, mut terms) = (BTreeMap::from([(value, one)]), BTreeMap::new());
        // Results come after what they are made of: at the last one all that use it are done.
        while let Some((last, factor)) = open.pop_last() {
            let mut add = |compiler: &mut Compiler<'_>, to: Operand, factor: Operand| {
                add_to(compiler, &mut open, to, factor);
            };
            match self.large(last) {
                Some(Operation::Add(a, b)) => {
                    add(self.compiler, a, factor);
                    add(self.compiler, b, factor);
                }
                Some(Operation::Sub(a, b)) => {
                    let minus = self.compiler.op(Operation::Sub(zero, factor));
                    add(self.compiler, a, factor);
                    add(self.compiler, b, minus);
                }
                Some(Operation::Mul(uniform @ Operand::Uniform(_), of))
                | Some(Operation::Mul(of, uniform @ Operand::Uniform(_))) => {
                    let factor = self.compiler.op(Operation::Mul(factor, uniform));
                    add(self.compiler, of, factor);
                }
                Some(Operation::Mul(a, b)) => {
                    let [a, b] = [a, b].map(|operand| self.operand(operand));
                    let product = self.compiler.op(Operation::Mul(a, b));
                    add_to(self.compiler, &mut terms, product, factor);
                }
                None => add_to(self.compiler, &mut terms, last, factor),
            }
        }
        self.accumulators.push(terms);
        self.of.insert(value, self.accumulators.len() - 1);
        self.accumulators.len() - 1
    }

    /// A value as the term of an accumulator reads it.
    fn operand(&mut self, value: Operand) -> Operand {
        if self.large(value).is_none() {
            return value;
        }
        let column = self.accumulator(value);
        self.compiler.cell(LeafKind::Accumulator, Query { column, rotation: 0 })
    }

    /// The accumulators that a term reads.
    fn needs(&self, term: Operand) -> BTreeSet<usize> {
        let (mut open, mut needs) = (vec![term], BTreeSet::new());
        while let Some(value) = open.pop() {
            match value {
                Operand::Uniform(_) => {}
                Operand::Cell(cell) => {
                    if let (LeafKind::Accumulator, index) = self.compiler.leaves[cell].column() {
                        needs.insert(index);
                    }
                }
                Operand::Result(i) => open.extend(self.compiler.operations[i].operands()),
            }
        }
        needs
    }

    /// All terms, each with the accumulators it is added to.
    fn tasks(&mut self) -> Vec<Task> {
        let mut adds: BTreeMap<Operand, Vec<(usize, Operand)>> = BTreeMap::new();
        for (accumulator, terms) in self.accumulators.iter().enumerate() {
            for (term, factor) in terms {
                adds.entry(*term).or_default().push((accumulator, *factor));
            }
        }
        let task =
            |(term, adds)| Task { columns: self.reads(term), needs: self.needs(term), term, adds };
        adds.into_iter().map(task).collect()
    }
}

/// Adds a multiple of a value to a linear combination.
fn add_to(
    compiler: &mut Compiler<'_>,
    combination: &mut BTreeMap<Operand, Operand>,
    value: Operand,
    factor: Operand,
) {
    let before = combination.get(&value).copied();
    let sum = before.map_or(factor, |before| compiler.op(Operation::Add(before, factor)));
    combination.insert(value, sum);
}

/// A term, computed once.
struct Task {
    term: Operand,
    /// Accumulators, and what the term is multiplied by for each.
    adds: Vec<(usize, Operand)>,
    columns: BTreeSet<Named>,
    /// Accumulators that it reads.
    needs: BTreeSet<usize>,
}

#[cfg(test)]
mod tests;
