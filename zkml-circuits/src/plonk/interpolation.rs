//! Polynomials through few points. Shared by prover and verifier: no panics.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use ff::Field;
use halo2curves::bn256::Fr;

/// Coefficients of the polynomial of degree below `points.len()` with the given values, or `None`
/// when two points are equal.
pub(super) fn interpolate(points: &[Fr], values: &[Fr]) -> Option<Vec<Fr>> {
    let mut sum = vec![Fr::ZERO; points.len()];
    for (j, (point, value)) in points.iter().zip(values).enumerate() {
        // prod_{i != j} (X - x_i), lowest coefficient first.
        let mut numerator = vec![Fr::ONE];
        let mut denominator = Fr::ONE;
        for other in points.iter().enumerate().filter(|(i, _)| *i != j).map(|(_, p)| p) {
            let lower = numerator.iter().map(|a| -*a * other).chain([Fr::ZERO]);
            let upper = [Fr::ZERO].into_iter().chain(numerator.iter().copied());
            numerator = lower.zip(upper).map(|(a, b)| a + b).collect();
            denominator *= *point - other;
        }
        let scale = *value * Option::<Fr>::from(denominator.invert())?;
        sum.iter_mut().zip(numerator).for_each(|(to, a)| *to += a * scale);
    }
    Some(sum)
}

/// The value of a polynomial at a point.
pub(super) fn evaluate(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |sum, a| sum * point + a)
}

/// `prod_i (at - x_i)`.
pub(super) fn vanishing_at(points: impl Iterator<Item = Fr>, at: Fr) -> Fr {
    points.fold(Fr::ONE, |product, point| product * (at - point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_through_the_points() {
        let points: Vec<Fr> = [3, 5, 11, 2].map(Fr::from).to_vec();
        let values: Vec<Fr> = [7, 0, 1, 9].map(Fr::from).to_vec();
        let polynomial = interpolate(&points, &values).unwrap();
        for (point, value) in points.iter().zip(&values) {
            assert_eq!(evaluate(&polynomial, *point), *value);
        }
        assert_eq!(interpolate(&[Fr::ONE, Fr::ONE], &values), None);
    }
}
