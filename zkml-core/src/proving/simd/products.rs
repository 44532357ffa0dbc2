//! Sums of products, reduced once.

use std::arch::x86_64::*;

use super::lanes::Lanes;
use super::modulus::{LIMBS, Modulus};

/// A sum of products that is not reduced yet. Each product with another element costs half of one
/// that is reduced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Products<F> {
    words: [__m512i; 2 * LIMBS],
    field: std::marker::PhantomData<F>,
}

impl<F: Modulus> Products<F> {
    /// No products.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn new() -> Self {
        Self { words: [_mm512_setzero_si512(); 2 * LIMBS], field: std::marker::PhantomData }
    }

    /// Adds `a b`, of carried limbs. Up to 200 products do not overflow.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn add(&mut self, a: Lanes<F>, b: Lanes<F>) {
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                let word = &mut self.words[i + j];
                *word = _mm512_madd52lo_epu64(*word, a.limbs[i], b.limbs[j]);
                let word = &mut self.words[i + j + 1];
                *word = _mm512_madd52hi_epu64(*word, a.limbs[i], b.limbs[j]);
            }
        }
    }

    /// The sum divided by `2^260`, carried: of products of `a_i p` by `b_i p`, below
    /// `(1 + sum_i a_i b_i / 84) p`, which must be below `64 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn sum(self) -> Lanes<F> {
        Lanes::reduce_product(self.words)
    }
}
