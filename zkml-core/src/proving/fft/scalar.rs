//! Transforms with scalar arithmetic: radix 2, decimation in time.

use std::sync::Arc;

use ff::Field;
use halo2curves::bn256::Fr;

use super::{Formula, Roots, Transform};
use crate::proving::domain::geometric;

/// Transforms above this size are halved over two threads.
const SPLIT: usize = 1 << 14;
/// Transforms up to this size run level by level: their data stay in the first cache.
const LEVELS: usize = 1 << 9;

/// `root^i` for half of the powers of a root of order `2^k`.
#[derive(Clone, Debug)]
pub(super) struct Twiddles(Arc<[Fr]>);

impl Twiddles {
    /// The twiddles of a root of order `2^k`.
    pub(super) fn shared(k: u32, root: Fr) -> Arc<dyn Roots> {
        Arc::new(Self(geometric(root, Fr::ONE, (1usize << k) / 2).into()))
    }

    /// Butterflies of all levels up to `a.len()`, on bit-reversed input.
    fn butterflies(&self, a: &mut [Fr]) {
        if a.len() <= LEVELS {
            // All twiddles of the first level are 1.
            for pair in a.chunks_exact_mut(2) {
                (pair[0], pair[1]) = (pair[0] + pair[1], pair[0] - pair[1]);
            }
            let mut size = 4;
            while size <= a.len() {
                a.chunks_exact_mut(size).for_each(|block| self.level(block));
                size *= 2;
            }
            return;
        }
        let (left, right) = a.split_at_mut(a.len() / 2);
        if left.len() >= SPLIT {
            rayon::join(|| self.butterflies(left), || self.butterflies(right));
        } else {
            self.butterflies(left);
            self.butterflies(right);
        }
        self.level(a);
    }

    /// The last level of a transform of `block`.
    fn level(&self, block: &mut [Fr]) {
        let half = block.len() / 2;
        let step = self.0.len() / half;
        let (left, right) = block.split_at_mut(half);
        let (Some((a, left)), Some((b, right))) = (left.split_first_mut(), right.split_first_mut())
        else {
            return;
        };
        // The first twiddle is 1: half of those of the second level, a quarter of the third...
        (*a, *b) = (*a + *b, *a - *b);
        let twiddles = self.0.iter().step_by(step).skip(1);
        for ((a, b), twiddle) in left.iter_mut().zip(right).zip(twiddles) {
            let t = *b * twiddle;
            *b = *a - t;
            *a += t;
        }
    }
}

impl Roots for Twiddles {
    fn transform(&self, formula: Formula) -> Arc<dyn Transform> {
        let n = formula.folds << formula.k;
        let factors = geometric(formula.shift, formula.factor, n);
        Arc::new(Tables { k: formula.k, twiddles: self.clone(), factors })
    }
}

/// A transform of size `2^k`.
#[derive(Debug)]
struct Tables {
    k: u32,
    twiddles: Twiddles,
    /// What each coefficient is multiplied by.
    factors: Vec<Fr>,
}

impl Transform for Tables {
    fn run(&self, from: &[Fr], to: &mut [Fr]) {
        for (i, to) in to.iter_mut().enumerate() {
            // The first 2^0 results are in order already, and the shift would overflow.
            let reversed = i.reverse_bits().unbounded_shr(usize::BITS - self.k);
            let folded = from.iter().zip(&self.factors).skip(reversed).step_by(1 << self.k);
            *to = folded.map(|(a, factor)| *a * factor).sum();
        }
        self.twiddles.butterflies(to);
    }
}
