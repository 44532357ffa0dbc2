//! Normalisation by statistics of the values themselves: LayerNormalization, RMSNormalization,
//! GroupNormalization, InstanceNormalization, MeanVarianceNormalization and LpNormalization.
//!
//! ```text
//! d = x - mean x,   y = d / sqrt(mean d^2 + epsilon)         over the normalised elements
//! ```
//!
//! then times a scale and plus a bias. RMSNormalization takes `d = x`. What is normalised together
//! goes to the last axis: `sum` is then a product with a column.
//!
//! `stash_type` is the type of the statistics, which here are real numbers.

use super::{
    reduce::kept_first,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Activation, Op, ValueId},
    tensor::{Shape, inverse_permutation},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// Also the mean and the inverse of the deviation, with normalised axes of size 1.
pub(super) fn layer_normalization(site: &mut Site<'_>) -> Result<Vec<Lowered>> {
    along_trailing_axes(site, true)
}

pub(super) fn rms_normalization(site: &mut Site<'_>) -> Result {
    along_trailing_axes(site, false)?.into_iter().next().ok_or(Halt::Poisoned)
}

/// All axes from `axis` on are normalised together.
fn along_trailing_axes(site: &mut Site<'_>, centre: bool) -> Result<Vec<Lowered>> {
    let epsilon = site.float_attribute("epsilon", 1e-5)?;
    let axis = site.int_attribute("axis")?.unwrap_or(-1);
    let shape = site.shape(0)?;
    let axis = site.axis(axis, shape.rank(), true)?;
    let (outer, inner) = shape.dims().split_at(axis);
    let rows = match inner {
        [_] => shape.dims().to_vec(),
        _ => [outer, &[inner.iter().product()]].concat(),
    };
    let x = site.operand(0)?;
    let x = site.reshape(x, rows, "rows")?;
    let Normalised { unit, mean, inverse } = normalised(site, x, centre, epsilon)?;
    let y = site.reshape(unit, shape.dims().to_vec(), "normalised")?;
    let bias = site.has(2);
    let scale = fitting(site, 1, "`Scale`", &shape)?;
    let y = site.push(Op::Mul, vec![y, scale], if bias { "scaled" } else { "" })?;
    let mut results = vec![y];
    if bias {
        let bias = fitting(site, 2, "`B`", &shape)?;
        results = vec![site.push(Op::Add, vec![y, bias], "")?];
    }
    let ones = [outer, &vec![1; inner.len()]].concat();
    for (i, (what, value)) in [("mean", mean), ("deviation", Some(inverse))].iter().enumerate() {
        // Only of a node that names them.
        if let (Some(value), true) = (value, site.node.outputs.len() > i + 1) {
            results.push(site.reshape(*value, ones.clone(), &format!("{what}_out"))?);
        }
    }
    Ok(results.into_iter().map(Lowered::Activation).collect())
}

/// Operand `i`, which must broadcast to `shape`.
fn fitting(site: &mut Site<'_>, i: usize, what: &str, shape: &Shape) -> Result<ValueId> {
    site.expect_broadcast(what, &site.shape(i)?, shape)?;
    site.operand(i)
}

/// Scale and bias are per group in version 18, per channel since 21.
pub(super) fn group_normalization(site: &mut Site<'_>) -> Result {
    let groups =
        site.int_attribute("num_groups")?.ok_or_else(|| site.invalid("`num_groups` is missing"))?;
    let shape = site.shape(0)?;
    let &[_, channels, ..] = shape.dims() else {
        return Err(site.invalid(format!("the input has shape {shape}, expected channels")));
    };
    let count = usize::try_from(groups)
        .ok()
        .filter(|groups| *groups > 0 && channels.is_multiple_of(*groups))
        .ok_or_else(|| {
            site.invalid(format!("`num_groups` is {groups}, which does not divide {channels}"))
        })?;
    let parameters = if site.since >= 21 { channels } else { count };
    grouped(site, count, parameters)
}

/// A group for each channel.
pub(super) fn instance_normalization(site: &mut Site<'_>) -> Result {
    let shape = site.shape(0)?;
    let &[_, channels, _, ..] = shape.dims() else {
        return Err(site.invalid(format!("the input has shape {shape}, expected spatial axes")));
    };
    grouped(site, channels, channels)
}

/// Normalises groups of channels, then scales by as many `parameters` as there are groups or
/// channels.
fn grouped(site: &mut Site<'_>, groups: usize, parameters: usize) -> Result {
    let epsilon = site.float_attribute("epsilon", 1e-5)?;
    let shape = site.shape(0)?;
    let batch = shape.dims()[0];
    let per = |count: usize| {
        let rest = shape.len().checked_div(batch.saturating_mul(count)).unwrap_or(0);
        vec![batch, count, rest]
    };
    let x = site.operand(0)?;
    let x = site.reshape(x, per(groups), "groups")?;
    let y = normalised(site, x, true, epsilon)?.unit;
    let y = site.reshape(y, per(parameters), "normalised")?;
    let mut column = |i: usize, role: &str| {
        let got = site.shape(i)?;
        if got.dims() != [parameters] {
            let what = format!("`{role}` has shape {got}, expected [{parameters}]");
            return Err(site.invalid(what));
        }
        let id = site.operand(i)?;
        site.arranged(id, vec![parameters, 1], role)
    };
    let (scale, bias) = (column(1, "scale")?, column(2, "bias")?);
    let scaled = site.push(Op::Mul, vec![y, scale], "scaled")?;
    let y = site.push(Op::Add, vec![scaled, bias], "moved")?;
    Ok(Lowered::Activation(site.push(Op::Reshape(shape), vec![y], "")?))
}

/// What is normalised, and its statistics.
struct Normalised {
    unit: ValueId,
    /// If it was subtracted.
    mean: Option<ValueId>,
    /// One over the deviation.
    inverse: ValueId,
}

/// `x - mean`, over the square root of the mean square of that, along the last axis. Without
/// `centre` nothing is subtracted.
fn normalised(site: &mut Site<'_>, x: ValueId, centre: bool, epsilon: f32) -> Result<Normalised> {
    let (x, mean) = if centre {
        let (x, mean) = centred(site, x)?;
        (x, Some(mean))
    } else {
        (x, None)
    };
    let mean_square = mean_square(site, x)?;
    let shifted = site.plus(mean_square, epsilon, "shifted")?;
    let inverse = site.apply(Activation::Rsqrt, shifted, "inverse")?;
    Ok(Normalised { unit: site.push(Op::Mul, vec![x, inverse], "unit")?, mean, inverse })
}

/// `x - mean`, and the mean.
fn centred(site: &mut Site<'_>, x: ValueId) -> Result<(ValueId, ValueId)> {
    let weight = share(site, x);
    let mean = site.sum_last(x, weight, "mean")?;
    Ok((site.push(Op::Sub, vec![x, mean], "centred")?, mean))
}

fn mean_square(site: &mut Site<'_>, x: ValueId) -> Result<ValueId> {
    let square = site.apply(Activation::Square, x, "square")?;
    let weight = share(site, x);
    site.sum_last(square, weight, "mean_square")
}

/// One over the size of the last axis.
fn share(site: &Site<'_>, x: ValueId) -> f32 {
    (1.0 / site.dims(x).last().copied().unwrap_or(1) as f64) as f32
}

/// Divides by the standard deviation plus 1e-9.
pub(super) fn mean_variance_normalization(site: &mut Site<'_>) -> Result {
    let axes = site.ints_attribute("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    let shape = site.shape(0)?;
    let (perm, kept) = kept_first(&site.marked(&axes, shape.rank(), true)?);
    let x = site.operand(0)?;
    let moved = site.permute(x, &perm, "moved")?;
    let moved_dims = site.dims(moved);
    let (outer, inner) = moved_dims.split_at(kept);
    let rows = vec![outer.iter().product(), inner.iter().product()];
    let rows = site.reshape(moved, rows, "rows")?;
    let (d, _) = centred(site, rows)?;
    let variance = mean_square(site, d)?;
    let deviation = site.apply(Activation::Sqrt, variance, "deviation")?;
    let shifted = site.plus(deviation, 1e-9, "shifted")?;
    let inverse = site.apply(Activation::Reciprocal, shifted, "inverse")?;
    let unit = site.push(Op::Mul, vec![d, inverse], "unit")?;
    let unit = site.reshape(unit, moved_dims.clone(), "axes")?;
    let back = inverse_permutation(&perm);
    Ok(Lowered::Activation(site.push(Op::Transpose(back), vec![unit], "")?))
}

/// Divides by the sum of magnitudes (`p = 1`) or the root of the sum of squares (`p = 2`).
pub(super) fn lp_normalization(site: &mut Site<'_>) -> Result {
    let axis = site.int_attribute("axis")?.unwrap_or(-1);
    let axis = site.axis(axis, site.shape(0)?.rank(), true)?;
    let (power, inverse) = match site.int_attribute("p")?.unwrap_or(2) {
        1 => (Activation::Abs, Activation::Reciprocal),
        2 => (Activation::Square, Activation::Rsqrt),
        other => return Err(site.invalid(format!("`p` is {other}, expected 1 or 2"))),
    };
    let x = site.operand(0)?;
    let power = site.apply(power, x, "power")?;
    let sum = site.sum_along(power, axis, 1.0, "sum")?;
    let inverse = site.apply(inverse, sum, "inverse")?;
    Ok(Lowered::Activation(site.push(Op::Mul, vec![x, inverse], "")?))
}
