//! ArgMax, ArgMin and Hardmax.
//!
//! ```text
//! z_i = [x_i = max x]
//! first i with z_i = 1    n - max z_i (n - i)
//! last                    max z_i (i + 1) - 1
//! hardmax                 [i = argmax x]
//! ```
//!
//! All but `x` are whole numbers, so ties are decided as ONNX says: by the least index, or with
//! `select_last_index` (since 12) the greatest. Ties are those of the numbers computed with: of two
//! that quantisation makes equal the first is taken. ArgMin is ArgMax of `-x`.
//!
//! Before 13 Hardmax takes its input for a matrix, cut in front of the axis.

use super::{
    fill::finish,
    kind::Kind,
    plane::filled,
    site::{Halt, Lowered, Site},
    softmax,
};
use crate::{
    ir::{Activation, Op, ValueId},
    onnx::{Constant, Elements},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn arg_max(site: &mut Site<'_>) -> Result {
    extreme(site, true)
}

pub(super) fn arg_min(site: &mut Site<'_>) -> Result {
    extreme(site, false)
}

fn extreme(site: &mut Site<'_>, greatest: bool) -> Result {
    site.not_before("select_last_index", 12)?;
    let last = site.flag("select_last_index", false)?;
    let keep = site.flag("keepdims", true)?;
    if site.kind(0)? == Kind::Bool {
        return Err(site.invalid("the operand holds truth values, expected numbers"));
    }
    let shape = site.shape(0)?;
    let axis = site.int_attribute("axis")?.unwrap_or(0);
    let axis = site.axis(axis, shape.rank(), site.since >= 11)?;
    let mut dims = shape.dims().to_vec();
    let size = if keep { std::mem::replace(&mut dims[axis], 1) } else { dims.remove(axis) };
    if size == 1 {
        let constant = filled(site, dims, |_| 0.0)?.map(|_| 0i64);
        let (shape, zeros) = (constant.shape().clone(), constant.into_data());
        return finish(site, Constant::new(shape, Elements::I64(zeros)));
    }
    let mut x = site.operand(0)?;
    if !greatest {
        x = site.times(x, -1.0, "negated")?;
    }
    let index = index(site, x, axis, last)?;
    let id = site.reshape(index, dims, "")?;
    Ok(site.holds(id, Kind::Int))
}

pub(super) fn hardmax(site: &mut Site<'_>) -> Result {
    softmax::by_axis(site, |site, x, axis, part| {
        let index = index(site, x, axis, false)?;
        let places = places(site, x, axis, |i, _| i as f32)?;
        let places = site.own_constant("places", places)?;
        let distance = site.push(Op::Sub, vec![index, places], "distance")?;
        site.apply(Activation::IsZero, distance, part)
    })
}

/// Index of the maximum along `axis`, which stays with size 1.
fn index(site: &mut Site<'_>, x: ValueId, axis: usize, last: bool) -> Result<ValueId> {
    let max = site.push(Op::ReduceMax { axis }, vec![x], "max")?;
    let distance = site.push(Op::Sub, vec![x, max], "from_max")?;
    let equal = site.apply(Activation::IsZero, distance, "is_max")?;
    let weights = places(site, x, axis, |i, n| if last { i + 1 } else { n - i } as f32)?;
    let weights = site.own_constant("weights", weights)?;
    let weighted = site.push(Op::Mul, vec![equal, weights], "weighted")?;
    let top = site.push(Op::ReduceMax { axis }, vec![weighted], "top")?;
    if last {
        return site.plus(top, -1.0, "index");
    }
    let count = site.scalar(site.dims(x)[axis] as f32, "count")?;
    site.push(Op::Sub, vec![count, top], "index")
}

/// A constant along `axis` of `x`: `f` of the position and the size.
fn places(
    site: &mut Site<'_>,
    x: ValueId,
    axis: usize,
    f: impl Fn(usize, usize) -> f32,
) -> Result<crate::tensor::Tensor<f32>> {
    let dims = site.dims(x);
    let size = dims[axis];
    let mut shape = vec![1; dims.len()];
    shape[axis] = size;
    filled(site, shape, |i| f(i, size))
}
