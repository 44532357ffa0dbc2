//! A node being lowered: its operands, attributes and the graph it goes to.

use std::{collections::BTreeMap, rc::Rc};

use super::{budget::Budget, kind::Kind, liveness::Liveness};
use crate::{
    ir::{Graph, Op, Origin, ValueId},
    onnx::{Constant, Elements, ExternalData, ImportError, Node, Unsupported},
    tensor::{Shape, ShapeError, Tensor},
};

/// What a value of the ONNX graph has become.
#[derive(Clone, Debug)]
pub(super) enum Lowered {
    /// Known at import.
    Constant(Rc<Constant>),
    /// Depends on the inputs.
    Activation(ValueId),
    /// Depends on something that cannot be lowered; also on the inputs, if it is an activation.
    Poisoned {
        /// It would be an [`Self::Activation`].
        activation: bool,
    },
}

/// Why a node has no result.
#[derive(Debug)]
pub(super) enum Halt {
    /// An operand has none.
    Poisoned,
    /// Valid, but not supported.
    Unsupported(Box<Unsupported>),
    /// Invalid.
    Error(ImportError),
}

impl From<ImportError> for Halt {
    fn from(error: ImportError) -> Self {
        Self::Error(error)
    }
}

/// The graph being built.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    pub(super) graph: Graph,
    /// Constants of the model that are in the graph already, by name and shape.
    placed: BTreeMap<(String, Vec<usize>), ValueId>,
    /// What activations hold, if it is not floats.
    kinds: BTreeMap<ValueId, Kind>,
}

impl Canvas {
    pub(super) fn kind(&self, id: ValueId) -> Kind {
        self.kinds.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn set_kind(&mut self, id: ValueId, kind: Kind) {
        self.kinds.insert(id, kind);
    }
}

/// A node being lowered.
pub(super) struct Site<'a> {
    pub(super) node: &'a Node,
    /// Version of the operator: the opset that last changed it.
    pub(super) since: i64,
    pub(super) inputs: Vec<Option<Lowered>>,
    pub(super) canvas: &'a mut Canvas,
    pub(super) live: &'a Liveness<'a>,
    pub(super) budget: &'a mut Budget,
    pub(super) external: &'a mut ExternalData,
}

impl Site<'_> {
    pub(super) fn origin(&self) -> Origin {
        origin_of(self.node)
    }

    pub(super) fn invalid(&self, reason: impl Into<String>) -> Halt {
        Halt::Error(ImportError::Node { origin: self.origin(), reason: reason.into() })
    }

    /// `result`, or an error that names the node and what is wrong with the shape.
    pub(super) fn valid<T>(&self, result: Result<T, ShapeError>) -> Result<T, Halt> {
        result.map_err(|error| self.invalid(error.to_string()))
    }

    /// Takes `elements` off the budget, before they are allocated.
    pub(super) fn spend(&mut self, elements: usize) -> Result<(), Halt> {
        self.budget.take(elements, &origin_of(self.node))
    }

    /// `attribute` names the attribute or operand at fault, if it is not the operator as such.
    pub(super) fn unsupported(&self, attribute: Option<&str>, hint: impl Into<String>) -> Halt {
        Halt::Unsupported(Box::new(unsupported(self.node, attribute, hint)))
    }

    /// Is operand `i` given?
    pub(super) fn has(&self, i: usize) -> bool {
        self.inputs.get(i).is_some_and(Option::is_some)
    }

    /// Does an output of the graph depend on result `i`?
    pub(super) fn is_live(&self, i: usize) -> bool {
        self.node.outputs.get(i).is_some_and(|name| self.live.value(name))
    }

    /// Are all operands constants?
    pub(super) fn all_constant(&self) -> bool {
        self.inputs.iter().flatten().all(|input| matches!(input, Lowered::Constant(_)))
    }

    /// Operand `i`, constant or activation.
    pub(super) fn input(&self, i: usize) -> Result<Lowered, Halt> {
        match self.inputs.get(i) {
            Some(Some(Lowered::Poisoned { .. })) => Err(Halt::Poisoned),
            Some(Some(input)) => Ok(input.clone()),
            _ => Err(self.invalid(format!("input {i} is missing"))),
        }
    }

    /// Shape of operand `i`.
    pub(super) fn shape(&self, i: usize) -> Result<Shape, Halt> {
        Ok(self.shape_of(&self.input(i)?))
    }

    pub(super) fn shape_of(&self, value: &Lowered) -> Shape {
        match value {
            Lowered::Constant(constant) => constant.shape.clone(),
            Lowered::Activation(id) => self.canvas.graph.get(*id).shape.clone(),
            Lowered::Poisoned { .. } => Shape::scalar(), // `input` lets none through
        }
    }

    /// Operand `i`, which must be constant; `role` names it for messages.
    pub(super) fn constant(&self, i: usize, role: &str) -> Result<Rc<Constant>, Halt> {
        match self.input(i)? {
            Lowered::Constant(constant) => Ok(constant),
            _ => Err(self.unsupported(Some(role), "supported only when it is a constant")),
        }
    }

    /// Operand `i` as constant whole numbers, on any axes.
    pub(super) fn ints(&self, i: usize, role: &str) -> Result<Vec<i64>, Halt> {
        match &self.constant(i, role)?.elements {
            Elements::I64(v) => Ok(v.clone()),
            Elements::I32(v) => Ok(v.iter().map(|v| i64::from(*v)).collect()),
            other => {
                let got = other.dtype();
                Err(self.invalid(format!("`{role}` is {got}, expected int64 or int32")))
            }
        }
    }

    /// Operand `i` as constant `f32` numbers that are finite.
    pub(super) fn floats(&self, i: usize, role: &str) -> Result<Tensor<f32>, Halt> {
        let tensor = self.float_tensor(&*self.constant(i, role)?)?;
        check_finite(&self.node.inputs[i], &tensor)?;
        Ok(tensor)
    }

    /// A float constant as a tensor, which may hold infinities.
    pub(super) fn float_tensor(&self, constant: &Constant) -> Result<Tensor<f32>, Halt> {
        let data = match &constant.elements {
            Elements::F32(v) => v.clone(),
            Elements::F64(v) => v.iter().map(|v| *v as f32).collect(),
            other => {
                let got = other.dtype();
                return Err(self.invalid(format!("an operand is {got}, expected float32")));
            }
        };
        self.valid(Tensor::new(constant.shape.clone(), data))
    }

    /// Operand `i` as a value of the graph; a constant is placed in it.
    pub(super) fn operand(&mut self, i: usize) -> Result<ValueId, Halt> {
        match self.input(i)? {
            Lowered::Constant(constant) => {
                let key = (self.node.inputs[i].clone(), constant.shape.dims().to_vec());
                if let Some(id) = self.canvas.placed.get(&key) {
                    return Ok(*id);
                }
                let tensor = self.float_tensor(&constant)?;
                let id = self.place(&key.0, tensor)?;
                self.canvas.placed.insert(key, id);
                Ok(id)
            }
            Lowered::Activation(id) => Ok(id),
            Lowered::Poisoned { .. } => Err(Halt::Poisoned),
        }
    }

    /// Any value as a value of the graph; a constant is placed under `part` of the node's name.
    pub(super) fn value(&mut self, value: Lowered, part: &str) -> Result<ValueId, Halt> {
        match value {
            Lowered::Constant(constant) => {
                let tensor = self.float_tensor(&constant)?;
                self.place(&self.part_name(part), tensor)
            }
            Lowered::Activation(id) => Ok(id),
            Lowered::Poisoned { .. } => Err(Halt::Poisoned),
        }
    }

    /// Places a constant of the node's own, `part` of its name.
    pub(super) fn own_constant(
        &mut self,
        part: &str,
        tensor: Tensor<f32>,
    ) -> Result<ValueId, Halt> {
        self.place(&self.part_name(part), tensor)
    }

    fn place(&mut self, name: &str, tensor: Tensor<f32>) -> Result<ValueId, Halt> {
        check_finite(name, &tensor)?;
        // Each node may place constants of the size of the largest.
        self.spend(tensor.shape().len())?;
        Ok(self.canvas.graph.constant(name, tensor))
    }

    /// Adds a node; `part` is empty for the one that computes the result. It holds what its first
    /// operand that is no constant does.
    pub(super) fn push(
        &mut self,
        op: Op,
        inputs: Vec<ValueId>,
        part: &str,
    ) -> Result<ValueId, Halt> {
        let (name, origin) = (self.part_name(part), self.origin());
        let varying = inputs.iter().find(|id| self.canvas.graph.get(**id).constant.is_none());
        let kind = varying.map_or(Kind::Float, |id| self.canvas.kind(*id));
        let id = self.canvas.graph.push(op, inputs, name, origin).map_err(ImportError::from)?;
        if self.canvas.graph.get(id).shape.len() == 0 {
            return Err(self.invalid("the result has no elements"));
        }
        self.canvas.set_kind(id, kind);
        Ok(id)
    }

    pub(super) fn part_name(&self, part: &str) -> String {
        let named = self.node.outputs.iter().find(|name| !name.is_empty());
        let output = named.unwrap_or(&self.node.name);
        if part.is_empty() { output.to_owned() } else { format!("{output}/{part}") }
    }

    /// Refuses what has the shape `got` unless that broadcasts to `to`.
    pub(super) fn expect_broadcast(&self, what: &str, got: &Shape, to: &Shape) -> Result<(), Halt> {
        if got.broadcasts_to(to) {
            return Ok(());
        }
        Err(self.invalid(format!("{what} has shape {got}, it must broadcast to {to}")))
    }

    /// For each of `rank` axes whether it is among `axes`, none of which may be there twice.
    pub(super) fn marked(
        &self,
        axes: &[i64],
        rank: usize,
        negative: bool,
    ) -> Result<Vec<bool>, Halt> {
        let mut marked = vec![false; rank];
        for axis in axes {
            let axis = self.axis(*axis, rank, negative)?;
            if std::mem::replace(&mut marked[axis], true) {
                return Err(self.invalid(format!("`axes` names axis {axis} twice")));
            }
        }
        Ok(marked)
    }

    /// Checks an axis of a tensor of `rank` axes; negative counts from the end if `negative`.
    pub(super) fn axis(&self, axis: i64, rank: usize, negative: bool) -> Result<usize, Halt> {
        let signed_rank = rank as i64; // at most the bytes of a file
        let from_start =
            if axis < 0 && negative { axis.checked_add(signed_rank) } else { Some(axis) };
        from_start
            .filter(|axis| (0..signed_rank).contains(axis))
            .and_then(|axis| usize::try_from(axis).ok())
            .ok_or_else(|| {
                let low = if negative { -signed_rank } else { 0 };
                self.invalid(format!("axis {axis} is outside of {low}..{signed_rank}"))
            })
    }
}

/// What names a node in the graph's messages.
pub(super) fn origin_of(node: &Node) -> Origin {
    let op = match node.domain.as_str() {
        "" => node.op.clone(),
        domain => format!("{domain}.{}", node.op),
    };
    Origin { node: node.name.clone(), op, opset: node.opset }
}

pub(super) fn unsupported(
    node: &Node,
    attribute: Option<&str>,
    hint: impl Into<String>,
) -> Unsupported {
    Unsupported {
        node: node.name.clone(),
        op: node.op.clone(),
        domain: node.domain.clone(),
        opset: node.opset,
        attribute: attribute.map(str::to_owned),
        hint: hint.into(),
    }
}

fn check_finite(name: &str, tensor: &Tensor<f32>) -> Result<(), Halt> {
    match tensor.data().iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((element, &value)) => {
            Err(ImportError::NonFinite { tensor: name.to_owned(), element, value }.into())
        }
        None => Ok(()),
    }
}
