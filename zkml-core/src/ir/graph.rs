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
        let id = self.value(Value { name: name.into(), shape, constant: None });
        self.inputs.push(id);
        id
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: impl Into<String>, tensor: Tensor<f32>) -> ValueId {
        let shape = tensor.shape().clone();
        self.value(Value { name: name.into(), shape, constant: Some(tensor) })
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
        let output = self.value(Value { name: name.into(), shape, constant: None });
        self.nodes.push(Node { op, inputs, output, origin });
        Ok(output)
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

    fn infer(&self, op: &Op, inputs: &[ValueId], origin: &Origin) -> Result<Shape, GraphError> {
        let shape_error = |source| GraphError::Shape { origin: origin.clone(), source };
        let arity = match op {
            Op::MatMul | Op::Add | Op::Sub | Op::Mul | Op::Correlate { .. } => 2,
            Op::Activation(_)
            | Op::Reshape(_)
            | Op::Transpose(_)
            | Op::MaxPool(_)
            | Op::Take { .. }
            | Op::Pad { .. } => 1,
            Op::Concat { .. } => inputs.len().max(1),
        };
        if inputs.len() != arity {
            return Err(GraphError::Arity {
                origin: origin.clone(),
                expected: arity,
                got: inputs.len(),
            });
        }
        if let Some(id) = inputs.iter().find(|id| id.0 >= self.values.len()) {
            return Err(GraphError::Unknown { origin: origin.clone(), id: *id });
        }
        let of = |i: usize| &self.values[inputs[i].0].shape;
        match op {
            Op::MatMul => matmul_shape(of(0), of(1)).map_err(|e| match e {
                Some(source) => shape_error(source),
                None => GraphError::Inner {
                    origin: origin.clone(),
                    left: of(0).clone(),
                    right: of(1).clone(),
                },
            }),
            Op::Add | Op::Sub | Op::Mul => of(0).broadcast(of(1)).map_err(shape_error),
            Op::Activation(_) => Ok(of(0).clone()),
            Op::Reshape(to) if to.len() == of(0).len() => Ok(to.clone()),
            Op::Reshape(to) => Err(shape_error(ShapeError::Length {
                shape: to.clone(),
                expected: to.len(),
                got: of(0).len(),
            })),
            Op::Transpose(perm) => of(0).transpose(perm).map_err(shape_error),
            _ => {
                let shapes: Vec<&Shape> = (0..inputs.len()).map(of).collect();
                super::spatial::infer(op, &shapes)
                    .map_err(|what| GraphError::Operation { origin: origin.clone(), what })
            }
        }
    }
}

/// Shape of a numpy matrix product; `Err(None)` when the inner dimensions differ.
fn matmul_shape(left: &Shape, right: &Shape) -> Result<Shape, Option<ShapeError>> {
    let (mut a, mut b) = (left.dims().to_vec(), right.dims().to_vec());
    let (row_vector, column_vector) = (a.len() == 1, b.len() == 1);
    if a.is_empty() || b.is_empty() {
        return Err(None);
    }
    if row_vector {
        a.insert(0, 1);
    }
    if column_vector {
        b.push(1);
    }
    let (m, k, k2, n) = (a[a.len() - 2], a[a.len() - 1], b[b.len() - 2], b[b.len() - 1]);
    if k != k2 {
        return Err(None);
    }
    let batch_a = Shape::new(a[..a.len() - 2].to_vec()).map_err(Some)?;
    let batch_b = Shape::new(b[..b.len() - 2].to_vec()).map_err(Some)?;
    let mut dims = batch_a.broadcast(&batch_b).map_err(Some)?.dims().to_vec();
    if !row_vector {
        dims.push(m);
    }
    if !column_vector {
        dims.push(n);
    }
    Shape::new(dims).map_err(Some)
}
