//! Sums, means, maxima and their relatives along axes.
//!
//! Over both spatial axes (2 and 3 of four) a sum or a maximum is a pool. Otherwise what is reduced
//! goes to the last axis: a sum is a product with a column, a maximum one operation for each axis.
//!
//! ```text
//! ReduceMin        = - max(-x)
//! ReduceL1         = sum |x|           ReduceL2     = sqrt(sum x^2)
//! ReduceSumSquare  = sum x^2           ReduceLogSum = ln(sum x)
//! ReduceProd       = a tree of products
//! ReduceLogSumExp  = m + ln(sum exp(x - m)),  m = max x
//! ```
//!
//! Axes are an attribute before 13 (ReduceSum) or 18 and an input since; without any all axes are
//! reduced, or none with `noop_with_empty_axes`. Negative axes exist since 11.

use super::{
    kind::Kind,
    parameter,
    plane::Planes,
    pool,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Activation, Op, ValueId};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn reduce_sum(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 13)?;
    numbers(site)?;
    sum_of_input(site, &reduced, 1.0)
}

pub(super) fn reduce_mean(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 18)?;
    let shape = site.shape(0)?;
    let count = shape.dims().iter().zip(&reduced).filter(|(_, reduced)| **reduced);
    let count: f64 = count.map(|(dim, _)| *dim as f64).product();
    sum_of_input(site, &reduced, (1.0 / count) as f32)
}

fn sum_of_input(site: &mut Site<'_>, reduced: &[bool], weight: f32) -> Result {
    if !reduced.contains(&true) {
        return site.input(0);
    }
    if *reduced == PLANE {
        let planes = Planes::of(site)?;
        let sum = pool::sum(site, &planes, pool::whole(planes.size, [true; 2]), weight)?;
        let sum = site.value(sum, "sum")?;
        return finish(site, sum, reduced);
    }
    let x = site.operand(0)?;
    let sum = sum(site, x, reduced, weight)?;
    finish(site, sum, reduced)
}

pub(super) fn reduce_max(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 18)?;
    if !reduced.contains(&true) {
        return site.input(0);
    }
    if *reduced == PLANE {
        let planes = Planes::of(site)?;
        let max = pool::maximum(site, &planes, pool::whole(planes.size, [true; 2]))?;
        let max = site.value(max, "max")?;
        return finish(site, max, &reduced);
    }
    let x = site.operand(0)?;
    let max = maximum(site, x, &reduced)?;
    finish(site, max, &reduced)
}

pub(super) fn reduce_min(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 18)?;
    // Truth values since 20.
    if site.since < 20 {
        numbers(site)?;
    }
    if !reduced.contains(&true) {
        return site.input(0);
    }
    let x = site.operand(0)?;
    let negated = site.times(x, -1.0, "negated")?;
    let max = maximum(site, negated, &reduced)?;
    let min = site.times(max, -1.0, "min")?;
    finish(site, min, &reduced)
}

pub(super) fn reduce_sum_square(site: &mut Site<'_>) -> Result {
    of_sum(site, Some(Activation::Square), None)
}

pub(super) fn reduce_l1(site: &mut Site<'_>) -> Result {
    of_sum(site, Some(Activation::Abs), None)
}

pub(super) fn reduce_l2(site: &mut Site<'_>) -> Result {
    of_sum(site, Some(Activation::Square), Some(Activation::Sqrt))
}

pub(super) fn reduce_log_sum(site: &mut Site<'_>) -> Result {
    of_sum(site, None, Some(Activation::Log))
}

/// A function of the sum of a function.
fn of_sum(site: &mut Site<'_>, inner: Option<Activation>, outer: Option<Activation>) -> Result {
    let reduced = reduced(site, 18)?;
    let mut x = site.operand(0)?;
    if let Some(f) = inner {
        x = site.apply(f, x, "inner")?;
    }
    if reduced.contains(&true) {
        x = sum(site, x, &reduced, 1.0)?;
    }
    if let Some(f) = outer {
        x = site.apply(f, x, "outer")?;
    }
    finish(site, x, &reduced)
}

pub(super) fn reduce_log_sum_exp(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 18)?;
    if !reduced.contains(&true) {
        return site.input(0);
    }
    let x = site.operand(0)?;
    let rows = rows(site, x, &reduced)?;
    let axis = site.dims(rows).len() - 1;
    let max = site.push(Op::ReduceMax { axis }, vec![rows], "max")?;
    let e = site.push(Op::ExpShifted { axis }, vec![rows], "exp")?;
    let z = site.sum_last(e, 1.0, "sum")?;
    let log = site.apply(Activation::Log, z, "log")?;
    let result = site.push(Op::Add, vec![max, log], "log_sum")?;
    finish(site, result, &reduced)
}

/// Halves are multiplied until one element is left.
pub(super) fn reduce_prod(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 18)?;
    numbers(site)?;
    if !reduced.contains(&true) {
        return site.input(0);
    }
    let x = site.operand(0)?;
    let mut x = rows(site, x, &reduced)?;
    let axis = site.dims(x).len() - 1;
    while site.dims(x)[axis] > 1 {
        let size = site.dims(x)[axis];
        let half = size / 2;
        let mut part = |range: std::ops::Range<usize>, name: &str| {
            site.take(x, axis, range, &format!("{name}{size}"))
        };
        let (left, right) = (part(0..half, "left")?, part(half..2 * half, "right")?);
        let odd = if size % 2 == 1 { Some(part(size - 1..size, "odd")?) } else { None };
        x = site.push(Op::Mul, vec![left, right], &format!("product{size}"))?;
        if let Some(odd) = odd {
            x = site.push(Op::Concat { axis }, vec![x, odd], &format!("all{size}"))?;
        }
    }
    finish(site, x, &reduced)
}

/// Both spatial axes.
const PLANE: [bool; 4] = [false, false, true, true];

/// The permutation that takes the axes that are kept in front of the others, and their number.
pub(super) fn kept_first(reduced: &[bool]) -> (Vec<usize>, usize) {
    let axes = |which: bool| (0..reduced.len()).filter(move |axis| reduced[*axis] == which);
    (axes(false).chain(axes(true)).collect(), axes(false).count())
}

/// The elements that are reduced together on the last axis, the kept axes in front of it.
fn rows(site: &mut Site<'_>, x: ValueId, reduced: &[bool]) -> Result<ValueId> {
    let (perm, count) = kept_first(reduced);
    let moved = site.permute(x, &perm, "moved")?;
    let dims = site.dims(moved);
    let (kept, rest) = dims.split_at(count);
    site.reshape(moved, [kept, &[rest.iter().product()]].concat(), "rows")
}

/// `weight` times the sum, of another shape: the last axis is 1.
fn sum(site: &mut Site<'_>, x: ValueId, reduced: &[bool], weight: f32) -> Result<ValueId> {
    let rows = rows(site, x, reduced)?;
    site.sum_last(rows, weight, "sum")
}

/// The maximum, reduced axes of size 1.
fn maximum(site: &mut Site<'_>, x: ValueId, reduced: &[bool]) -> Result<ValueId> {
    let mut x = x;
    // From the last, which is the largest step down in most cases.
    for axis in (0..reduced.len()).rev().filter(|axis| reduced[*axis]) {
        if site.dims(x)[axis] != 1 {
            x = site.push(Op::ReduceMax { axis }, vec![x], &format!("max{axis}"))?;
        }
    }
    Ok(x)
}

fn numbers(site: &Site<'_>) -> Result<()> {
    if site.kind(0)? == Kind::Bool {
        return Err(site.invalid("the operand holds truth values, expected numbers"));
    }
    Ok(())
}

/// The result in its shape, with reduced axes of 1 or without them.
fn finish(site: &mut Site<'_>, result: ValueId, reduced: &[bool]) -> Result {
    let keep = site.flag("keepdims", true)?;
    let shape = site.shape(0)?;
    let dims = shape.dims().iter().zip(reduced);
    let dims = match keep {
        true => dims.map(|(dim, reduced)| if *reduced { 1 } else { *dim }).collect(),
        false => dims.filter(|(_, reduced)| !**reduced).map(|(dim, _)| *dim).collect(),
    };
    Ok(Lowered::Activation(site.reshape(result, dims, "")?))
}

/// For each axis whether it is reduced.
fn reduced(site: &Site<'_>, operand_since: i64) -> Result<Vec<bool>> {
    site.not_before("noop_with_empty_axes", operand_since)?;
    let axes = parameter::moved(site, "axes", 1, operand_since)?.unwrap_or_default();
    let rank = site.shape(0)?.rank();
    if axes.is_empty() {
        return Ok(vec![!site.flag("noop_with_empty_axes", false)?; rank]);
    }
    site.marked(&axes, rank, site.since >= 11)
}
