//! QuantizeLinear of activations and constants. The type of the result is that of the zero point, or
//! `output_dtype`, since 21, or uint8. `saturate` concerns 8-bit floats; `precision`, since 23, may ask
//! for float32, in which quotients are computed anyway.
//!
//! Along an axis, activations are cut into runs of positions that have the same parameters: each is a
//! function of its own.

use std::rc::Rc;

use super::grid::Grid;
use crate::{
    ir::{Activation, Op, ValueId},
    lower::{
        kind::Kind,
        site::{Halt, Lowered, Site},
    },
    onnx::{Constant, Elements, proto::tensor_proto::DataType, tensor::dtype_name},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(in crate::lower) fn quantize_linear(site: &mut Site<'_>) -> Result {
    check_precision(site)?;
    let shape = site.shape(0)?;
    let grid = Grid::of(site, &shape, (1, "y_scale"), (2, "y_zero_point"))?;
    let like = result_type(site, &grid)?;
    match site.input(0)? {
        Lowered::Constant(_) => {
            let x = site.floats(0, "x")?;
            let parameters = grid.spread(site, &shape)?;
            let steps = x.data().iter().zip(parameters).map(|(x, (scale, zero))| {
                // A whole number within the limits of the type.
                step(&like, scale, zero).eval(f64::from(*x)) as i64
            });
            let elements = like.with_i64(steps.collect());
            let elements = elements.ok_or_else(|| site.invalid("a result is out of range"))?;
            let constant = site.valid(Constant::new(shape, elements))?;
            Ok(Lowered::Constant(Rc::new(constant)))
        }
        _ if site.kind(0)? != Kind::Float => {
            let hint = "supported only on floats, not on whole numbers that depend on the input";
            Err(site.unsupported(Some("x"), hint))
        }
        _ => {
            let x = site.operand(0)?;
            let id = quantized(site, x, &grid, &like)?;
            Ok(site.holds(id, Kind::Int))
        }
    }
}

/// `x` as whole numbers of the type of `like`.
fn quantized(site: &mut Site<'_>, x: ValueId, grid: &Grid, like: &Elements) -> Result<ValueId> {
    if grid.is_uniform() {
        let (scale, zero) = grid.at(0);
        return site.apply(step(like, scale, zero), x, "");
    }
    let Some(axis) = grid.axis else {
        let hint = "blocks of an axis are supported only of constants";
        return Err(site.unsupported(Some("block_size"), hint));
    };
    let size = site.dims(x)[axis];
    let mut parts = Vec::new();
    let mut start = 0;
    while start < size {
        let same = (start..size).take_while(|at| grid.at(*at) == grid.at(start)).count();
        let part = format!("run{start}");
        let run = site.take(x, axis, start..start + same, &part)?;
        let (scale, zero) = grid.at(start);
        parts.push(site.apply(step(like, scale, zero), run, &format!("{part}_steps"))?);
        start += same;
    }
    match parts.as_slice() {
        [only] => Ok(site.result(*only)),
        _ => site.push(Op::Concat { axis }, parts, ""),
    }
}

/// The function of one element, into the type of `like`, which has at most 16 bits.
pub(super) fn step(like: &Elements, scale: f32, zero: i64) -> Activation {
    let (least, most) = like.limits().unwrap_or((0, 0)); // `check_type` refuses others
    // Whole numbers of at most 16 bits.
    let [zero, min, max] = [zero, least, most].map(|v| v as f32);
    Activation::Quantize { scale, zero, min, max }
}

/// No elements of the type of the result.
fn result_type(site: &Site<'_>, grid: &Grid) -> Result<Elements> {
    site.not_before("output_dtype", 21)?;
    let asked = match site.int_attribute("output_dtype")?.unwrap_or(0) {
        0 => None,
        code => {
            let code = i32::try_from(code).unwrap_or(0);
            Some(match DataType::try_from(code) {
                Ok(DataType::Int16) => Elements::I16(vec![]),
                Ok(DataType::Uint16) => Elements::U16(vec![]),
                Ok(DataType::Int8) => Elements::I8(vec![]),
                Ok(DataType::Uint8) => Elements::U8(vec![]),
                Ok(DataType::Int4) => Elements::I4(vec![]),
                Ok(DataType::Uint4) => Elements::U4(vec![]),
                _ => {
                    let hint = format!("{} is not supported", dtype_name(code));
                    return Err(site.unsupported(Some("output_dtype"), hint));
                }
            })
        }
    };
    match (&grid.like, asked) {
        (Some(zero), Some(asked)) if zero.dtype() != asked.dtype() => {
            let (zero, asked) = (zero.dtype(), asked.dtype());
            Err(site.invalid(format!("`y_zero_point` is {zero}, but `output_dtype` {asked}")))
        }
        (Some(zero), _) => check_type(site, "y_zero_point", zero),
        (None, Some(asked)) => Ok(asked),
        (None, None) => Ok(Elements::U8(vec![])),
    }
}

/// The type, if a QuantizeLinear may give it.
pub(super) fn check_type(site: &Site<'_>, name: &str, like: &Elements) -> Result<Elements> {
    match like.limits() {
        Some((least, most)) if most - least < 1 << 16 => Ok(like.pick(&[])),
        _ => {
            let got = like.dtype();
            Err(site.invalid(format!("`{name}` is {got}, expected an integer of 4 to 16 bits")))
        }
    }
}

fn check_precision(site: &Site<'_>) -> Result<()> {
    site.not_before("saturate", 19)?;
    site.not_before("precision", 23)?;
    match site.int_attribute("precision")?.unwrap_or(0) {
        0 => Ok(()),
        float if float == DataType::Float as i64 => Ok(()),
        code => {
            let name = dtype_name(i32::try_from(code).unwrap_or(0));
            let hint = format!("quotients in {name} are not supported, only in float32");
            Err(site.unsupported(Some("precision"), hint))
        }
    }
}
