//! Selection and arrangement of constants: Gather, Concat, Slice, Expand, Where.

use super::{
    fill::{finish, shape_from},
    site::{Halt, Lowered, Site},
};
use crate::{
    onnx::{Constant, Elements},
    tensor::Shape,
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// Negative axes and indices exist since 11.
pub(super) fn gather(site: &mut Site<'_>) -> Result {
    let axis = site.int_attribute("axis")?.unwrap_or(0);
    let data = site.constant(0, "data")?;
    let indices = site.ints(1, "indices")?;
    let axis = site.axis(axis, data.shape.rank(), true)?;
    let size = data.shape.dims()[axis];
    let mut at = Vec::with_capacity(indices.len());
    for index in indices {
        at.push(site.axis(index, size, true).map_err(|_| {
            site.invalid(format!("index {index} is outside of axis {axis} of {}", data.shape))
        })?);
    }
    let picked = select(site, &data, axis, &at)?;
    let (before, after) = data.shape.dims().split_at(axis);
    let dims = [before, site.shape(1)?.dims(), &after[1..]].concat();
    let shape = Shape::new(dims).map_err(|error| site.invalid(error.to_string()))?;
    finish(site, Constant::new(shape, picked.elements))
}

pub(super) fn concat(site: &mut Site<'_>) -> Result {
    let axis = site.int_attribute("axis")?.ok_or_else(|| site.invalid("`axis` is missing"))?;
    let first = site.constant(0, "inputs")?;
    let rank = first.shape.rank();
    let axis = site.axis(axis, rank, site.since >= 11)?;
    let outer: usize = first.shape.dims()[..axis].iter().product();
    // All elements in a row, and for each part its start and its length per outer index.
    let mut all = first.elements.pick(&[]);
    let mut parts = Vec::with_capacity(site.inputs.len());
    let mut size = 0usize;
    for i in 0..site.inputs.len() {
        let part = site.constant(i, "inputs")?;
        let same = part.shape.rank() == rank
            && (0..rank).all(|a| a == axis || part.shape.dims()[a] == first.shape.dims()[a]);
        if !same {
            return Err(site.invalid(format!(
                "input {i} has shape {}, which does not continue {} along axis {axis}",
                part.shape, first.shape
            )));
        }
        let origin = site.origin();
        site.budget.take(part.shape.len(), &origin)?;
        parts.push((all.len(), part.shape.dims()[axis..].iter().product::<usize>()));
        size = size.saturating_add(part.shape.dims()[axis]);
        if !all.append(&part.elements) {
            let (got, expected) = (part.elements.dtype(), first.elements.dtype());
            return Err(site.invalid(format!("input {i} is {got}, expected {expected}")));
        }
    }
    let mut dims = first.shape.dims().to_vec();
    dims[axis] = size;
    let shape = Shape::new(dims).map_err(|error| site.invalid(error.to_string()))?;
    let mut map = Vec::with_capacity(all.len());
    let outer = if all.len() == 0 { 0 } else { outer };
    for row in 0..outer {
        for (start, len) in &parts {
            // As many as Shape::MAX_ELEMENTS, below 2^32.
            map.extend((0..*len).map(|i| (start + row * len + i) as u32));
        }
    }
    let elements = all.pick(&map);
    finish(site, Constant::new(shape, elements))
}

/// Attributes before 10, inputs since; steps since 10, negative ones too.
pub(super) fn slice(site: &mut Site<'_>) -> Result {
    let given = |site: &Site<'_>, i: usize, role: &str| {
        if site.has(i) { site.ints(i, role).map(Some) } else { Ok(None) }
    };
    let (starts, ends, axes, steps) = if site.since < 10 {
        let of = |name| site.ints_attribute(name);
        (of("starts")?, of("ends")?, of("axes")?, None)
    } else {
        (
            given(site, 1, "starts")?,
            given(site, 2, "ends")?,
            given(site, 3, "axes")?,
            given(site, 4, "steps")?,
        )
    };
    let (Some(starts), Some(ends)) = (starts, ends) else {
        return Err(site.invalid("`starts` or `ends` is missing"));
    };
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(site.invalid("`starts`, `ends`, `axes` and `steps` differ in length"));
    }
    let mut data = (*site.constant(0, "data")?).clone();
    let mut seen = vec![false; data.shape.rank()];
    for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = site.axis(*axis, data.shape.rank(), site.since >= 10)?;
        if std::mem::replace(&mut seen[axis], true) {
            return Err(site.invalid(format!("`axes` names axis {axis} twice")));
        }
        if *step == 0 {
            return Err(site.invalid("a step is 0"));
        }
        let origin = site.origin();
        site.budget.take(data.shape.dims()[axis], &origin)?;
        let at = indices(data.shape.dims()[axis], *start, *end, *step);
        data = select(site, &data, axis, &at)?;
    }
    finish(site, Ok(data))
}

/// Indices of a slice of an axis of `size`, by the clamping rules of ONNX (those of numpy).
fn indices(size: usize, start: i64, end: i64, step: i64) -> Vec<usize> {
    let size = size as i128; // at most 2^28
    let wrap = |at: i64| if at < 0 { i128::from(at) + size } else { i128::from(at) };
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let start = wrap(start).clamp(if step > 0 { 0 } else { -1 }, high);
    let end = wrap(end).clamp(low, high.max(low));
    let step = i128::from(step);
    let mut at = Vec::new();
    let mut i = start;
    while (step > 0 && i < end) || (step < 0 && i > end) {
        at.push(i as usize); // within 0..size
        i += step;
    }
    at
}

pub(super) fn expand(site: &mut Site<'_>) -> Result {
    let data = site.constant(0, "input")?;
    let dims = site.ints(1, "shape")?;
    let target = shape_from(site, &dims)?;
    let shape = data.shape.broadcast(&target).map_err(|error| site.invalid(error.to_string()))?;
    let map = broadcast_map(site, &data.shape, &shape)?;
    finish(site, Constant::new(shape, data.elements.pick(&map)))
}

/// ONNX `Where`.
pub(super) fn choose(site: &mut Site<'_>) -> Result {
    let condition = site.constant(0, "condition")?;
    let (x, y) = (site.constant(1, "X")?, site.constant(2, "Y")?);
    let Elements::Bool(bits) = &condition.elements else {
        let got = condition.elements.dtype();
        return Err(site.invalid(format!("`condition` is {got}, expected bool")));
    };
    let shape = x
        .shape
        .broadcast(&y.shape)
        .and_then(|shape| shape.broadcast(&condition.shape))
        .map_err(|error| site.invalid(error.to_string()))?;
    let from_condition = broadcast_map(site, &condition.shape, &shape)?;
    let (from_x, from_y) =
        (broadcast_map(site, &x.shape, &shape)?, broadcast_map(site, &y.shape, &shape)?);
    let mut both = x.elements.clone();
    if !both.append(&y.elements) {
        let (x, y) = (x.elements.dtype(), y.elements.dtype());
        return Err(site.invalid(format!("X is {x}, but Y is {y}")));
    }
    let offset = x.elements.len() as u32; // two tensors of at most 2^28
    let map: Vec<u32> = from_condition
        .iter()
        .zip(from_x.iter().zip(&from_y))
        .map(|(bit, (x, y))| if bits[*bit as usize] { *x } else { offset + *y })
        .collect();
    finish(site, Constant::new(shape, both.pick(&map)))
}

/// [`Shape::broadcast_map`] within the budget.
pub(super) fn broadcast_map(site: &mut Site<'_>, from: &Shape, to: &Shape) -> Result<Vec<u32>> {
    let origin = site.origin();
    site.budget.take(to.len(), &origin)?;
    from.broadcast_map(to).map_err(|error| site.invalid(error.to_string()))
}

/// The elements of `data` at `indices` of `axis`.
fn select(
    site: &mut Site<'_>,
    data: &Constant,
    axis: usize,
    indices: &[usize],
) -> Result<Constant> {
    let mut dims = data.shape.dims().to_vec();
    let size = std::mem::replace(&mut dims[axis], indices.len());
    let shape = Shape::new(dims).map_err(|error| site.invalid(error.to_string()))?;
    let origin = site.origin();
    site.budget.take(shape.len(), &origin)?;
    let outer: usize = shape.dims()[..axis].iter().product();
    let inner: usize = shape.dims()[axis + 1..].iter().product();
    let mut map = Vec::with_capacity(shape.len());
    // An empty result may still have many rows.
    let outer = if shape.len() == 0 { 0 } else { outer };
    for row in 0..outer {
        for index in indices {
            // Below Shape::MAX_ELEMENTS, and so below 2^32.
            map.extend((0..inner).map(|i| ((row * size + index) * inner + i) as u32));
        }
    }
    Ok(Constant { shape, elements: data.elements.pick(&map) })
}
