//! Transforms of columns, one in each lane.
//!
//! Decimation in time; halves first, so that a small block is done while it is in the first cache.
//! Nothing is reduced: the first two levels make `14 p` of elements below `2 p`, each other adds 10
//! to the multiple (2 when products are computed in full), and everything must stay below `84 p`.

use halo2curves::bn256::Fr;

use super::Twiddles;
use crate::proving::simd::{Lanes, butterfly, plain_butterfly};

/// Rows, in the order of reversed bits, between those that are loaded and those that will be.
const AHEAD: usize = 8;

/// Transforms of columns of one height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns<'a> {
    twiddles: &'a Twiddles,
    /// Logarithm of the number of rows.
    height: u32,
    /// From this level on, products are computed in full.
    tight_from: u32,
}

impl<'a> Columns<'a> {
    /// Transforms of `rows` rows, four at least.
    pub(super) fn new(twiddles: &'a Twiddles, rows: usize) -> Self {
        let height = rows.ilog2();
        let tight_from = match height {
            ..=9 => height + 1, // 14 + 10 * 7 = 84
            10..=13 => 9,       // 14 + 10 * 6 + 2 * 5 = 84
            _ => 7,             // 14 + 10 * 4 + 2 * 8 = 70
        };
        Self { twiddles, height, tight_from }
    }

    /// Transforms the rows that `load` gives, carried and below `2 p`, into `to`: below `84 p`,
    /// modulo `2^260`. `prefetch` is told which rows are loaded soon.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn transform(
        self,
        to: &mut [Lanes<Fr>],
        prefetch: impl Fn(usize),
        load: impl Fn(usize) -> Lanes<Fr>,
    ) {
        self.block(to, 0, &prefetch, &load);
    }

    /// All levels of a block, whose first row is `start` in the order of reversed bits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn block(
        self,
        block: &mut [Lanes<Fr>],
        start: usize,
        prefetch: &impl Fn(usize),
        load: &impl Fn(usize) -> Lanes<Fr>,
    ) {
        if let [a, b, c, d] = block {
            let row = |i: usize| (start + i).reverse_bits() >> (usize::BITS - self.height);
            if start + AHEAD < 1 << self.height {
                (AHEAD..AHEAD + 4).for_each(|i| prefetch(row(i)));
            }
            (*a, *b, *c, *d) = (load(row(0)), load(row(1)), load(row(2)), load(row(3)));
            self.two_levels(a, b, c, d);
            return;
        }
        let half = block.len() / 2;
        for (i, part) in block.chunks_exact_mut(half).enumerate() {
            self.block(part, start + i * half, prefetch, load);
        }
        match block.len().ilog2() >= self.tight_from {
            true => self.level::<true>(block),
            false => self.level::<false>(block),
        }
    }

    /// The first two levels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn two_levels(
        self,
        a: &mut Lanes<Fr>,
        b: &mut Lanes<Fr>,
        c: &mut Lanes<Fr>,
        d: &mut Lanes<Fr>,
    ) {
        let (sum, other) = (a.add(*b), c.add(*d));
        let (e, f) = butterfly::<false>(a.sub(*b, 2), c.sub(*d, 2), &self.twiddles.level(2)[1]);
        (*a, *b, *c, *d) = (sum.add(other), e, sum.sub(other, 4), f);
    }

    /// The last level of a block.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn level<const TIGHT: bool>(self, block: &mut [Lanes<Fr>]) {
        let twiddles = self.twiddles.level(block.len().ilog2());
        let (left, right) = block.split_at_mut(twiddles.len());
        for (j, ((a, b), twiddle)) in left.iter_mut().zip(right).zip(twiddles).enumerate() {
            (*a, *b) = match j {
                // The first twiddle is 1.
                0 => plain_butterfly(*a, *b),
                _ => butterfly::<TIGHT>(*a, *b, twiddle),
            };
        }
    }
}
