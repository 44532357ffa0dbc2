//! Preprocessing of rows of features, `[N, F]`.
//!
//! ```text
//! Scaler       (x - offset) scale              one of each for all features, or one for each feature
//! Normalizer   x / max x,  x / sum |x|,  x / sqrt(sum x^2)     of each row
//! Binarizer    1 if x > threshold, else 0
//! Imputer      the imputed value where x is the replaced one, else x
//! ```
//!
//! Normalizer gives a row of zeros back unchanged; a run stops where the divisor is outside of the range
//! that calibration saw. What an Imputer replaces is usually NaN, which is no value of an input.

use super::{Lowered, Result, Site, features};
use crate::{
    ir::{Activation, Op, ValueId},
    lower::{kind::Kind, plane::filled},
};

pub(super) fn scaler(site: &mut Site<'_>) -> Result {
    let (x, kept) = rows(site)?;
    let x = match per_feature(site, "offset", &kept)? {
        Some(offset) => site.push(Op::Sub, vec![x, offset], "moved")?,
        None => x,
    };
    let y = match per_feature(site, "scale", &kept)? {
        Some(scale) => site.push(Op::Mul, vec![x, scale], "scaled")?,
        None => x,
    };
    kept.finish(site, y)
}

pub(super) fn normalizer(site: &mut Site<'_>) -> Result {
    let norm = site.ascii_attribute("norm", 8)?;
    let (x, kept) = rows(site)?;
    let divisor = match norm.as_deref().unwrap_or("MAX") {
        "MAX" => site.push(Op::ReduceMax { axis: 1 }, vec![x], "max")?,
        "L1" => {
            let magnitude = site.apply(Activation::Abs, x, "abs")?;
            site.sum_last(magnitude, 1.0, "sum")?
        }
        "L2" => {
            let squares = site.apply(Activation::Square, x, "squares")?;
            let sum = site.sum_last(squares, 1.0, "sum")?;
            let inverse = site.apply(Activation::Rsqrt, sum, "inverse")?;
            let y = site.push(Op::Mul, vec![x, inverse], "normalised")?;
            return kept.finish(site, y);
        }
        other => return Err(site.invalid(format!("`norm` is {other:?}"))),
    };
    let inverse = site.apply(Activation::Reciprocal, divisor, "inverse")?;
    let y = site.push(Op::Mul, vec![x, inverse], "normalised")?;
    kept.finish(site, y)
}

pub(super) fn binarizer(site: &mut Site<'_>) -> Result {
    let threshold = site.float_attribute("threshold", 0.0)?;
    let x = site.number(0)?;
    let over = site.plus(x, -threshold, "over")?;
    // The kind of X stays.
    Ok(Lowered::Activation(site.apply(Activation::IsPositive, over, "")?))
}

pub(super) fn imputer(site: &mut Site<'_>) -> Result {
    let kind = site.kind(0)?;
    let (values, replaced) = if kind == Kind::Float {
        let values = site.numbers("imputed_value_floats")?.unwrap_or_default();
        (values, site.any_float_attribute("replaced_value_float")?.unwrap_or(0.0))
    } else {
        let values = site.ints_attribute("imputed_value_int64s")?.unwrap_or_default();
        let replaced = site.int_attribute("replaced_value_int64")?.unwrap_or(0);
        (values.iter().map(|v| *v as f64).collect(), replaced as f32)
    };
    let values = site.finite("imputed values", &values)?;
    if replaced.is_nan() {
        return site.input(0);
    }
    let (x, kept) = rows(site)?;
    if ![1, kept.features].contains(&values.len()) {
        let (got, features) = (values.len(), kept.features);
        return Err(site.invalid(format!("{got} imputed values for {features} features")));
    }
    let distance = site.plus(x, -replaced, "distance")?;
    let found = site.apply(Activation::IsZero, distance, "found")?;
    let keep = site.complement(found, "keep")?;
    let left = site.push(Op::Mul, vec![x, keep], "left")?;
    let values = filled(site, vec![values.len()], |i| values[i])?;
    let values = site.own_constant("values", values)?;
    let imputed = site.push(Op::Mul, vec![found, values], "imputed")?;
    let y = site.push(Op::Add, vec![left, imputed], "result")?;
    let y = kept.finish(site, y)?;
    if let Lowered::Activation(id) = y {
        site.canvas.set_kind(id, kind);
    }
    Ok(y)
}

/// Shape of X, which the result has too.
struct Kept {
    dims: Vec<usize>,
    features: usize,
}

fn rows(site: &mut Site<'_>) -> Result<(ValueId, Kept)> {
    let dims = site.shape(0)?.dims().to_vec();
    let (x, [_, features]) = features(site)?;
    Ok((x, Kept { dims, features }))
}

impl Kept {
    fn finish(self, site: &mut Site<'_>, y: ValueId) -> Result {
        Ok(Lowered::Activation(site.reshape(y, self.dims, "")?))
    }
}

/// Attribute `name` with a number for all features or one for each, if it is given.
fn per_feature(site: &mut Site<'_>, name: &str, kept: &Kept) -> Result<Option<ValueId>> {
    let Some(list) = site.numbers(name)? else { return Ok(None) };
    let list = site.finite(name, &list)?;
    if ![1, kept.features].contains(&list.len()) {
        let (got, features) = (list.len(), kept.features);
        return Err(site.invalid(format!("`{name}` has {got} numbers for {features} features")));
    }
    let tensor = filled(site, vec![list.len()], |i| list[i])?;
    site.own_constant(name, tensor).map(Some)
}
