//! Kernels on lanes: eight adjacent elements at a time, what is left over with scalar arithmetic.
#![allow(unsafe_code, reason = "calls of functions that need the processor's features")]

use ff::Field;
use halo2curves::bn256::Fr;

use super::{Kernels as _, scalar};
use crate::proving::domain::geometric;
use crate::proving::simd::{LANES, Spread, available, load_row, load_scaled, store};

/// Arithmetic on lanes, for processors that have the features.
#[derive(Debug)]
pub(super) struct Kernels(());

impl Kernels {
    /// The kernels, if the processor can run them.
    pub(super) fn get() -> Option<&'static Self> {
        available().then_some(&Self(()))
    }
}

impl super::Kernels for Kernels {
    fn multiply_by_powers(&self, chunk: &mut [Fr], first: Fr, ratio: Fr) {
        // SAFETY: there are kernels only where the processor has the features.
        unsafe { multiply_by_powers(chunk, first, ratio) }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_by_powers(chunk: &mut [Fr], first: Fr, ratio: Fr) {
    let (rows, rest) = chunk.as_chunks_mut::<LANES>();
    let powers = geometric(ratio, first, LANES);
    let of_row = ratio.pow_vartime([LANES as u64]);
    let rest_first = first * of_row.pow_vartime([rows.len() as u64]);
    let step = Spread::new(&of_row).lanes();
    let mut power = load_scaled(std::array::from_fn(|lane| &powers[lane]));
    for row in rows {
        store(load_row(row).mul(power).canonical(), row.each_mut());
        power = power.mul(step);
    }
    scalar::Kernels.multiply_by_powers(rest, rest_first, ratio);
}
