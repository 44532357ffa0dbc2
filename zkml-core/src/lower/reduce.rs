//! ReduceSum, ReduceMean and ReduceMax. Over spatial axes (2 and 3 of three or four) they are pools;
//! a sum over any others is a product with a constant vector, after a transposition that moves them
//! last. Other maxima are not supported.
//!
//! Axes are an attribute before 13 (ReduceSum) or 18 and an input since; without any all axes are
//! reduced, or none with `noop_with_empty_axes`. Negative axes exist since 11.

use super::{
    parameter,
    plane::{Planes, filled, new_shape},
    pool,
    site::{Halt, Lowered, Site},
    view,
};
use crate::ir::Op;

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn reduce_sum(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 13)?;
    sum(site, &reduced, 1.0)
}

pub(super) fn reduce_mean(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 18)?;
    let shape = site.shape(0)?;
    let count = shape.dims().iter().zip(&reduced).filter(|(_, reduced)| **reduced);
    let count: f64 = count.map(|(dim, _)| *dim as f64).product();
    sum(site, &reduced, (1.0 / count) as f32)
}

pub(super) fn reduce_max(site: &mut Site<'_>) -> Result {
    let reduced = reduced(site, 18)?;
    if !reduced.contains(&true) {
        return site.input(0);
    }
    let Some(spatial) = spatial(&reduced) else {
        let hint = "a maximum is supported only over axes 2 and 3 of three or four";
        return Err(site.unsupported(Some("axes"), hint));
    };
    let planes = Planes::of(site)?;
    let id = pool::maximum(site, &planes, pool::whole(planes.size, spatial))?;
    finish(site, id, &reduced)
}

fn sum(site: &mut Site<'_>, reduced: &[bool], weight: f32) -> Result {
    if !reduced.contains(&true) {
        return site.input(0);
    }
    let id = if let Some(spatial) = spatial(reduced) {
        let planes = Planes::of(site)?;
        pool::sum(site, &planes, pool::whole(planes.size, spatial), weight)?
    } else {
        product(site, reduced, weight)?
    };
    finish(site, id, reduced)
}

/// Which of height and width are reduced, if the axes are spatial ones.
fn spatial(reduced: &[bool]) -> Option<[bool; 2]> {
    match *reduced {
        [false, false, width] => Some([false, width]),
        [false, false, height, width] => Some([height, width]),
        _ => None,
    }
}

/// The sum as a matrix product with a column of `weight`.
fn product(site: &mut Site<'_>, reduced: &[bool], weight: f32) -> Result {
    let shape = site.shape(0)?;
    let axes = |which: bool| (0..reduced.len()).filter(move |axis| reduced[*axis] == which);
    let perm: Vec<usize> = axes(false).chain(axes(true)).collect();
    let input = site.input(0)?;
    let moved = view::permute(site, input, &perm, "moved")?;
    let kept: usize = axes(false).map(|axis| shape.dims()[axis]).product();
    let count: usize = axes(true).map(|axis| shape.dims()[axis]).product();
    let rows = Op::Reshape(new_shape(site, vec![kept, count])?);
    let moved = site.value(moved, "moved")?;
    let rows = site.push(rows, vec![moved], "rows")?;
    let column = filled(site, vec![count, 1], |_| weight)?;
    let column = site.own_constant("weights", column)?;
    Ok(Lowered::Activation(site.push(Op::MatMul, vec![rows, column], "sum")?))
}

/// The result in its shape, with reduced axes of 1 or without them.
fn finish(site: &mut Site<'_>, result: Lowered, reduced: &[bool]) -> Result {
    let keep = site.flag("keepdims", true)?;
    let shape = site.shape(0)?;
    let dims = shape.dims().iter().zip(reduced);
    let dims = match keep {
        true => dims.map(|(dim, reduced)| if *reduced { 1 } else { *dim }).collect(),
        false => dims.filter(|(_, reduced)| !**reduced).map(|(dim, _)| *dim).collect(),
    };
    if site.shape_of(&result).dims() == dims {
        return Ok(result);
    }
    view::reshaped(site, result, dims)
}

/// For each axis whether it is reduced.
fn reduced(site: &Site<'_>, operand_since: i64) -> Result<Vec<bool>> {
    if site.since < operand_since {
        site.not_before("noop_with_empty_axes", operand_since)?;
    }
    let axes = parameter::moved(site, "axes", 1, operand_since)?.unwrap_or_default();
    let rank = site.shape(0)?.rank();
    if axes.is_empty() {
        return Ok(vec![!site.flag("noop_with_empty_axes", false)?; rank]);
    }
    let mut reduced = vec![false; rank];
    for axis in axes {
        let axis = site.axis(axis, rank, site.since >= 11)?;
        if std::mem::replace(&mut reduced[axis], true) {
            return Err(site.invalid(format!("`axes` names axis {axis} twice")));
        }
    }
    Ok(reduced)
}
