//! Elements at constant positions: GatherElements, GatherND, and the scatters ScatterElements,
//! ScatterND, Scatter (as ScatterElements was called before 11) and TensorScatter.
//!
//! ```text
//! GatherElements    y[.., i, ..] = x[.., index[.., i, ..], ..]          along one axis
//! GatherND          y[b, i, ..]  = x[b, index[b, i], ..]                b over `batch_dims` axes
//! ScatterElements   y = x,  y[.., index[.., i, ..], ..] = f(that, update[.., i, ..])
//! ScatterND         y = x,  y[index[i], ..] = f(that, update[i, ..])
//! ```
//!
//! `f` is the update itself, or with `reduction` a sum, product, maximum or minimum, for which one
//! position may be named many times: in as many rounds, each of which is element-wise. Of several
//! updates without reduction, whose order ONNX leaves open, the last counts, as in onnxruntime.

use super::{
    along::take,
    extreme,
    fill::finish,
    site::{Halt, Lowered, Site},
    view::{reshaped, reshaped_part},
};
use crate::{
    ir::{Op, ValueId},
    onnx::Constant,
    tensor::{Shape, Tensor},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn gather_elements(site: &mut Site<'_>) -> Result {
    let data = site.input(0)?;
    let shape = site.shape_of(&data);
    let axis = site.axis(site.int_attribute("axis")?.unwrap_or(0), shape.rank(), true)?;
    let positions = along_axis(site, &shape, axis, 1)?;
    let dims = site.shape(1)?.dims().to_vec();
    at(site, data, &positions, dims)
}

/// `batch_dims` exists since 12.
pub(super) fn gather_nd(site: &mut Site<'_>) -> Result {
    site.not_before("batch_dims", 12)?;
    let data = site.input(0)?;
    let shape = site.shape_of(&data);
    let indices = site.shape(1)?;
    let batch = usize::try_from(site.int_attribute("batch_dims")?.unwrap_or(0))
        .ok()
        .filter(|batch| *batch < shape.rank().min(indices.rank()))
        .filter(|batch| shape.dims()[..*batch] == indices.dims()[..*batch])
        .ok_or_else(|| {
            site.invalid(format!("`batch_dims` does not fit data {shape} and indices {indices}"))
        })?;
    let (positions, block) = tuples(site, &shape, batch)?;
    let dims = [&indices.dims()[..indices.rank() - 1], &shape.dims()[shape.rank() - block..]];
    let dims = dims.concat();
    at(site, data, &positions, dims)
}

pub(super) fn scatter_elements(site: &mut Site<'_>) -> Result {
    let shape = site.shape(0)?;
    let axis = site.axis(site.int_attribute("axis")?.unwrap_or(0), shape.rank(), true)?;
    let positions = along_axis(site, &shape, axis, 1)?;
    let (updates, indices) = (site.shape(2)?, site.shape(1)?);
    if updates != indices {
        return Err(site.invalid(format!("updates have shape {updates}, indices {indices}")));
    }
    scatter(site, &positions, 2)
}

pub(super) fn scatter_nd(site: &mut Site<'_>) -> Result {
    let (shape, indices) = (site.shape(0)?, site.shape(1)?);
    let (positions, block) = tuples(site, &shape, 0)?;
    let dims = [&indices.dims()[..indices.rank() - 1], &shape.dims()[shape.rank() - block..]];
    let (expected, got) = (dims.concat(), site.shape(2)?);
    if got.dims() != expected {
        return Err(site.invalid(format!("updates have shape {got}, expected {expected:?}")));
    }
    scatter(site, &positions, 2)
}

/// Writes a block into a cache of keys or values: at the positions of an axis from
/// `write_indices[batch]` on (0 if absent), with `mode = circular` round the end.
pub(super) fn tensor_scatter(site: &mut Site<'_>) -> Result {
    let (shape, update) = (site.shape(0)?, site.shape(1)?);
    let axis = site.axis(site.int_attribute("axis")?.unwrap_or(-2), shape.rank(), true)?;
    let circular = match site.string_attribute("mode")?.as_deref() {
        None | Some("linear") => false,
        Some("circular") => true,
        Some(other) => {
            return Err(
                site.invalid(format!("`mode` is `{other}`, expected `linear` or `circular`"))
            );
        }
    };
    let same = |a: usize| a == axis || shape.dims()[a] == update.dims()[a];
    if axis == 0 || update.rank() != shape.rank() || !(0..shape.rank()).all(same) {
        return Err(site.invalid(format!("an update of shape {update} does not fit {shape}")));
    }
    let (batch, size) = (shape.dims()[0], shape.dims()[axis]);
    let starts = if site.has(2) { site.ints(2, "write_indices")? } else { vec![0; batch] };
    if starts.len() != batch {
        let got = starts.len();
        return Err(site.invalid(format!("{got} `write_indices` for a batch of {batch}")));
    }
    site.spend(update.len())?;
    let (strides, own) = (shape.strides(), update.strides());
    let mut positions = Vec::with_capacity(update.len());
    for e in 0..update.len() {
        let mut position = 0;
        for (a, dim) in update.dims().iter().enumerate() {
            let mut coordinate = e / own[a] % dim;
            if a == axis {
                let start = starts[e / own[0]];
                let at = usize::try_from(start).ok().and_then(|s| s.checked_add(coordinate));
                let at = at.map(|at| if circular { at % size } else { at });
                coordinate = at.filter(|at| *at < size).ok_or_else(|| {
                    site.invalid(format!("write index {start} leaves axis {axis} of {shape}"))
                })?;
            }
            position += coordinate * strides[a];
        }
        positions.push(position);
    }
    scatter(site, &positions, 1)
}

/// The elements of `value` at `positions` of its row-major order, in the shape `dims`.
pub(super) fn at(
    site: &mut Site<'_>,
    value: Lowered,
    positions: &[usize],
    dims: Vec<usize>,
) -> Result {
    let len = site.shape_of(&value).len();
    let flat = reshaped_part(site, value, vec![len], "flat")?;
    let picked = take(site, flat, (0, positions), "picked")?;
    reshaped(site, picked, dims)
}

/// Positions in `shape` of the elements that operand `i` of indices along `axis` names.
fn along_axis(site: &mut Site<'_>, shape: &Shape, axis: usize, i: usize) -> Result<Vec<usize>> {
    let indices = site.ints(i, "indices")?;
    let from = site.shape(i)?;
    let fits = |a: usize| a == axis || from.dims()[a] <= shape.dims()[a];
    if from.rank() != shape.rank() || !(0..shape.rank()).all(fits) {
        return Err(site.invalid(format!("indices of shape {from} do not fit data {shape}")));
    }
    site.spend(from.len())?;
    let (strides, own) = (shape.strides(), from.strides());
    let mut positions = Vec::with_capacity(indices.len());
    for (e, index) in indices.iter().enumerate() {
        let index = position(site, *index, shape, axis)?;
        let rest = (0..shape.rank())
            .filter(|a| *a != axis)
            .map(|a| e / own[a] % from.dims()[a] * strides[a]);
        positions.push(rest.sum::<usize>() + index * strides[axis]);
    }
    Ok(positions)
}

/// Positions of the blocks that tuples of indices (operand 1, last axis) name, element by element,
/// and the number of axes of a block. The first `batch` axes of both go together.
fn tuples(site: &mut Site<'_>, shape: &Shape, batch: usize) -> Result<(Vec<usize>, usize)> {
    let indices = site.ints(1, "indices")?;
    let from = site.shape(1)?;
    let width = from.dims().last().copied().unwrap_or(0);
    let Some(block) = shape.rank().checked_sub(batch + width).filter(|_| width > 0) else {
        return Err(site.invalid(format!("indices of shape {from} do not fit data {shape}")));
    };
    let strides = shape.strides();
    let inner: usize = shape.dims()[shape.rank() - block..].iter().product();
    let per_batch: usize = from.dims()[batch..from.rank() - 1].iter().product();
    let count = (indices.len() / width).saturating_mul(inner);
    site.spend(count)?;
    let batch_stride: usize = shape.dims()[batch..].iter().product();
    let mut positions = Vec::with_capacity(count);
    for (tuple, indices) in indices.chunks(width).enumerate() {
        let mut start = tuple / per_batch.max(1) * batch_stride;
        for (k, index) in indices.iter().enumerate() {
            start += position(site, *index, shape, batch + k)? * strides[batch + k];
        }
        positions.extend(start..start + inner);
    }
    Ok((positions, block))
}

/// An index on an axis; negative counts from its end.
fn position(site: &Site<'_>, index: i64, shape: &Shape, axis: usize) -> Result<usize> {
    site.axis(index, shape.dims()[axis], true)
        .map_err(|_| site.invalid(format!("index {index} is outside of axis {axis} of {shape}")))
}

/// Operand 0 with the elements of operand `updates` put at `positions`.
fn scatter(site: &mut Site<'_>, positions: &[usize], updates: usize) -> Result {
    let reduction = site.string_attribute("reduction")?.unwrap_or_else(|| "none".into());
    let known = match reduction.as_str() {
        "none" => true,
        "add" | "mul" => site.since >= 16,
        "max" | "min" => site.since >= 18,
        _ => false,
    };
    if !known {
        return Err(site.invalid(format!("`reduction` is `{reduction}`, which is not known")));
    }
    if site.kind(0)? != site.kind(updates)? {
        return Err(site.invalid("data and updates hold different things"));
    }
    let shape = site.shape(0)?;
    let len = shape.len();
    site.spend(len.saturating_add(positions.len()))?;
    let both_constant = [0, updates]
        .iter()
        .all(|i| matches!(site.inputs.get(*i), Some(Some(Lowered::Constant(_)))));
    if both_constant {
        return scatter_constants(site, positions, updates, &reduction);
    }
    let (data, update) = (site.number(0)?, site.number(updates)?);
    let data = site.reshape(data, vec![len], "flat")?;
    let update = site.reshape(update, vec![positions.len()], "updates")?;
    let result = match reduction.as_str() {
        "none" => {
            let both = site.push(Op::Concat { axis: 0 }, vec![data, update], "both")?;
            let from = placed(len, positions);
            site.take(both, 0, from.into_iter(), "placed")?
        }
        _ => reduced(site, (data, update), (len, positions), &reduction)?,
    };
    let kind = site.kind(0)?;
    let id = site.push(Op::Reshape(shape), vec![result], "")?;
    Ok(site.holds(id, kind))
}

/// In rounds in which no position is named twice.
fn reduced(
    site: &mut Site<'_>,
    (mut data, update): (ValueId, ValueId),
    (len, positions): (usize, &[usize]),
    reduction: &str,
) -> Result<ValueId> {
    let mut times = vec![0usize; len];
    let mut rounds: Vec<Vec<(usize, usize)>> = Vec::new();
    for (j, position) in positions.iter().enumerate() {
        let round = times[*position];
        times[*position] += 1;
        if rounds.len() == round {
            rounds.push(Vec::new());
        }
        rounds[round].push((*position, j));
    }
    for (round, pairs) in rounds.into_iter().enumerate() {
        site.spend(len)?;
        let part = |what: &str| format!("round{round}_{what}");
        // What has no update meets a neutral element: 0, 1, or itself.
        let (rest, mut from): (ValueId, Vec<usize>) = match reduction {
            "add" | "mul" => {
                let neutral = if reduction == "add" { 0.0 } else { 1.0 };
                let neutral = Tensor::new(site.valid(Shape::new(vec![1]))?, vec![neutral]);
                let neutral = site.valid(neutral)?;
                (site.own_constant(&part("neutral"), neutral)?, vec![0; len])
            }
            _ => (data, (0..len).collect()),
        };
        let offset = site.dims(rest)[0];
        for (position, j) in pairs {
            from[position] = offset + j;
        }
        let both = site.push(Op::Concat { axis: 0 }, vec![rest, update], &part("both"))?;
        let placed = site.take(both, 0, from.into_iter(), &part("placed"))?;
        data = match reduction {
            "add" => site.push(Op::Add, vec![data, placed], &part("sum"))?,
            "mul" => site.push(Op::Mul, vec![data, placed], &part("product"))?,
            _ => extreme::of_two(site, (data, placed), reduction == "max", &part("extreme"))?,
        };
    }
    Ok(data)
}

/// For each of `len` elements itself, or the last of the updates behind them that goes there.
fn placed(len: usize, positions: &[usize]) -> Vec<usize> {
    let mut from: Vec<usize> = (0..len).collect();
    for (j, position) in positions.iter().enumerate() {
        from[*position] = len + j;
    }
    from
}

fn scatter_constants(
    site: &mut Site<'_>,
    positions: &[usize],
    updates: usize,
    reduction: &str,
) -> Result {
    if reduction != "none" {
        let hint = "of constants only `none` is supported";
        return Err(site.unsupported(Some("reduction"), hint));
    }
    let (data, update) = (site.constant(0, "data")?, site.constant(updates, "updates")?);
    let mut both = data.elements.clone();
    if !both.append(&update.elements) {
        let (got, expected) = (update.elements.dtype(), data.elements.dtype());
        return Err(site.invalid(format!("`updates` is {got}, expected {expected}")));
    }
    // Two tensors of at most 2^28.
    let from: Vec<u32> =
        placed(data.shape.len(), positions).into_iter().map(|at| at as u32).collect();
    finish(site, Constant::new(data.shape.clone(), both.pick(&from)))
}
