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

use super::domain::power;

/// Elements that one task takes.
const CHUNK: usize = 1 << 11;

/// Coefficients that one task divides, in eight blocks that lie in different places of a cache.
const DIVIDED: usize = 8 * 258;

/// What is done with a chunk, on one thread.
trait Kernels: Sync {
    /// Multiplies element `i` by `first ratio^i`.
    fn multiply_by_powers(&self, chunk: &mut [Fr], first: Fr, ratio: Fr);

    /// Adds multiples of vectors that are as long.
    fn add_multiples(&self, chunk: &mut [Fr], terms: &[(Fr, &[Fr])]);

    /// The value at `point` of the polynomial whose coefficients are `chunk`.
    fn evaluate(&self, chunk: &[Fr], point: Fr) -> Fr;

    /// Replaces coefficient `i` by `sum_(j > i) chunk_j root^(j - i - 1)`, where `carry` is the
    /// sum over all `j` above the chunk for its last coefficient.
    fn divide(&self, chunk: &mut [Fr], root: Fr, carry: Fr);

    /// Inverts all elements but zeros, which stay.
    fn invert(&self, chunk: &mut [Fr]);

    /// Writes integers as elements.
    fn write_integers(&self, integers: &[i64], to: &mut [Fr]);
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
        let first = power(ratio, task * CHUNK);
        kernels.multiply_by_powers(chunk, first, ratio);
    });
}

/// Adds `factor from` to `to`, which is at least as long.
///
/// # Panics
/// When it is not.
pub fn add_multiple(to: &mut [Fr], from: &[Fr], factor: Fr) {
    add_multiples(to, &[(factor, from)]);
}

/// Adds the sum of factors times vectors to `to`, which is at least as long as each of them.
///
/// # Panics
/// When it is not.
pub fn add_multiples(to: &mut [Fr], terms: &[(Fr, &[Fr])]) {
    assert!(terms.iter().all(|(_, from)| from.len() <= to.len()), "a term is longer than the sum");
    let kernels = kernels();
    to.par_chunks_mut(CHUNK).enumerate().for_each(|(task, chunk)| {
        let of_chunk = terms.iter().filter_map(|(factor, from)| {
            let from = from.get(task * CHUNK..)?;
            Some((*factor, &from[..from.len().min(chunk.len())]))
        });
        let mut terms: Vec<(Fr, &[Fr])> = of_chunk.collect();
        // Terms may end in different places: shortest first.
        terms.sort_by_key(|(_, from)| from.len());
        let (mut terms, mut done) = (terms.as_slice(), 0);
        while let Some((_, shortest)) = terms.first() {
            let end = shortest.len();
            let parts: Vec<(Fr, &[Fr])> =
                terms.iter().map(|(f, from)| (*f, &from[done..end])).collect();
            kernels.add_multiples(&mut chunk[done..end], &parts);
            let ended = terms.partition_point(|(_, from)| from.len() <= end);
            (terms, done) = (&terms[ended..], end);
        }
    });
}

/// The value at `point` of the polynomial with these coefficients.
#[must_use]
pub fn evaluate(coefficients: &[Fr], point: Fr) -> Fr {
    let kernels = kernels();
    let values: Vec<Fr> =
        coefficients.par_chunks(CHUNK).map(|chunk| kernels.evaluate(chunk, point)).collect();
    scalar::evaluate(&values, power(point, CHUNK))
}

/// Replaces the coefficients of a polynomial by those of its quotient by `X - root`; the remainder
/// is dropped. The last coefficient becomes zero.
pub fn divide_by_linear(coefficients: &mut [Fr], root: Fr) {
    let kernels = kernels();
    let mut carries: Vec<Fr> =
        coefficients.par_chunks(DIVIDED).map(|chunk| kernels.evaluate(chunk, root)).collect();
    // From the values of all chunks to what comes into each from those above it.
    scalar::Kernels.divide(&mut carries, power(root, DIVIDED), Fr::ZERO);
    coefficients
        .par_chunks_mut(DIVIDED)
        .zip(carries)
        .for_each(|(chunk, carry)| kernels.divide(chunk, root, carry));
}

/// Inverts all elements but zeros, which stay.
pub fn invert(vector: &mut [Fr]) {
    let kernels = kernels();
    vector.par_chunks_mut(CHUNK).for_each(|chunk| kernels.invert(chunk));
}

/// Elements of integers.
#[must_use]
pub fn from_integers<I: Copy + Into<i64> + Sync>(integers: &[I]) -> Vec<Fr> {
    let mut elements = vec![Fr::ZERO; integers.len()];
    write_integers(integers, &mut elements);
    elements
}

/// As [`from_integers`], written over `elements`.
///
/// # Panics
/// When there is not an element for each integer.
pub fn write_integers<I: Copy + Into<i64> + Sync>(integers: &[I], elements: &mut [Fr]) {
    assert_eq!(integers.len(), elements.len(), "an element an integer");
    let kernels = kernels();
    elements.par_chunks_mut(CHUNK).zip(integers.par_chunks(CHUNK)).for_each(|(to, integers)| {
        let integers: Vec<i64> = integers.iter().map(|integer| (*integer).into()).collect();
        kernels.write_integers(&integers, to);
    });
}

/// The element of an integer.
#[must_use]
pub fn from_integer(integer: i64) -> Fr {
    let magnitude = Fr::from(integer.unsigned_abs());
    if integer < 0 { -magnitude } else { magnitude }
}
