//! What an ONNX tensor holds: numbers, whole numbers or truth values. All of them are numbers of the
//! float graph, truth values 0 or 1; an operator must still know what it was given.

use super::site::{Halt, Lowered, Site};
use crate::{
    ir::{Op, ValueId},
    onnx::{Constant, Elements, proto::tensor_proto::DataType},
    tensor::Tensor,
};

type Result<T> = std::result::Result<T, Halt>;

/// Whole numbers beyond this are not exact in `f32`.
pub(super) const EXACT: u64 = 1 << 24;

/// What a tensor holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// float32 or float64.
    #[default]
    Float,
    /// An integer type.
    Int,
    /// bool.
    Bool,
}

impl Kind {
    /// The kind of an element type that activations may have.
    pub(super) fn of(dtype: DataType) -> Option<Self> {
        match dtype {
            DataType::Float | DataType::Double | DataType::Undefined => Some(Self::Float),
            DataType::Int64
            | DataType::Int32
            | DataType::Int16
            | DataType::Int8
            | DataType::Uint8
            | DataType::Uint16 => Some(Self::Int),
            DataType::Bool => Some(Self::Bool),
            _ => None,
        }
    }

    pub(super) fn of_elements(elements: &Elements) -> Self {
        match elements {
            Elements::F32(_) | Elements::F64(_) => Self::Float,
            Elements::Bool(_) => Self::Bool,
            _ => Self::Int,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Float => "floats",
            Self::Int => "whole numbers",
            Self::Bool => "truth values",
        }
    }
}

impl Site<'_> {
    /// The kind of operand `i`.
    pub(super) fn kind(&self, i: usize) -> Result<Kind> {
        Ok(self.kind_of(&self.input(i)?))
    }

    pub(super) fn kind_of(&self, value: &Lowered) -> Kind {
        match value {
            Lowered::Constant(constant) => Kind::of_elements(&constant.elements),
            Lowered::Activation(id) => self.canvas.kind(*id),
            Lowered::Poisoned { .. } => Kind::Float, // `input` lets none through
        }
    }

    /// The common kind of all operands.
    pub(super) fn common_kind(&self) -> Result<Kind> {
        let first = self.kind(0)?;
        for i in 1..self.inputs.len() {
            let other = self.kind(i)?;
            if other != first {
                let (first, other) = (self.described(0)?, self.described(i)?);
                return Err(self.invalid(format!("input 0 {first}, but input {i} {other}")));
            }
        }
        Ok(first)
    }

    /// Refuses operand `i` unless it holds `expected`.
    pub(super) fn expect_kind(&self, i: usize, role: &str, expected: Kind) -> Result<()> {
        let got = self.kind(i)?;
        if got == expected {
            return Ok(());
        }
        let (got, expected) = (self.described(i)?, expected.name());
        Err(self.invalid(format!("`{role}` {got}, expected {expected}")))
    }

    /// "is int64" of a constant, "holds floats" of an activation.
    fn described(&self, i: usize) -> Result<String> {
        Ok(match self.input(i)? {
            Lowered::Constant(constant) => format!("is {}", constant.elements.dtype()),
            other => format!("holds {}", self.kind_of(&other).name()),
        })
    }

    /// Operand `i`, of any kind, as a value of the graph.
    pub(super) fn number(&mut self, i: usize) -> Result<ValueId> {
        match self.input(i)? {
            Lowered::Constant(constant) if !is_float(&constant) => {
                let tensor = self.number_tensor(&constant)?;
                self.own_constant(&format!("input{i}"), tensor)
            }
            _ => self.operand(i),
        }
    }

    /// A constant of any kind as numbers; whole ones must be exact.
    pub(super) fn number_tensor(&mut self, constant: &Constant) -> Result<Tensor<f32>> {
        self.spend(constant.shape.len())?;
        let Some(ints) = constant.elements.to_i64() else { return self.float_tensor(constant) };
        if let Some(large) = ints.iter().find(|v| v.unsigned_abs() > EXACT) {
            let hint = format!("{large} beside an activation is more than {EXACT} in magnitude");
            return Err(self.unsupported(None, hint));
        }
        let data = ints.into_iter().map(|v| v as f32).collect();
        self.valid(Tensor::new(constant.shape.clone(), data))
    }

    /// Says that the result `id` of this node holds `kind`.
    pub(super) fn holds(&mut self, id: ValueId, kind: Kind) -> Lowered {
        self.canvas.set_kind(id, kind);
        Lowered::Activation(id)
    }

    /// `id` as another value, which holds `kind`: the same numbers.
    pub(super) fn renamed(&mut self, id: ValueId, kind: Kind) -> Result<Lowered> {
        let shape = self.canvas.graph.get(id).shape.clone();
        let id = self.push(Op::Reshape(shape), vec![id], "")?;
        Ok(self.holds(id, kind))
    }
}

fn is_float(constant: &Constant) -> bool {
    Kind::of_elements(&constant.elements) == Kind::Float
}
