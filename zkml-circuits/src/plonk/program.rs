//! Gates compiled to a straight-line program.
//!
//! Equal sub-expressions are computed once, constants are folded, and what depends on constants
//! and challenges alone is computed once a proof, not once a row. The prover runs the program on
//! cosets, the checker of witnesses on rows; the verifier does without it and walks the
//! expressions, so that a mistake here shows as a rejected proof.

use std::collections::HashMap;

use ff::Field;
use halo2curves::bn256::Fr;

use super::protocol::{Expr, Protocol, Query};
use combinations::Combination;

mod combinations;

/// Where an operand comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Source {
    /// Entry of the table of values that do not depend on the row.
    Uniform(usize),
    /// A cell: position among [`Program::leaves`].
    Cell(usize),
    /// Result of an earlier operation on the row.
    Row(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Op {
    Add(Source, Source),
    Sub(Source, Source),
    Mul(Source, Source),
}

impl Op {
    fn operands(self) -> (Source, Source) {
        let (Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b)) = self;
        (a, b)
    }
}

/// A value that does not depend on the row.
#[derive(Clone, Copy, Debug)]
enum Uniform {
    Constant(Fr),
    Challenge(usize),
    Op(Op),
}

/// Kind of a cell that gates read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum LeafKind {
    /// Advice column.
    Advice,
    /// Fixed column.
    Fixed,
    /// Instance column.
    Instance,
    /// Linear combination of columns, by its position among [`Program::combinations`].
    Combination,
}

/// A cell that gates read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leaf {
    pub(super) kind: LeafKind,
    pub(super) query: Query,
}

impl Leaf {
    /// Kind and index of its column.
    fn named(&self) -> (LeafKind, usize) {
        (self.kind, self.query.column)
    }
}

/// All gates of a constraint system.
#[derive(Clone, Debug)]
pub(super) struct Program {
    uniforms: Vec<Uniform>,
    leaves: Vec<Leaf>,
    combinations: Vec<Combination>,
    /// Operations and the slot each result goes to.
    ops: Vec<(Op, usize)>,
    /// Slots that a row needs.
    slots: usize,
    /// Slot or table entry of each gate's value.
    outputs: Vec<Source>,
}

impl Program {
    pub(super) fn new(protocol: &Protocol) -> Self {
        let mut compiler = Compiler::empty(protocol);
        let outputs: Vec<Source> = protocol.gates.iter().map(|g| compiler.gate(g)).collect();
        allocate(compiler, Vec::new(), &outputs)
    }

    /// The same, reading linear combinations of columns where that makes fewer columns.
    pub(super) fn combined(protocol: &Protocol) -> Self {
        let mut compiler = Compiler::empty(protocol);
        let mut outputs: Vec<Source> = protocol.gates.iter().map(|g| compiler.gate(g)).collect();
        let combinations = combinations::extract(&mut compiler, &mut outputs);
        allocate(compiler, combinations, &outputs)
    }

    /// The combinations of columns that leaves of their kind name.
    pub(super) fn combinations(&self) -> &[Combination] {
        &self.combinations
    }

    /// Whether some operation reads a column itself.
    pub(super) fn reads(&self, kind: LeafKind, column: usize) -> bool {
        let operands = self.ops.iter().flat_map(|(op, _)| {
            let (a, b) = op.operands();
            [a, b]
        });
        operands.chain(self.outputs.iter().copied()).any(|source| match source {
            Source::Cell(leaf) => self.leaves[leaf].named() == (kind, column),
            _ => false,
        })
    }

    /// The cells that gates read.
    pub(super) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Computes what does not depend on the row.
    pub(super) fn uniforms(&self, challenges: &[Fr]) -> Vec<Fr> {
        let mut table: Vec<Fr> = Vec::with_capacity(self.uniforms.len());
        for uniform in &self.uniforms {
            let value = match uniform {
                Uniform::Constant(c) => *c,
                Uniform::Challenge(i) => challenges[*i],
                Uniform::Op(op) => apply(*op, |source| match source {
                    Source::Uniform(i) => table[i],
                    _ => unreachable!("a uniform depends on uniforms alone"),
                }),
            };
            table.push(value);
        }
        table
    }

    /// A row's memory.
    pub(super) fn slots(&self) -> Vec<Fr> {
        vec![Fr::ZERO; self.slots]
    }

    /// The values of all gates on one row. `cell` gives the value of a leaf by its position.
    pub(super) fn run<'a>(
        &'a self,
        uniforms: &'a [Fr],
        slots: &'a mut [Fr],
        cell: impl Fn(usize) -> Fr + Copy + 'a,
    ) -> impl Iterator<Item = Fr> + 'a {
        let read = move |slots: &[Fr], source| match source {
            Source::Uniform(i) => uniforms[i],
            Source::Cell(i) => cell(i),
            Source::Row(i) => slots[i],
        };
        for (op, to) in &self.ops {
            slots[*to] = apply(*op, |source| read(slots, source));
        }
        let slots: &'a [Fr] = slots;
        self.outputs.iter().map(move |source| read(slots, *source))
    }
}

fn apply(op: Op, read: impl Fn(Source) -> Fr) -> Fr {
    match op {
        Op::Add(a, b) => read(a) + read(b),
        Op::Sub(a, b) => read(a) - read(b),
        Op::Mul(a, b) if a == b => read(a).square(),
        Op::Mul(a, b) => read(a) * read(b),
    }
}

struct Compiler<'a> {
    protocol: &'a Protocol,
    uniforms: Vec<Uniform>,
    leaves: Vec<Leaf>,
    ops: Vec<Op>,
    constants: HashMap<[u8; 32], usize>,
    challenges: HashMap<usize, usize>,
    cells: HashMap<Leaf, usize>,
    known: HashMap<Op, Source>,
}

impl<'a> Compiler<'a> {
    fn empty(protocol: &'a Protocol) -> Self {
        Self {
            protocol,
            uniforms: Vec::new(),
            leaves: Vec::new(),
            ops: Vec::new(),
            constants: HashMap::new(),
            challenges: HashMap::new(),
            cells: HashMap::new(),
            known: HashMap::new(),
        }
    }

    /// Compiles in post-order, with a stack of our own: gates may be deep.
    fn gate(&mut self, root: &Expr) -> Source {
        enum Step<'e> {
            Visit(&'e Expr),
            Combine(&'e Expr),
        }
        let mut steps = vec![Step::Visit(root)];
        let mut values: Vec<Source> = Vec::new();
        while let Some(step) = steps.pop() {
            match step {
                Step::Visit(e) => match e {
                    Expr::Negated(a) | Expr::Scaled(a, _) => {
                        steps.extend([Step::Combine(e), Step::Visit(a)]);
                    }
                    Expr::Sum(a, b) | Expr::Product(a, b) => {
                        steps.extend([Step::Combine(e), Step::Visit(b), Step::Visit(a)]);
                    }
                    leaf => values.push(self.leaf(leaf)),
                },
                Step::Combine(e) => {
                    let mut pop = || values.pop().expect("operands were visited before");
                    let value = match e {
                        Expr::Negated(_) => {
                            let zero = self.constant(Fr::ZERO);
                            self.op(Op::Sub(zero, pop()))
                        }
                        Expr::Scaled(_, c) => {
                            let c = self.constant(*c);
                            self.op(Op::Mul(pop(), c))
                        }
                        Expr::Sum(_, b) => {
                            let (right, left) = (pop(), pop());
                            match (&**b, self.negated(right)) {
                                (Expr::Negated(_), Some(right)) => self.op(Op::Sub(left, right)),
                                _ => self.op(Op::Add(left, right)),
                            }
                        }
                        Expr::Product(_, _) => {
                            let (right, left) = (pop(), pop());
                            self.op(Op::Mul(left, right))
                        }
                        _ => unreachable!("leaves are not combined"),
                    };
                    values.push(value);
                }
            }
        }
        values.pop().expect("every expression has a value")
    }

    fn leaf(&mut self, e: &Expr) -> Source {
        match e {
            Expr::Constant(c) => self.constant(*c),
            Expr::Challenge(i) => {
                let uniforms = &mut self.uniforms;
                Source::Uniform(*self.challenges.entry(*i).or_insert_with(|| {
                    uniforms.push(Uniform::Challenge(*i));
                    uniforms.len() - 1
                }))
            }
            Expr::Advice(i) => self.cell(LeafKind::Advice, self.protocol.advice_queries[*i]),
            Expr::Fixed(i) => self.cell(LeafKind::Fixed, self.protocol.fixed_queries[*i]),
            Expr::Instance(i) => self.cell(LeafKind::Instance, self.protocol.instance_queries[*i]),
            _ => unreachable!("not a leaf"),
        }
    }

    fn constant(&mut self, value: Fr) -> Source {
        let uniforms = &mut self.uniforms;
        Source::Uniform(*self.constants.entry(value.to_bytes()).or_insert_with(|| {
            uniforms.push(Uniform::Constant(value));
            uniforms.len() - 1
        }))
    }

    fn cell(&mut self, kind: LeafKind, query: Query) -> Source {
        let leaf = Leaf { kind, query };
        let leaves = &mut self.leaves;
        Source::Cell(*self.cells.entry(leaf).or_insert_with(|| {
            leaves.push(leaf);
            leaves.len() - 1
        }))
    }

    /// `a` when `source` is the operation `0 - a`.
    fn negated(&self, source: Source) -> Option<Source> {
        let op = match source {
            Source::Row(i) => self.ops[i],
            Source::Uniform(i) => match self.uniforms[i] {
                Uniform::Op(op) => op,
                _ => return None,
            },
            Source::Cell(_) => return None,
        };
        match op {
            Op::Sub(zero, a) if self.value(zero) == Some(Fr::ZERO) => Some(a),
            _ => None,
        }
    }

    fn value(&self, source: Source) -> Option<Fr> {
        match source {
            Source::Uniform(i) => match self.uniforms[i] {
                Uniform::Constant(c) => Some(c),
                _ => None,
            },
            _ => None,
        }
    }

    fn op(&mut self, op: Op) -> Source {
        let op = match op {
            Op::Add(a, b) if b < a => Op::Add(b, a),
            Op::Mul(a, b) if b < a => Op::Mul(b, a),
            other => other,
        };
        if let Some(folded) = self.fold(op) {
            return folded;
        }
        if let Some(known) = self.known.get(&op) {
            return *known;
        }
        let (a, b) = op.operands();
        let source = if let (Source::Uniform(_), Source::Uniform(_)) = (a, b) {
            self.uniforms.push(Uniform::Op(op));
            Source::Uniform(self.uniforms.len() - 1)
        } else {
            self.ops.push(op);
            Source::Row(self.ops.len() - 1)
        };
        self.known.insert(op, source);
        source
    }

    /// The result where constants decide it.
    fn fold(&mut self, op: Op) -> Option<Source> {
        let (a, b) = op.operands();
        let (va, vb) = (self.value(a), self.value(b));
        let (zero, one) = (Some(Fr::ZERO), Some(Fr::ONE));
        match op {
            Op::Add(..) if va == zero => return Some(b),
            Op::Add(..) | Op::Sub(..) if vb == zero => return Some(a),
            Op::Mul(..) if va == zero || vb == zero => return Some(self.constant(Fr::ZERO)),
            Op::Mul(..) if va == one => return Some(b),
            Op::Mul(..) if vb == one => return Some(a),
            _ => {}
        }
        let (x, y) = (va?, vb?);
        Some(self.constant(match op {
            Op::Add(..) => x + y,
            Op::Sub(..) => x - y,
            Op::Mul(..) => x * y,
        }))
    }
}

/// Gives each result a slot that is free once its last reader has run.
fn allocate(compiler: Compiler<'_>, combinations: Vec<Combination>, outputs: &[Source]) -> Program {
    let Compiler { uniforms, leaves, ops, .. } = compiler;
    let last_use = last_uses(&ops, outputs);
    let mut free = Vec::new();
    let mut slots = 0;
    let mut slot_of: Vec<usize> = Vec::with_capacity(ops.len());
    let mut placed = Vec::with_capacity(ops.len());
    for (time, op) in ops.iter().enumerate() {
        if last_use[time].is_none() {
            slot_of.push(usize::MAX); // nobody reads it
            continue;
        }
        let place = |source| match source {
            Source::Row(i) => Source::Row(slot_of[i]),
            other => other,
        };
        let (a, b, moved) = match *op {
            Op::Add(a, b) => (a, b, Op::Add(place(a), place(b))),
            Op::Sub(a, b) => (a, b, Op::Sub(place(a), place(b))),
            Op::Mul(a, b) => (a, b, Op::Mul(place(a), place(b))),
        };
        for source in if a == b { vec![a] } else { vec![a, b] } {
            if let Source::Row(i) = source
                && last_use[i] == Some(time)
            {
                free.push(slot_of[i]);
            }
        }
        let slot = free.pop().unwrap_or_else(|| {
            slots += 1;
            slots - 1
        });
        slot_of.push(slot);
        placed.push((moved, slot));
    }
    let outputs = outputs
        .iter()
        .map(|source| match source {
            Source::Row(i) => Source::Row(slot_of[*i]),
            other => *other,
        })
        .collect();
    Program { uniforms, leaves, combinations, ops: placed, slots, outputs }
}

/// When each result is last read by an operation that is itself read; `usize::MAX` for outputs.
fn last_uses(ops: &[Op], outputs: &[Source]) -> Vec<Option<usize>> {
    let mut last_use = vec![None; ops.len()];
    for output in outputs {
        if let Source::Row(i) = output {
            last_use[*i] = Some(usize::MAX);
        }
    }
    for (time, op) in ops.iter().enumerate().rev() {
        let (a, b) = op.operands();
        if last_use[time].is_some() {
            for source in [a, b] {
                if let Source::Row(i) = source {
                    last_use[i] = last_use[i].max(Some(time));
                }
            }
        }
    }
    last_use
}
