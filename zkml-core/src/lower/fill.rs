//! Constants out of attributes and shapes: Constant, ConstantOfShape, Range, Shape, Size.

use std::rc::Rc;

use super::{
    cast,
    site::{Halt, Lowered, Site},
};
use crate::{
    onnx::{Constant, Elements},
    tensor::{Shape, ShapeError},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// `value` always; the others since 12, except `sparse_value` (11).
pub(super) fn constant(site: &mut Site<'_>) -> Result {
    let names: Vec<String> = site.node.attributes.keys().cloned().collect();
    let [name] = names.as_slice() else {
        let got = names.len();
        return Err(site.invalid(format!("expected one attribute with the value, got {got}")));
    };
    let missing = || site.invalid(format!("`{name}` is missing"));
    let built = match name.as_str() {
        "value" => {
            Ok(site.tensor_attribute("value")?.ok_or_else(|| site.invalid("`value` is missing"))?)
        }
        "value_float" => {
            let value = site.any_float_attribute(name)?.ok_or_else(missing)?;
            Constant::scalar(Elements::F32(vec![value]))
        }
        "value_floats" => {
            Constant::vector(Elements::F32(site.floats_attribute(name)?.unwrap_or_default()))
        }
        "value_int" => {
            let value = site.int_attribute(name)?.ok_or_else(missing)?;
            Constant::scalar(Elements::I64(vec![value]))
        }
        "value_ints" => {
            Constant::vector(Elements::I64(site.ints_attribute(name)?.unwrap_or_default()))
        }
        _ => return Err(site.unsupported(Some(name), "constants of this kind are not supported")),
    };
    finish(site, built)
}

pub(super) fn constant_of_shape(site: &mut Site<'_>) -> Result {
    let value = match site.tensor_attribute("value")? {
        Some(value) if value.shape.len() == 1 => value.elements,
        Some(value) => {
            let got = value.shape;
            return Err(site.invalid(format!("`value` has shape {got}, expected one element")));
        }
        None => Elements::F32(vec![0.0]),
    };
    let dims = site.ints(0, "input")?;
    let shape = shape_from(site, &dims)?;
    site.spend(shape.len())?;
    let elements = value.pick(&vec![0; shape.len()]);
    finish(site, Constant::new(shape, elements))
}

/// A shape out of whole numbers from 0.
pub(super) fn shape_from(site: &Site<'_>, dims: &[i64]) -> Result<Shape> {
    let sizes: Option<Vec<usize>> = dims.iter().map(|d| usize::try_from(*d).ok()).collect();
    let sizes = sizes.ok_or_else(|| site.invalid(format!("{dims:?} is not a shape")))?;
    site.valid(Shape::new(sizes))
}

/// `start + i * delta`, as many as lie before `limit`.
pub(super) fn range(site: &mut Site<'_>) -> Result {
    let mut parts = Vec::with_capacity(3);
    for (i, role) in ["start", "limit", "delta"].into_iter().enumerate() {
        let part = site.constant(i, role)?;
        if part.shape.len() != 1 {
            return Err(site.invalid(format!("`{role}` has shape {}, expected one", part.shape)));
        }
        parts.push(part);
    }
    let elements = match [&parts[0].elements, &parts[1].elements, &parts[2].elements] {
        [Elements::I64(a), Elements::I64(b), Elements::I64(d)] => {
            Elements::I64(int_range(site, a[0], b[0], d[0])?)
        }
        [Elements::I32(a), Elements::I32(b), Elements::I32(d)] => {
            let wide = int_range(site, a[0].into(), b[0].into(), d[0].into())?;
            // All lie between start and limit.
            Elements::I32(wide.into_iter().map(|v| v as i32).collect())
        }
        [Elements::F32(a), Elements::F32(b), Elements::F32(d)] => {
            let count = float_count(site, a[0].into(), b[0].into(), d[0].into())?;
            Elements::F32((0..count).map(|i| a[0] + i as f32 * d[0]).collect())
        }
        [Elements::F64(a), Elements::F64(b), Elements::F64(d)] => {
            let count = float_count(site, a[0], b[0], d[0])?;
            Elements::F64((0..count).map(|i| a[0] + i as f64 * d[0]).collect())
        }
        [a, b, d] => {
            let got = [a, b, d].map(Elements::dtype).join(", ");
            return Err(site.invalid(format!("operands are {got}, expected one number type")));
        }
    };
    finish(site, Constant::vector(elements))
}

fn int_range(site: &mut Site<'_>, start: i64, limit: i64, delta: i64) -> Result<Vec<i64>> {
    if delta == 0 {
        return Err(site.invalid("`delta` is 0"));
    }
    let span = i128::from(limit) - i128::from(start);
    let delta = i128::from(delta);
    let count =
        if (span > 0) == (delta > 0) { (span.abs() + delta.abs() - 1) / delta.abs() } else { 0 };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    site.spend(count)?;
    // Within start..limit.
    Ok((0..count as i128).map(|i| (i128::from(start) + i * delta) as i64).collect())
}

fn float_count(site: &mut Site<'_>, start: f64, limit: f64, delta: f64) -> Result<usize> {
    let count = ((limit - start) / delta).ceil().max(0.0);
    if delta == 0.0 || !count.is_finite() {
        return Err(site.invalid(format!("range {start}..{limit} by {delta} is not finite")));
    }
    // A float of 2^64 or more saturates and is over the budget.
    let count = count as usize;
    site.spend(count)?;
    Ok(count)
}

/// `start` and `end` exist since 15; both are clamped.
pub(super) fn shape(site: &mut Site<'_>) -> Result {
    let (start, end) = (site.int_attribute("start")?, site.int_attribute("end")?);
    let shape = site.shape(0)?;
    let rank = shape.rank();
    let clamp = |at: i64| {
        let at = if at < 0 { at.saturating_add(rank as i64) } else { at };
        usize::try_from(at).map_or(0, |at| at.min(rank))
    };
    let (start, end) = (clamp(start.unwrap_or(0)), end.map_or(rank, clamp));
    let dims = shape.dims().get(start..end).unwrap_or_default();
    // At most 2^28 each.
    let dims = dims.iter().map(|dim| *dim as i64).collect();
    finish(site, Constant::vector(Elements::I64(dims)))
}

pub(super) fn size(site: &mut Site<'_>) -> Result {
    let len = site.shape(0)?.len();
    finish(site, Constant::scalar(Elements::I64(vec![len as i64])))
}

/// Ones on a diagonal of a matrix of the input's shape, in its type or that of `dtype`.
pub(super) fn eye_like(site: &mut Site<'_>) -> Result {
    let shape = site.shape(0)?;
    let &[rows, columns] = shape.dims() else {
        return Err(site.invalid(format!("the input has shape {shape}, expected a matrix")));
    };
    let k = i128::from(site.int_attribute("k")?.unwrap_or(0));
    site.spend(shape.len())?;
    // Dimensions are at most 2^28.
    let bits =
        (0..rows * columns).map(|e| (e % columns) as i128 - (e / columns) as i128 == k).collect();
    let eye = Elements::Bool(bits);
    let dtype = match site.int_attribute("dtype")? {
        Some(code) => cast::element_type(site, code)?,
        None => cast::type_like(site, &site.input(0)?),
    };
    let elements = cast::convert(site, &eye, dtype)?;
    finish(site, Constant::new(shape, elements))
}

/// A constant as the result of the node.
pub(super) fn finish(site: &Site<'_>, built: std::result::Result<Constant, ShapeError>) -> Result {
    site.valid(built).map(|constant| Lowered::Constant(Rc::new(constant)))
}
