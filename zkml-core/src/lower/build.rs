//! Small steps that many operators are lowered to.

use super::{
    along,
    plane::{filled, new_shape},
    site::{Halt, Lowered, Site},
    view,
};
use crate::{
    ir::{Activation, Op, ValueId},
    onnx::Elements,
    tensor::{Shape, Tensor},
};

type Result<T = ValueId> = std::result::Result<T, Halt>;

/// Stands for minus infinity, which is no number of the graph: `exp` of it is 0 beside anything, and
/// a few of them may be added.
const MASKED: f32 = f32::MIN / 4.0;

/// `value`, or a number of the graph for minus infinity.
pub(super) fn hidden(value: f32) -> f32 {
    if value == f32::NEG_INFINITY { MASKED } else { value }
}

impl Site<'_> {
    pub(super) fn dims(&self, id: ValueId) -> Vec<usize> {
        self.canvas.graph.get(id).shape.dims().to_vec()
    }

    /// A function of every element; `part` as for [`Site::push`], here and below.
    pub(super) fn apply(&mut self, f: Activation, x: ValueId, part: &str) -> Result {
        self.push(Op::Activation(f), vec![x], part)
    }

    pub(super) fn scalar(&mut self, value: f32, part: &str) -> Result {
        self.own_constant(part, Tensor::scalar(value))
    }

    /// `x * value`.
    pub(super) fn times(&mut self, x: ValueId, value: f32, part: &str) -> Result {
        let factor = self.scalar(value, &format!("{part}_factor"))?;
        self.push(Op::Mul, vec![x, factor], part)
    }

    /// `x + value`.
    pub(super) fn plus(&mut self, x: ValueId, value: f32, part: &str) -> Result {
        let addend = self.scalar(value, &format!("{part}_addend"))?;
        self.push(Op::Add, vec![x, addend], part)
    }

    /// `1 - x`.
    pub(super) fn complement(&mut self, x: ValueId, part: &str) -> Result {
        let one = self.scalar(1.0, &format!("{part}_one"))?;
        self.push(Op::Sub, vec![one, x], part)
    }

    pub(super) fn reshape(&mut self, x: ValueId, dims: Vec<usize>, part: &str) -> Result {
        let shape = new_shape(self, dims)?;
        if self.canvas.graph.get(x).shape == shape {
            return Ok(if part.is_empty() { self.result(x) } else { x });
        }
        self.push(Op::Reshape(shape), vec![x], part)
    }

    /// `x` under the name of the result, if it is a step of this node.
    pub(super) fn result(&mut self, x: ValueId) -> ValueId {
        let (own, result) = (self.part_name("part"), self.part_name(""));
        let prefix = own.trim_end_matches("part");
        if self.canvas.graph.get(x).name.starts_with(prefix) {
            self.canvas.graph.rename(x, result);
        }
        x
    }

    /// A value under another shape; a constant at import.
    pub(super) fn arranged(&mut self, x: ValueId, dims: Vec<usize>, part: &str) -> Result {
        match self.canvas.graph.get(x).constant.clone() {
            Some(tensor) => {
                let shape = new_shape(self, dims)?;
                self.spend(shape.len())?;
                let tensor = self.valid(tensor.reshaped(shape))?;
                self.own_constant(part, tensor)
            }
            None => self.reshape(x, dims, part),
        }
    }

    pub(super) fn permute(&mut self, x: ValueId, perm: &[usize], part: &str) -> Result {
        if perm.iter().copied().eq(0..perm.len()) {
            return Ok(x);
        }
        self.push(Op::Transpose(perm.to_vec()), vec![x], part)
    }

    /// The positions `indices` of an axis.
    pub(super) fn take(
        &mut self,
        x: ValueId,
        axis: usize,
        indices: impl ExactSizeIterator<Item = usize>,
        part: &str,
    ) -> Result {
        self.spend(indices.len())?;
        // Positions of an axis are below Shape::MAX_ELEMENTS, and so below 2^32.
        let indices = indices.map(|index| index as u32).collect();
        self.push(Op::Take { axis, indices }, vec![x], part)
    }

    /// The product along `axis` with a constant matrix: `y[.., j, ..] = sum over i of x[.., i, ..] m[i, j]`.
    pub(super) fn product_along(
        &mut self,
        x: ValueId,
        axis: usize,
        matrix: Tensor<f32>,
        part: &str,
    ) -> Result {
        let last = self.dims(x).len().saturating_sub(1);
        if axis < last {
            let mut swap: Vec<usize> = (0..=last).collect();
            swap.swap(axis, last);
            let moved = self.permute(x, &swap, &format!("{part}_moved"))?;
            let product = self.product_along(moved, last, matrix, &format!("{part}_last"))?;
            return self.permute(product, &swap, part);
        }
        let matrix = self.own_constant(&format!("{part}_weights"), matrix)?;
        self.push(Op::MatMul, vec![x, matrix], part)
    }

    /// `weight` times the sum along the last axis, which stays with size 1.
    pub(super) fn sum_last(&mut self, x: ValueId, weight: f32, part: &str) -> Result {
        let last = self.dims(x).len().saturating_sub(1);
        self.sum_along(x, last, weight, part)
    }

    /// `weight` times the sum along `axis`, which stays with size 1: a product with a column.
    pub(super) fn sum_along(&mut self, x: ValueId, axis: usize, weight: f32, part: &str) -> Result {
        let count = self.dims(x).get(axis).copied().unwrap_or(1);
        let column = filled(self, vec![count, 1], |_| weight)?;
        self.product_along(x, axis, column, part)
    }

    /// `value` broadcast to `shape`.
    pub(super) fn broadcast(
        &mut self,
        value: Lowered,
        shape: &Shape,
        part: &str,
    ) -> Result<Lowered> {
        let from = self.shape_of(&value);
        let missing = shape.rank().saturating_sub(from.rank());
        let dims = [vec![1; missing], from.dims().to_vec()].concat();
        let mut value = if missing == 0 {
            value
        } else {
            view::reshaped_part(self, value, dims.clone(), part)?
        };
        for (axis, (from, to)) in dims.iter().zip(shape.dims()).enumerate() {
            if from != to {
                self.spend(*to)?;
                value = along::take(self, value, (axis, &vec![0; *to]), part)?;
            }
        }
        Ok(value)
    }

    /// The value of a constant whose elements are all the same.
    pub(super) fn uniform(&mut self, value: &Lowered) -> Result<Option<f64>> {
        let Lowered::Constant(constant) = value else { return Ok(None) };
        self.spend(constant.shape.len())?;
        Ok(match &constant.elements {
            Elements::F32(v) => same(v).map(f64::from),
            Elements::F64(v) => same(v),
            other => other.to_i64().and_then(|v| same(&v)).map(|v| v as f64),
        })
    }
}

fn same<T: Copy + PartialEq>(values: &[T]) -> Option<T> {
    let first = *values.first()?;
    values.iter().all(|v| *v == first).then_some(first)
}
