//! Operations on vectors of field elements, in parallel.
//!
//! Vectors are cut into chunks, a task each. Two kinds of kernels work on a chunk, with the same
//! results to the bit: scalar ones, and ones on eight lanes where the processor has AVX-512 IFMA.

#[cfg(target_arch = "x86_64")]
mod lanes;
mod scalar;
#[cfg(test)]
mod tests;

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

/// Elements that one task takes.
const CHUNK: usize = 1 << 10;

/// What is done with a chunk, on one thread.
trait Kernels: Sync {
    /// Multiplies element `i` by `first ratio^i`.
    fn multiply_by_powers(&self, chunk: &mut [Fr], first: Fr, ratio: Fr);
}

/// The fastest kernels for this processor.
fn kernels() -> &'static dyn Kernels {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernels) = lanes::Kernels::get() {
        return kernels;
    }
    &scalar::Kernels
}

/// `1, base, base^2, ...`: `count` of them.
#[must_use]
pub fn powers(base: Fr, count: usize) -> Vec<Fr> {
    let mut powers = vec![Fr::ONE; count];
    multiply_by_powers(&mut powers, base);
    powers
}

/// Multiplies element `i` by `ratio^i`.
pub fn multiply_by_powers(vector: &mut [Fr], ratio: Fr) {
    let kernels = kernels();
    vector.par_chunks_mut(CHUNK).enumerate().for_each(|(task, chunk)| {
        let first = ratio.pow_vartime([(task * CHUNK) as u64]);
        kernels.multiply_by_powers(chunk, first, ratio);
    });
}
