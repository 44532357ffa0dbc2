//! Sums of pairs of points in affine coordinates, many at once.
//!
//! The slope of the line through two points needs an inverse; Montgomery's trick shares one among
//! all pairs of a call, for three products each. An addition then costs five products and a
//! square, half of what it costs in projective coordinates.

use ff::Field;
use halo2curves::bn256::{Fq, G1Affine};

#[cfg(target_arch = "x86_64")]
use super::lanes::{Lanes, Products};

/// A point of a list, or its opposite: twice its position, plus one for the opposite.
pub(super) type Entry = u32;

/// The point that an entry means.
#[inline]
pub(super) fn point(points: &[G1Affine], entry: Entry) -> G1Affine {
    let point = points[(entry >> 1) as usize];
    if entry & 1 == 1 { -point } else { point }
}

/// The curve's order is odd, so that only the identity, (0, 0) in memory, has `y = 0`.
#[inline]
pub(super) fn is_identity(point: &G1Affine) -> bool {
    point.y == Fq::zero()
}

/// How points are added: on lanes where the processor can, in scalar code otherwise. The sums are
/// the same.
#[derive(Clone, Copy)]
pub(super) struct Arithmetic {
    #[cfg(target_arch = "x86_64")]
    pub(super) lanes: Option<Lanes>,
}

impl Arithmetic {
    /// The fastest of this processor.
    pub(super) fn fastest() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            lanes: Lanes::new(),
        }
    }

    /// Scalar code.
    #[cfg(test)]
    pub(super) fn scalar() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            lanes: None,
        }
    }
}

/// Adds pairs of points, and keeps its buffers.
pub(super) struct PairAdder {
    arithmetic: Arithmetic,
    #[cfg(target_arch = "x86_64")]
    lane_products: Products,
    /// Denominators of the slopes, then their inverses.
    slopes: Vec<Fq>,
    /// Products of the denominators before each.
    products: Vec<Fq>,
}

impl PairAdder {
    pub(super) fn new(arithmetic: Arithmetic) -> Self {
        Self {
            arithmetic,
            #[cfg(target_arch = "x86_64")]
            lane_products: Products::default(),
            slopes: Vec::new(),
            products: Vec::new(),
        }
    }

    /// `sums[i] = pairs[i][0] + pairs[i][1]`, of entries of `points`.
    pub(super) fn add(&mut self, points: &[G1Affine], pairs: &[[Entry; 2]], sums: &mut [G1Affine]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = self.arithmetic.lanes
            && lanes.add(points, pairs, sums, &mut self.lane_products)
        {
            return;
        }
        self.invert_denominators(points, pairs);
        for ((sum, pair), inverse) in sums.iter_mut().zip(pairs).zip(&self.slopes) {
            *sum = add(&point(points, pair[0]), &point(points, pair[1]), inverse);
        }
    }

    /// Fills `slopes` with the inverse denominators of all pairs.
    fn invert_denominators(&mut self, points: &[G1Affine], pairs: &[[Entry; 2]]) {
        self.slopes.clear();
        self.products.clear();
        let mut product = Fq::ONE;
        for pair in pairs {
            let denominator = denominator(&point(points, pair[0]), &point(points, pair[1]));
            self.products.push(product);
            product *= denominator;
            self.slopes.push(denominator);
        }
        // No factor is zero: see `denominator`.
        let mut inverse = product.invert().unwrap_or(Fq::ZERO);
        for (slope, product) in self.slopes.iter_mut().zip(&self.products).rev() {
            let denominator = *slope;
            *slope = inverse * product;
            inverse *= denominator;
        }
    }
}

/// Denominator of the slope of the line through `p` and `q`; 1 where no slope is needed. Not zero.
#[inline]
fn denominator(p: &G1Affine, q: &G1Affine) -> Fq {
    if is_identity(p) || is_identity(q) {
        Fq::ONE
    } else if p.x != q.x {
        q.x - p.x
    } else if p.y == q.y {
        p.y + p.y
    } else {
        Fq::ONE
    }
}

/// `p + q`, given the inverse of their [`denominator`].
#[inline]
fn add(p: &G1Affine, q: &G1Affine, inverse: &Fq) -> G1Affine {
    let slope = if is_identity(p) {
        return *q;
    } else if is_identity(q) {
        return *p;
    } else if p.x != q.x {
        (q.y - p.y) * inverse
    } else if p.y == q.y {
        let square = p.x.square();
        (square + square + square) * inverse
    } else {
        return G1Affine::default();
    };
    let x = slope.square() - p.x - q.x;
    G1Affine { x, y: slope * (p.x - x) - p.y }
}
