//! A program that reads many columns, as slices that read few each.
//!
//! The sum of all constraints reads every column, each of its terms a few. A linear result that
//! reads more than [`SMALL`] columns is an *accumulator*: a column of values of its own, to which
//! slices add its terms, times uniforms, one after the other. A product of such results is a term
//! that reads accumulators, in a slice after those that complete them. So whoever runs the slices
//! in order needs the columns of one slice at a time, those that later slices read again, and the
//! accumulators.
//!
//! Terms are free in their order. The one taken next is the one that asks for the fewest columns
//! that are not there and reads most of those that are, a column that `u` more terms read counting
//! as `1 / u`: so terms of one lane come together, and shared columns do not wait for each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_core::proving::{Operand, Operation};

use super::{Compiler, LeafKind, Program, Query};

/// A result that reads no more columns is not taken apart.
const SMALL: usize = 12;
/// What a column that one term reads costs.
const COST: i64 = 1 << 20;

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
}

/// Slices whose programs are still to be made, when the compiler has all operations.
pub(super) struct Draft {
    /// For each slice what it adds to which accumulators.
    slices: Vec<BTreeMap<usize, Operand>>,
    outputs: Vec<usize>,
}

impl Draft {
    /// Cuts a program with these outputs. A slice loads about `load` columns.
    pub(super) fn new(compiler: &mut Compiler<'_>, outputs: &[Operand], load: usize) -> Self {
        let mut split = Split::new(compiler);
        let outputs = outputs.iter().map(|output| split.accumulator(*output)).collect();
        let tasks = split.tasks();
        let mut slices = Vec::new();
        for slice in Order::new(&tasks, split.accumulators.len()).slices(load) {
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
    /// The columns that each result reads.
    reads: Vec<BTreeSet<Named>>,
    /// For each accumulator its terms, each with the uniform it is multiplied by.
    accumulators: Vec<BTreeMap<Operand, Operand>>,
    of: HashMap<Operand, usize>,
}

impl<'c, 'p> Split<'c, 'p> {
    fn new(compiler: &'c mut Compiler<'p>) -> Self {
        Self { compiler, reads: Vec::new(), accumulators: Vec::new(), of: HashMap::new() }
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
            if a.len() <= 2 * SMALL {
                a.append(&mut b);
            }
            self.reads.push(a);
        }
        of(&self.reads, self.compiler, value)
    }

    /// The operation that gives a value which reads many columns.
    fn large(&mut self, value: Operand) -> Option<Operation> {
        if self.reads(value).len() > SMALL { self.compiler.operation(value) } else { None }
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

/// Puts tasks in order.
struct Order<'t> {
    tasks: &'t [Task],
    /// Tasks to come.
    open: BTreeSet<usize>,
    /// For each column the number of tasks to come that read it.
    uses: BTreeMap<Named, usize>,
    /// For each accumulator the number of tasks to come that add to it.
    incomplete: Vec<usize>,
    loaded: BTreeSet<Named>,
}

impl<'t> Order<'t> {
    fn new(tasks: &'t [Task], accumulators: usize) -> Self {
        let (mut uses, mut incomplete) = (BTreeMap::new(), vec![0; accumulators]);
        for task in tasks {
            task.columns.iter().for_each(|column| *uses.entry(*column).or_default() += 1);
            task.adds.iter().for_each(|(accumulator, _)| incomplete[*accumulator] += 1);
        }
        let open = (0..tasks.len()).collect();
        Self { tasks, open, uses, incomplete, loaded: BTreeSet::new() }
    }

    /// The tasks of each slice.
    fn slices(mut self, load: usize) -> Vec<Vec<usize>> {
        let mut slices = Vec::new();
        while !self.open.is_empty() {
            let slice = self.slice(load);
            assert!(!slice.is_empty(), "accumulators depend on earlier ones");
            slices.push(slice);
        }
        slices
    }

    fn slice(&mut self, load: usize) -> Vec<usize> {
        // Accumulators that are complete now are so in the whole slice.
        let complete: Vec<bool> = self.incomplete.iter().map(|count| *count == 0).collect();
        let mut ready: BTreeSet<usize> = self.open.clone();
        ready.retain(|task| self.tasks[*task].needs.iter().all(|need| complete[*need]));
        let (mut slice, mut new) = (Vec::new(), 0);
        while let Some(task) = ready.iter().copied().min_by_key(|task| self.cost(*task)) {
            let loads = self.tasks[task].columns.difference(&self.loaded).count();
            if new > 0 && new + loads > load {
                break;
            }
            new += loads;
            self.take(task);
            ready.remove(&task);
            slice.push(task);
        }
        let uses = &self.uses;
        self.loaded.retain(|column| uses[column] > 0);
        slice
    }

    /// What the columns cost that a task reads and that are not there, less twice that for those
    /// that are: they can go the sooner.
    fn cost(&self, task: usize) -> i64 {
        let of = |column: &Named| {
            let cost = COST / self.uses[column] as i64;
            if self.loaded.contains(column) { -2 * cost } else { cost }
        };
        self.tasks[task].columns.iter().map(of).sum()
    }

    fn take(&mut self, task: usize) {
        let Task { columns, adds, .. } = &self.tasks[task];
        for column in columns {
            *self.uses.entry(*column).or_default() -= 1;
        }
        self.loaded.extend(columns);
        adds.iter().for_each(|(accumulator, _)| self.incomplete[*accumulator] -= 1);
        self.open.remove(&task);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{column, machine, run, run_slices};
    use super::super::{Constraints, Uniforms};
    use super::*;

    /// Columns and accumulators in memory in each slice of a program.
    fn in_memory(program: &Slices) -> Vec<usize> {
        let (mut live, mut most) = (BTreeSet::new(), Vec::new());
        for slice in &program.slices {
            live.extend(slice.program.columns());
            live.extend(slice.adds.iter().map(|index| (LeafKind::Accumulator, *index)));
            most.push(live.len());
            live.retain(|(kind, index)| match kind {
                LeafKind::Accumulator => program.reads(slice, *index),
                _ => slice.later.contains(&(*kind, *index)),
            });
        }
        most
    }

    #[test]
    fn few_columns_are_in_memory_at_a_time() {
        // For each machine: columns of its constraints, and those that may be there at once. One
        // thread: a slice loads as many columns as there are threads.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        for (lanes, weights, all, most) in [(32, 64, 180, 50), (16, 64, 110, 45), (8, 32, 70, 45)] {
            let constraints = pool.install(|| Constraints::new(&machine(lanes, 1, weights)));
            for coset in [0, 2] {
                let program = constraints.on_coset(coset);
                let columns: BTreeSet<Named> =
                    program.slices.iter().flat_map(|slice| slice.program.columns()).collect();
                assert!(columns.len() > all, "{lanes} lanes: {}", columns.len());
                let in_memory = in_memory(program).into_iter().max();
                assert!(in_memory <= Some(most), "{lanes} lanes: {in_memory:?}");
            }
        }
    }

    /// An accumulator is read when all is added, and never added to again.
    #[test]
    fn accumulators_are_complete_when_they_are_read() {
        for (lanes, fold, weights) in [(16, 1, 64), (4, 4, 16), (8, 8, 16), (1, 1, 1)] {
            let constraints = Constraints::new(&machine(lanes, fold, weights));
            for coset in [0, 2] {
                let slices = &constraints.on_coset(coset).slices;
                for (position, slice) in slices.iter().enumerate() {
                    for (kind, index) in slice.program.columns() {
                        let adds = |slice: &Slice| slice.adds.contains(&index);
                        if kind == LeafKind::Accumulator {
                            assert!(slices[..position].iter().any(adds), "never made");
                            assert!(!slices[position..].iter().any(adds), "not complete");
                        }
                    }
                }
            }
        }
    }

    /// Terms that are constants, cells and results, products of large sums, and an output that is
    /// the difference of what another is the sum of.
    #[test]
    fn any_program_can_be_cut() {
        let protocol = machine(1, 1, 1);
        let mut compiler = Compiler::new(&protocol);
        let cells: Vec<Operand> = (0..40)
            .map(|column| {
                let query = Query { column, rotation: column as i32 % 3 - 1 };
                compiler.cell(LeafKind::Fixed, query)
            })
            .collect();
        let [three, seven] = [3, 7].map(|value| compiler.constant(Fr::from(value)));
        let sum = |compiler: &mut Compiler<'_>, cells: &[Operand], start: Operand| {
            cells.iter().fold(start, |sum, cell| {
                let square = compiler.op(Operation::Mul(*cell, *cell));
                let scaled = compiler.op(Operation::Mul(sum, seven));
                compiler.op(Operation::Add(scaled, square))
            })
        };
        let left = sum(&mut compiler, &cells[..20], three);
        let right = sum(&mut compiler, &cells[15..], cells[0]);
        let product = compiler.op(Operation::Mul(left, right));
        let square = compiler.op(Operation::Mul(product, product));
        let difference = compiler.op(Operation::Sub(left, square));
        let outputs = [difference, product, three, cells[1], right];
        let plain = |kind, index| column(&(kind, index), 16);
        let draft = Draft::new(&mut compiler, &outputs, 4);
        let sliced = draft.finish(&compiler);
        let whole = Program::new(&compiler, &outputs);
        let uniforms = Uniforms(compiler.uniforms).values(|_| unreachable!("no inputs"));
        assert!(sliced.slices.len() > 10);
        assert_eq!(run_slices(&sliced, &uniforms, plain), run(&whole, &uniforms, plain));
    }
}
