//! Selection along axes, of activations and of constants of any type: Gather with constant indices
//! (others are for `embed`), Slice, Split, Tile and Expand.
//!
//! Parameters of Slice are attributes before 10 and inputs since, with steps, negative ones too;
//! sizes of Split are an attribute before 13 and an input since, and `num_outputs` exists since 18.

use std::rc::Rc;

use super::{
    embed,
    fill::shape_from,
    kind::Kind,
    parameter,
    plane::new_shape,
    site::{Halt, Lowered, Site},
    view::reshaped,
};
use crate::onnx::{Constant, Elements};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// The elements of `value` at `indices` of `axis`; `part` as for [`Site::push`].
pub(super) fn take(
    site: &mut Site<'_>,
    value: Lowered,
    (axis, indices): (usize, &[usize]),
    part: &str,
) -> Result {
    let shape = site.shape_of(&value);
    if indices.iter().copied().eq(0..shape.dims()[axis]) {
        return Ok(value);
    }
    match value {
        Lowered::Constant(data) => {
            let mut dims = shape.dims().to_vec();
            let size = std::mem::replace(&mut dims[axis], indices.len());
            let shape = new_shape(site, dims)?;
            site.spend(shape.len())?;
            // An empty result may still have many rows.
            let outer: usize =
                if shape.len() == 0 { 0 } else { shape.dims()[..axis].iter().product() };
            let inner: usize = shape.dims()[axis + 1..].iter().product();
            let mut map = Vec::with_capacity(shape.len());
            for row in 0..outer {
                for index in indices {
                    // Below Shape::MAX_ELEMENTS, and so below 2^32.
                    map.extend((0..inner).map(|i| ((row * size + index) * inner + i) as u32));
                }
            }
            let elements = data.elements.pick(&map);
            Ok(Lowered::Constant(Rc::new(Constant { shape, elements })))
        }
        // What has no elements depends on nothing.
        Lowered::Activation(id) if indices.is_empty() => {
            let mut dims = shape.dims().to_vec();
            dims[axis] = 0;
            let elements = match site.canvas.kind(id) {
                Kind::Float => Elements::F32(Vec::new()),
                Kind::Int => Elements::I64(Vec::new()),
                Kind::Bool => Elements::Bool(Vec::new()),
            };
            let shape = new_shape(site, dims)?;
            Ok(Lowered::Constant(Rc::new(site.valid(Constant::new(shape, elements))?)))
        }
        Lowered::Activation(id) => {
            Ok(Lowered::Activation(site.take(id, axis, indices.iter().copied(), part)?))
        }
        Lowered::Poisoned { .. } => Err(Halt::Poisoned),
    }
}

/// Negative axes and indices exist since 11.
pub(super) fn gather(site: &mut Site<'_>) -> Result {
    if let Lowered::Activation(ids) = site.input(1)? {
        return embed::rows(site, ids);
    }
    let axis = site.int_attribute("axis")?.unwrap_or(0);
    let data = site.input(0)?;
    let indices = site.ints(1, "indices")?;
    let shape = site.shape_of(&data);
    let axis = site.axis(axis, shape.rank(), true)?;
    let size = shape.dims()[axis];
    let mut at = Vec::with_capacity(indices.len());
    for index in indices {
        at.push(site.axis(index, size, true).map_err(|_| {
            site.invalid(format!("index {index} is outside of axis {axis} of {shape}"))
        })?);
    }
    let picked = take(site, data, (axis, &at), "picked")?;
    let (before, after) = shape.dims().split_at(axis);
    let dims = [before, site.shape(1)?.dims(), &after[1..]].concat();
    reshaped(site, picked, dims)
}

pub(super) fn slice(site: &mut Site<'_>) -> Result {
    let part = |site: &Site<'_>, name: &str, i: usize| parameter::moved(site, name, i, 10);
    let (starts, ends) = (part(site, "starts", 1)?, part(site, "ends", 2)?);
    let axes = part(site, "axes", 3)?;
    let steps = if site.has(4) { Some(site.ints(4, "steps")?) } else { None };
    let (Some(starts), Some(ends)) = (starts, ends) else {
        return Err(site.invalid("`starts` or `ends` is missing"));
    };
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(site.invalid("`starts`, `ends`, `axes` and `steps` differ in length"));
    }
    let mut data = site.input(0)?;
    let shape = site.shape_of(&data);
    let mut seen = vec![false; shape.rank()];
    for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = site.axis(*axis, shape.rank(), site.since >= 10)?;
        if std::mem::replace(&mut seen[axis], true) {
            return Err(site.invalid(format!("`axes` names axis {axis} twice")));
        }
        if *step == 0 {
            return Err(site.invalid("a step is 0"));
        }
        site.spend(shape.dims()[axis])?;
        let at = indices(shape.dims()[axis], *start, *end, *step);
        let part =
            if seen.iter().filter(|seen| **seen).count() == axes.len() { "" } else { "part" };
        data = take(site, data, (axis, &at), part)?;
    }
    Ok(data)
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

/// All parts, in the order of the outputs.
pub(super) fn split(site: &mut Site<'_>) -> Result<Vec<Lowered>> {
    site.not_before("num_outputs", 18)?;
    let data = site.input(0)?;
    let shape = site.shape_of(&data);
    let axis = site.int_attribute("axis")?.unwrap_or(0);
    // Negative also before 11: exporters wrote it, and onnxruntime takes it.
    let axis = site.axis(axis, shape.rank(), true)?;
    let (size, outputs) = (shape.dims()[axis], site.node.outputs.len());
    let given = parameter::moved(site, "split", 1, 13)?;
    let number = site.int_attribute("num_outputs")?;
    if number.is_some_and(|number| usize::try_from(number).ok() != Some(outputs)) {
        return Err(site.invalid(format!("`num_outputs` is not the {outputs} outputs there are")));
    }
    let sizes: Vec<usize> = match given {
        Some(_) if number.is_some() => {
            return Err(site.invalid("`split` and `num_outputs` are both given"));
        }
        Some(sizes) => {
            let sizes: Option<Vec<_>> = sizes.iter().map(|s| usize::try_from(*s).ok()).collect();
            sizes.ok_or_else(|| site.invalid("a size in `split` is negative"))?
        }
        // The last part is smaller if need be, since 18.
        None => {
            let each = size.div_ceil(outputs.max(1));
            let start = |i: usize| each.saturating_mul(i).min(size);
            (0..outputs).map(|i| start(i + 1) - start(i)).collect()
        }
    };
    let uneven = site.since < 18 && sizes.iter().any(|s| *s != sizes[0]) && !site.has(1);
    let total = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(*size));
    let attribute = site.node.attributes.contains_key("split");
    if sizes.len() != outputs || total != size || (uneven && !attribute) {
        return Err(site.invalid(format!(
            "axis {axis} of {shape} does not split into {outputs} parts of {sizes:?}"
        )));
    }
    let mut parts = Vec::with_capacity(outputs);
    let mut start = 0;
    for (output, size) in sizes.iter().enumerate() {
        let at: Vec<usize> = (start..start + size).collect();
        start += size;
        let part = format!("part{output}");
        parts.push(take(site, data.clone(), (axis, &at), &part)?);
    }
    Ok(parts)
}

pub(super) fn tile(site: &mut Site<'_>) -> Result {
    let mut data = site.input(0)?;
    let shape = site.shape_of(&data);
    let repeats = site.ints(1, "repeats")?;
    if repeats.len() != shape.rank() {
        let got = repeats.len();
        return Err(site.invalid(format!("`repeats` has {got} numbers for shape {shape}")));
    }
    for (axis, (repeat, size)) in repeats.iter().zip(shape.dims()).enumerate() {
        let count = usize::try_from(*repeat)
            .map_err(|_| site.invalid(format!("`repeats` has {repeat}, expected 0 or more")))?;
        let len = count.saturating_mul(*size);
        site.spend(len)?;
        let at: Vec<usize> = (0..len).map(|i| i % size).collect();
        data = take(site, data, (axis, &at), "tiled")?;
    }
    Ok(data)
}

pub(super) fn expand(site: &mut Site<'_>) -> Result {
    let data = site.input(0)?;
    let dims = site.ints(1, "shape")?;
    let (from, target) = (site.shape_of(&data), shape_from(site, &dims)?);
    let shape = site.valid(from.broadcast(&target))?;
    site.broadcast(data, &shape, "expanded")
}
