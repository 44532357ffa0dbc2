//! From expressions to operations: equal ones are made once, constants are folded.

use std::collections::HashMap;

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_core::proving::{Operand, Operation};

use super::{Input, Leaf, LeafKind, Uniform, apply};
use crate::plonk::protocol::{Expr, Protocol, Query};

pub(super) struct Compiler<'a> {
    pub(super) protocol: &'a Protocol,
    pub(super) uniforms: Vec<Uniform>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) operations: Vec<Operation>,
    constants: HashMap<[u8; 32], usize>,
    inputs: HashMap<Input, usize>,
    cells: HashMap<Leaf, usize>,
    pub(super) known: HashMap<Operation, Operand>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(protocol: &'a Protocol) -> Self {
        Self {
            protocol,
            uniforms: Vec::new(),
            leaves: Vec::new(),
            operations: Vec::new(),
            constants: HashMap::new(),
            inputs: HashMap::new(),
            cells: HashMap::new(),
            known: HashMap::new(),
        }
    }

    /// The values of all gates.
    pub(super) fn gates(&mut self) -> Vec<Operand> {
        self.protocol.gates.iter().map(|gate| self.gate(gate)).collect()
    }

    /// Compiles in post-order, with a stack of our own: gates may be deep.
    fn gate(&mut self, root: &Expr) -> Operand {
        enum Step<'e> {
            Visit(&'e Expr),
            Combine(&'e Expr),
        }
        let mut steps = vec![Step::Visit(root)];
        let mut values: Vec<Operand> = Vec::new();
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
                            self.op(Operation::Sub(zero, pop()))
                        }
                        Expr::Scaled(_, c) => {
                            let c = self.constant(*c);
                            self.op(Operation::Mul(pop(), c))
                        }
                        Expr::Sum(_, b) => {
                            let (right, left) = (pop(), pop());
                            match (&**b, self.negated(right)) {
                                (Expr::Negated(_), Some(right)) => {
                                    self.op(Operation::Sub(left, right))
                                }
                                _ => self.op(Operation::Add(left, right)),
                            }
                        }
                        Expr::Product(_, _) => {
                            let (right, left) = (pop(), pop());
                            self.op(Operation::Mul(left, right))
                        }
                        _ => unreachable!("leaves are not combined"),
                    };
                    values.push(value);
                }
            }
        }
        values.pop().expect("every expression has a value")
    }

    fn leaf(&mut self, e: &Expr) -> Operand {
        match e {
            Expr::Constant(c) => self.constant(*c),
            Expr::Challenge(i) => self.input(Input::Challenge(*i)),
            Expr::Advice(i) => self.cell(LeafKind::Advice, self.protocol.advice_queries[*i]),
            Expr::Fixed(i) => self.cell(LeafKind::Fixed, self.protocol.fixed_queries[*i]),
            Expr::Instance(i) => self.cell(LeafKind::Instance, self.protocol.instance_queries[*i]),
            _ => unreachable!("not a leaf"),
        }
    }

    pub(super) fn input(&mut self, input: Input) -> Operand {
        let uniforms = &mut self.uniforms;
        Operand::Uniform(*self.inputs.entry(input).or_insert_with(|| {
            uniforms.push(Uniform::Input(input));
            uniforms.len() - 1
        }))
    }

    pub(super) fn constant(&mut self, value: Fr) -> Operand {
        let uniforms = &mut self.uniforms;
        Operand::Uniform(*self.constants.entry(value.to_bytes()).or_insert_with(|| {
            uniforms.push(Uniform::Constant(value));
            uniforms.len() - 1
        }))
    }

    pub(super) fn cell(&mut self, kind: LeafKind, query: Query) -> Operand {
        let leaf = Leaf { kind, query };
        let leaves = &mut self.leaves;
        Operand::Cell(*self.cells.entry(leaf).or_insert_with(|| {
            leaves.push(leaf);
            leaves.len() - 1
        }))
    }

    /// `a` when `source` is the operation `0 - a`.
    fn negated(&self, source: Operand) -> Option<Operand> {
        let op = match source {
            Operand::Result(i) => self.operations[i],
            Operand::Uniform(i) => match self.uniforms[i] {
                Uniform::Operation(operation) => operation,
                _ => return None,
            },
            Operand::Cell(_) => return None,
        };
        match op {
            Operation::Sub(zero, a) if self.value(zero) == Some(Fr::ZERO) => Some(a),
            _ => None,
        }
    }

    /// The operation on the row that gives a value.
    pub(super) fn operation(&self, value: Operand) -> Option<Operation> {
        match value {
            Operand::Result(i) => Some(self.operations[i]),
            _ => None,
        }
    }

    /// The degrees of values as polynomials in the cells.
    pub(super) fn degrees(&self, values: &[Operand]) -> Vec<usize> {
        let mut of_results: Vec<usize> = Vec::with_capacity(self.operations.len());
        let degree = |of_results: &[usize], value: Operand| match value {
            Operand::Uniform(_) => 0,
            Operand::Cell(_) => 1,
            Operand::Result(i) => of_results[i],
        };
        for operation in &self.operations {
            let [a, b] = operation.operands().map(|operand| degree(&of_results, operand));
            of_results.push(match operation {
                Operation::Add(..) | Operation::Sub(..) => a.max(b),
                Operation::Mul(..) => a + b,
            });
        }
        values.iter().map(|value| degree(&of_results, *value)).collect()
    }

    fn value(&self, source: Operand) -> Option<Fr> {
        match source {
            Operand::Uniform(i) => match self.uniforms[i] {
                Uniform::Constant(c) => Some(c),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn op(&mut self, op: Operation) -> Operand {
        let op = match op {
            Operation::Add(a, b) if b < a => Operation::Add(b, a),
            Operation::Mul(a, b) if b < a => Operation::Mul(b, a),
            other => other,
        };
        if let Some(folded) = self.fold(op) {
            return folded;
        }
        if let Some(known) = self.known.get(&op) {
            return *known;
        }
        let [a, b] = op.operands();
        let source = if let (Operand::Uniform(_), Operand::Uniform(_)) = (a, b) {
            self.uniforms.push(Uniform::Operation(op));
            Operand::Uniform(self.uniforms.len() - 1)
        } else {
            self.operations.push(op);
            Operand::Result(self.operations.len() - 1)
        };
        self.known.insert(op, source);
        source
    }

    /// The result where constants decide it.
    fn fold(&mut self, op: Operation) -> Option<Operand> {
        let [a, b] = op.operands();
        let (va, vb) = (self.value(a), self.value(b));
        let (zero, one) = (Some(Fr::ZERO), Some(Fr::ONE));
        match op {
            Operation::Add(..) if va == zero => return Some(b),
            Operation::Add(..) | Operation::Sub(..) if vb == zero => return Some(a),
            Operation::Mul(..) if va == zero || vb == zero => return Some(self.constant(Fr::ZERO)),
            Operation::Mul(..) if va == one => return Some(b),
            Operation::Mul(..) if vb == one => return Some(a),
            _ => {}
        }
        let (x, y) = (va?, vb?);
        Some(self.constant(apply(op, x, y)))
    }
}
