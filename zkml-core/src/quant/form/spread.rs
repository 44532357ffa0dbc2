//! Constants beside a form: none, one for all elements, or one for each.

use crate::program::View;

/// Element `e`.
pub(in crate::quant) fn at(values: &[f64], e: usize) -> f64 {
    match values {
        [] => 0.0,
        [one] => *one,
        each => each[e],
    }
}

/// The constant whose element `e` is element `map[e]`, and `missing` at a hole.
pub(super) fn gather(values: &[f64], map: &[u32], missing: f64) -> Vec<f64> {
    let hole = |e: &u32| *e == View::HOLE;
    let same = match values {
        [] => missing == 0.0,
        [one] => missing == *one,
        _ => false,
    };
    if same || (values.len() <= 1 && !map.iter().any(hole)) {
        return values.to_vec();
    }
    map.iter().map(|e| if hole(e) { missing } else { at(values, *e as usize) }).collect()
}

/// Element-wise sum.
pub(super) fn sum(a: Vec<f64>, b: Vec<f64>) -> Vec<f64> {
    match (a.len(), b.len()) {
        (0, _) => b,
        (_, 0) => a,
        (1, _) => b.iter().map(|b| a[0] + b).collect(),
        (_, 1) => a.iter().map(|a| a + b[0]).collect(),
        _ => a.iter().zip(&b).map(|(a, b)| a + b).collect(),
    }
}

/// Element-wise product of a constant and a factor of one element or one for each.
pub(super) fn product(a: Vec<f64>, factor: &[f64]) -> Vec<f64> {
    match (a.len(), factor.len()) {
        (0, _) => a,
        (1, _) => factor.iter().map(|f| a[0] * f).collect(),
        (_, 1) => a.iter().map(|a| a * factor[0]).collect(),
        _ => a.iter().zip(factor).map(|(a, f)| a * f).collect(),
    }
}
