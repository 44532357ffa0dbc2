//! Functions of one variable: Relu, LeakyRelu, PRelu, Sigmoid, Tanh, Gelu, Erf, Elu, Celu, Selu,
//! Softplus, Softsign, HardSigmoid, HardSwish, Swish, Mish, ThresholdedRelu, Shrink, Clip and the
//! trigonometric and hyperbolic functions.
//! Later versions only add element types, but for Clip, whose bounds were attributes before 11 and
//! are inputs since.

use super::{
    parameter,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Activation, Op};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn relu(site: &mut Site<'_>) -> Result {
    push(site, Activation::Relu)
}

pub(super) fn leaky_relu(site: &mut Site<'_>) -> Result {
    let alpha = site.float_attribute("alpha", 0.01)?;
    push(site, Activation::LeakyRelu { alpha })
}

pub(super) fn sigmoid(site: &mut Site<'_>) -> Result {
    push(site, Activation::Sigmoid)
}

pub(super) fn tanh(site: &mut Site<'_>) -> Result {
    push(site, Activation::Tanh)
}

pub(super) fn gelu(site: &mut Site<'_>) -> Result {
    let tanh = match site.string_attribute("approximate")?.as_deref() {
        None | Some("none") => false,
        Some("tanh") => true,
        Some(other) => {
            return Err(
                site.invalid(format!("`approximate` is `{other}`, expected `none` or `tanh`"))
            );
        }
    };
    push(site, Activation::Gelu { tanh })
}

pub(super) fn erf(site: &mut Site<'_>) -> Result {
    push(site, Activation::Erf)
}

pub(super) fn elu(site: &mut Site<'_>) -> Result {
    let alpha = site.float_attribute("alpha", 1.0)?;
    push(site, Activation::Elu { alpha })
}

pub(super) fn softplus(site: &mut Site<'_>) -> Result {
    push(site, Activation::Softplus)
}

pub(super) fn hard_sigmoid(site: &mut Site<'_>) -> Result {
    let alpha = site.float_attribute("alpha", 0.2)?;
    let beta = site.float_attribute("beta", 0.5)?;
    push(site, Activation::HardSigmoid { alpha, beta })
}

pub(super) fn hard_swish(site: &mut Site<'_>) -> Result {
    push(site, Activation::HardSwish)
}

pub(super) fn celu(site: &mut Site<'_>) -> Result {
    let alpha = site.float_attribute("alpha", 1.0)?;
    if alpha == 0.0 {
        return Err(site.invalid("`alpha` is 0"));
    }
    push(site, Activation::Celu { alpha })
}

pub(super) fn selu(site: &mut Site<'_>) -> Result {
    let alpha = site.float_attribute("alpha", 1.673_263_2)?;
    let gamma = site.float_attribute("gamma", 1.050_701)?;
    push(site, Activation::Selu { alpha, gamma })
}

pub(super) fn softsign(site: &mut Site<'_>) -> Result {
    push(site, Activation::Softsign)
}

pub(super) fn mish(site: &mut Site<'_>) -> Result {
    push(site, Activation::Mish)
}

pub(super) fn swish(site: &mut Site<'_>) -> Result {
    let alpha = site.float_attribute("alpha", 1.0)?;
    push(site, if alpha == 1.0 { Activation::Silu } else { Activation::Swish { alpha } })
}

pub(super) fn thresholded_relu(site: &mut Site<'_>) -> Result {
    let alpha = site.float_attribute("alpha", 1.0)?;
    push(site, Activation::ThresholdedRelu { alpha })
}

pub(super) fn shrink(site: &mut Site<'_>) -> Result {
    let bias = site.float_attribute("bias", 0.0)?;
    let lambd = site.float_attribute("lambd", 0.5)?;
    push(site, Activation::Shrink { bias, lambd })
}

pub(super) fn sin(site: &mut Site<'_>) -> Result {
    push(site, Activation::Sin)
}

pub(super) fn cos(site: &mut Site<'_>) -> Result {
    push(site, Activation::Cos)
}

pub(super) fn tan(site: &mut Site<'_>) -> Result {
    push(site, Activation::Tan)
}

pub(super) fn sinh(site: &mut Site<'_>) -> Result {
    push(site, Activation::Sinh)
}

pub(super) fn cosh(site: &mut Site<'_>) -> Result {
    push(site, Activation::Cosh)
}

pub(super) fn asin(site: &mut Site<'_>) -> Result {
    push(site, Activation::Asin)
}

pub(super) fn acos(site: &mut Site<'_>) -> Result {
    push(site, Activation::Acos)
}

pub(super) fn atan(site: &mut Site<'_>) -> Result {
    push(site, Activation::Atan)
}

pub(super) fn asinh(site: &mut Site<'_>) -> Result {
    push(site, Activation::Asinh)
}

pub(super) fn acosh(site: &mut Site<'_>) -> Result {
    push(site, Activation::Acosh)
}

pub(super) fn atanh(site: &mut Site<'_>) -> Result {
    push(site, Activation::Atanh)
}

/// One slope for all is a LeakyRelu, else `slope x + (1 - slope) relu(x)`. The slopes broadcast to
/// the shape of the input.
pub(super) fn prelu(site: &mut Site<'_>) -> Result {
    let slope = site.floats(1, "slope")?;
    let shape = site.shape(0)?;
    site.expect_broadcast("`slope`", slope.shape(), &shape)?;
    let given = site.input(1)?;
    if let Some(alpha) = site.uniform(&given)? {
        return push(site, Activation::LeakyRelu { alpha: alpha as f32 });
    }
    let x = site.operand(0)?;
    let positive = site.apply(Activation::Relu, x, "positive")?;
    let rest = slope.map(|slope| 1.0 - slope);
    let (slope, rest) = (site.own_constant("slope", slope)?, site.own_constant("rest", rest)?);
    let below = site.push(Op::Mul, vec![x, slope], "below")?;
    let above = site.push(Op::Mul, vec![positive, rest], "above")?;
    Ok(Lowered::Activation(site.push(Op::Add, vec![below, above], "")?))
}

pub(super) fn clip(site: &mut Site<'_>) -> Result {
    let bound = |name, i, open: f32| {
        parameter::moved_number(site, name, i, 11).map(|bound| bound.unwrap_or(open))
    };
    let (min, max) = (bound("min", 1, f32::MIN)?, bound("max", 2, f32::MAX)?);
    // The largest finite numbers bound nothing finite.
    let min = if min <= f32::MIN { f32::NEG_INFINITY } else { min };
    let max = if max >= f32::MAX { f32::INFINITY } else { max };
    push(site, Activation::Clip { min, max })
}

fn push(site: &mut Site<'_>, function: Activation) -> Result {
    let x = site.operand(0)?;
    Ok(Lowered::Activation(site.push(Op::Activation(function), vec![x], "")?))
}
