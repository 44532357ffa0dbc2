//! Fast Fourier transforms between the values of a polynomial and its coefficients.
//!
//! With `omega` of order `n = 2^k`, a polynomial of `n` coefficients `a_i` has the values
//! `A_j = sum_i a_i omega^(i j)` on the rows, and `sum_i a_i (s omega^j)^i` on the coset of `s`.
//! [`Fft`] goes from values on the rows to coefficients, [`Coset`] from coefficients to values on a
//! coset or on a part of one: of every second, fourth or eighth point, for callers who cannot hold
//! all values.
//!
//! Transforms differ in a root, a factor and a shift only ([`Formula`]). Two kinds of code compute
//! them, with the same results to the bit: [`scalar`], and [`lanes`] where the processor has
//! [`simd`](super::simd). Tables are made once for each formula.

#[cfg(target_arch = "x86_64")]
mod lanes;
mod scalar;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::domain::{inverse_size, omega, omega_inverse, power};
use super::srs::MAX_K;
use super::vector::multiply_by_powers;

/// Logarithm of the number of parts that a coset may be split into.
const MAX_LOG_PARTS: u32 = 3;

/// What a transform computes: `factor sum_i a_i shift^i root^(i j)` for `j < 2^k`, of `2^k folds`
/// coefficients.
#[derive(Clone, Debug)]
struct Formula {
    /// Logarithm of the number of results.
    k: u32,
    /// How many times as many coefficients there are.
    folds: usize,
    factor: Fr,
    shift: Fr,
}

/// Transforms whose root is `omega(k)` or its inverse, and powers of it.
trait Roots: Debug + Send + Sync {
    /// Makes the tables for a formula.
    fn transform(&self, formula: Formula) -> Arc<dyn Transform>;
}

/// A transform, with its tables.
trait Transform: Debug + Send + Sync {
    /// Transforms `from`, of `2^k folds` elements, into `to`, of `2^k`.
    fn run(&self, from: &[Fr], to: &mut [Fr]);
}

/// Transforms of `2^k` values.
#[derive(Clone, Debug)]
pub struct Fft {
    k: u32,
    forward: Arc<dyn Roots>,
    inverse: Arc<dyn Transform>,
}

impl Fft {
    /// Transforms of `2^k` values.
    ///
    /// # Panics
    /// When `k` exceeds [`MAX_K`].
    #[must_use]
    pub fn new(k: u32) -> Self {
        assert!(k <= MAX_K, "no domain of 2^{k} rows");
        #[cfg(target_arch = "x86_64")]
        if k >= lanes::MIN_K + MAX_LOG_PARTS && super::simd::available() {
            return Self::with(k, lanes::Twiddles::shared);
        }
        Self::with(k, scalar::Twiddles::shared)
    }

    /// Transforms by one kind of code; `roots` makes its tables for `omega(k)` or the inverse.
    fn with(k: u32, roots: impl Fn(u32, Fr) -> Arc<dyn Roots>) -> Self {
        let formula = Formula { k, folds: 1, factor: inverse_size(k), shift: Fr::ONE };
        let inverse = roots(k, omega_inverse(k)).transform(formula);
        Self { k, forward: roots(k, omega(k)), inverse }
    }

    /// Size of the domain.
    #[must_use]
    pub fn n(&self) -> usize {
        1 << self.k
    }

    /// Values on the rows to coefficients.
    ///
    /// # Panics
    /// When there are not [`Self::n`] values.
    #[must_use]
    pub fn interpolate(&self, values: &[Fr]) -> Vec<Fr> {
        let mut coefficients = vec![Fr::ZERO; self.n()];
        self.interpolate_into(values, &mut coefficients);
        coefficients
    }

    /// As [`Self::interpolate`], written over `coefficients`.
    ///
    /// # Panics
    /// Unless there are [`Self::n`] values and as many coefficients.
    pub fn interpolate_into(&self, values: &[Fr], coefficients: &mut [Fr]) {
        assert_eq!(values.len(), self.n(), "a value a row");
        assert_eq!(coefficients.len(), self.n(), "a coefficient a row");
        self.inverse.run(values, coefficients);
    }

    /// [`Self::interpolate`] of many columns, each dropped when it is done if it is owned.
    ///
    /// # Panics
    /// When a column has not [`Self::n`] values.
    #[must_use]
    pub fn interpolate_all<C: AsRef<[Fr]>>(
        &self,
        columns: impl IntoParallelIterator<Item = C>,
    ) -> Vec<Vec<Fr>> {
        columns.into_par_iter().map(|column| self.interpolate(column.as_ref())).collect()
    }

    /// Values on the coset of `shift`, which is not zero, to coefficients, written over `coefficients`.
    ///
    /// # Panics
    /// Unless there are [`Self::n`] values and as many coefficients, or when the shift is zero.
    pub fn coset_interpolate_into(&self, values: &[Fr], shift: Fr, coefficients: &mut [Fr]) {
        self.interpolate_into(values, coefficients);
        let back = shift.invert().expect("the shift of a coset is not zero");
        multiply_by_powers(coefficients, back);
    }

    /// The coset of the points `shift omega^j`.
    #[must_use]
    pub fn coset(&self, shift: Fr) -> Coset {
        self.coset_part(shift, 1, 0)
    }

    /// The points `shift omega^j` of a coset with `j = part` modulo `parts`, in order.
    ///
    /// # Panics
    /// Unless `parts` is 1, 2, 4 or 8, at most [`Self::n`].
    #[must_use]
    pub fn coset_part(&self, shift: Fr, parts: usize, part: usize) -> Coset {
        let log_parts = parts.ilog2();
        assert!(parts.is_power_of_two() && log_parts <= MAX_LOG_PARTS.min(self.k));
        let k = self.k - log_parts;
        let first = shift * power(omega(self.k), part);
        let formula = Formula { k, folds: parts, factor: Fr::ONE, shift: first };
        let transform = self.forward.transform(formula);
        Coset { n: self.n(), len: self.n() / parts, first, ratio: omega(k), transform }
    }
}

/// A coset of the domain or a part of one, with the tables for transforms to it.
#[derive(Clone, Debug)]
pub struct Coset {
    n: usize,
    len: usize,
    /// The first point.
    first: Fr,
    /// Of a point to the one before.
    ratio: Fr,
    transform: Arc<dyn Transform>,
}

impl Coset {
    /// Number of points.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a coset is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Writes the points.
    ///
    /// # Panics
    /// Unless there is an element for each point.
    pub fn write_points(&self, to: &mut [Fr]) {
        assert_eq!(to.len(), self.len, "an element a point");
        to.fill(self.first);
        multiply_by_powers(to, self.ratio);
    }

    /// The values of a polynomial on the points.
    ///
    /// # Panics
    /// Unless there is a coefficient for each row of the domain.
    #[must_use]
    pub fn values(&self, coefficients: &[Fr]) -> Vec<Fr> {
        let mut values = vec![Fr::ZERO; self.len];
        self.values_into(coefficients, &mut values);
        values
    }

    /// As [`Self::values`], written over `values`.
    ///
    /// # Panics
    /// Unless there is a coefficient for each row of the domain and a value for each point.
    pub fn values_into(&self, coefficients: &[Fr], values: &mut [Fr]) {
        assert_eq!(coefficients.len(), self.n, "a coefficient a row");
        assert_eq!(values.len(), self.len, "a value a point");
        self.transform.run(coefficients, values);
    }
}
