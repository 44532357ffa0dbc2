//! Functions of one variable: Relu, LeakyRelu, Sigmoid, Tanh, Gelu, Erf, Elu, Softplus,
//! HardSigmoid, HardSwish, Clip. Later versions only add element types, but for Clip, whose bounds
//! were attributes before 11 and are inputs since.

use super::site::{Halt, Lowered, Site};
use crate::{
    ir::{Activation, Op},
    onnx::Elements,
};

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
    let (min, max) = if site.since < 11 {
        if site.inputs.len() > 1 {
            return Err(site.invalid("bounds are attributes before opset 11, not inputs"));
        }
        (site.bound_attribute("min", f32::MIN)?, site.bound_attribute("max", f32::MAX)?)
    } else {
        if let Some(name) = ["min", "max"].iter().find(|n| site.node.attributes.contains_key(**n)) {
            return Err(site.invalid(format!("`{name}` is an input since opset 11")));
        }
        (
            bound(site, 1, "min")?.unwrap_or(f32::NEG_INFINITY),
            bound(site, 2, "max")?.unwrap_or(f32::INFINITY),
        )
    };
    // The largest finite numbers bound nothing finite.
    let min = if min <= f32::MIN { f32::NEG_INFINITY } else { min };
    let max = if max >= f32::MAX { f32::INFINITY } else { max };
    push(site, Activation::Clip { min, max })
}

/// The only element of optional operand `i`.
fn bound(site: &Site<'_>, i: usize, role: &str) -> Result<Option<f32>> {
    if !site.has(i) {
        return Ok(None);
    }
    let constant = site.constant(i, role)?;
    let value = match &constant.elements {
        Elements::F32(v) => v.as_slice().first().copied(),
        Elements::F64(v) => v.first().map(|v| *v as f32),
        other => {
            let got = other.dtype();
            return Err(site.invalid(format!("`{role}` is {got}, expected float32")));
        }
    };
    match value {
        Some(value) if constant.shape.len() == 1 && !value.is_nan() => Ok(Some(value)),
        Some(value) if value.is_nan() => Err(site.invalid(format!("`{role}` is NaN"))),
        _ => {
            let shape = &constant.shape;
            Err(site.invalid(format!("`{role}` has shape {shape}, expected a scalar")))
        }
    }
}

fn push(site: &mut Site<'_>, function: Activation) -> Result {
    let x = site.operand(0)?;
    Ok(Lowered::Activation(site.push(Op::Activation(function), vec![x], "")?))
}
