//! One window of Pippenger's method: `sum_i d_i P_i` for signed digits `d_i`.
//!
//! Points are sorted by `|d_i|` and each bucket is summed as a binary tree, all buckets of a block
//! level by level, in affine coordinates: an addition costs five multiplications, a squaring and a
//! share of one inversion per level (Montgomery's trick), half of what projective ones cost. A
//! block of buckets holds about [`BLOCK`] points, so that its levels stay in the cache.

use ff::Field;
use group::Group;
use halo2curves::bn256::{Fq, G1, G1Affine};

use super::digits::Digits;

/// Points of a block.
const BLOCK: usize = 4096;

/// `sum_i d_i bases[i]`, where `d_i` is the digit of scalar `first + i` in the window of `width`
/// bits at bit `start`.
pub(super) fn window_sum(
    bases: &[G1Affine],
    scalars: &(impl Digits + ?Sized),
    first: usize,
    start: u32,
    width: u32,
) -> G1 {
    let digit = |index: usize| scalars.digit(first + index, start, width);
    // ends[b] counts the points of bucket b (digit magnitude b + 1), then is where they end.
    let mut ends = vec![0u32; 1 << (width - 1)];
    let mut used = 0;
    for (index, base) in bases.iter().enumerate() {
        let magnitude = digit(index).unsigned_abs() as usize;
        if magnitude != 0 && !is_identity(base) {
            ends[magnitude - 1] += 1;
            used = used.max(magnitude);
        }
    }
    ends.truncate(used);
    let mut total = 0;
    for end in &mut ends {
        let count = *end;
        *end = total;
        total += count;
    }
    // Index and sign of each point, by bucket; filling turns the starts into ends.
    let mut sorted = vec![0u32; total as usize];
    for (index, base) in bases.iter().enumerate() {
        let digit = digit(index);
        if digit != 0 && !is_identity(base) {
            let position = &mut ends[digit.unsigned_abs() as usize - 1];
            sorted[*position as usize] = (index as u32) << 1 | u32::from(digit < 0);
            *position += 1;
        }
    }
    weighted_sum(&bucket_sums(bases, &sorted, &ends))
}

/// The sum of each bucket, where bucket `b` holds the entries of `sorted` up to `ends[b]`.
fn bucket_sums(bases: &[G1Affine], sorted: &[u32], ends: &[u32]) -> Vec<G1Affine> {
    let mut sums = Vec::with_capacity(ends.len());
    let mut block = Block::default();
    let mut from = 0;
    for end in ends {
        let entries = &sorted[from..*end as usize];
        from = *end as usize;
        if block.points.len() + entries.len() > BLOCK {
            block.drain_into(&mut sums);
        }
        block.runs.push(entries.len());
        block.points.extend(entries.iter().map(|entry| {
            let base = bases[(entry >> 1) as usize];
            if entry & 1 == 1 { -base } else { base }
        }));
    }
    block.drain_into(&mut sums);
    sums
}

/// `sum_b (b + 1) sums[b]` by partial sums from the top.
fn weighted_sum(sums: &[G1Affine]) -> G1 {
    let mut running = G1::identity();
    let mut total = G1::identity();
    for sum in sums.iter().rev() {
        if !is_identity(sum) {
            running += sum;
        }
        total += running;
    }
    total
}

/// Consecutive buckets whose points are being added up.
#[derive(Default)]
struct Block {
    /// Points left in each bucket.
    runs: Vec<usize>,
    /// These points, bucket by bucket.
    points: Vec<G1Affine>,
    /// Denominators of the slopes of one level's additions, then their inverses.
    slopes: Vec<Fq>,
    /// Products of the denominators before each.
    products: Vec<Fq>,
}

impl Block {
    /// Appends the sum of each bucket to `sums` and empties the block.
    fn drain_into(&mut self, sums: &mut Vec<G1Affine>) {
        while self.runs.iter().any(|run| *run > 1) {
            self.halve();
        }
        let mut points = self.points.iter();
        sums.extend(self.runs.iter().map(|run| match run {
            0 => G1Affine::default(),
            _ => points.next().copied().unwrap_or_default(),
        }));
        self.runs.clear();
        self.points.clear();
    }

    /// Adds up neighbours within each bucket.
    fn halve(&mut self) {
        self.invert_denominators();
        let mut inverses = self.slopes.iter();
        let (mut read, mut write) = (0, 0);
        for run in &mut self.runs {
            let end = read + *run;
            while read + 1 < end {
                // One inverse was made for each of these pairs, in this order.
                let Some(inverse) = inverses.next() else { return };
                self.points[write] = add(&self.points[read], &self.points[read + 1], inverse);
                read += 2;
                write += 1;
            }
            if read < end {
                self.points[write] = self.points[read];
                read += 1;
                write += 1;
            }
            *run = run.div_ceil(2);
        }
        self.points.truncate(write);
    }

    /// Fills `slopes` with the inverse denominators of all pairs, in order.
    fn invert_denominators(&mut self) {
        self.slopes.clear();
        self.products.clear();
        let mut product = Fq::ONE;
        let mut read = 0;
        for run in &self.runs {
            for pair in self.points[read..read + run].chunks_exact(2) {
                let denominator = denominator(&pair[0], &pair[1]);
                self.products.push(product);
                product *= denominator;
                self.slopes.push(denominator);
            }
            read += run;
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

/// The curve's order is odd, so that only the identity, (0, 0) in memory, has `y = 0`.
#[inline]
fn is_identity(point: &G1Affine) -> bool {
    point.y == Fq::zero()
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
