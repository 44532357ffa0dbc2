//! Functions of one variable: Relu, LeakyRelu, Sigmoid, Tanh, Gelu, Erf, Elu, Softplus,
//! HardSigmoid, HardSwish, Clip. Later versions only add element types, but for Clip, whose bounds
//! were attributes before 11 and are inputs since.

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
