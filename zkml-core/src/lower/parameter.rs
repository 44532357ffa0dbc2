//! Parameters of operators that were attributes and have become operands, and others that depend on
//! the version.

use super::{
    kind::Kind,
    site::{Halt, Site},
};
use crate::onnx::Elements;

type Result<T> = std::result::Result<T, Halt>;

/// Whole numbers: attribute `name` before version `since`, operand `i` from then on.
pub(super) fn moved(site: &Site<'_>, name: &str, i: usize, since: i64) -> Result<Option<Vec<i64>>> {
    if attribute_only(site, name, i, since)? {
        return site.ints_attribute(name);
    }
    if site.has(i) { site.ints(i, name).map(Some) } else { Ok(None) }
}

/// A number that is not NaN: attribute `name` before version `since`, operand `i` from then on.
pub(super) fn moved_number(
    site: &Site<'_>,
    name: &str,
    i: usize,
    since: i64,
) -> Result<Option<f32>> {
    if attribute_only(site, name, i, since)? {
        let value = site.any_float_attribute(name)?;
        return match value {
            Some(value) if value.is_nan() => Err(site.invalid(format!("`{name}` is NaN"))),
            value => Ok(value),
        };
    }
    number(site, name, i)
}

/// The only element of optional operand `i`, not NaN.
pub(super) fn number(site: &Site<'_>, role: &str, i: usize) -> Result<Option<f32>> {
    if !site.has(i) {
        return Ok(None);
    }
    let constant = site.constant(i, role)?;
    let value = match &constant.elements {
        Elements::F32(v) => v.as_slice().first().copied(),
        Elements::F64(v) => v.first().map(|v| *v as f32),
        // Of whole numbers, whole numbers.
        other if site.kind(0)? == Kind::Int && Kind::of_elements(other) == Kind::Int => {
            other.to_f64().first().map(|v| *v as f32)
        }
        other => {
            let got = other.dtype();
            return Err(site.invalid(format!("`{role}` is {got}, expected float32")));
        }
    };
    match value {
        Some(value) if constant.shape.len() == 1 && !value.is_nan() => Ok(Some(value)),
        Some(value) if value.is_nan() => Err(site.invalid(format!("`{role}` is NaN"))),
        _ => {
            let shape = &constant.shape;
            Err(site.invalid(format!("`{role}` has shape {shape}, expected a scalar")))
        }
    }
}

/// Whether the parameter is an attribute in this version; it must not be given as the other kind.
fn attribute_only(site: &Site<'_>, name: &str, i: usize, since: i64) -> Result<bool> {
    if site.since < since {
        if site.inputs.len() > i {
            return Err(site
                .invalid(format!("`{name}` is an attribute before opset {since}, not an input")));
        }
        return Ok(true);
    }
    if site.node.attributes.contains_key(name) {
        return Err(site.invalid(format!("`{name}` is an input since opset {since}")));
    }
    Ok(false)
}
