//! ConvInteger and QLinearConv, with the attributes of Conv. Weights may have a scale and a zero point
//! for each output channel.

use super::{
    grid::{Grid, scales, whole_numbers},
    product::{centred_by, ratio},
    quantize::{check_type, step},
};
use crate::{
    ir::Op,
    lower::{
        convolution::{by_channel, forward},
        kind::Kind,
        plane::{Planes, new_shape},
        site::{Halt, Lowered, Site},
    },
    tensor::{Shape, Tensor},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(in crate::lower) fn conv_integer(site: &mut Site<'_>) -> Result {
    let planes = planes(site, (2, "x_zero_point"))?;
    let weights = weights(site, 1, (3, "w_zero_point"))?;
    let id = forward(site, &planes, (&weights, None), planes.last())?;
    site.holds(id, Kind::Int);
    planes.finish(site, id)
}

pub(in crate::lower) fn qlinear_conv(site: &mut Site<'_>) -> Result {
    let x = Grid::whole(site, (1, "x_scale"), (2, "x_zero_point"))?;
    let y = Grid::whole(site, (6, "y_scale"), (7, "y_zero_point"))?;
    let like = match &y.like {
        Some(like) => check_type(site, "y_zero_point", like)?,
        None => return Err(site.invalid("`y_zero_point` is missing")),
    };
    let planes = planes(site, (2, "x_zero_point"))?;
    let weights = weights(site, 3, (5, "w_zero_point"))?;
    let outputs = weights.shape().dims()[0];
    let (w_scale, given) = scales(site, (4, "w_scale"))?;
    let w_scale = site.valid(Tensor::new(given.clone(), w_scale))?;
    let w_scale = match given.len() {
        1 => site.valid(w_scale.reshaped(Shape::scalar()))?,
        _ => by_channel(site, "w_scale", w_scale, outputs)?,
    };
    let bias = if site.has(8) { Some(bias(site)?) } else { None };
    let product = forward(site, &planes, (&weights, bias), "product")?;
    let (scale, zero) = y.at(0);
    let factor = ratio(site, &Tensor::scalar(x.at(0).0), &w_scale, scale)?;
    let factor = site.own_constant("factor", factor)?;
    let steps = site.push(Op::Mul, vec![product, factor], "steps")?;
    let id = site.apply(step(&like, 1.0, zero), steps, planes.last())?;
    site.holds(id, Kind::Int);
    planes.finish(site, id)
}

/// Operand 0 less its zero point: pads are 0 then.
fn planes(site: &mut Site<'_>, (zero, name): (usize, &str)) -> Result<Planes> {
    site.expect_kind(0, "x", Kind::Int)?;
    let zeros = match site.has(zero) {
        true => {
            let given = site.constant(zero, name)?;
            let zeros = whole_numbers(site, name, &given.elements)?;
            match zeros.as_slice() {
                [only] => Some(Tensor::scalar(*only as f32)), // of 8 bits
                _ => {
                    let got = &given.shape;
                    return Err(site.invalid(format!("`{name}` has shape {got}, expected one")));
                }
            }
        }
        false => None,
    };
    let x = centred_by(site, (0, "x"), zeros)?;
    Planes::of_value(site, x)
}

/// Constant weights less their zero points, one for all or one for each output channel.
fn weights(site: &mut Site<'_>, i: usize, (zero, name): (usize, &str)) -> Result<Tensor<f32>> {
    site.expect_kind(i, "w", Kind::Int)?;
    let weights = site.constant(i, "w")?;
    let weights = site.number_tensor(&weights)?;
    if !site.has(zero) {
        return Ok(weights);
    }
    let given = site.constant(zero, name)?;
    let zeros = whole_numbers(site, name, &given.elements)?;
    let outputs = weights.shape().dims().first().copied().unwrap_or(0);
    if zeros.len() != 1 && given.shape.dims() != [outputs] {
        let got = &given.shape;
        return Err(site.invalid(format!("`{name}` has shape {got}, expected [{outputs}]")));
    }
    site.spend(weights.shape().len())?;
    let inner = weights.shape().len().checked_div(outputs).unwrap_or(0).max(1);
    // Of 8 bits.
    let zero = |e: usize| zeros[if zeros.len() == 1 { 0 } else { e / inner }] as f32;
    let data = weights.data().iter().enumerate().map(|(e, w)| w - zero(e)).collect();
    site.valid(Tensor::new(weights.shape().clone(), data))
}

/// The bias, in units of the product. Beyond 2^24 it is rounded to `f32`, as onnxruntime rounds sums.
fn bias(site: &mut Site<'_>) -> Result<Tensor<f32>> {
    let bias = site.ints(8, "B")?;
    let shape = new_shape(site, site.shape(8)?.dims().to_vec())?;
    let bias = bias.into_iter().map(|b| b as f32).collect();
    site.valid(Tensor::new(shape, bias))
}
