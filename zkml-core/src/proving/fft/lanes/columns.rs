//! Transforms of columns, one in each lane.
//!
//! Decimation in time; halves first, so that a small block is done while it is in the first cache.
//! Nothing is reduced: the first two levels make `14 p` of elements below `2 p`, each other adds 10
//! to the multiple (2 when products are computed in full), and everything must stay below `80 p`.

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
            ..=8 => height + 1, // 14 + 10 * 6 = 74
            9..=11 => 9,        // 14 + 10 * 6 + 2 * 3 = 80
            _ => 7,             // 14 + 10 * 4 + 2 * 8 = 70
        };
        Self { twiddles, height, tight_from }
    }

    /// Transforms the rows that `load` gives, carried and below `2 p`, into `to`: below `80 p`,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ff::{Field, PrimeField};

    use super::*;
    use crate::proving::domain::omega;
    use crate::proving::simd::{available, load, store};

    /// Columns of `- 1` and 0 in turn, of `- 1`, and of one `- 1` in the last row, at each height.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn check(height: u32) {
        let (rows, twiddles) = (1usize << height, Arc::new(Twiddles::new(28, omega(28))));
        let row = |i1: usize| {
            let on = [i1.is_multiple_of(2), true, i1 + 1 == rows];
            let values: [Fr; 8] = std::array::from_fn(|lane| match on[lane % 3] {
                true => -Fr::ONE,
                false => Fr::ZERO,
            });
            load(values.each_ref())
        };
        let mut transformed = vec![Lanes::zero(); rows];
        Columns::new(&twiddles, rows).transform(&mut transformed, |_| {}, row);
        let inverse = twiddles.root(height).invert().expect("a root of unity");
        let mut power = Fr::ONE;
        for (j1, value) in transformed.into_iter().enumerate() {
            let mut got = [Fr::ZERO; 8];
            store(value.carry_wrapping().reduce().canonical(), got.each_mut());
            let sum = |at: bool, of: usize| if at { -Fr::from(of as u64) } else { Fr::ZERO };
            let expected = [sum(j1 % (rows / 2) == 0, rows / 2), sum(j1 == 0, rows), -power];
            for (lane, got) in got.iter().enumerate() {
                assert_eq!(*got, expected[lane % 3], "height {height}, row {j1}, lane {lane}");
            }
            power *= inverse;
        }
    }

    #[test]
    fn columns_of_every_height_stay_within_bounds() {
        if !available() {
            return;
        }
        assert_eq!(Fr::S, 28, "no column is higher than 14 levels");
        for height in 3..=14 {
            // SAFETY: the processor has the features.
            #[allow(unsafe_code, reason = "calls of functions that need the processor's features")]
            unsafe {
                check(height);
            }
        }
    }
}
