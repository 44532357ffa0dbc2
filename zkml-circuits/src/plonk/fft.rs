//! Fast Fourier transforms between the values of a polynomial and its coefficients.
//!
//! With `omega` of order `n = 2^k`, a polynomial of `n` coefficients `a_i` has the values
//! `A_j = sum_i a_i omega^(i j)` on the rows, and `sum_i a_i (c omega^j)^i` on the coset of `c`.
//! Radix 2, decimation in time, twiddles computed once. Callers transform many columns in
//! parallel; only large transforms split further.

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::domain::Domain;

/// Transforms above this size are halved over two threads.
const SPLIT: usize = 1 << 14;
/// Transforms up to this size run level by level: their data stay in the first cache.
const LEVELS: usize = 1 << 9;

/// Transforms of one size.
#[derive(Clone, Debug)]
pub(super) struct Fft {
    k: u32,
    /// `omega^i` for `i < n / 2`.
    twiddles: Vec<Fr>,
    n_inverse: Fr,
}

impl Fft {
    pub(super) fn new(k: u32) -> Self {
        let domain = Domain::new(k);
        let twiddles = powers(domain.omega(), (1usize << k) / 2);
        Self { k, twiddles, n_inverse: domain.n_inverse() }
    }

    /// Size of the domain.
    pub(super) fn n(&self) -> usize {
        1 << self.k
    }

    /// Values on the rows to coefficients.
    pub(super) fn interpolate(&self, mut values: Vec<Fr>) -> Vec<Fr> {
        self.transform(&mut values);
        // omega^-1 in place of omega reverses the order of all but the first output.
        values[1..].reverse();
        values.iter_mut().for_each(|v| *v *= self.n_inverse);
        values
    }

    /// Coefficients to values on the coset whose points are `shift * omega^j`; `shifts` are the
    /// powers of `shift`.
    pub(super) fn coset_values(&self, coefficients: &[Fr], shifts: &[Fr]) -> Vec<Fr> {
        let mut values: Vec<Fr> = coefficients.iter().zip(shifts).map(|(a, s)| *a * s).collect();
        self.transform(&mut values);
        values
    }

    /// Values on a coset to coefficients; `shifts` are the powers of the inverse of its shift.
    pub(super) fn coset_interpolate(&self, values: Vec<Fr>, shifts: &[Fr]) -> Vec<Fr> {
        let mut coefficients = self.interpolate(values);
        coefficients.par_iter_mut().zip(shifts).for_each(|(a, s)| *a *= s);
        coefficients
    }

    fn transform(&self, a: &mut [Fr]) {
        debug_assert_eq!(a.len(), self.n());
        if self.k == 0 {
            return;
        }
        let shift = usize::BITS - self.k;
        for i in 0..a.len() {
            let j = i.reverse_bits() >> shift;
            if i < j {
                a.swap(i, j);
            }
        }
        self.butterflies(a);
    }

    /// Butterflies of all levels up to `a.len()`, on bit-reversed input.
    fn butterflies(&self, a: &mut [Fr]) {
        if a.len() <= LEVELS {
            // All twiddles of the first level are 1.
            for pair in a.chunks_exact_mut(2) {
                (pair[0], pair[1]) = (pair[0] + pair[1], pair[0] - pair[1]);
            }
            let mut size = 4;
            while size <= a.len() {
                a.chunks_exact_mut(size).for_each(|block| self.level(block));
                size *= 2;
            }
            return;
        }
        let (left, right) = a.split_at_mut(a.len() / 2);
        if left.len() >= SPLIT {
            rayon::join(|| self.butterflies(left), || self.butterflies(right));
        } else {
            self.butterflies(left);
            self.butterflies(right);
        }
        self.level(a);
    }

    /// The last level of a transform of `block`.
    fn level(&self, block: &mut [Fr]) {
        let half = block.len() / 2;
        let step = self.n() / block.len();
        let (left, right) = block.split_at_mut(half);
        let (Some((a, left)), Some((b, right))) = (left.split_first_mut(), right.split_first_mut())
        else {
            return;
        };
        // The first twiddle is 1: half of those of the second level, a quarter of the third...
        (*a, *b) = (*a + *b, *a - *b);
        let twiddles = self.twiddles.iter().step_by(step).skip(1);
        for ((a, b), twiddle) in left.iter_mut().zip(right).zip(twiddles) {
            let t = *b * twiddle;
            *b = *a - t;
            *a += t;
        }
    }
}

/// `1, base, base^2, ...`: `count` of them.
pub(super) fn powers(base: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |p| Some(*p * base)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plonk::interpolation::evaluate;

    #[test]
    fn values_are_those_of_the_polynomial() {
        for k in [0, 1, 3, 10] {
            let fft = Fft::new(k);
            let n = fft.n();
            let coefficients: Vec<Fr> = (0..n as u64).map(|i| Fr::from(i * i + 3)).collect();
            let shift = Fr::from(7);
            let values = fft.coset_values(&coefficients, &powers(shift, n));
            let omega = Domain::new(k).omega();
            for j in [0, 1, n / 2, n - 1].into_iter().filter(|j| *j < n) {
                let point = shift * omega.pow_vartime([j as u64]);
                assert_eq!(values[j], evaluate(&coefficients, point), "k {k}, value {j}");
            }
            let back = powers(shift.invert().unwrap(), n);
            assert_eq!(fft.coset_interpolate(values, &back), coefficients);
        }
    }
}
