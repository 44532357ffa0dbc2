//! LinearClassifier and LinearRegressor: `X C^T + intercepts`.
//!
//! A classifier of two classes with one row of coefficients has one score, of the second class: see
//! `classifier`; its label is the second where the score is above 0.

use super::{
    Lowered, Result, Site, classified,
    classifier::both,
    features,
    label::{Classes, chosen, top},
    transform::Transform,
};
use crate::{
    ir::{Activation, Op, ValueId},
    lower::plane::filled,
};

pub(super) fn classifier(site: &mut Site<'_>) -> Result<Vec<Lowered>> {
    let transform = Transform::of(site)?;
    let classes = Classes::of(site, "classlabels_ints", "classlabels_strings")?;
    let (x, [_, features]) = features(site)?;
    let coefficients = site.finite_numbers("coefficients")?;
    let rows = coefficients.len() / features.max(1);
    let intercepts = site.finite_numbers("intercepts")?;
    let scores = scores(site, x, &coefficients, (rows, features), &intercepts)?;
    let labels = classes.wanted(site)?;
    match (rows, classes.len()) {
        (1, 2) => {
            if !matches!(transform, Transform::None | Transform::Logistic) {
                let hint = "a softmax of one score is not supported";
                return Err(site.unsupported(Some("post_transform"), hint));
            }
            let label = match labels {
                Some(labels) => {
                    let second = site.apply(Activation::IsPositive, scores, "second")?;
                    Some(chosen(site, second, (labels[0], labels[1]))?)
                }
                None => None,
            };
            let z = both(site, scores, transform)?;
            Ok(classified(site, label, z))
        }
        (rows, count) if rows == count && count > 1 => {
            let label = labels.map(|labels| top(site, scores, labels)).transpose()?;
            let z = transform.apply(site, scores, "probabilities")?;
            Ok(classified(site, label, z))
        }
        (rows, count) => {
            let what = format!("{rows} rows of coefficients for {count} classes");
            Err(site.unsupported(Some("coefficients"), what))
        }
    }
}

pub(super) fn regressor(site: &mut Site<'_>) -> Result {
    let (x, [_, features]) = features(site)?;
    if Transform::of(site)? != Transform::None {
        let hint = "a transformation of a regression is not supported";
        return Err(site.unsupported(Some("post_transform"), hint));
    }
    let coefficients = site.finite_numbers("coefficients")?;
    let targets = site.int_attribute("targets")?.unwrap_or(1);
    let targets = site.below("targets", targets, coefficients.len().saturating_add(1))?;
    let intercepts = site.finite_numbers("intercepts")?;
    let scores = scores(site, x, &coefficients, (targets, features), &intercepts)?;
    Ok(Lowered::Activation(site.result(scores)))
}

/// `X C^T + intercepts`, `[N, rows]`; intercepts are 0 if there are none.
pub(super) fn scores(
    site: &mut Site<'_>,
    x: ValueId,
    coefficients: &[f32],
    (rows, features): (usize, usize),
    intercepts: &[f32],
) -> Result<ValueId> {
    site.expect_count("coefficients", coefficients.len(), rows.saturating_mul(features))?;
    let weights =
        filled(site, vec![features, rows], |e| coefficients[e % rows * features + e / rows])?;
    let weights = site.own_constant("coefficients", weights)?;
    let product = site.push(Op::MatMul, vec![x, weights], "product")?;
    if intercepts.is_empty() {
        return Ok(product);
    }
    site.expect_count("intercepts", intercepts.len(), rows)?;
    let intercepts = filled(site, vec![rows], |i| intercepts[i])?;
    let intercepts = site.own_constant("intercepts", intercepts)?;
    site.push(Op::Add, vec![product, intercepts], "scores")
}
