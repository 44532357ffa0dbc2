//! SVMRegressor and SVMClassifier: sums of kernels (`kernel`), compared.
//!
//! ```text
//! regressor              sum + rho; with one_class 1 where it is above 0, else -1
//! classifier, i < j      s_ij = sum over the vectors of i and j of K(x, v) c_v + rho_ij
//!                        a vote for i where s_ij > 0, else for j
//! label                  the class of most votes, the first of equals
//! scores                 all s_ij, transformed; of two classes -s and s
//! without vectors        a linear model, rho[0] added to each score; the label is that of the greatest
//! ```
//!
//! A vector of class `i` has a coefficient for each other class: row `j - 1` of the coefficients against
//! a later class `j`, row `j` against an earlier one (libsvm's order). Where onnxruntime and the ONNX
//! reference differ and the specification does not decide, the node is refused: probabilities of pairs
//! coupled (an iteration with a tolerance nobody states), the label of linear models that have one rho or
//! two classes, of two classes without a negative coefficient, and softmaxes of one score.

use super::{
    Lowered, Result, Site, classified,
    classifier::opposite,
    features,
    kernel::{Kernel, Machine},
    label::{Classes, chosen, top},
    linear,
    transform::Transform,
    undecided,
};
use crate::{
    ir::{Activation, Op, ValueId},
    lower::plane::filled,
};

pub(super) fn regressor(site: &mut Site<'_>) -> Result {
    if Transform::of(site)? != Transform::None {
        let hint = "a transformation of a regression is not supported";
        return Err(site.unsupported(Some("post_transform"), hint));
    }
    let (x, [_, features]) = features(site)?;
    let coefficients = site.finite_numbers("coefficients")?;
    let rho = site.finite_numbers("rho")?;
    site.expect_count("rho", rho.len(), 1)?;
    let count = site.int_attribute("n_supports")?.unwrap_or(0);
    let mut y = if count == 0 {
        linear::scores(site, x, &coefficients, (1, features), &rho)?
    } else {
        let kernel = Kernel::of(site)?;
        let vectors = site.finite_numbers("support_vectors")?;
        let count = site.below("n_supports", count, vectors.len().saturating_add(1))?;
        site.expect_count("support_vectors", vectors.len(), count.saturating_mul(features))?;
        site.expect_count("coefficients", coefficients.len(), count)?;
        let weights = filled(site, vec![count, 1], |v| coefficients[v])?;
        let sum = Machine { kernel, vectors: &vectors, features, weights }.sums(site, x)?;
        site.plus(sum, rho[0], "value")?
    };
    if site.flag("one_class", false)? {
        let inside = site.apply(Activation::IsPositive, y, "inside")?;
        let twice = site.times(inside, 2.0, "twice")?;
        y = site.plus(twice, -1.0, "sign")?;
    }
    Ok(Lowered::Activation(site.result(y)))
}

pub(super) fn classifier(site: &mut Site<'_>) -> Result<Vec<Lowered>> {
    let transform = Transform::of(site)?;
    let classes = Classes::of(site, "classlabels_ints", "classlabels_strings")?;
    for name in ["prob_a", "prob_b"] {
        if !site.finite_numbers(name)?.is_empty() {
            let hint = "probabilities of coupled pairs are not supported: how exact they are is not \
                        part of ONNX; train or export the classifier without probabilities";
            return Err(site.unsupported(Some(name), hint));
        }
    }
    if classes.len() < 2 {
        return Err(site.unsupported(None, "a single class is not supported"));
    }
    let (x, [_, features]) = features(site)?;
    let coefficients = site.finite_numbers("coefficients")?;
    let rho = site.finite_numbers("rho")?;
    let per_class = site.ints_attribute("vectors_per_class")?.unwrap_or_default();
    if per_class.iter().all(|count| *count == 0) {
        return without_vectors(site, x, (&coefficients, features), &rho, &classes, transform);
    }
    let starts = starts(site, &per_class, classes.len())?;
    let vectors = site.finite_numbers("support_vectors")?;
    let count = starts[classes.len()];
    site.expect_count("support_vectors", vectors.len(), count.saturating_mul(features))?;
    let rows = classes.len() - 1;
    site.expect_count("coefficients", coefficients.len(), rows.saturating_mul(count))?;
    let pairs = pairs(site, classes.len())?;
    site.expect_count("rho", rho.len(), pairs.len())?;

    let weights = filled(site, vec![count, pairs.len()], |e| {
        let (vector, (i, j)) = (e / pairs.len(), pairs[e % pairs.len()]);
        let is_of = |class: usize| (starts[class]..starts[class + 1]).contains(&vector);
        if is_of(i) {
            coefficients[(j - 1) * count + vector]
        } else if is_of(j) {
            coefficients[i * count + vector]
        } else {
            0.0
        }
    })?;
    let kernel = Kernel::of(site)?;
    let machine = Machine { kernel, vectors: &vectors, features, weights };
    let sums = machine.sums(site, x)?;
    let rho = filled(site, vec![pairs.len()], |pair| rho[pair])?;
    let rho = site.own_constant("rho", rho)?;
    let scores = site.push(Op::Add, vec![sums, rho], "scores")?;
    if classes.len() == 2 {
        let negative = coefficients.iter().any(|c| *c < 0.0);
        return of_two(site, scores, &classes, (transform, negative));
    }
    let label = match classes.wanted(site)? {
        Some(labels) => {
            let votes = votes(site, scores, &pairs, labels.len())?;
            Some(top(site, votes, labels)?)
        }
        None => None,
    };
    let z = transform.apply(site, scores, "probabilities")?;
    Ok(classified(site, label, z))
}

/// The label and scores of two classes; `s`, `[N, 1]`, is above 0 for the first.
fn of_two(
    site: &mut Site<'_>,
    s: ValueId,
    classes: &Classes,
    (transform, negative): (Transform, bool),
) -> Result<Vec<Lowered>> {
    if !matches!(transform, Transform::None | Transform::Logistic) {
        return Err(undecided(site, Some("post_transform"), "a softmax of one score"));
    }
    let label = match classes.wanted(site)? {
        Some(_) if !negative => {
            let what = "the label of two classes without a negative coefficient";
            return Err(undecided(site, Some("coefficients"), what));
        }
        Some(labels) => {
            let first = site.apply(Activation::IsPositive, s, "first")?;
            Some(chosen(site, first, (labels[1], labels[0]))?)
        }
        None => None,
    };
    let both = opposite(site, s)?;
    let z = transform.apply(site, both, "probabilities")?;
    Ok(classified(site, label, z))
}

/// A classifier without vectors: `X C^T + rho[0]`.
fn without_vectors(
    site: &mut Site<'_>,
    x: ValueId,
    (coefficients, features): (&[f32], usize),
    rho: &[f32],
    classes: &Classes,
    transform: Transform,
) -> Result<Vec<Lowered>> {
    let count = classes.len();
    let Some(&first) = rho.first() else {
        return Err(site.invalid("`rho` is missing"));
    };
    site.spend(count)?;
    let scores = linear::scores(site, x, coefficients, (count, features), &vec![first; count])?;
    let label = match classes.wanted(site)? {
        Some(_) if count == 2 || rho.len() == 1 => {
            let what = "the label of a linear model of two classes, or with one rho";
            return Err(undecided(site, Some("rho"), what));
        }
        Some(labels) => Some(top(site, scores, labels)?),
        None => None,
    };
    let z = transform.apply(site, scores, "probabilities")?;
    Ok(classified(site, label, z))
}

/// Votes for each class, `[N, classes]`: a class has one from each pair that it wins.
fn votes(
    site: &mut Site<'_>,
    scores: ValueId,
    pairs: &[(usize, usize)],
    classes: usize,
) -> Result<ValueId> {
    let first = site.apply(Activation::IsPositive, scores, "first")?;
    let matrix = filled(site, vec![pairs.len(), classes], |e| {
        let ((i, j), class) = (pairs[e / classes], e % classes);
        f32::from(i8::from(class == i) - i8::from(class == j))
    })?;
    let ahead = site.product_along(first, 1, matrix, "ahead")?;
    // The later class of a pair has its vote unless the earlier one does.
    let later = filled(site, vec![classes], |class| class as f32)?;
    let later = site.own_constant("later", later)?;
    site.push(Op::Add, vec![ahead, later], "votes")
}

/// Where the vectors of each class begin, and where all end.
fn starts(site: &Site<'_>, per_class: &[i64], classes: usize) -> Result<Vec<usize>> {
    site.expect_count("vectors_per_class", per_class.len(), classes)?;
    let mut starts = vec![0usize];
    let mut end = 0usize;
    for count in per_class {
        let count = usize::try_from(*count).map_err(|_| {
            site.invalid(format!("`vectors_per_class` has {count}, expected a number of vectors"))
        })?;
        end = end.saturating_add(count);
        starts.push(end);
    }
    Ok(starts)
}

/// Pairs of classes, in the order of their scores.
fn pairs(site: &mut Site<'_>, classes: usize) -> Result<Vec<(usize, usize)>> {
    site.spend(classes.saturating_mul(classes) / 2)?;
    Ok((0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j))).collect())
}
