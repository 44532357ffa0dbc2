//! MatMulInteger and QLinearMatMul. Parameters of `a` may be one for each row, those of `b` one for
//! each column: vectors, or of the rank of the operand.

use super::{
    grid::{Grid, scales, whole_numbers},
    quantize::{check_type, step},
};
use crate::{
    exec::float,
    ir::{Op, ValueId},
    lower::{
        kind::Kind,
        plane::new_shape,
        site::{Halt, Lowered, Site},
    },
    tensor::{Shape, Tensor},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// The parameters of a row of `a` or a column of `b` hold for it.
#[derive(Clone, Copy)]
enum Side {
    A,
    B,
}

pub(in crate::lower) fn matmul_integer(site: &mut Site<'_>) -> Result {
    let a = centred(site, Side::A, (0, "A"), (2, "a_zero_point"))?;
    let b = centred(site, Side::B, (1, "B"), (3, "b_zero_point"))?;
    let id = site.push(Op::MatMul, vec![a, b], "")?;
    Ok(site.holds(id, Kind::Int))
}

pub(in crate::lower) fn qlinear_matmul(site: &mut Site<'_>) -> Result {
    let a = centred(site, Side::A, (0, "a"), (2, "a_zero_point"))?;
    let b = centred(site, Side::B, (3, "b"), (5, "b_zero_point"))?;
    let y = Grid::whole(site, (6, "y_scale"), (7, "y_zero_point"))?;
    let like = match &y.like {
        Some(like) => check_type(site, "y_zero_point", like)?,
        None => return Err(site.invalid("`y_zero_point` is missing")),
    };
    let (a_scale, b_scale) = (side_scales(site, Side::A, 1)?, side_scales(site, Side::B, 4)?);
    let product = site.push(Op::MatMul, vec![a, b], "product")?;
    let (scale, zero) = y.at(0);
    let factor = ratio(site, &a_scale, &b_scale, scale)?;
    let to = site.canvas.graph.get(product).shape.clone();
    site.expect_broadcast("scales of the product", factor.shape(), &to)?;
    let factor = site.own_constant("factor", factor)?;
    let steps = site.push(Op::Mul, vec![product, factor], "steps")?;
    let id = site.apply(step(&like, 1.0, zero), steps, "")?;
    Ok(site.holds(id, Kind::Int))
}

/// `a b / y`, broadcasting.
pub(super) fn ratio(
    site: &mut Site<'_>,
    a: &Tensor<f32>,
    b: &Tensor<f32>,
    y: f32,
) -> Result<Tensor<f32>> {
    let shape = site.valid(a.shape().broadcast(b.shape()))?;
    site.spend(shape.len())?;
    let product = site.valid(float::apply(&Op::Mul, &[a, b]))?;
    Ok(product.map(|product| product / y))
}

/// Operand `value` less its zero point.
fn centred(
    site: &mut Site<'_>,
    side: Side,
    (value, name): (usize, &str),
    (zero, zero_name): (usize, &str),
) -> Result<ValueId> {
    site.expect_kind(value, name, Kind::Int)?;
    let zeros = match site.has(zero) {
        true => {
            let given = site.constant(zero, zero_name)?;
            site.spend(given.shape.len())?;
            let zeros = whole_numbers(site, zero_name, &given.elements)?;
            // Integers of 8 bits.
            let zeros = zeros.into_iter().map(|zero| zero as f32).collect();
            let zeros = site.valid(Tensor::new(given.shape.clone(), zeros))?;
            let shape = site.shape(value)?;
            let zeros = laid(site, side, zeros)?;
            site.expect_broadcast(zero_name, zeros.shape(), &shape)?;
            Some(zeros)
        }
        false => None,
    };
    centred_by(site, (value, name), zeros)
}

/// Operand `value`, whole numbers, less `zeros`, which broadcast to it.
pub(super) fn centred_by(
    site: &mut Site<'_>,
    (value, name): (usize, &str),
    zeros: Option<Tensor<f32>>,
) -> Result<ValueId> {
    let zeros = zeros.filter(|zeros| zeros.data().iter().any(|zero| *zero != 0.0));
    match (site.input(value)?, zeros) {
        (Lowered::Constant(constant), zeros) => {
            let mut tensor = site.number_tensor(&constant)?;
            if let Some(zeros) = zeros {
                site.spend(tensor.shape().len())?;
                tensor = site.valid(float::apply(&Op::Sub, &[&tensor, &zeros]))?;
            }
            site.own_constant(&format!("{name}_steps"), tensor)
        }
        (Lowered::Activation(id), Some(zeros)) => {
            let zeros = site.own_constant(&format!("{name}_zero"), zeros)?;
            site.push(Op::Sub, vec![id, zeros], &format!("{name}_steps"))
        }
        (Lowered::Activation(id), None) => Ok(id),
        (Lowered::Poisoned { .. }, _) => Err(Halt::Poisoned),
    }
}

fn side_scales(site: &mut Site<'_>, side: Side, i: usize) -> Result<Tensor<f32>> {
    let name = if matches!(side, Side::A) { "a_scale" } else { "b_scale" };
    let (data, shape) = scales(site, (i, name))?;
    let tensor = site.valid(Tensor::new(shape, data))?;
    laid(site, side, tensor)
}

/// Parameters so that they broadcast to the operand: a vector for rows of `a` is a column.
fn laid(site: &Site<'_>, side: Side, parameters: Tensor<f32>) -> Result<Tensor<f32>> {
    let shape = match (parameters.shape().dims(), side) {
        ([1], _) => Shape::scalar(),
        ([rows], Side::A) => new_shape(site, vec![*rows, 1])?,
        _ => return Ok(parameters),
    };
    site.valid(parameters.reshaped(shape))
}
