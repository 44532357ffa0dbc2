//! Arithmetic on eight elements.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use super::modulus::{LIMBS, MASK, Modulus, QUOTIENT_SHIFT};
use super::{LANES, Products};

/// Eight elements of a field: word `j` of vector `i` is limb `i` of element `j`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes<F> {
    pub(super) limbs: [__m512i; LIMBS],
    field: PhantomData<F>,
}

/// Loads elements in memory form. Below `p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn load<F: Modulus>(elements: [&F; 8]) -> Lanes<F> {
    from_words(words(elements))
}

/// Words of 64 bits as limbs.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn from_words<F: Modulus>([a, b, c, d]: [__m512i; 4]) -> Lanes<F> {
    let m = splat(MASK);
    Lanes::new([
        and(a, m),
        and(or(shr::<52>(a), shl::<12>(b)), m),
        and(or(shr::<40>(b), shl::<24>(c)), m),
        and(or(shr::<28>(c), shl::<36>(d)), m),
        shr::<16>(d),
    ])
}

/// Loads adjacent elements in memory form. Below `p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn load_row<F: Modulus>(elements: &[F; LANES]) -> Lanes<F> {
    from_words(row_words(elements))
}

/// Loads elements in memory form into lane form. Below `16 p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn load_scaled<F: Modulus>(elements: [&F; 8]) -> Lanes<F> {
    let [a, b, c, d] = words(elements);
    let m = splat(MASK);
    Lanes::new([
        and(shl::<4>(a), m),
        and(or(shr::<48>(a), shl::<16>(b)), m),
        and(or(shr::<36>(b), shl::<28>(c)), m),
        and(or(shr::<24>(c), shl::<40>(d)), m),
        shr::<12>(d),
    ])
}

/// Asks the processor to have elements near when they are loaded.
#[inline]
pub(crate) fn prefetch<F: Modulus>(elements: &[F]) {
    const { assert!(size_of::<F>() == 32) };
    // Two elements a line.
    for element in elements.iter().step_by(2) {
        // SAFETY: a hint without effect on memory.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
    }
}

/// Stores canonical elements in memory form, see [`Lanes::canonical`].
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn store<F: Modulus>(lanes: Lanes<F>, to: [&mut F; 8]) {
    const { assert!(size_of::<F>() == 32) };
    let [a, b, c, d, e] = lanes.limbs;
    let w0 = or(a, shl::<52>(b));
    let w1 = or(shr::<12>(b), shl::<40>(c));
    let w2 = or(shr::<24>(c), shl::<28>(d));
    let w3 = or(shr::<36>(d), shl::<16>(e));
    // The transposition of `words`, backwards.
    let t0 = _mm512_unpacklo_epi64(w0, w1);
    let t1 = _mm512_unpackhi_epi64(w0, w1);
    let t2 = _mm512_unpacklo_epi64(w2, w3);
    let t3 = _mm512_unpackhi_epi64(w2, w3);
    // t0: words 0 and 1 of elements 0, 2, 4, 6; t1: of 1, 3, 5, 7; t2 and t3: words 2 and 3.
    let low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    let high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    let pairs = [
        _mm512_permutex2var_epi64(t0, low, t2),
        _mm512_permutex2var_epi64(t1, low, t3),
        _mm512_permutex2var_epi64(t0, high, t2),
        _mm512_permutex2var_epi64(t1, high, t3),
    ];
    for (j, element) in to.into_iter().enumerate() {
        let pair = pairs[j % 4];
        let half = match j / 4 {
            0 => _mm512_castsi512_si256(pair),
            _ => _mm512_extracti64x4_epi64::<1>(pair),
        };
        // SAFETY: an element has the 32 bytes that are written, and any canonical value is valid.
        unsafe { _mm256_storeu_si256(std::ptr::from_mut(element).cast(), half) }
    }
}

impl<F: Modulus> Lanes<F> {
    #[inline]
    pub(super) fn new(limbs: [__m512i; LIMBS]) -> Self {
        Self { limbs, field: PhantomData }
    }

    /// Zeros.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn zero() -> Self {
        Self::new([_mm512_setzero_si512(); LIMBS])
    }

    /// Eight times one in lane form.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn one() -> Self {
        Self::constant(&F::ONE_IN_LANES)
    }

    /// Eight times the value with these limbs.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn constant(limbs: &[u64; LIMBS]) -> Self {
        Self::new([
            splat(limbs[0]),
            splat(limbs[1]),
            splat(limbs[2]),
            splat(limbs[3]),
            splat(limbs[4]),
        ])
    }

    /// Sum. Bounds add up; limbs need [`Self::carry`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn add(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (a, b) in limbs.iter_mut().zip(other.limbs) {
            *a = _mm512_add_epi64(*a, b);
        }
        Self::new(limbs)
    }

    /// Difference plus `bound p`, where `other` is at most `bound p`. `bound` is added to this
    /// one's bound; limbs need [`Self::carry`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn sub(self, other: Self, bound: usize) -> Self {
        let mut limbs = self.limbs;
        for ((a, b), p) in limbs.iter_mut().zip(other.limbs).zip(&F::MULTIPLES_OF_P[bound]) {
            *a = _mm512_add_epi64(*a, _mm512_sub_epi64(splat(*p), b));
        }
        Self::new(limbs)
    }

    /// The same values with limbs in `[0, 2^52)`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn carry(self) -> Self {
        let mut limbs = self.limbs;
        for i in 0..LIMBS - 1 {
            limbs[i + 1] = _mm512_add_epi64(limbs[i + 1], _mm512_srai_epi64::<52>(limbs[i]));
            limbs[i] = and(limbs[i], splat(MASK));
        }
        Self::new(limbs)
    }

    /// Product divided by `2^260`. Factors have carried limbs and bounds `a` and `b`; the product
    /// has carried limbs and is below `(1 + a b / 84) p`, as `p / 2^260 < 1 / 84`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn mul(self, other: Self) -> Self {
        let mut product = Products::new();
        product.add(self, other);
        product.sum()
    }

    /// `self * self`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn square(self) -> Self {
        let a = &self.limbs;
        let mut t = [_mm512_setzero_si512(); 2 * LIMBS];
        for i in 0..LIMBS {
            for j in i + 1..LIMBS {
                t[i + j] = _mm512_madd52lo_epu64(t[i + j], a[i], a[j]);
                t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a[i], a[j]);
            }
        }
        for word in &mut t {
            *word = _mm512_add_epi64(*word, *word);
        }
        for i in 0..LIMBS {
            t[2 * i] = _mm512_madd52lo_epu64(t[2 * i], a[i], a[i]);
            t[2 * i + 1] = _mm512_madd52hi_epu64(t[2 * i + 1], a[i], a[i]);
        }
        Self::reduce_product(t)
    }

    /// Montgomery's reduction by `2^260`, a limb at a time. Words are sums of at most 10 halves
    /// of 52 bits more: they must not overflow as signed words.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce_product(mut t: [__m512i; 2 * LIMBS]) -> Self {
        let zero = _mm512_setzero_si512();
        let inverse = splat(F::INVERSE);
        for i in 0..LIMBS {
            let m = _mm512_madd52lo_epu64(zero, t[i], inverse);
            for j in 0..LIMBS {
                let p = splat(F::P[j]);
                t[i + j] = _mm512_madd52lo_epu64(t[i + j], m, p);
                t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], m, p);
            }
            t[i + 1] = _mm512_add_epi64(t[i + 1], shr::<52>(t[i]));
        }
        Self::new([t[5], t[6], t[7], t[8], t[9]]).carry()
    }

    /// The same elements below `p + 2^210`, from any carried value below `2^260`, which is `84 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn reduce(self) -> Self {
        // An estimate of the quotient from the top limb, at most one too small.
        let zero = _mm512_setzero_si512();
        let scaled = _mm512_madd52hi_epu64(zero, self.limbs[4], splat(F::QUOTIENT));
        let quotient = shr::<QUOTIENT_SHIFT>(scaled);
        let mut t = [zero; LIMBS + 1];
        for j in 0..LIMBS {
            t[j] = _mm512_madd52lo_epu64(t[j], quotient, splat(F::P[j]));
            t[j + 1] = _mm512_madd52hi_epu64(t[j + 1], quotient, splat(F::P[j]));
        }
        let mut limbs = self.limbs;
        for (a, b) in limbs.iter_mut().zip(t) {
            *a = _mm512_sub_epi64(*a, b);
        }
        Self::new(limbs).carry()
    }

    /// The same elements in `[0, p)`, from carried values below `2 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn canonical(self) -> Self {
        let mut limbs = self.limbs;
        for (a, p) in limbs.iter_mut().zip(&F::P) {
            *a = _mm512_sub_epi64(*a, splat(*p));
        }
        let difference = Self::new(limbs).carry();
        let negative = _mm512_cmplt_epi64_mask(difference.limbs[4], _mm512_setzero_si512());
        let mut limbs = self.limbs;
        for (a, d) in limbs.iter_mut().zip(difference.limbs) {
            *a = _mm512_mask_blend_epi64(negative, d, *a);
        }
        Self::new(limbs)
    }

    /// Lane form to memory form, canonical, from carried values below `64 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn to_memory_form(self) -> Self {
        self.mul(Self::constant(&F::TO_MEMORY)).canonical()
    }

    /// Memory form to lane form: carried values below `64 p` come below `2 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn to_lane_form(self) -> Self {
        self.mul(Self::constant(&F::TO_LANES))
    }

    /// Integers below `2^52` as elements in memory form, below `2 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn from_integers(integers: [u64; 8]) -> Self {
        let zero = _mm512_setzero_si512();
        let [a, b, c, d, e, f, g, h] = integers.map(u64::cast_signed);
        let words = _mm512_setr_epi64(a, b, c, d, e, f, g, h);
        Self::new([words, zero, zero, zero, zero]).mul(Self::constant(&F::FROM_INTEGERS))
    }

    /// Which of the eight elements are zero, of canonical values.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn is_zero(self) -> u8 {
        let [a, b, c, d, e] = self.limbs;
        let any = or(or(or(a, b), or(c, d)), e);
        _mm512_cmpeq_epi64_mask(any, _mm512_setzero_si512())
    }

    /// Lanes of `other` where `mask` has a bit, of this one elsewhere.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn blend(self, mask: u8, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (a, b) in limbs.iter_mut().zip(other.limbs) {
            *a = _mm512_mask_blend_epi64(mask, *a, b);
        }
        Self::new(limbs)
    }
}

/// The four words of eight elements: word `j` of vector `i` is word `i` of element `j`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn words<F: Modulus>(elements: [&F; 8]) -> [__m512i; 4] {
    const { assert!(size_of::<F>() == 32) };
    let pair = |j: usize| {
        let [low, high] = [j, j + 4].map(|j| {
            // SAFETY: an element has the 32 bytes that are read.
            unsafe { _mm256_loadu_si256(std::ptr::from_ref(elements[j]).cast()) }
        });
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    };
    let [a0, a1, a2, a3] = [pair(0), pair(1), pair(2), pair(3)];
    let t0 = _mm512_unpacklo_epi64(a0, a1);
    let t1 = _mm512_unpackhi_epi64(a0, a1);
    let t2 = _mm512_unpacklo_epi64(a2, a3);
    let t3 = _mm512_unpackhi_epi64(a2, a3);
    let low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    let high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    [
        _mm512_permutex2var_epi64(t0, low, t2),
        _mm512_permutex2var_epi64(t1, low, t3),
        _mm512_permutex2var_epi64(t0, high, t2),
        _mm512_permutex2var_epi64(t1, high, t3),
    ]
}

/// [`words`] of adjacent elements.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn row_words<F: Modulus>(elements: &[F; LANES]) -> [__m512i; 4] {
    const { assert!(size_of::<F>() == 32) };
    // SAFETY: a pair of elements has the 64 bytes that are read.
    let pair =
        |j: usize| unsafe { _mm512_loadu_si512(std::ptr::from_ref(&elements[2 * j]).cast()) };
    let [a0, a1, a2, a3] = [pair(0), pair(1), pair(2), pair(3)];
    let t0 = _mm512_unpacklo_epi64(a0, a2);
    let t1 = _mm512_unpackhi_epi64(a0, a2);
    let t2 = _mm512_unpacklo_epi64(a1, a3);
    let t3 = _mm512_unpackhi_epi64(a1, a3);
    // t0: words 0 and 2 of elements 0, 4, 1, 5; t2: of elements 2, 6, 3, 7; t1 and t3: words 1, 3.
    let low = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13);
    let high = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
    [
        _mm512_permutex2var_epi64(t0, low, t2),
        _mm512_permutex2var_epi64(t1, low, t3),
        _mm512_permutex2var_epi64(t0, high, t2),
        _mm512_permutex2var_epi64(t1, high, t3),
    ]
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn splat(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn and(a: __m512i, b: __m512i) -> __m512i {
    _mm512_and_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn or(a: __m512i, b: __m512i) -> __m512i {
    _mm512_or_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn shl<const BITS: u32>(a: __m512i) -> __m512i {
    _mm512_slli_epi64::<BITS>(a)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn shr<const BITS: u32>(a: __m512i) -> __m512i {
    _mm512_srli_epi64::<BITS>(a)
}
