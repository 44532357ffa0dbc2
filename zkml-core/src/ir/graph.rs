//! Values, nodes and the graph that owns them.

use super::{Activation, Window};
use crate::tensor::{Shape, ShapeError, Tensor};

/// Names a value of a [`Graph`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ValueId(pub usize);

/// Where a node came from: what an error message names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Origin {
    /// Name of the ONNX node, or a made-up one where the file has none.
    pub node: String,
    /// ONNX operator.
    pub op: String,
    /// Opset version of its domain in the file.
    pub opset: i64,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node `{}` ({}, opset {})", self.node, self.op, self.opset)
    }
}

/// An operation. All are total functions of their inputs; shapes are checked by [`Graph::push`].
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Op {
    /// Matrix product by numpy's `matmul` rules (batch axes broadcast, 1-D operands promoted).
    MatMul,
    /// Element-wise sum, broadcasting.
    Add,
    /// Element-wise difference, broadcasting.
    Sub,
    /// Element-wise product, broadcasting.
    Mul,
    /// Element-wise function.
    Activation(Activation),
    /// The same elements in row-major order under another shape.
    Reshape(Shape),
    /// Axes permuted: output axis `i` is input axis `perm[i]`.
    Transpose(Vec<usize>),
    /// Convolution and its relatives. Operands `x [B, C, H, W]` and `w [O, C / groups, Kh, Kw]`,
    /// result `[B, O, H', W']`: `y[b, o, h', w']` is the sum over the channels `c` of `o`'s group
    /// and the taps `(i, j)` that meet an input `(h, w)` of `x[b, c, h, w] w[o, c, i, j]`.
    Correlate {
        /// Which positions meet.
        window: Window,
        /// Groups of channels.
        groups: usize,
    },
    /// Maximum over a window: `x [B, C, H, W]` to `[B, C, H', W']`. Each output meets an input.
    MaxPool(Window),
    /// Elements along one axis: `y[.., i, ..] = x[.., indices[i], ..]`.
    Take {
        /// The axis.
        axis: usize,
        /// Positions on it, repeated or left out at will.
        indices: Vec<u32>,
    },
    /// Operands one after the other along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// A border of one value.
    Pad {
        /// Elements added before, by axis.
        begin: Vec<usize>,
        /// Elements added after, by axis.
        end: Vec<usize>,
        /// The value.
        value: f32,
    },
    /// Maximum along one axis, which is kept with size 1.
    ReduceMax {
        /// The axis.
        axis: usize,
    },
    /// The numerator of a softmax. Operands `x`, or `x` and `keep`, whose elements are 0 or 1 and
    /// which broadcasts to the shape of `x`:
    ///
    /// ```text
    /// y = exp(x - max)   where keep = 1,     max = maximum of the kept x along the axis
    /// y = 0              where keep = 0
    /// ```
    ///
    /// A row of which nothing is kept gives 0 everywhere.
    ExpShifted {
        /// The axis.
        axis: usize,
    },
    /// Operands `x` and `keep`, whose elements are 0 or 1 and which broadcasts to the shape of `x`:
    /// `x` where `keep = 1`, `value` where it is 0.
    Mask {
        /// The value, finite.
        value: f32,
    },
    /// Rows of a constant table. Operands `ids`, whole numbers `0 .. V`, and `table [V, D]`; the
    /// result has the shape of `ids` and one axis of `D` more.
    Embed,
}

/// A value: a graph input, a constant or the output of a node.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Value {
    /// ONNX name.
    pub name: String,
    /// Shape, every dimension known.
    pub shape: Shape,
    /// Its value, when it is a constant.
    pub constant: Option<Tensor<f32>>,
    /// Every element is a whole number in any run: ids, masks, comparisons and what keeps them
    /// whole, and constants. A graph input of this kind has a scale of 0 bits and is never rounded.
    pub integer: bool,
}

/// An operation applied to values.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// Operands.
    pub inputs: Vec<ValueId>,
    /// Result.
    pub output: ValueId,
    /// Where it came from.
    pub origin: Origin,
}

/// A float graph in topological order: a node's inputs are graph inputs, constants or outputs of
/// earlier nodes.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Graph {
    values: Vec<Value>,
    nodes: Vec<Node>,
    inputs: Vec<ValueId>,
    outputs: Vec<(String, ValueId)>,
}

/// Why a node cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Operand shapes do not fit the operation.
    #[error("{origin}: {source}")]
    Shape {
        /// The node.
        origin: Origin,
        /// What does not fit.
        source: ShapeError,
    },
    /// The inner dimensions of a matrix product differ.
    #[error("{origin}: inner dimensions of {left} and {right} differ")]
    Inner {
        /// The node.
        origin: Origin,
        /// Shape of the left operand.
        left: Shape,
        /// Shape of the right operand.
        right: Shape,
    },
    /// An operation got the wrong number of operands.
    #[error("{origin}: expected {expected} operands, got {got}")]
    Arity {
        /// The node.
        origin: Origin,
        /// Operands the operation takes.
        expected: usize,
        /// Operands given.
        got: usize,
    },
    /// Parameters of an operation that do not fit its operands.
    #[error("{origin}: {what}")]
    Operation {
        /// The node.
        origin: Origin,
        /// What does not fit.
        what: String,
    },
    /// An operand names no value of this graph.
    #[error("{origin}: operand {id:?} is not a value of the graph")]
    Unknown {
        /// The node.
        origin: Origin,
        /// The operand.
        id: ValueId,
    },
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a graph input.
    pub fn input(&mut self, name: impl Into<String>, shape: Shape) -> ValueId {
        self.add_input(name.into(), shape, false)
    }

    /// Adds a graph input of whole numbers.
    pub fn integer_input(&mut self, name: impl Into<String>, shape: Shape) -> ValueId {
        self.add_input(name.into(), shape, true)
    }

    fn add_input(&mut self, name: String, shape: Shape, integer: bool) -> ValueId {
        let id = self.value(Value { name, shape, constant: None, integer });
        self.inputs.push(id);
        id
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: impl Into<String>, tensor: Tensor<f32>) -> ValueId {
        let shape = tensor.shape().clone();
        let integer = super::infer::is_whole(&tensor);
        self.value(Value { name: name.into(), shape, constant: Some(tensor), integer })
    }

    /// Adds a node computing `op` of `inputs`; its output is a new value named `name`.
    ///
    /// # Errors
    /// A [`GraphError`] when number or shapes of the operands do not fit.
    pub fn push(
        &mut self,
        op: Op,
        inputs: Vec<ValueId>,
        name: impl Into<String>,
        origin: Origin,
    ) -> Result<ValueId, GraphError> {
        let shape = self.infer(&op, &inputs, &origin)?;
        let integer = self.infer_integer(&op, &inputs);
        let output = self.value(Value { name: name.into(), shape, constant: None, integer });
        self.nodes.push(Node { op, inputs, output, origin });
        Ok(output)
    }

    /// Gives the value `id` another name.
    ///
    /// # Panics
    /// If `id` belongs to another graph.
    pub fn rename(&mut self, id: ValueId, name: impl Into<String>) {
        self.values[id.0].name = name.into();
    }

    /// Declares `id` as the graph output `name`.
    pub fn output(&mut self, name: impl Into<String>, id: ValueId) {
        self.outputs.push((name.into(), id));
    }

    /// The value `id` of this graph.
    ///
    /// # Panics
    /// If `id` belongs to another graph.
    pub fn get(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// All values, indexed by [`ValueId`].
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Nodes in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Graph inputs, in the file's order.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// Graph outputs with their ONNX names, in the file's order.
    pub fn outputs(&self) -> &[(String, ValueId)] {
        &self.outputs
    }

    fn value(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }
}
