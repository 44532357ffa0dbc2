//! MatMul, Sum, Mean, and Gemm: `Y = alpha * A' * B' + beta * C`, primes being optional transpositions.
//!
//! A factor goes into a constant operand where there is one, so that a layer of fixed weights
//! becomes one product and one sum.

use std::rc::Rc;

use super::{
    site::{Halt, Lowered, Site},
    view,
};
use crate::{
    ir::{Op, ValueId},
    onnx::{Constant, Elements},
    tensor::Shape,
};

pub(super) fn matmul(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let operands = vec![site.operand(0)?, site.operand(1)?];
    Ok(Lowered::Activation(site.push(Op::MatMul, operands, "")?))
}

/// The sum of all operands.
pub(super) fn sum(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let total = total(site)?;
    Ok(Lowered::Activation(site.result(total)))
}

/// The mean of all operands.
pub(super) fn mean(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let total = total(site)?;
    let share = (1.0 / site.inputs.len() as f64) as f32;
    let mean = site.times(total, share, "mean")?;
    Ok(Lowered::Activation(site.result(mean)))
}

fn total(site: &mut Site<'_>) -> Result<ValueId, Halt> {
    let mut total = site.operand(0)?;
    for i in 1..site.inputs.len() {
        let next = site.operand(i)?;
        total = site.push(Op::Add, vec![total, next], &format!("sum{i}"))?;
    }
    Ok(total)
}

pub(super) fn gemm(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let alpha = site.float_attribute("alpha", 1.0)?;
    let beta = site.float_attribute("beta", 1.0)?;
    let (transpose_a, transpose_b) = (site.flag("transA", false)?, site.flag("transB", false)?);
    if site.since < 11 && !site.has(2) {
        return Err(site.invalid("input C is required before opset 11"));
    }
    let a = matrix(site, 0, transpose_a, "a")?;
    let b = matrix(site, 1, transpose_b, "b")?;
    let (a, b, factor) = match (&a, &b) {
        (_, Lowered::Constant(constant)) => {
            let scaled = scale(site, constant, alpha)?;
            (a, scaled, 1.0)
        }
        (Lowered::Constant(constant), _) => {
            let scaled = scale(site, constant, alpha)?;
            (scaled, b, 1.0)
        }
        _ => (a, b, alpha),
    };
    let with_c = site.has(2);
    let part = |last: bool| if last { "" } else { "product" };
    let operands = vec![site.value(a, "a")?, site.value(b, "b")?];
    let mut y = site.push(Op::MatMul, operands, part(!with_c && factor == 1.0))?;
    if factor != 1.0 {
        let factor = site.scalar(factor, "alpha")?;
        y = site.push(Op::Mul, vec![y, factor], if with_c { "scaled" } else { "" })?;
    }
    if with_c {
        let c = addend(site, beta, &site.shape_of(&Lowered::Activation(y)))?;
        y = site.push(Op::Add, vec![y, c], "")?;
    }
    Ok(Lowered::Activation(y))
}

/// Operand `i` as a matrix, transposed if asked.
fn matrix(site: &mut Site<'_>, i: usize, transpose: bool, part: &str) -> Result<Lowered, Halt> {
    let input = site.input(i)?;
    let shape = site.shape_of(&input);
    if shape.rank() != 2 {
        return Err(site.invalid(format!("input {i} has shape {shape}, expected a matrix")));
    }
    if transpose { view::permute(site, input, &[1, 0], part) } else { Ok(input) }
}

/// `beta * C` as a value of the graph; it must broadcast to the product's shape.
fn addend(site: &mut Site<'_>, beta: f32, to: &Shape) -> Result<ValueId, Halt> {
    let c = site.input(2)?;
    let shape = site.shape_of(&c);
    site.expect_broadcast("input C", &shape, to)?;
    match &c {
        _ if beta == 1.0 => site.operand(2),
        Lowered::Constant(constant) => {
            let scaled = scale(site, constant, beta)?;
            site.value(scaled, "c")
        }
        _ => {
            let c = site.operand(2)?;
            let beta = site.scalar(beta, "beta")?;
            site.push(Op::Mul, vec![c, beta], "c")
        }
    }
}

fn scale(site: &mut Site<'_>, constant: &Rc<Constant>, factor: f32) -> Result<Lowered, Halt> {
    if factor == 1.0 {
        return Ok(Lowered::Constant(Rc::clone(constant)));
    }
    site.spend(constant.shape.len())?;
    let data = site.float_tensor(constant)?.into_data();
    let elements = Elements::F32(data.into_iter().map(|v| v * factor).collect());
    let scaled = Constant { shape: constant.shape.clone(), elements };
    Ok(Lowered::Constant(Rc::new(scaled)))
}
