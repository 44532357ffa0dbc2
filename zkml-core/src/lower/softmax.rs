//! Softmax and LogSoftmax.
//!
//! ```text
//! softmax(x)    = e / z,          e = exp(x - max x),  z = sum e       along the axis
//! logsoftmax(x) = (x - max x) - ln z
//! ```
//!
//! Before opset 13 the input counts as a matrix, cut in front of the axis (1 by default), whose rows
//! are normalised; since, one axis is (the last by default).

use super::{
    plane::new_shape,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Activation, Op, ValueId};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn softmax(site: &mut Site<'_>) -> Result {
    by_axis(site, |site, x, axis, part| normalised(site, (x, None), axis, part))
}

pub(super) fn log_softmax(site: &mut Site<'_>) -> Result {
    by_axis(site, |site, x, axis, part| {
        let max = site.push(Op::ReduceMax { axis }, vec![x], "max")?;
        let shifted = site.push(Op::Sub, vec![x, max], "shifted")?;
        let e = site.push(Op::ExpShifted { axis }, vec![x], "exp")?;
        let z = site.sum_along(e, axis, 1.0, "sum")?;
        let log = site.apply(Activation::Log, z, "log")?;
        site.push(Op::Sub, vec![shifted, log], part)
    })
}

/// The softmax of `x` along `axis`, of what is kept of it.
pub(super) fn normalised(
    site: &mut Site<'_>,
    (x, keep): (ValueId, Option<ValueId>),
    axis: usize,
    part: &str,
) -> Result<ValueId> {
    let operands = [Some(x), keep].into_iter().flatten().collect();
    let e = site.push(Op::ExpShifted { axis }, operands, "exp")?;
    let z = site.sum_along(e, axis, 1.0, "sum")?;
    let inverse = site.apply(Activation::Reciprocal, z, "inverse")?;
    site.push(Op::Mul, vec![e, inverse], part)
}

/// `f` along the axis of the node, by its version's rules.
pub(super) fn by_axis(
    site: &mut Site<'_>,
    f: impl FnOnce(&mut Site<'_>, ValueId, usize, &str) -> Result<ValueId>,
) -> Result {
    let shape = site.shape(0)?;
    let x = site.operand(0)?;
    let one = site.since >= 13;
    let axis = site.int_attribute("axis")?.unwrap_or(if one { -1 } else { 1 });
    if one {
        let axis = site.axis(axis, shape.rank(), true)?;
        return Ok(Lowered::Activation(f(site, x, axis, "")?));
    }
    // The axis may be the rank: rows of one element.
    let axis = match usize::try_from(axis) {
        Ok(axis) if axis == shape.rank() => axis,
        // Negative also before 11: exporters wrote it, and onnxruntime takes it.
        _ => site.axis(axis, shape.rank(), true)?,
    };
    if axis + 1 == shape.rank() {
        return Ok(Lowered::Activation(f(site, x, axis, "")?));
    }
    let (outer, inner) = shape.dims().split_at(axis);
    let matrix = new_shape(site, vec![outer.iter().product(), inner.iter().product()])?;
    let rows = site.push(Op::Reshape(matrix), vec![x], "rows")?;
    let result = f(site, rows, 1, "normalised")?;
    Ok(Lowered::Activation(site.push(Op::Reshape(shape), vec![result], "")?))
}
