//! Flatten, Reshape, Squeeze, Unsqueeze, Transpose: the same elements under another shape or in
//! another order, of activations and of constants of any type.
//!
//! Axes are attributes of Squeeze and Unsqueeze before 13 and an input since. `allowzero` of Reshape
//! exists since 14. Negative axes exist since 11.

use std::rc::Rc;

use super::{
    parameter,
    site::{Halt, Lowered, Site},
};
use crate::{ir::Op, onnx::Constant, tensor::Shape};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn flatten(site: &mut Site<'_>) -> Result {
    let axis = site.int_attribute("axis")?.unwrap_or(1);
    let input = site.input(0)?;
    let shape = site.shape_of(&input);
    // The axis may also be the rank: all axes go to the first.
    let rank = shape.rank();
    let axis = match usize::try_from(axis) {
        Ok(axis) if axis == rank => axis,
        _ => site.axis(axis, rank, site.since >= 11)?,
    };
    let (outer, inner) = shape.dims().split_at(axis);
    reshaped(site, input, vec![outer.iter().product(), inner.iter().product()])
}

pub(super) fn reshape(site: &mut Site<'_>) -> Result {
    let allow_zero = site.flag("allowzero", false)?;
    let input = site.input(0)?;
    let shape = site.shape_of(&input);
    let target = site.ints(1, "shape")?;
    if allow_zero && target.contains(&0) && target.contains(&-1) {
        return Err(site.invalid(format!("shape {target:?} has both 0 and -1 with `allowzero`")));
    }
    let mut dims = Vec::with_capacity(target.len());
    let mut inferred = None;
    for (axis, &size) in target.iter().enumerate() {
        dims.push(match size {
            -1 if inferred.replace(axis).is_none() => 1,
            0 if !allow_zero => *shape.dims().get(axis).ok_or_else(|| {
                site.invalid(format!(
                    "shape {target:?} copies axis {axis}, but the input is {shape}"
                ))
            })?,
            _ => usize::try_from(size)
                .map_err(|_| site.invalid(format!("shape {target:?} is not valid")))?,
        });
    }
    if let Some(axis) = inferred {
        let mismatch = || site.invalid(format!("cannot reshape {shape} to {target:?}"));
        let known = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).ok_or_else(mismatch)?;
        if known == 0 || !shape.len().is_multiple_of(known) {
            return Err(mismatch());
        }
        dims[axis] = shape.len() / known;
    }
    reshaped(site, input, dims)
}

pub(super) fn squeeze(site: &mut Site<'_>) -> Result {
    let axes = parameter::moved(site, "axes", 1, 13)?;
    let input = site.input(0)?;
    let shape = site.shape_of(&input);
    let mut drop: Vec<bool> = match axes {
        None => shape.dims().iter().map(|dim| *dim == 1).collect(),
        Some(_) => vec![false; shape.rank()],
    };
    for axis in axes.unwrap_or_default() {
        let axis = site.axis(axis, shape.rank(), site.since >= 11)?;
        if shape.dims()[axis] != 1 {
            return Err(site.invalid(format!("axis {axis} of {shape} is not 1")));
        }
        drop[axis] = true;
    }
    let kept = shape.dims().iter().zip(&drop).filter(|(_, drop)| !**drop);
    reshaped(site, input, kept.map(|(dim, _)| *dim).collect())
}

pub(super) fn unsqueeze(site: &mut Site<'_>) -> Result {
    let axes =
        parameter::moved(site, "axes", 1, 13)?.ok_or_else(|| site.invalid("`axes` is missing"))?;
    let input = site.input(0)?;
    let shape = site.shape_of(&input);
    let rank = shape.rank() + axes.len();
    let new = site.marked(&axes, rank, site.since >= 11)?;
    let mut old = shape.dims().iter();
    // As many axes are not new as the input has.
    let dims = new.iter().map(|new| if *new { 1 } else { old.next().copied().unwrap_or(1) });
    let dims = dims.collect();
    reshaped(site, input, dims)
}

pub(super) fn transpose(site: &mut Site<'_>) -> Result {
    let perm = site.ints_attribute("perm")?;
    let input = site.input(0)?;
    let rank = site.shape_of(&input).rank();
    let perm = match perm {
        None => (0..rank).rev().collect(),
        Some(perm) => {
            perm.iter().map(|axis| site.axis(*axis, rank, false)).collect::<Result<Vec<usize>>>()?
        }
    };
    permute(site, input, &perm, "")
}

/// `value` with permuted axes; `part` as for [`Site::push`].
pub(super) fn permute(site: &mut Site<'_>, value: Lowered, perm: &[usize], part: &str) -> Result {
    match value {
        Lowered::Constant(constant) => {
            // Before the map is made, which takes as much memory.
            site.spend(constant.shape.len())?;
            let (shape, map) = site.valid(constant.shape.transpose_map(perm))?;
            let elements = constant.elements.pick(&map);
            Ok(Lowered::Constant(Rc::new(Constant { shape, elements })))
        }
        Lowered::Activation(id) => {
            Ok(Lowered::Activation(site.push(Op::Transpose(perm.to_vec()), vec![id], part)?))
        }
        Lowered::Poisoned { .. } => Err(Halt::Poisoned),
    }
}

/// `value` with other axes, as the result of the node.
pub(super) fn reshaped(site: &mut Site<'_>, value: Lowered, dims: Vec<usize>) -> Result {
    reshaped_part(site, value, dims, "")
}

/// `value` with other axes; `part` as for [`Site::push`].
pub(super) fn reshaped_part(
    site: &mut Site<'_>,
    value: Lowered,
    dims: Vec<usize>,
    part: &str,
) -> Result {
    let shape = site.valid(Shape::new(dims))?;
    match value {
        Lowered::Constant(constant) => {
            site.spend(constant.shape.len())?;
            let constant = site.valid(Constant::new(shape, constant.elements.clone()))?;
            Ok(Lowered::Constant(Rc::new(constant)))
        }
        Lowered::Activation(id) => {
            Ok(Lowered::Activation(site.push(Op::Reshape(shape), vec![id], part)?))
        }
        Lowered::Poisoned { .. } => Err(Halt::Poisoned),
    }
}
