//! Cast and CastLike. A cast of an activation between float32 and float64 changes nothing: the graph
//! computes on real numbers that quantisation makes exact. Nor does one from bool or an integer type
//! to a float or a wider integer type. To bool it is `x != 0`; from floats to int32 or int64 the
//! fraction is cut off. Casts to narrower types, which wrap around, are refused. Constants are cast
//! between all types that are read.
//!
//! `saturate` and `round_mode` concern 8-bit floats, which are not supported.

use std::{rc::Rc, sync::Arc};

use super::{
    kind::Kind,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Activation, Pointwise, ValueId},
    onnx::{Constant, Elements, proto::tensor_proto::DataType, tensor::dtype_name},
};

pub(super) fn cast(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let code = site.int_attribute("to")?.ok_or_else(|| site.invalid("`to` is missing"))?;
    let to = element_type(site, code)?;
    to_type(site, to)
}

/// The element type of a code.
pub(super) fn element_type(site: &Site<'_>, code: i64) -> Result<DataType, Halt> {
    i32::try_from(code)
        .ok()
        .and_then(|code| DataType::try_from(code).ok())
        .ok_or_else(|| site.invalid(format!("{code} is no element type")))
}

/// The element type of a value; of an activation the one that stands for its kind.
pub(super) fn type_like(site: &Site<'_>, value: &Lowered) -> DataType {
    match value {
        Lowered::Constant(like) => type_of(&like.elements),
        other => match site.kind_of(other) {
            Kind::Float => DataType::Float,
            Kind::Int => DataType::Int64,
            Kind::Bool => DataType::Bool,
        },
    }
}

fn type_of(elements: &Elements) -> DataType {
    match elements {
        Elements::F32(_) => DataType::Float,
        Elements::F64(_) => DataType::Double,
        Elements::I64(_) => DataType::Int64,
        Elements::I32(_) => DataType::Int32,
        Elements::I16(_) => DataType::Int16,
        Elements::U16(_) => DataType::Uint16,
        Elements::I8(_) => DataType::Int8,
        Elements::U8(_) => DataType::Uint8,
        Elements::I4(_) => DataType::Int4,
        Elements::U4(_) => DataType::Uint4,
        Elements::Bool(_) => DataType::Bool,
    }
}

/// The type is that of the second operand.
pub(super) fn cast_like(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let to = type_like(site, &site.input(1)?);
    to_type(site, to)
}

fn to_type(site: &mut Site<'_>, to: DataType) -> Result<Lowered, Halt> {
    match site.input(0)? {
        Lowered::Constant(constant) => {
            site.spend(constant.shape.len())?;
            let elements = convert(site, &constant.elements, to)?;
            let constant = Constant { shape: constant.shape.clone(), elements };
            Ok(Lowered::Constant(Rc::new(constant)))
        }
        Lowered::Activation(id) => activation(site, id, to),
        Lowered::Poisoned { .. } => Err(Halt::Poisoned),
    }
}

fn activation(site: &mut Site<'_>, x: ValueId, to: DataType) -> Result<Lowered, Halt> {
    let from = site.canvas.kind(x);
    let target = match to {
        DataType::Float | DataType::Double => Kind::Float,
        DataType::Int32 | DataType::Int64 => Kind::Int,
        DataType::Bool => Kind::Bool,
        _ => {
            let hint =
                format!("a cast of an activation to {} changes its values", dtype_name(to as i32));
            return Err(site.unsupported(Some("to"), hint));
        }
    };
    let whole = from != Kind::Float || site.canvas.graph.get(x).integer;
    match target {
        _ if from == target => Ok(Lowered::Activation(x)),
        Kind::Bool => {
            let zero = site.apply(Activation::IsZero, x, "zero")?;
            let id = site.complement(zero, "")?;
            Ok(site.holds(id, Kind::Bool))
        }
        Kind::Int if !whole => {
            let id = site.apply(truncation(), x, "")?;
            Ok(site.holds(id, Kind::Int))
        }
        _ => site.renamed(x, target),
    }
}

/// `sign(x) floor(|x|)`.
fn truncation() -> Activation {
    let of = |f, x| Box::new(Pointwise::Apply(f, x));
    let argument = || Box::new(Pointwise::Argument);
    let magnitude = of(Activation::Floor, of(Activation::Abs, argument()));
    let sign = of(Activation::Sign, argument());
    Activation::Pointwise(Arc::new(Pointwise::Product(sign, magnitude)))
}

/// Elements in another type.
pub(super) fn convert(site: &Site<'_>, from: &Elements, to: DataType) -> Result<Elements, Halt> {
    let dtype = dtype_name(to as i32);
    let outside = || site.invalid(format!("a number is outside of the range of {dtype}"));
    Ok(match to {
        DataType::Float => Elements::F32(from.to_f64().into_iter().map(|v| v as f32).collect()),
        DataType::Double => Elements::F64(from.to_f64()),
        DataType::Bool => Elements::Bool(from.to_f64().into_iter().map(|v| v != 0.0).collect()),
        DataType::Int64 => Elements::I64(truncated(from).ok_or_else(outside)?),
        DataType::Int32 => Elements::I32(narrowed(from).ok_or_else(outside)?),
        DataType::Int16 => Elements::I16(narrowed(from).ok_or_else(outside)?),
        DataType::Uint16 => Elements::U16(narrowed(from).ok_or_else(outside)?),
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
