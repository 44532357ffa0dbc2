//! Identity, and Dropout at inference, which is one.

use super::{
    fill::finish,
    parameter,
    site::{Halt, Lowered, Site},
};
use crate::onnx::{Constant, Elements};

pub(super) fn identity(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    site.input(0)
}

/// Before 12 the operator is for inference only (before 7 it says so by `is_test`); since, an input
/// may ask for training, which with a ratio of 0 drops nothing. The mask, truth values since 10, is
/// of what is kept: all.
pub(super) fn dropout(site: &mut Site<'_>) -> Result<Vec<Lowered>, Halt> {
    site.not_from("is_test", 7)?;
    let mut training = site.since < 7 && !site.flag("is_test", false)?;
    if site.has(2) {
        let mode = site.constant(2, "training_mode")?;
        match &mode.elements {
            Elements::Bool(v) => training = v.iter().any(|on| *on),
            other => {
                let got = other.dtype();
                return Err(site.invalid(format!("`training_mode` is {got}, expected bool")));
            }
        }
    }
    let ratio = if site.since < 12 {
        Some(site.float_attribute("ratio", 0.5)?)
    } else {
        parameter::number(site, "ratio", 1)?
    };
    if training && ratio != Some(0.0) {
        let hint = "training mode is not supported; export the model for inference";
        return Err(site.unsupported(Some("training_mode"), hint));
    }
    let mut results = vec![site.input(0)?];
    if site.node.outputs.len() > 1 {
        let shape = site.shape(0)?;
        site.spend(shape.len())?;
        let mask = if site.since >= 10 {
            Elements::Bool(vec![true; shape.len()])
        } else {
            Elements::F32(vec![1.0; shape.len()])
        };
        results.push(finish(site, Constant::new(shape, mask))?);
    }
    Ok(results)
}
