//! Binary trees of additions of points in affine coordinates, many at once.
//!
//! The slope of the line through two points needs an inverse; Montgomery's trick shares one among
//! all additions of a level, for three products each. An addition then costs five products and a
//! square, half of what it costs in projective coordinates.

use ff::Field;
use halo2curves::bn256::{Fq, G1Affine};

#[cfg(target_arch = "x86_64")]
use super::lanes::{Buffers, Lanes};

/// Levels of the largest tree.
pub(super) const MAX_LEVELS: usize = 4;

/// Numbers of groups of trees, by levels of the trees; none has no level.
pub(super) type Groups = [usize; MAX_LEVELS + 1];

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

/// Sums trees, and keeps its buffers.
pub(super) struct Trees {
    arithmetic: Arithmetic,
    #[cfg(target_arch = "x86_64")]
    buffers: Buffers,
    slopes: Slopes,
}

impl Trees {
    /// Sums with the given additions.
    pub(super) fn new(arithmetic: Arithmetic) -> Self {
        Self {
            arithmetic,
            #[cfg(target_arch = "x86_64")]
            buffers: Buffers::default(),
            slopes: Slopes::default(),
        }
    }

    /// Trees in a group.
    pub(super) fn lanes(&self) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.arithmetic.lanes.is_some() {
            return 8;
        }
        1
    }

    /// Replaces `sums` by the sum of each tree, group by group.
    ///
    /// `pairs` are the trees' lowest level, the trees of most levels first, `groups[levels]` groups
    /// of them: for each group, the first pair of each tree, then the second pair of each, and so
    /// on.
    pub(super) fn sum(
        &mut self,
        points: &[G1Affine],
        pairs: &[[Entry; 2]],
        groups: &Groups,
        sums: &mut Vec<G1Affine>,
    ) {
        sums.clear();
        if pairs.is_empty() {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = self.arithmetic.lanes
            && lanes.sum(points, pairs, groups, &mut self.buffers, sums)
        {
            return;
        }
        self.sum_scalar(points, pairs, groups, sums);
    }

    /// As [`Self::sum`], by scalar code.
    fn sum_scalar(
        &mut self,
        points: &[G1Affine],
        pairs: &[[Entry; 2]],
        groups: &Groups,
        sums: &mut Vec<G1Affine>,
    ) {
        let lanes = self.lanes();
        let mut level = self.slopes.add(points, pairs);
        // Trees that are finished are the last ones.
        let mut finished = Vec::new();
        for now in &groups[1..] {
            let rest = level.split_off(level.len() - now * lanes);
            finished.push(rest);
            let pairs: Vec<[Entry; 2]> = (0..level.len() / 2)
                .map(|pair| {
                    let left = pair / lanes * 2 * lanes + pair % lanes;
                    [left, left + lanes].map(|index| (index as Entry) << 1)
                })
                .collect();
            level = self.slopes.add(&level, &pairs);
        }
        sums.extend(finished.into_iter().rev().flatten());
    }
}

/// Buffers of scalar additions.
#[derive(Default)]
struct Slopes {
    /// Denominators of the slopes, then their inverses.
    slopes: Vec<Fq>,
    /// Products of the denominators before each.
    products: Vec<Fq>,
}

impl Slopes {
    /// The sum of each pair.
    fn add(&mut self, points: &[G1Affine], pairs: &[[Entry; 2]]) -> Vec<G1Affine> {
        self.invert_denominators(points, pairs);
        let slopes = pairs.iter().zip(&self.slopes);
        slopes.map(|([p, q], slope)| add(&point(points, *p), &point(points, *q), slope)).collect()
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
