//! Roots of unity, ready to multiply lanes by.

use ff::Field;
use halo2curves::bn256::Fr;

use crate::proving::domain::geometric;
use crate::proving::simd::Fixed;

/// Twiddles of all columns that transforms of up to `2^k` elements have.
#[derive(Debug)]
pub(in crate::proving::fft) struct Twiddles {
    /// A root of order `2^l` for each `l` up to `k`.
    roots: Vec<Fr>,
    /// For each level `l` of a column, `w^j` for `j < 2^(l - 1)`, with `w` of order `2^l`.
    levels: Vec<Vec<Fixed>>,
}

impl Twiddles {
    /// Twiddles of a root of order `2^k`.
    pub(super) fn new(k: u32, root: Fr) -> Self {
        let mut roots = vec![root];
        for _ in 0..k {
            let last = roots[roots.len() - 1];
            roots.push(last.square());
        }
        roots.reverse();
        let mut levels = vec![Vec::new()];
        levels.extend((1..=k.div_ceil(2) as usize).map(|level| {
            let powers = geometric(roots[level], Fr::ONE, 1 << (level - 1));
            powers.iter().map(Fixed::new).collect()
        }));
        Self { roots, levels }
    }

    /// The root of order `2^k`.
    pub(super) fn root(&self, k: u32) -> Fr {
        self.roots[k as usize]
    }

    /// `w^j` for `j < 2^(level - 1)`, with `w` of order `2^level`.
    pub(super) fn level(&self, level: u32) -> &[Fixed] {
        &self.levels[level as usize]
    }
}
