//! TreeEnsembleClassifier: scores of classes, by the weights of the leaves that are reached.
//!
//! With two classes and weights of class 0 alone there is one score `s`, of the *second* class:
//!
//! ```text
//! post_transform   weights              Z                                  label
//! LOGISTIC         any                  1 - sigmoid(s), sigmoid(s)         labels[s > 0]
//! NONE             none negative        1 - s, s                           labels[s > 1/2]
//! ```
//!
//! as onnxruntime and the ONNX reference agree. They differ on everything else that can be asked of one
//! score, and on base values beside two; such a node is refused. Base values are one for each class, or
//! one for the one score.

use super::{
    Lowered, Result, Site, classified,
    ensemble::{CLASSES, Ensemble},
    features,
    label::{Classes, chosen, top},
    paths::{self, Sum},
    transform::Transform,
    undecided,
};
use crate::{
    ir::{Activation, Op, ValueId},
    lower::plane::filled,
};

pub(super) fn classifier(site: &mut Site<'_>) -> Result<Vec<Lowered>> {
    let transform = Transform::of(site)?;
    let classes = Classes::of(site, "classlabels_int64s", "classlabels_strings")?;
    let (x, [_, features]) = features(site)?;
    let ensemble = Ensemble::of(site, CLASSES, (features, classes.len()))?;
    let base = site.numbers("base_values")?.unwrap_or_default();
    let one = ensemble.weights.iter().all(|weight| weight.target == 0);
    let negative = ensemble.weights.iter().any(|weight| weight.weight < 0.0);
    let second = ensemble.weights.iter().all(|weight| weight.target == 1);
    let forest = ensemble.table(site)?.walk(site)?;
    match classes.len() {
        1 => Err(site.unsupported(None, "a single class is not supported")),
        2 if one => {
            let base = [only_base(site, &base)?].to_vec();
            let s = paths::sum(site, x, &forest, &Sum { base, factor: 1.0 })?;
            binary(site, s, &classes, (transform, negative))
        }
        2 if second => Err(undecided(site, None, "weights of the second of two classes alone")),
        2 if !base.is_empty() => {
            Err(undecided(site, None, "base values beside scores of two classes"))
        }
        count => {
            let base = if base.is_empty() { vec![0.0; count] } else { base };
            site.expect_count("base_values", base.len(), count)?;
            let scores = paths::sum(site, x, &forest, &Sum { base, factor: 1.0 })?;
            let label = match classes.wanted(site)? {
                Some(labels) => Some(top(site, scores, labels)?),
                None => None,
            };
            let z = transform.apply(site, scores, "probabilities")?;
            Ok(classified(site, label, z))
        }
    }
}

fn only_base(site: &Site<'_>, base: &[f64]) -> Result<f64> {
    match base {
        [] => Ok(0.0),
        [base] => Ok(*base),
        _ => Err(undecided(site, None, "two base values for one score")),
    }
}

/// Both scores and the label of one score `[N, 1]`.
fn binary(
    site: &mut Site<'_>,
    s: ValueId,
    classes: &Classes,
    (transform, negative): (Transform, bool),
) -> Result<Vec<Lowered>> {
    let threshold = match (transform, negative) {
        (Transform::Logistic, true) => Some(0.0),
        // Here they agree on the scores alone.
        (Transform::Logistic, false) => None,
        (Transform::None, false) => Some(0.5),
        (Transform::None, true) => {
            return Err(undecided(site, None, "negative weights without LOGISTIC"));
        }
        _ => return Err(undecided(site, None, "a softmax of one score")),
    };
    let label = match (classes.wanted(site)?, threshold) {
        (None, _) => None,
        (Some(_), None) => {
            return Err(undecided(site, None, "a label, with LOGISTIC and no negative weight"));
        }
        (Some(labels), Some(threshold)) => {
            let over = site.plus(s, -threshold, "over")?;
            let second = site.apply(Activation::IsPositive, over, "second")?;
            Some(chosen(site, second, (labels[0], labels[1]))?)
        }
    };
    let z = both(site, s, transform)?;
    Ok(classified(site, label, z))
}

/// The scores of both classes, `[N, 2]`, of that of the second, `[N, 1]`.
pub(super) fn both(site: &mut Site<'_>, s: ValueId, transform: Transform) -> Result<ValueId> {
    let scores = opposite(site, s)?;
    if transform == Transform::Logistic {
        return site.apply(Activation::Sigmoid, scores, "probabilities");
    }
    let ones = filled(site, vec![2], |class| if class == 0 { 1.0 } else { 0.0 })?;
    let ones = site.own_constant("ones", ones)?;
    site.push(Op::Add, vec![scores, ones], "probabilities")
}

/// `-s` and `s`, `[N, 2]`, of `[N, 1]`.
pub(super) fn opposite(site: &mut Site<'_>, s: ValueId) -> Result<ValueId> {
    let signs = filled(site, vec![1, 2], |class| if class == 0 { -1.0 } else { 1.0 })?;
    let signs = site.own_constant("signs", signs)?;
    site.push(Op::MatMul, vec![s, signs], "both")
}
