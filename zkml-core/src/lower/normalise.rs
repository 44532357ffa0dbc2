//! BatchNormalization at inference: `y = scale * (x - mean) / sqrt(var + epsilon) + bias` per
//! channel (axis 1), with constant statistics. It becomes a product and a sum with constants,
//! computed in double precision and rounded once; the passes fold both into a matrix product
//! beside it.
//!
//! Training is asked for by `training_mode` since opset 14, before by naming more than one output, and
//! before 7 by `is_test = 0`.

use super::site::{Halt, Lowered, Site};
use crate::{
    ir::Op,
    tensor::{Shape, Tensor},
};

pub(super) fn batch_normalization(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let epsilon = f64::from(site.float_attribute("epsilon", 1e-5)?);
    if !site.flag("spatial", true)? {
        return Err(site.unsupported(Some("spatial"), "statistics per element are not supported"));
    }
    site.not_from("is_test", 7)?;
    let training = if site.since >= 14 {
        site.flag("training_mode", false)?
    } else if site.since < 7 && !site.flag("is_test", false)? {
        true
    } else {
        site.node.outputs.iter().skip(1).any(|name| !name.is_empty())
    };
    if training {
        let hint = "training mode is not supported; export the model for inference";
        return Err(site.unsupported(Some("training_mode"), hint));
    }
    let shape = site.shape(0)?;
    let channels = match shape.dims() {
        [] => return Err(site.invalid("the input is a scalar, expected at least one axis")),
        [_] => 1,
        [_, channels, ..] => *channels,
    };
    let mut parameters = [const { Vec::new() }; 4];
    for ((i, role), slot) in (1..).zip(["scale", "B", "mean", "var"]).zip(&mut parameters) {
        let tensor = site.floats(i, role)?;
        if tensor.shape().dims() != [channels] {
            let got = tensor.shape();
            return Err(site.invalid(format!("`{role}` has shape {got}, expected [{channels}]")));
        }
        *slot = tensor.into_data();
    }
    let [scale, bias, mean, var] = parameters;
    let mut factors = Vec::with_capacity(channels);
    let mut offsets = Vec::with_capacity(channels);
    for (((scale, bias), mean), var) in scale.iter().zip(&bias).zip(&mean).zip(&var) {
        let factor = f64::from(*scale) / (f64::from(*var) + epsilon).sqrt();
        factors.push(factor as f32);
        offsets.push((f64::from(*bias) - f64::from(*mean) * factor) as f32);
    }
    let per_channel = match shape.rank() {
        1 => Shape::scalar(),
        // [C, 1, ..., 1]: lines up with axis 1.
        rank => {
            let mut dims = vec![1; rank - 1];
            dims[0] = channels;
            site.valid(Shape::new(dims))?
        }
    };
    let tensor = |data| Tensor::new(per_channel.clone(), data);
    let factors = site.valid(tensor(factors))?;
    let offsets = site.valid(tensor(offsets))?;
    let x = site.operand(0)?;
    let factors = site.own_constant("scale", factors)?;
    let offsets = site.own_constant("offset", offsets)?;
    let product = site.push(Op::Mul, vec![x, factors], "scaled")?;
    Ok(Lowered::Activation(site.push(Op::Add, vec![product, offsets], "")?))
}
