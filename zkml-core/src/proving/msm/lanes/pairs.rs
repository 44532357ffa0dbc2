//! Sums of pairs of points.

use std::arch::x86_64::*;

use halo2curves::bn256::{Fq, G1Affine};

use super::{Eight, invert, quadruple};
use crate::proving::msm::pairs::Entry;
use crate::proving::simd::{load, store};

/// Groups of eight pairs that are added side by side: a product waits longer for its factors than it
/// keeps the multiplier busy.
const GROUPS: usize = 2;
/// Pairs that are added at a time.
const STEP: usize = 8 * GROUPS;
/// Pairs between the one whose points are fetched into the cache and the one that needs them.
const AHEAD: usize = 4 * STEP;

/// A buffer: products of the denominators before each step.
#[derive(Default)]
pub(in crate::proving::msm) struct Products(Vec<[Eight; GROUPS]>);

/// See [`super::Lanes::add`].
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn add(
    points: &[G1Affine],
    pairs: &[[Entry; 2]],
    sums: &mut [G1Affine],
    products: &mut Products,
) -> bool {
    let Products(products) = products;
    products.clear();
    let mut product = [Eight::one(); GROUPS];
    let mut identities = 0;
    for from in (0..pairs.len()).step_by(STEP) {
        prefetch(points, pairs, from + AHEAD);
        let denominator = both(|group| {
            let pairs = Pairs::new(points, pairs, from + 8 * group);
            let (left, right) = (load(xs(pairs.left)), load(xs(pairs.right)));
            identities |= left.is_zero() | right.is_zero();
            right.sub(left, 1).carry()
        });
        products.push(product);
        product = both(|group| product[group].mul(denominator[group]));
    }
    if identities != 0 {
        return false;
    }
    let Some(mut inverse) = invert(product) else { return false };
    for (step, product) in products.iter().enumerate().rev() {
        let from = step * STEP;
        let slope = both(|group| inverse[group].mul(product[group]));
        let loaded = both(|group| Pairs::new(points, pairs, from + 8 * group).coordinates());
        inverse = both(|group| {
            let (x1, x2, ..) = loaded[group];
            inverse[group].mul(x2.sub(x1, 1).carry())
        });
        let slope = both(|group| {
            let (_, _, y1, y2) = loaded[group];
            slope[group].mul(y2.sub(y1, 1).carry())
        });
        let square = both(|group| slope[group].square());
        let x = both(|group| {
            let (x1, x2, ..) = loaded[group];
            square[group].sub(x1, 1).sub(x2, 1).carry()
        });
        let run =
            both(|group| slope[group].mul(quadruple(loaded[group].0.sub(x[group], 4)).carry()));
        for group in 0..GROUPS {
            let (x, y) = (x[group], run[group].sub(loaded[group].2, 1).carry());
            let (x, y) = (x.reduce().canonical(), y.reduce().canonical());
            let sums = &mut sums[(from + 8 * group).min(pairs.len())..];
            if let Some(sums) = sums.first_chunk_mut::<8>() {
                store_points(x, y, sums);
            } else {
                let mut last = [G1Affine::default(); 8];
                store_points(x, y, &mut last);
                sums.copy_from_slice(&last[..sums.len()]);
            }
        }
    }
    true
}

/// What is done to both groups of a step, in turn; not a loop, of which arrays would be copied.
#[inline(always)]
fn both<T>(mut make: impl FnMut(usize) -> T) -> [T; GROUPS] {
    [make(0), make(1)]
}

/// The points of eight pairs, and whether they are subtracted: a bit for each.
struct Pairs<'a> {
    left: [&'a G1Affine; 8],
    right: [&'a G1Affine; 8],
    minus_left: u8,
    minus_right: u8,
}

impl<'a> Pairs<'a> {
    /// The pairs from `first` on; the last one stands for those beyond the end.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(points: &'a [G1Affine], pairs: &[[Entry; 2]], first: usize) -> Self {
        let pairs = match pairs.get(first..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(pairs) => *pairs,
            None => std::array::from_fn(|lane| pairs[(first + lane).min(pairs.len() - 1)]),
        };
        // SAFETY: eight pairs of entries have the 64 bytes that are read.
        let entries = unsafe { _mm512_loadu_si512(pairs.as_ptr().cast()) };
        let indices = _mm512_srli_epi32::<1>(entries);
        let count = _mm512_set1_epi32(points.len() as u32 as i32);
        assert_eq!(_mm512_cmplt_epu32_mask(indices, count), u16::MAX, "an entry has no point");
        let mut left = [0u64; 8];
        let mut right = [0u64; 8];
        let low = _mm512_set1_epi64(u32::MAX.into());
        // SAFETY: eight words have the 64 bytes that are written.
        unsafe {
            _mm512_storeu_si512(left.as_mut_ptr().cast(), _mm512_and_si512(indices, low));
            _mm512_storeu_si512(right.as_mut_ptr().cast(), _mm512_srli_epi64::<32>(indices));
        }
        // SAFETY: each index was found to be below the number of points.
        let (left, right) = unsafe { (at(points, left), at(points, right)) };
        Self {
            left,
            right,
            minus_left: _mm512_test_epi64_mask(entries, _mm512_set1_epi64(1)),
            minus_right: _mm512_test_epi64_mask(entries, _mm512_set1_epi64(1 << 32)),
        }
    }

    /// `x` of the left and the right points, then `y`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn coordinates(self) -> (Eight, Eight, Eight, Eight) {
        let (y1, y2) = (load(ys(self.left)), load(ys(self.right)));
        (
            load(xs(self.left)),
            load(xs(self.right)),
            y1.blend(self.minus_left, Eight::zero().sub(y1, 1)),
            y2.blend(self.minus_right, Eight::zero().sub(y2, 1)),
        )
    }
}

/// # Safety
/// Indices must be below the number of points.
#[inline]
unsafe fn at(points: &[G1Affine], indices: [u64; 8]) -> [&G1Affine; 8] {
    // SAFETY: see above.
    indices.map(|index| unsafe { points.get_unchecked(index as usize) })
}

#[inline]
fn xs(points: [&G1Affine; 8]) -> [&Fq; 8] {
    points.map(|point| &point.x)
}

#[inline]
fn ys(points: [&G1Affine; 8]) -> [&Fq; 8] {
    points.map(|point| &point.y)
}

/// Fetches the points of a step into the cache.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn prefetch(points: &[G1Affine], pairs: &[[Entry; 2]], from: usize) {
    for pair in pairs.iter().skip(from).take(STEP) {
        for entry in pair {
            let point = points.as_ptr().wrapping_add((entry >> 1) as usize).cast::<i8>();
            _mm_prefetch::<_MM_HINT_T0>(point);
            _mm_prefetch::<_MM_HINT_T0>(point.wrapping_add(63));
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store_points(x: Eight, y: Eight, points: &mut [G1Affine; 8]) {
    store(x, points.each_mut().map(|point| &mut point.x));
    store(y, points.each_mut().map(|point| &mut point.y));
}
