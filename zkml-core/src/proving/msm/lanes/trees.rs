//! Binary trees of additions of points, eight trees side by side.

use std::arch::x86_64::*;

use halo2curves::bn256::{Fq, G1Affine};

use super::{Eight, invert, quadruple};
use crate::proving::msm::trees::{Entry, Groups};
use crate::proving::simd::{load, store};

/// Additions of eight pairs that are made side by side: a product waits longer for its factors than
/// it keeps the multiplier busy.
const STEP: usize = 2;
/// Groups of pairs between the one whose points are fetched into the cache and the one that needs
/// them.
const AHEAD: usize = 4 * STEP;

/// Buffers of [`super::Lanes::sum`].
#[derive(Default)]
pub(in crate::proving::msm) struct Buffers {
    /// Eight points, `x` and `y`.
    points: Vec<[Eight; 2]>,
    /// Products of the denominators before each step.
    products: Vec<[Eight; STEP]>,
}

/// See [`super::Lanes::sum`].
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn sum(
    points: &[G1Affine],
    pairs: &[[Entry; 2]],
    groups: &Groups,
    buffers: &mut Buffers,
    sums: &mut Vec<G1Affine>,
) -> bool {
    let mut count = pairs.len() / 8;
    buffers.points.resize(2 * count, [Eight::zero(); 2]);
    let mut identities = 0;
    let load = |to: &mut [[Eight; 2]], pair: usize| {
        if let Some(pairs) = group(pairs, pair + AHEAD) {
            prefetch(points, pairs);
        }
        if let (Some(pairs), Some(to)) = (group(pairs, pair), to[2 * pair..].first_chunk_mut()) {
            identities |= load_pairs(points, pairs, to);
        }
    };
    // Below p, and signed `y` at most p.
    if !add(buffers, count, 1, 1, load) || identities != 0 {
        return false;
    }
    // Sums of a level stand where the first of their two summands stood.
    let (mut stride, mut bound) = (2, 3);
    for finished in &groups[1..groups.len() - 1] {
        count = (count - finished) / 2;
        if count != 0 && !add(buffers, count, stride, bound, |_, _| {}) {
            return false;
        }
        stride *= 2;
        bound += 2;
    }
    let mut place = 0;
    for (levels, count) in groups.iter().enumerate().rev() {
        for _ in 0..*count {
            let [x, y] = buffers.points[place];
            let mut points = [G1Affine::default(); 8];
            store(x.reduce().canonical(), points.each_mut().map(|point| &mut point.x));
            store(y.reduce().canonical(), points.each_mut().map(|point| &mut point.y));
            sums.extend_from_slice(&points);
            place += 1 << levels;
        }
    }
    true
}

/// Adds up neighbours among the first `2 count` points, which stand `stride` apart, each pair after
/// `load` has been called for it. False, if the points of a pair have the same `x`.
///
/// `x` is below `2 p`, `y` below `bound p`; those of the sums are below `2 p` and `(bound + 2) p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add(
    Buffers { points, products }: &mut Buffers,
    count: usize,
    stride: usize,
    bound: usize,
    mut load: impl FnMut(&mut [[Eight; 2]], usize),
) -> bool {
    products.clear();
    let mut product = [Eight::one(); STEP];
    for step in 0..count.div_ceil(STEP) {
        let denominator = pairs_of(step, count).map(|pair| {
            load(points, pair);
            let left = 2 * stride * pair;
            points[left + stride][0].sub(points[left][0], 2).carry()
        });
        products.push(product);
        product = both(|half| product[half].mul(denominator[half]));
    }
    let Some(mut inverse) = invert(product) else { return false };
    for (step, product) in products.iter().enumerate().rev() {
        let pairs = pairs_of(step, count);
        let left = pairs.map(|pair| &points[2 * stride * pair]);
        let right = pairs.map(|pair| &points[2 * stride * pair + stride]);
        let slope = both(|half| inverse[half].mul(product[half]));
        inverse = both(|half| inverse[half].mul(right[half][0].sub(left[half][0], 2).carry()));
        let slope = both(|half| slope[half].mul(right[half][1].sub(left[half][1], bound).carry()));
        let square = both(|half| slope[half].square());
        let x =
            both(|half| square[half].sub(left[half][0], 2).sub(right[half][0], 2).carry().reduce());
        let run = both(|half| slope[half].mul(quadruple(left[half][0].sub(x[half], 2)).carry()));
        let y = both(|half| run[half].sub(left[half][1], bound).carry());
        for half in 0..STEP {
            points[2 * stride * pairs[half]] = [x[half], y[half]];
        }
    }
    true
}

/// The pairs of a step; the last one is repeated where there are none.
#[inline]
fn pairs_of(step: usize, count: usize) -> [usize; STEP] {
    [STEP * step, (STEP * step + 1).min(count - 1)]
}

/// What is done to both additions of a step, in turn; not a loop, of which arrays would be copied.
#[inline(always)]
fn both<T>(mut make: impl FnMut(usize) -> T) -> [T; STEP] {
    [make(0), make(1)]
}

/// The eight pairs of a group.
#[inline]
fn group(pairs: &[[Entry; 2]], index: usize) -> Option<&[[Entry; 2]; 8]> {
    pairs.get(8 * index..)?.first_chunk()
}

/// Loads the left and the right points of eight pairs; a bit for each pair says whether one of them
/// is the identity.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load_pairs(points: &[G1Affine], pairs: &[[Entry; 2]; 8], to: &mut [[Eight; 2]; 2]) -> u8 {
    let entries = entries(pairs);
    let indices = _mm512_srli_epi32::<1>(entries);
    let count = _mm512_set1_epi32(points.len() as u32 as i32);
    assert_eq!(_mm512_cmplt_epu32_mask(indices, count), u16::MAX, "an entry has no point");
    let left = words(_mm512_and_si512(indices, _mm512_set1_epi64(u32::MAX.into())));
    let right = words(_mm512_srli_epi64::<32>(indices));
    // SAFETY: each index was found to be below the number of points.
    let (left, right) = unsafe { (at(points, left), at(points, right)) };
    let minus_left = _mm512_test_epi64_mask(entries, _mm512_set1_epi64(1));
    let minus_right = _mm512_test_epi64_mask(entries, _mm512_set1_epi64(1 << 32));
    to[0][0] = load(xs(left));
    to[1][0] = load(xs(right));
    to[0][1] = load_signed(left, minus_left);
    to[1][1] = load_signed(right, minus_right);
    to[0][0].is_zero() | to[1][0].is_zero()
}

/// The coordinates `y`, those in the mask with the other sign: at most `p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load_signed(points: [&G1Affine; 8], minus: u8) -> Eight {
    let y = load(ys(points));
    y.blend(minus, Eight::zero().sub(y, 1))
}

/// Eight pairs of entries.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn entries(pairs: &[[Entry; 2]; 8]) -> __m512i {
    // SAFETY: eight pairs of entries have the 64 bytes that are read.
    unsafe { _mm512_loadu_si512(pairs.as_ptr().cast()) }
}

/// The words of a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn words(vector: __m512i) -> [u64; 8] {
    let mut words = [0; 8];
    // SAFETY: eight words have the 64 bytes that are written.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
    words
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

/// Fetches the points of eight pairs into the cache.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn prefetch(points: &[G1Affine], pairs: &[[Entry; 2]; 8]) {
    for pair in pairs {
        for entry in pair {
            let point = points.as_ptr().wrapping_add((entry >> 1) as usize).cast::<i8>();
            _mm_prefetch::<_MM_HINT_T0>(point);
            _mm_prefetch::<_MM_HINT_T0>(point.wrapping_add(63));
        }
    }
}
