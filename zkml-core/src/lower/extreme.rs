//! Min and Max of activations.
//!
//! ```text
//! max(a, b) = b + relu(a - b),   min(a, b) = b - relu(b - a)
//! ```
//!
//! With a constant that is the same everywhere both are a Clip.

use super::{
    kind::Kind,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Activation, Op, ValueId};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// The maximum (or minimum) of all operands, some of which are activations.
pub(super) fn of(site: &mut Site<'_>, greatest: bool) -> Result {
    if site.common_kind()? == Kind::Bool {
        return Err(site.invalid("operands are bool, expected numbers"));
    }
    // The bounds first: what is left are activations and constants that vary.
    let mut bound = None;
    let mut rest = Vec::new();
    let mut shape = site.shape(0)?;
    for i in 0..site.inputs.len() {
        let input = site.input(i)?;
        shape = site.valid(shape.broadcast(&site.shape_of(&input)))?;
        match site.uniform(&input)? {
            Some(value) if value.is_nan() => return Err(site.invalid("a bound is NaN")),
            Some(value) => {
                let least = bound.unwrap_or(value);
                bound = Some(if greatest { value.max(least) } else { value.min(least) });
            }
            None => rest.push(i),
        }
    }
    let Some((first, others)) = rest.split_first() else { return Err(Halt::Poisoned) };
    let mut result = site.number(*first)?;
    for i in others {
        let other = site.number(*i)?;
        result = of_two(site, (result, other), greatest, &format!("of{i}"))?;
    }
    if let Some(bound) = bound {
        let bound = bound as f32;
        let (min, max) = if greatest { (bound, f32::INFINITY) } else { (f32::NEG_INFINITY, bound) };
        result = site.apply(Activation::Clip { min, max }, result, "clipped")?;
    }
    match site.broadcast(Lowered::Activation(result), &shape, "extreme")? {
        Lowered::Activation(id) => Ok(Lowered::Activation(site.result(id))),
        other => Ok(other),
    }
}

/// The greater (or lesser) of two, element by element.
pub(super) fn of_two(
    site: &mut Site<'_>,
    (a, b): (ValueId, ValueId),
    greatest: bool,
    part: &str,
) -> Result<ValueId> {
    let (left, right) = if greatest { (a, b) } else { (b, a) };
    let difference = site.push(Op::Sub, vec![left, right], &format!("{part}_difference"))?;
    let excess = site.apply(Activation::Relu, difference, &format!("{part}_excess"))?;
    let op = if greatest { Op::Add } else { Op::Sub };
    site.push(op, vec![b, excess], part)
}
