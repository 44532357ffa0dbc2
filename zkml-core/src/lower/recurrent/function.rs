//! The functions of cells.
//!
//! They are named by `activations`, for each direction in the order of the cell. Numbers of
//! `activation_alpha` and `activation_beta` belong, in their order, to those functions that have such
//! a parameter; where there are too few the default of the operator of that name holds (1 for
//! ThresholdedRelu, where onnxruntime takes 0). Affine and ScaledTanh have no default: theirs must be
//! given.

use std::sync::Arc;

use crate::{
    ir::{Activation, Pointwise, ValueId},
    lower::site::{Halt, Site},
};

type Result<T = ValueId> = std::result::Result<T, Halt>;

/// A function of a cell, after its `clip`.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    clip: Option<f32>,
    function: Function,
}

#[derive(Clone, Debug)]
enum Function {
    Of(Activation),
    /// `alpha x + beta`.
    Affine(f32, f32),
}

impl Gate {
    /// The function of what `clip` leaves of `x`.
    pub(super) fn of(&self, site: &mut Site<'_>, x: ValueId, part: &str) -> Result {
        let x = match self.clip {
            Some(most) => {
                site.apply(Activation::Clip { min: -most, max: most }, x, &format!("{part}_clip"))?
            }
            None => x,
        };
        self.unclipped(site, x, part)
    }

    /// The function of `x`.
    pub(super) fn unclipped(&self, site: &mut Site<'_>, x: ValueId, part: &str) -> Result {
        match &self.function {
            Function::Of(function) => site.apply(function.clone(), x, part),
            Function::Affine(alpha, beta) => {
                let multiple = site.times(x, *alpha, &format!("{part}_multiple"))?;
                site.plus(multiple, *beta, part)
            }
        }
    }
}

/// The functions of each direction.
pub(super) fn gate_functions(
    site: &Site<'_>,
    directions: usize,
    defaults: &[&str],
) -> Result<Vec<Vec<Gate>>> {
    let clip = match site.any_float_attribute("clip")? {
        Some(clip) if clip.is_nan() || clip <= 0.0 => {
            return Err(site.invalid(format!("`clip` is {clip}, expected more than 0")));
        }
        clip => clip.filter(|clip| clip.is_finite()),
    };
    let count = directions * defaults.len();
    let names = site.strings_attribute("activations")?;
    let names = names
        .unwrap_or_else(|| (0..count).map(|i| defaults[i % defaults.len()].to_owned()).collect());
    if names.len() != count {
        let got = names.len();
        return Err(site.invalid(format!("`activations` has {got} functions, expected {count}")));
    }
    let mut alphas = Parameters::of(site, "activation_alpha")?;
    let mut betas = Parameters::of(site, "activation_beta")?;
    let mut gates = Vec::with_capacity(count);
    for name in &names {
        let function = function(site, name, &mut alphas, &mut betas)?;
        gates.push(Gate { clip, function });
    }
    Ok(gates.chunks(defaults.len()).map(<[Gate]>::to_vec).collect())
}

/// Numbers of an attribute, in order.
struct Parameters {
    name: &'static str,
    rest: std::vec::IntoIter<f32>,
}

impl Parameters {
    fn of(site: &Site<'_>, name: &'static str) -> Result<Self> {
        let values = site.floats_attribute(name)?.unwrap_or_default();
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(site.invalid(format!("`{name}` has {value}"))),
            None => Ok(Self { name, rest: values.into_iter() }),
        }
    }

    fn or(&mut self, default: f32) -> f32 {
        self.rest.next().unwrap_or(default)
    }

    fn given(&mut self, site: &Site<'_>, function: &str) -> Result<f32> {
        self.rest
            .next()
            .ok_or_else(|| site.invalid(format!("{function} needs a number in `{}`", self.name)))
    }
}

/// onnxruntime knows the names in any case.
fn function(
    site: &Site<'_>,
    name: &str,
    alphas: &mut Parameters,
    betas: &mut Parameters,
) -> Result<Function> {
    Ok(Function::Of(match name.to_ascii_lowercase().as_str() {
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "relu" => Activation::Relu,
        "softsign" => Activation::Softsign,
        "softplus" => Activation::Softplus,
        "leakyrelu" => Activation::LeakyRelu { alpha: alphas.or(0.01) },
        "thresholdedrelu" => Activation::ThresholdedRelu { alpha: alphas.or(1.0) },
        "elu" => Activation::Elu { alpha: alphas.or(1.0) },
        "hardsigmoid" => Activation::HardSigmoid { alpha: alphas.or(0.2), beta: betas.or(0.5) },
        "affine" => {
            let alpha = alphas.given(site, "Affine")?;
            return Ok(Function::Affine(alpha, betas.given(site, "Affine")?));
        }
        "scaledtanh" => {
            let alpha = alphas.given(site, "ScaledTanh")?;
            scaled_tanh(alpha, betas.given(site, "ScaledTanh")?)
        }
        _ => {
            let hint = format!("`{name}` is no function that ONNX names for recurrent operators");
            return Err(site.unsupported(Some("activations"), hint));
        }
    }))
}

/// `alpha tanh(beta x)`.
fn scaled_tanh(alpha: f32, beta: f32) -> Activation {
    let constant = |value| Box::new(Pointwise::Constant(value));
    let inner = Pointwise::Product(constant(beta), Box::new(Pointwise::Argument));
    let tanh = Pointwise::Apply(Activation::Tanh, Box::new(inner));
    Activation::Pointwise(Arc::new(Pointwise::Product(constant(alpha), Box::new(tanh))))
}
