//! Factors known beforehand.
//!
//! Of a factor `w` that is used many times, `w' = floor(2^260 w / p)` is kept too. Then
//! `q = floor(x w' / 2^260)` is `floor(x w / p)` or one less, and `x w - q p`, of which only the
//! low half is computed, is the product below `2 p`: 84 multiplications of limbs instead of 105,
//! and no factor `2^260` appears. With some of the low half of `x w'` left out as well, `q` is up to
//! 9 smaller and 75 suffice. Source: Harvey, "Faster arithmetic for number-theoretic transforms"
//! (Journal of Symbolic Computation 2014), algorithms 2 and 4.
//!
//! Here values are words modulo `2^260`, limbs any signed words: [`Lanes::carry_wrapping`] makes
//! them lanes like any others.

use std::arch::x86_64::*;

use halo2curves::bn256::Fr;

use super::lanes::{Lanes, and, shr, splat};
use super::modulus::{LIMBS, MASK, Modulus, lane_form, split};
use crate::proving::limbs::limbs;

/// An element to multiply many lanes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed {
    /// The element, not in any form.
    value: [u64; LIMBS],
    /// `floor(2^260 value / p)`.
    quotient: [u64; LIMBS],
}

impl Fixed {
    pub(crate) fn new(element: &Fr) -> Self {
        // The remainder of 2^260 value by p: quotient p + remainder = 0 modulo 2^260.
        let mut t = Spread::new(element).0;
        let mut quotient = [0; LIMBS];
        for i in 0..LIMBS {
            let m = t[i].wrapping_mul(Fr::INVERSE) & MASK;
            quotient[i] = m;
            let mut carry = 0;
            for (word, p) in t[i..].iter_mut().zip(&Fr::P) {
                let sum = u128::from(*word) + u128::from(m) * u128::from(*p) + carry;
                *word = sum as u64 & MASK;
                carry = sum >> 52;
            }
        }
        Self { value: split(limbs(element)), quotient }
    }
}

/// An element in lane form, for all lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread([u64; LIMBS]);

impl Spread {
    pub(crate) fn new(element: &Fr) -> Self {
        Self(lane_form(element))
    }

    /// The element in all lanes, below `p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn lanes(&self) -> Lanes<Fr> {
        Lanes::constant(&self.0)
    }
}

/// Products by a [`Fixed`] that are computed in full are below this multiple of `p`.
const TIGHT_BOUND: usize = 2;
/// Products by a [`Fixed`] that are not, of lanes below `84 p`.
const LOOSE_BOUND: usize = 10;

impl Lanes<Fr> {
    /// The same values with limbs in `[0, 2^52)`, from values modulo `2^260`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn carry_wrapping(self) -> Self {
        let mut limbs = self.carry().limbs;
        limbs[LIMBS - 1] = and(limbs[LIMBS - 1], splat(MASK));
        Self::new(limbs)
    }

    /// `self + by other` modulo `2^260`; `other` has carried limbs.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_product<const TIGHT: bool>(self, other: Self, by: &Fixed) -> Self {
        let x = &other.limbs;
        // Words 4 to 9 of x w'.
        let mut high = [_mm512_setzero_si512(); LIMBS + 1];
        let lowest = if TIGHT { LIMBS - 1 } else { LIMBS };
        for i in 0..LIMBS {
            let w = splat(by.quotient[i]);
            for j in 0..LIMBS {
                if i + j >= lowest {
                    let word = &mut high[i + j + 1 - LIMBS];
                    *word = _mm512_madd52lo_epu64(*word, x[j], w);
                }
                if i + j + 1 >= lowest {
                    let word = &mut high[i + j + 2 - LIMBS];
                    *word = _mm512_madd52hi_epu64(*word, x[j], w);
                }
            }
        }
        let [below, mut quotient @ ..] = high;
        quotient[0] = _mm512_add_epi64(quotient[0], shr::<52>(below));
        for i in 0..LIMBS - 1 {
            quotient[i + 1] = _mm512_add_epi64(quotient[i + 1], shr::<52>(quotient[i]));
            quotient[i] = and(quotient[i], splat(MASK));
        }
        let sum = add_low_product(self.limbs, x, &by.value);
        Self::new(add_low_product(sum, &quotient, &Fr::MINUS_P))
    }
}

/// `sum + x w` modulo `2^260`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_low_product(
    mut sum: [__m512i; LIMBS],
    x: &[__m512i; LIMBS],
    w: &[u64; LIMBS],
) -> [__m512i; LIMBS] {
    for i in 0..LIMBS {
        let w = splat(w[i]);
        for j in 0..LIMBS - i {
            sum[i + j] = _mm512_madd52lo_epu64(sum[i + j], x[j], w);
            if i + j + 1 < LIMBS {
                sum[i + j + 1] = _mm512_madd52hi_epu64(sum[i + j + 1], x[j], w);
            }
        }
    }
    sum
}

/// `a w + b`, modulo `2^260`. Its bound is that of `b` and 10.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn multiply_add(a: Lanes<Fr>, w: &Fixed, b: Lanes<Fr>) -> Lanes<Fr> {
    b.add_product::<false>(a.carry_wrapping(), w)
}

/// `a + w b` and `a - w b`, modulo `2^260`. Their bound is that of `a` and 2 (`TIGHT`) or 10.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn butterfly<const TIGHT: bool>(
    a: Lanes<Fr>,
    b: Lanes<Fr>,
    w: &Fixed,
) -> (Lanes<Fr>, Lanes<Fr>) {
    let sum = a.add_product::<TIGHT>(b.carry_wrapping(), w);
    // a - w b = 2 a - sum.
    (sum, a.add(a).sub(sum, if TIGHT { TIGHT_BOUND } else { LOOSE_BOUND }))
}

/// `a + b` and `a - b`, modulo `2^260`. Their bound is that of `a` and 2.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn plain_butterfly(a: Lanes<Fr>, b: Lanes<Fr>) -> (Lanes<Fr>, Lanes<Fr>) {
    let b = b.carry_wrapping().reduce();
    (a.add(b), a.sub(b, 2))
}
