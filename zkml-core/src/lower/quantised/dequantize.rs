//! DequantizeLinear of activations and constants: `(q - zero) scale`, a difference of whole numbers and
//! one product, rounded to `f32`.

use std::rc::Rc;

use super::grid::{Grid, whole_numbers};
use crate::{
    ir::Op,
    lower::{
        kind::Kind,
        site::{Halt, Lowered, Site},
    },
    onnx::{Constant, Elements, proto::tensor_proto::DataType, tensor::dtype_name},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(in crate::lower) fn dequantize_linear(site: &mut Site<'_>) -> Result {
    check_output(site)?;
    let shape = site.shape(0)?;
    let grid = Grid::of(site, &shape, (1, "x_scale"), (2, "x_zero_point"))?;
    match site.input(0)? {
        Lowered::Constant(x) => {
            if let Some(zero) = &grid.like
                && zero.dtype() != x.elements.dtype()
            {
                let (zero, x) = (zero.dtype(), x.elements.dtype());
                return Err(site.invalid(format!("`x` is {x}, but `x_zero_point` {zero}")));
            }
            let q = whole_numbers(site, "x", &x.elements)?;
            let parameters = grid.spread(site, &shape)?;
            let real = |(q, (scale, zero)): (&i64, (f32, i64))| (q - zero) as f32 * scale;
            let data = q.iter().zip(parameters).map(real).collect();
            let constant = site.valid(Constant::new(shape, Elements::F32(data)))?;
            Ok(Lowered::Constant(Rc::new(constant)))
        }
        _ => {
            site.expect_kind(0, "x", Kind::Int)?;
            let mut id = site.operand(0)?;
            if let Some(zero) = grid.zero_tensor(site)? {
                let zero = site.own_constant("zero", zero)?;
                id = site.push(Op::Sub, vec![id, zero], "steps")?;
            }
            let scale = grid.scale_tensor(site)?;
            let scale = site.own_constant("scale", scale)?;
            let id = site.push(Op::Mul, vec![id, scale], "")?;
            Ok(site.holds(id, Kind::Float))
        }
    }
}

/// The result is of the type of the scale, or since 23 of `output_dtype`.
fn check_output(site: &Site<'_>) -> Result<()> {
    site.not_before("output_dtype", 23)?;
    match site.int_attribute("output_dtype")?.unwrap_or(0) {
        0 => Ok(()),
        float if float == DataType::Float as i64 => Ok(()),
        code => {
            let name = dtype_name(i32::try_from(code).unwrap_or(0));
            let hint = format!("{name} is not supported, only float32");
            Err(site.unsupported(Some("output_dtype"), hint))
        }
    }
}
