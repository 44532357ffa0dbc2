//! Builds a program step by step, sharing equal tables.

use super::{
    Affine, Bits, InputDecl, InputKind, OutputDecl, Program, ProgramError, Scale, Step,
    StoredTensor, Table, TableId, TensorId, Term, View,
};
use crate::{ir::Origin, tensor::Shape, tensor::Tensor};
use std::collections::BTreeMap;

/// A program under construction; [`Self::finish`] checks it.
#[derive(Clone, Debug, Default)]
pub struct ProgramBuilder {
    program: Program,
    tables: BTreeMap<(i32, Vec<i32>), TableId>,
}

/// Width, scale and origin of a stored tensor: all but shape and step.
#[derive(Clone, Debug)]
pub struct Encoding {
    /// Range of `x`.
    pub bits: Bits,
    /// Scale of what later steps read.
    pub scale: Scale,
    /// What errors name.
    pub origin: Origin,
}

impl ProgramBuilder {
    /// A program of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares the next input.
    pub fn input(&mut self, name: impl Into<String>, shape: Shape, encoding: Encoding) -> TensorId {
        self.input_of(name, shape, encoding, InputKind::Real)
    }

    /// Declares the next input, one of whole numbers.
    pub fn integer_input(
        &mut self,
        name: impl Into<String>,
        shape: Shape,
        encoding: Encoding,
    ) -> TensorId {
        self.input_of(name, shape, encoding, InputKind::Whole)
    }

    /// Declares the next input.
    pub fn input_of(
        &mut self,
        name: impl Into<String>,
        shape: Shape,
        encoding: Encoding,
        kind: InputKind,
    ) -> TensorId {
        let tensor = self.push(shape, encoding, Step::Input(self.program.inputs.len()));
        self.program.inputs.push(InputDecl { name: name.into(), tensor, kind });
        tensor
    }

    /// Adds a table, or finds the one of the same function.
    pub fn table(&mut self, table: Table) -> TableId {
        let next = TableId(self.program.tables.len());
        let id = *self.tables.entry((table.first, table.values.clone())).or_insert(next);
        if id == next {
            self.program.tables.push(table);
        }
        id
    }

    /// Adds a computed tensor.
    pub fn affine(&mut self, shape: Shape, encoding: Encoding, affine: Affine) -> TensorId {
        self.push(shape, encoding, Step::Affine(affine))
    }

    /// Declares the next output.
    pub fn output(&mut self, name: impl Into<String>, view: View) {
        self.program.outputs.push(OutputDecl { name: name.into(), view });
    }

    /// The tensor `id` as added.
    ///
    /// # Panics
    /// If `id` belongs to another program.
    pub fn tensor(&self, id: TensorId) -> &StoredTensor {
        &self.program.tensors[id.0]
    }

    /// The table `id` as added.
    ///
    /// # Panics
    /// If `id` belongs to another program.
    pub fn table_of(&self, id: TableId) -> &Table {
        &self.program.tables[id.0]
    }

    /// The whole tensor `id` in its own shape.
    ///
    /// # Panics
    /// If `id` belongs to another program.
    pub fn whole(&self, id: TensorId) -> View {
        View { tensor: id, shape: self.tensor(id).shape.clone(), index: None }
    }

    /// The tensor `id` under another shape of as many elements.
    pub fn reshaped(&self, id: TensorId, shape: Shape) -> View {
        View { tensor: id, shape, index: None }
    }

    /// The program.
    ///
    /// # Errors
    /// [`ProgramError`] when an invariant of [`Program::check`] is violated.
    pub fn finish(self) -> Result<Program, ProgramError> {
        self.program.check()?;
        Ok(self.program)
    }

    fn push(&mut self, shape: Shape, encoding: Encoding, step: Step) -> TensorId {
        let Encoding { bits, scale, origin } = encoding;
        self.program.tensors.push(StoredTensor { shape, bits, scale, step, origin });
        TensorId(self.program.tensors.len() - 1)
    }
}

impl Affine {
    /// A step of these terms: no bias, no shift, no table.
    pub fn new(terms: Vec<Term>) -> Self {
        Self { terms, bias: None, shift: 0, table: None }
    }

    /// The step that copies a view: factor 1, no shift.
    pub fn copy(view: View) -> Self {
        Self::new(vec![Term::Scale { view, factor: Tensor::scalar(1) }])
    }

    /// With a re-quantisation shift.
    pub fn shift(self, shift: u8) -> Self {
        Self { shift, ..self }
    }

    /// With a bias at accumulator scale.
    pub fn bias(self, bias: Tensor<i64>) -> Self {
        Self { bias: Some(bias), ..self }
    }

    /// With a table.
    pub fn table(self, table: TableId) -> Self {
        Self { table: Some(table), ..self }
    }
}
