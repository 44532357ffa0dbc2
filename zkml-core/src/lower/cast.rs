//! Cast. An activation may be cast between float32 and float64, which changes nothing: the graph
//! computes on real numbers that quantisation makes exact. Any other cast of an activation changes
//! values and is refused. Constants are cast between all types that are read.
//!
//! `saturate` and `round_mode` concern 8-bit floats, which are not supported.

use std::rc::Rc;

use super::site::{Halt, Lowered, Site};
use crate::onnx::{Constant, Elements, proto::tensor_proto::DataType, tensor::dtype_name};

pub(super) fn cast(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let code = site.int_attribute("to")?.ok_or_else(|| site.invalid("`to` is missing"))?;
    let to = i32::try_from(code)
        .ok()
        .and_then(|code| DataType::try_from(code).ok())
        .ok_or_else(|| site.invalid(format!("`to` is {code}, which is no element type")))?;
    match site.input(0)? {
        Lowered::Constant(constant) => {
            let origin = site.origin();
            site.budget.take(constant.shape.len(), &origin)?;
            let elements = convert(site, &constant.elements, to)?;
            let constant = Constant { shape: constant.shape.clone(), elements };
            Ok(Lowered::Constant(Rc::new(constant)))
        }
        other => match to {
            DataType::Float | DataType::Double => Ok(other),
            _ => {
                let hint = format!(
                    "a cast of an activation to {} changes its values",
                    dtype_name(to as i32)
                );
                Err(site.unsupported(Some("to"), hint))
            }
        },
    }
}

fn convert(site: &Site<'_>, from: &Elements, to: DataType) -> Result<Elements, Halt> {
    let dtype = dtype_name(to as i32);
    let outside = || site.invalid(format!("a number is outside of the range of {dtype}"));
    Ok(match to {
        DataType::Float => Elements::F32(from.to_f64().into_iter().map(|v| v as f32).collect()),
        DataType::Double => Elements::F64(from.to_f64()),
        DataType::Bool => Elements::Bool(from.to_f64().into_iter().map(|v| v != 0.0).collect()),
        DataType::Int64 => Elements::I64(truncated(from).ok_or_else(outside)?),
        DataType::Int32 => Elements::I32(narrowed(from).ok_or_else(outside)?),
        DataType::Int8 => Elements::I8(narrowed(from).ok_or_else(outside)?),
        DataType::Uint8 => Elements::U8(narrowed(from).ok_or_else(outside)?),
        _ => {
            let hint = format!("casts to {dtype} are not supported");
            return Err(site.unsupported(Some("to"), hint));
        }
    })
}

/// Towards zero; `None` if a number is outside of `i64`.
fn truncated(from: &Elements) -> Option<Vec<i64>> {
    if let Some(ints) = from.to_i64() {
        return Some(ints);
    }
    // -2^63 is a double, 2^63 is the first above.
    let range = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;
    from.to_f64().into_iter().map(|v| range.contains(&v).then_some(v as i64)).collect()
}

fn narrowed<T: TryFrom<i64>>(from: &Elements) -> Option<Vec<T>> {
    truncated(from)?.into_iter().map(|v| T::try_from(v).ok()).collect()
}
