//! Points of the curve, eight at a time.
//!
//! Coordinates stay in memory form, of which a product divides by `2^4`: a coordinate `v` counts as
//! `v / 16`. With the inverses of denominators scaled by 1/4, which Montgomery's trick carries
//! through to each of them, slopes are quarters, whose squares are sixteenths again.
#![allow(unsafe_code, reason = "entry into code for lanes, and prefetches")]

mod doublings;
mod trees;

pub(super) use trees::Buffers;

use ff::Field;
use halo2curves::bn256::{Fq, G1Affine};

use super::trees::{Entry, Groups};
use crate::proving::simd::{self, load, store};

/// Eight elements of the curve's field.
type Eight = simd::Lanes<Fq>;

/// Proof that the processor has the features of lanes.
#[derive(Clone, Copy)]
pub(super) struct Lanes(());

impl Lanes {
    /// Nothing where the processor lacks the features.
    pub(super) fn new() -> Option<Self> {
        simd::available().then_some(Self(()))
    }

    /// Appends to `sums` the sum of each tree: see [`super::trees::Trees::sum`], with eight trees in
    /// a group. False, with `sums` as they were, if a point is the identity or the points of a pair
    /// have the same `x`.
    pub(super) fn sum(
        self,
        points: &[G1Affine],
        pairs: &[[Entry; 2]],
        groups: &Groups,
        buffers: &mut Buffers,
        sums: &mut Vec<G1Affine>,
    ) -> bool {
        // SAFETY: a value of this type exists only where the processor has the features.
        unsafe { trees::sum(points, pairs, groups, buffers, sums) }
    }

    /// `doublings[j l + i] = 2^i points[j]` for up to eight points, where `l` is the length of
    /// `doublings` for each. False, with `doublings` undefined, if a point is the identity.
    pub(super) fn double(self, points: &[G1Affine], doublings: &mut [G1Affine]) -> bool {
        // SAFETY: as above.
        unsafe { doublings::double(points, doublings) }
    }
}

/// Quarters of the inverses of the products, all of which are of coordinates as they are in lanes;
/// nothing if one is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert<const N: usize>(products: [Eight; N]) -> Option<[Eight; N]> {
    let mut elements = [[Fq::ZERO; 8]; N];
    for (elements, product) in elements.iter_mut().zip(products) {
        store(product.reduce().canonical(), elements.each_mut());
    }
    let mut before = [[Fq::ZERO; 8]; N];
    let mut total = Fq::ONE;
    for (element, before) in elements.as_flattened().iter().zip(before.as_flattened_mut()) {
        *before = total;
        total *= element;
    }
    // In memory form a product `P` reads `16 P`; the inverse wanted, `1 / (4 P)`, is `4 / P` there.
    let mut inverse = Option::<Fq>::from(total.invert())? * Fq::from(64);
    for (element, before) in elements.as_flattened_mut().iter_mut().zip(before.as_flattened()).rev()
    {
        let kept = *element;
        *element = inverse * before;
        inverse *= kept;
    }
    Some(elements.map(|elements| load(elements.each_ref())))
}

/// Four times a value below `16 p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn quadruple(value: Eight) -> Eight {
    let double = value.add(value);
    double.add(double)
}
