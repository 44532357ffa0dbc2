//! Constraints compiled to straight-line programs.
//!
//! Equal sub-expressions are computed once, constants are folded, and what depends on constants
//! and challenges alone is computed once a proof, not once a row. The prover runs the sum of all
//! constraints ([`Constraints`]) on cosets, the checker of witnesses the gates ([`Gates`]) on rows;
//! the verifier does without and walks the expressions, so that a mistake here shows as a rejected
//! proof.

use std::collections::BTreeSet;

use halo2curves::bn256::Fr;
use zkml_core::proving::{CellOf, Operand, Operation, RowProgram, Run};

use self::compiler::Compiler;
use super::protocol::{ColumnKind, Protocol, Query};

pub(super) use self::constraints::Constraints;
pub(super) use self::slices::Slices;

mod combinations;
mod compiler;
mod constraints;
mod slices;
#[cfg(test)]
mod testing;

/// A value from outside that all rows share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Input {
    /// Challenge of the circuit.
    Challenge(usize),
    /// The permutation argument's `beta`.
    Beta,
    /// The permutation argument's `gamma`.
    Gamma,
    /// Whose powers separate constraints.
    Y,
}

/// A value that does not depend on the row.
#[derive(Clone, Copy, Debug)]
enum Uniform {
    Constant(Fr),
    Input(Input),
    Operation(Operation),
}

/// Kind of a cell that constraints read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum LeafKind {
    /// Advice column.
    Advice,
    /// Fixed column.
    Fixed,
    /// Instance column.
    Instance,
    /// Sum that [`Slices`] add to, by its number.
    Accumulator,
    /// Linear combination of columns, by its position among [`Constraints::combinations`].
    Combination,
    /// Grand product of the permutation argument.
    Product,
    /// Permutation polynomial.
    Sigma,
    /// 1 on the first row and 0 on all others; there is one.
    First,
    /// The point, `X`; there is one.
    Point,
}

impl From<ColumnKind> for LeafKind {
    fn from(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Advice => Self::Advice,
            ColumnKind::Fixed => Self::Fixed,
            ColumnKind::Instance => Self::Instance,
        }
    }
}

/// A cell that constraints read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leaf {
    pub(super) kind: LeafKind,
    pub(super) query: Query,
}

impl Leaf {
    /// Kind and index of its column.
    pub(super) fn column(&self) -> (LeafKind, usize) {
        (self.kind, self.query.column)
    }
}

/// Values that do not depend on the row, each from earlier ones.
#[derive(Clone, Debug)]
pub(super) struct Uniforms(Vec<Uniform>);

impl Uniforms {
    /// Computes them.
    pub(super) fn values(&self, input: impl Fn(Input) -> Fr) -> Vec<Fr> {
        let mut table: Vec<Fr> = Vec::with_capacity(self.0.len());
        for uniform in &self.0 {
            let read = |operand| match operand {
                Operand::Uniform(i) => table[i],
                _ => unreachable!("a uniform depends on uniforms alone"),
            };
            let value = match uniform {
                Uniform::Constant(c) => *c,
                Uniform::Input(of) => input(*of),
                Uniform::Operation(operation) => {
                    let [a, b] = operation.operands().map(read);
                    apply(*operation, a, b)
                }
            };
            table.push(value);
        }
        table
    }
}

fn apply(operation: Operation, a: Fr, b: Fr) -> Fr {
    match operation {
        Operation::Add(..) => a + b,
        Operation::Sub(..) => a - b,
        Operation::Mul(..) => a * b,
    }
}

/// A program on rows, and the cells it reads.
#[derive(Clone, Debug)]
pub(super) struct Program {
    leaves: Vec<Leaf>,
    rows: RowProgram,
}

impl Program {
    fn new(compiler: &Compiler<'_>, outputs: &[Operand]) -> Self {
        let Compiler { leaves, operations, uniforms, .. } = compiler;
        let rows = RowProgram::new(operations, outputs, leaves.len(), uniforms.len());
        Self { leaves: rows.cells().iter().map(|cell| leaves[*cell]).collect(), rows }
    }

    /// The cells it reads.
    pub(super) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Kinds and indices of the columns it reads.
    pub(super) fn columns(&self) -> BTreeSet<(LeafKind, usize)> {
        self.leaves.iter().map(Leaf::column).collect()
    }

    /// Number of values it gives for a row.
    pub(super) fn outputs(&self) -> usize {
        self.rows.outputs()
    }

    /// The program on cells, one for each leaf.
    pub(super) fn on<'a>(&'a self, cells: &[CellOf<'a>], uniforms: &[Fr]) -> Run<'a> {
        self.rows.on(cells, uniforms)
    }

    /// The program on columns, given by kind and index.
    pub(super) fn on_columns<'a>(
        &'a self,
        uniforms: &[Fr],
        column: impl Fn(LeafKind, usize) -> &'a [Fr],
    ) -> Run<'a> {
        let cell = |leaf: &Leaf| CellOf {
            values: column(leaf.kind, leaf.query.column),
            rotation: leaf.query.rotation,
        };
        self.on(&self.leaves.iter().map(cell).collect::<Vec<_>>(), uniforms)
    }
}

/// A program, and what it reads that does not depend on the row.
#[derive(Clone, Debug)]
pub(super) struct WithUniforms {
    pub(super) uniforms: Uniforms,
    pub(super) program: Program,
}

impl WithUniforms {
    /// The gates of a constraint system, an output for each.
    pub(super) fn gates(protocol: &Protocol) -> Self {
        Self::new(protocol, Compiler::gates)
    }

    /// The factors of the permutation argument's grand products from row to row: for each a
    /// numerator and a denominator.
    pub(super) fn products(protocol: &Protocol) -> Self {
        Self::new(protocol, |compiler| {
            (0..protocol.num_products()).flat_map(|i| constraints::factor(compiler, i)).collect()
        })
    }

    fn new<'a>(
        protocol: &'a Protocol,
        outputs: impl FnOnce(&mut Compiler<'a>) -> Vec<Operand>,
    ) -> Self {
        let mut compiler = Compiler::new(protocol);
        let outputs = outputs(&mut compiler);
        let program = Program::new(&compiler, &outputs);
        Self { uniforms: Uniforms(compiler.uniforms), program }
    }
}
