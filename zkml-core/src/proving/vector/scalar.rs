//! Kernels with scalar arithmetic.

use halo2curves::bn256::Fr;

/// Scalar arithmetic.
#[derive(Debug)]
pub(super) struct Kernels;

impl super::Kernels for Kernels {
    fn multiply_by_powers(&self, chunk: &mut [Fr], first: Fr, ratio: Fr) {
        let mut power = first;
        for element in chunk {
            *element *= power;
            power *= ratio;
        }
    }
}
