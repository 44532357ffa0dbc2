//! LabelEncoder: a value for each key, the default for what is no key.
//!
//! ```text
//! y = default + sum over keys of (value - default) [x = key]
//! ```
//!
//! Keys and values are numbers. Of two equal keys onnxruntime takes the first and the reference the
//! last: they are refused.

use super::{Lowered, Result, Site, feature};
use crate::{
    ir::Op,
    lower::{fill::finish, kind::Kind, plane::filled},
    onnx::{Constant, Elements},
};

pub(super) fn label_encoder(site: &mut Site<'_>) -> Result {
    if site.since == 1 {
        return Err(site.unsupported(None, "version 1 encodes strings, which is not supported"));
    }
    for name in ["keys_strings", "values_strings"] {
        if site.strings_count(name)?.is_some_and(|count| count > 0) {
            let hint = "strings are not supported; encode them before";
            return Err(site.unsupported(Some(name), hint));
        }
    }
    let (keys, kind) = list(site, "keys")?;
    let (values, result) = list(site, "values")?;
    site.expect_count("values", values.len(), keys.len())?;
    let mut sorted = keys.clone();
    sorted.sort_by(f64::total_cmp);
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(site.unsupported(None, "two keys are equal"));
    }
    let default = match (site.tensor_attribute("default_tensor")?, result) {
        (Some(tensor), _) => tensor.elements.to_f64().first().copied().unwrap_or(0.0),
        (None, Kind::Int) => site.int_attribute("default_int64")?.unwrap_or(-1) as f64,
        (None, _) => site.any_float_attribute("default_float")?.unwrap_or(0.0).into(),
    };
    let got = site.kind(0)?;
    if got != kind {
        return Err(site.invalid("the keys are of another type than the input"));
    }
    let x = match site.input(0)? {
        Lowered::Constant(x) => return constant(site, &x, (&keys, &values), (default, result)),
        Lowered::Activation(x) => x,
        Lowered::Poisoned { .. } => return Err(super::Halt::Poisoned),
    };
    if let Some(nan) = [&keys[..], &values, &[default]].concat().iter().find(|v| !v.is_finite()) {
        return Err(site.unsupported(None, format!("a key or value that is {nan}")));
    }
    let dims = site.dims(x);
    let found = feature::equal(site, x, &keys)?;
    let steps: Vec<f64> = values.iter().map(|value| value - default).collect();
    let steps = site.finite("values", &steps)?;
    let steps = filled(site, vec![steps.len(), 1], |i| steps[i])?;
    let steps = site.own_constant("steps", steps)?;
    let step = site.push(Op::MatMul, vec![found, steps], "step")?;
    let step = site.reshape(step, dims, "steps_of")?;
    let default = site.finite("default", &[default])?[0];
    let y = site.plus(step, default, "")?;
    Ok(site.holds(y, result))
}

/// Keys or values: the one list of numbers that is given, and what it holds.
fn list(site: &mut Site<'_>, what: &str) -> Result<(Vec<f64>, Kind)> {
    if let Some(list) = site.ints_attribute(&format!("{what}_int64s"))?.filter(|l| !l.is_empty()) {
        return Ok((list.iter().map(|v| *v as f64).collect(), Kind::Int));
    }
    if let Some(list) = site.floats_attribute(&format!("{what}_floats"))?.filter(|l| !l.is_empty())
    {
        return Ok((list.into_iter().map(f64::from).collect(), Kind::Float));
    }
    match site.tensor_attribute(&format!("{what}_tensor"))? {
        Some(tensor) => Ok((tensor.elements.to_f64(), Kind::of_elements(&tensor.elements))),
        None => Err(site.invalid(format!("no numbers are given as {what}"))),
    }
}

fn constant(
    site: &mut Site<'_>,
    x: &Constant,
    (keys, values): (&[f64], &[f64]),
    (default, kind): (f64, Kind),
) -> Result {
    site.spend(x.shape.len().saturating_mul(keys.len().max(1)))?;
    let encode = |x: &f64| {
        let same = |key: &f64| key == x || (key.is_nan() && x.is_nan());
        keys.iter().rposition(same).map_or(default, |i| values[i])
    };
    let encoded = x.elements.to_f64().iter().map(encode).collect::<Vec<_>>();
    let elements = if kind == Kind::Int {
        Elements::I64(encoded.into_iter().map(|v| v as i64).collect())
    } else {
        Elements::F32(encoded.into_iter().map(|v| v as f32).collect())
    };
    finish(site, Constant::new(x.shape.clone(), elements))
}
