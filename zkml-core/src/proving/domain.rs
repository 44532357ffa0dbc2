//! The multiplicative subgroup of size `2^k` that Lagrange bases and transforms refer to.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;

use super::srs::MAX_K;

/// The generator `omega` of the subgroup of size `2^k` used by halo2: the field's root of unity of
/// order `2^28`, squared `28 - k` times.
pub(super) fn omega(k: u32) -> Fr {
    (k..MAX_K).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// `1 / omega(k)`.
pub(super) fn omega_inverse(k: u32) -> Fr {
    (k..MAX_K).fold(Fr::ROOT_OF_UNITY_INV, |root, _| root.square())
}

/// `1 / 2^k`.
pub(super) fn inverse_size(k: u32) -> Fr {
    power(Fr::TWO_INV, k as usize)
}

/// `base^exponent`. Not `pow_vartime`, which squares 64 times for the smallest exponent.
pub(super) fn power(base: Fr, exponent: usize) -> Fr {
    (0..usize::BITS - exponent.leading_zeros()).rev().fold(Fr::ONE, |power, bit| {
        let square = power.square();
        if exponent >> bit & 1 == 1 { square * base } else { square }
    })
}

/// `factor, factor ratio, factor ratio^2, ...`: `count` of them.
pub(super) fn geometric(ratio: Fr, factor: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(factor), |power| Some(*power * ratio)).take(count).collect()
}
