//! Kernels with scalar arithmetic.

use ff::{BatchInvert, Field};
use halo2curves::bn256::Fr;

use super::from_integer;

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

    fn add_multiples(&self, chunk: &mut [Fr], terms: &[(Fr, &[Fr])]) {
        for (factor, from) in terms {
            chunk.iter_mut().zip(*from).for_each(|(to, from)| *to += *factor * from);
        }
    }

    fn evaluate(&self, chunk: &[Fr], point: Fr) -> Fr {
        evaluate(chunk, point)
    }

    fn divide(&self, chunk: &mut [Fr], root: Fr, carry: Fr) {
        divide(chunk, root, carry);
    }

    fn invert(&self, chunk: &mut [Fr]) {
        chunk.iter_mut().batch_invert();
    }

    fn write_integers(&self, integers: &[i64], to: &mut [Fr]) {
        to.iter_mut().zip(integers).for_each(|(to, integer)| *to = from_integer(*integer));
    }
}

/// The value at `point` of the polynomial with these coefficients, by Horner's rule.
pub(super) fn evaluate(coefficients: &[Fr], point: Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |value, a| value * point + a)
}

/// The kernel, which returns what is carried on to the coefficients below.
pub(super) fn divide(chunk: &mut [Fr], root: Fr, carry: Fr) -> Fr {
    chunk.iter_mut().rev().fold(carry, |carry, a| carry * root + std::mem::replace(a, carry))
}
