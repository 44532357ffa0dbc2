//! Elements by constant conditions and lengths: Compress, ReverseSequence.
//!
//! ```text
//! Compress          the positions of an axis (of all elements, without one) whose condition holds
//! ReverseSequence   y[b, t] = x[b, len_b - 1 - t] for t < len_b, else x[b, t]
//! ```

use super::{
    along::take,
    positions,
    site::{Halt, Lowered, Site},
    view::reshaped_part,
};
use crate::onnx::Elements;

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// A condition shorter than the axis does not hold for the rest.
pub(super) fn compress(site: &mut Site<'_>) -> Result {
    let condition = site.constant(1, "condition")?;
    let Elements::Bool(bits) = &condition.elements else {
        let got = condition.elements.dtype();
        return Err(site.invalid(format!("`condition` is {got}, expected bool")));
    };
    let mut value = site.input(0)?;
    let shape = site.shape_of(&value);
    let axis = match site.int_attribute("axis")? {
        Some(axis) => site.axis(axis, shape.rank(), site.since >= 11)?,
        None => {
            value = reshaped_part(site, value, vec![shape.len()], "flat")?;
            0
        }
    };
    let size = site.shape_of(&value).dims()[axis];
    if bits.len() > size {
        let got = bits.len();
        return Err(site.invalid(format!("`condition` has {got} elements for {size} positions")));
    }
    site.spend(size)?;
    let at: Vec<usize> = (0..bits.len()).filter(|i| bits[*i]).collect();
    take(site, value, (axis, &at), "")
}

pub(super) fn reverse_sequence(site: &mut Site<'_>) -> Result {
    let axis = |name: &str, default: i64| -> Result<usize> {
        match site.int_attribute(name)?.unwrap_or(default) {
            0 => Ok(0),
            1 => Ok(1),
            other => Err(site.invalid(format!("`{name}` is {other}, expected 0 or 1"))),
        }
    };
    let (batch, time) = (axis("batch_axis", 1)?, axis("time_axis", 0)?);
    let value = site.input(0)?;
    let shape = site.shape_of(&value);
    let lengths = site.ints(1, "sequence_lens")?;
    if shape.rank() < 2 || batch == time || lengths.len() != shape.dims()[batch] {
        let got = lengths.len();
        return Err(site.invalid(format!("{got} lengths on axis {batch} of shape {shape}")));
    }
    let (strides, dims) = (shape.strides(), shape.dims());
    let mut lens = Vec::with_capacity(lengths.len());
    for length in lengths {
        let length = usize::try_from(length).ok().filter(|len| *len <= dims[time]);
        lens.push(length.ok_or_else(|| site.invalid("a length is outside of the time axis"))?);
    }
    site.spend(shape.len())?;
    let source: Vec<usize> = (0..shape.len())
        .map(|e| {
            let (b, t) = (e / strides[batch] % dims[batch], e / strides[time] % dims[time]);
            let from = if t < lens[b] { lens[b] - 1 - t } else { t };
            e - t * strides[time] + from * strides[time]
        })
        .collect();
    positions::at(site, value, &source, dims.to_vec())
}
