//! What is known of the result of an operation: its shape, and whether it is whole.

use super::{Graph, GraphError, Op, Origin, ValueId};
use crate::tensor::{Shape, ShapeError, Tensor};

/// Whole numbers up to this magnitude count as such.
const WHOLE_LIMIT: f32 = 32_768.0;

impl Graph {
    /// Shape of `op` of `inputs`.
    pub(super) fn infer(
        &self,
        op: &Op,
        inputs: &[ValueId],
        origin: &Origin,
    ) -> Result<Shape, GraphError> {
        self.check_operands(op, inputs, origin)?;
        let shape_error = |source| GraphError::Shape { origin: origin.clone(), source };
        let of = |i: usize| &self.get(inputs[i]).shape;
        let shapes = || (0..inputs.len()).map(of).collect::<Vec<_>>();
        let wrong = |what| GraphError::Operation { origin: origin.clone(), what };
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
            Op::Activation(super::Activation::Pointwise(e)) if !e.check() => {
                let (size, most) = (e.size(), super::Pointwise::MAX_SIZE);
                let what = format!("an expression of size {size} (at most {most}) or not finite");
                Err(wrong(what))
            }
            Op::Activation(_) => Ok(of(0).clone()),
            Op::Reshape(to) if to.len() == of(0).len() => Ok(to.clone()),
            Op::Reshape(to) => Err(shape_error(ShapeError::Length {
                shape: to.clone(),
                expected: to.len(),
                got: of(0).len(),
            })),
            Op::Transpose(perm) => of(0).transpose(perm).map_err(shape_error),
            Op::ReduceMax { .. } | Op::ExpShifted { .. } | Op::Mask { .. } | Op::Embed => {
                super::attention::infer(op, &shapes()).map_err(wrong)
            }
            _ => super::spatial::infer(op, &shapes()).map_err(wrong),
        }
    }

    fn check_operands(
        &self,
        op: &Op,
        inputs: &[ValueId],
        origin: &Origin,
    ) -> Result<(), GraphError> {
        let arity = match op {
            Op::MatMul
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Correlate { .. }
            | Op::Mask { .. }
            | Op::Embed => 2,
            Op::Activation(_)
            | Op::Reshape(_)
            | Op::Transpose(_)
            | Op::MaxPool(_)
            | Op::Take { .. }
            | Op::Pad { .. }
            | Op::ReduceMax { .. } => 1,
            Op::Concat { .. } => inputs.len().max(1),
            Op::ExpShifted { .. } => inputs.len().clamp(1, 2),
        };
        if inputs.len() != arity {
            return Err(GraphError::Arity {
                origin: origin.clone(),
                expected: arity,
                got: inputs.len(),
            });
        }
        match inputs.iter().find(|id| id.0 >= self.values().len()) {
            Some(id) => Err(GraphError::Unknown { origin: origin.clone(), id: *id }),
            None => Ok(()),
        }
    }

    /// Whether every element of `op` of `inputs` is a whole number whatever the model's inputs.
    pub(super) fn infer_integer(&self, op: &Op, inputs: &[ValueId]) -> bool {
        let whole = |i: usize| inputs.get(i).is_some_and(|id| self.get(*id).integer);
        let all = || inputs.iter().all(|id| self.get(*id).integer);
        let fits = |value: f32| value.fract() == 0.0 && value.abs() <= WHOLE_LIMIT;
        match op {
            Op::Activation(f) => f.is_whole(whole(0)),
            Op::Add | Op::Sub | Op::Mul | Op::MatMul | Op::Correlate { .. } | Op::Concat { .. } => {
                all()
            }
            Op::Reshape(_)
            | Op::Transpose(_)
            | Op::MaxPool(_)
            | Op::ReduceMax { .. }
            | Op::Take { .. } => whole(0),
            Op::Pad { value, .. } | Op::Mask { value } => fits(*value) && whole(0),
            Op::Embed => whole(1),
            Op::ExpShifted { .. } => false,
        }
    }
}

/// Whether every element of a constant is a whole number of few bits.
pub(super) fn is_whole(constant: &Tensor<f32>) -> bool {
    constant.data().iter().all(|v| v.fract() == 0.0 && v.abs() <= WHOLE_LIMIT)
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
