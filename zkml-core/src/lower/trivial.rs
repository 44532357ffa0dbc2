//! Identity, and Dropout at inference, which is one.

use super::site::{Halt, Lowered, Site};
use crate::onnx::Elements;

pub(super) fn identity(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    site.input(0)
}

/// Before 12 the operator is for inference only; since, an input may ask for training.
pub(super) fn dropout(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    if site.has(2) {
        let mode = site.constant(2, "training_mode")?;
        match &mode.elements {
            Elements::Bool(v) if v.iter().all(|on| !on) => {}
            Elements::Bool(_) => {
                let hint = "training mode is not supported; export the model for inference";
                return Err(site.unsupported(Some("training_mode"), hint));
            }
            other => {
                let got = other.dtype();
                return Err(site.invalid(format!("`training_mode` is {got}, expected bool")));
            }
        }
    }
    site.input(0)
}
