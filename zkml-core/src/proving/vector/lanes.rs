//! Kernels on lanes: eight adjacent elements at a time, or eight blocks of a chunk; what is left
//! over with scalar arithmetic.
#![allow(unsafe_code, reason = "calls of functions that need the processor's features")]

use ff::{BatchInvert, Field};
use halo2curves::bn256::Fr;

use super::{Kernels as _, from_integer, scalar};
use crate::proving::domain::{geometric, power};
use crate::proving::simd::{
    Fixed, LANES, Lanes, Products, Spread, available, load, load_row, load_scaled, multiply_add,
    prefetch, store,
};

/// Terms whose products are summed before they are reduced: they stay below `2 p`.
const TERMS: usize = 64;
/// Rows whose sums are kept unreduced, in the first cache.
const BLOCK: usize = 16;
/// Fewer vectors than this are read together.
const STREAMS: usize = 5;
/// Pairs of rows between the one that is used and the one that is brought.
const AHEAD: usize = 8;

/// Arithmetic on lanes, for processors that have the features.
#[derive(Debug)]
pub(super) struct Kernels(());

impl Kernels {
    /// The kernels, if the processor can run them.
    pub(super) fn get() -> Option<&'static Self> {
        available().then_some(&Self(()))
    }
}

// SAFETY of all calls: there are kernels only where the processor has the features.
impl super::Kernels for Kernels {
    fn multiply_by_powers(&self, chunk: &mut [Fr], first: Fr, ratio: Fr) {
        // SAFETY: see above.
        unsafe { multiply_by_powers(chunk, first, ratio) }
    }

    fn add_multiples(&self, chunk: &mut [Fr], terms: &[(Fr, &[Fr])]) {
        for terms in terms.chunks(TERMS) {
            // SAFETY: see above.
            unsafe { add_multiples(chunk, terms) }
        }
    }

    fn evaluate(&self, chunk: &[Fr], point: Fr) -> Fr {
        // SAFETY: see above.
        unsafe { evaluate(chunk, point) }
    }

    fn divide(&self, chunk: &mut [Fr], root: Fr, carry: Fr) {
        // SAFETY: see above.
        unsafe { divide(chunk, root, carry) }
    }

    fn invert(&self, chunk: &mut [Fr]) {
        // SAFETY: see above.
        unsafe { invert(chunk) }
    }

    fn write_integers(&self, integers: &[i64], to: &mut [Fr]) {
        // SAFETY: see above.
        unsafe { write_integers(integers, to) }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_by_powers(chunk: &mut [Fr], first: Fr, ratio: Fr) {
    let (rows, rest) = chunk.as_chunks_mut::<LANES>();
    let powers = geometric(ratio, first, LANES);
    let of_row = power(ratio, LANES);
    let rest_first = first * power(of_row, rows.len());
    let step = Fixed::new(&of_row);
    let mut factors = load_scaled(std::array::from_fn(|lane| &powers[lane]));
    for row in rows {
        store(load_row(row).mul(factors).canonical(), row.each_mut());
        factors = multiply_add(factors, &step, Lanes::zero()).carry_wrapping();
    }
    scalar::Kernels.multiply_by_powers(rest, rest_first, ratio);
}

/// A block of rows after another, each through all terms: neighbours are read together, as vectors
/// of a power of two elements lie in the same places of a cache.
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_multiples(chunk: &mut [Fr], terms: &[(Fr, &[Fr])]) {
    let (rows, rest) = chunk.as_chunks_mut::<LANES>();
    let on_rows: Vec<(Spread, &[[Fr; LANES]])> =
        terms.iter().map(|(factor, from)| (Spread::new(factor), from.as_chunks().0)).collect();
    let height = if terms.len() < STREAMS { 1 } else { BLOCK };
    let mut sums = vec![Products::new(); height];
    for (i, block) in rows.chunks_mut(height).enumerate() {
        for (factor, from) in &on_rows {
            let factor = factor.lanes();
            let (now, next) = from[i * height..].split_at(block.len());
            for (j, (sum, row)) in sums.iter_mut().zip(now).enumerate() {
                prefetch(next.get(j).unwrap_or(row));
                sum.add(load_row(row), factor);
            }
        }
        for (sum, row) in sums.iter_mut().zip(block) {
            let sum = std::mem::replace(sum, Products::new()).sum().add(load_row(row)).carry();
            store(sum.reduce().canonical(), row.each_mut());
        }
    }
    let done = rows.len() * LANES;
    let on_rest: Vec<(Fr, &[Fr])> = terms.iter().map(|(f, from)| (*f, &from[done..])).collect();
    scalar::Kernels.add_multiples(rest, &on_rest);
}

/// Horner's rule on even and odd rows of eight coefficients.
#[target_feature(enable = "avx512f,avx512ifma")]
fn evaluate(chunk: &[Fr], point: Fr) -> Fr {
    let (pairs, rest) = chunk.as_chunks::<{ 2 * LANES }>();
    let powers = geometric(point, Fr::ONE, LANES);
    let of_row = powers[LANES - 1] * point;
    let of_pair = of_row.square();
    let step = Fixed::new(&of_pair);
    let (mut even, mut odd) = (Lanes::zero(), Lanes::zero());
    for (i, pair) in pairs.iter().enumerate().rev() {
        prefetch(&pairs[i.saturating_sub(AHEAD)]);
        let rows = pair.as_chunks().0;
        even = multiply_add(even, &step, load_row(&rows[0]));
        odd = multiply_add(odd, &step, load_row(&rows[1]));
    }
    let value = multiply_add(odd, &Fixed::new(&of_row), even).carry_wrapping();
    let of_lanes = load_scaled(std::array::from_fn(|lane| &powers[lane]));
    let mut values = [Fr::ZERO; LANES];
    store(value.mul(of_lanes).reduce().canonical(), values.each_mut());
    let above = scalar::evaluate(rest, point) * power(of_pair, pairs.len());
    values.iter().fold(above, |sum, value| sum + value)
}

/// Eight blocks of the chunk at once: first their values, which give what comes into each, then
/// their quotients.
#[target_feature(enable = "avx512f,avx512ifma")]
fn divide(chunk: &mut [Fr], root: Fr, carry: Fr) {
    let height = chunk.len() / LANES;
    let (blocks, rest) = chunk.split_at_mut(height * LANES);
    let carry = scalar::divide(rest, root, carry);
    let step = Fixed::new(&root);
    let mut blocks = blocks.chunks_exact_mut(height.max(1));
    let mut blocks: [&mut [Fr]; LANES] = std::array::from_fn(|_| blocks.next().unwrap_or_default());
    let mut values = Lanes::zero();
    for i in (0..height).rev() {
        values = multiply_add(values, &step, load(blocks.each_ref().map(|block| &block[i])));
    }
    let mut carries = [Fr::ZERO; LANES];
    store(values.carry_wrapping().reduce().canonical(), carries.each_mut());
    scalar::divide(&mut carries, power(root, height), carry);
    let mut carry = load_row(&carries);
    for i in (0..height).rev() {
        let row = load(blocks.each_ref().map(|block| &block[i]));
        let quotient = carry.carry_wrapping().reduce().canonical();
        store(quotient, blocks.each_mut().map(|block| &mut block[i]));
        carry = multiply_add(carry, &step, row);
    }
}

/// Montgomery's trick in each lane: products of all rows up to each, one inversion, and back.
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert(chunk: &mut [Fr]) {
    let (rows, rest) = chunk.as_chunks_mut::<LANES>();
    rest.iter_mut().batch_invert();
    let mut product = Lanes::one();
    let mut before = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        before.push(product);
        product = product.mul(nonzero(row));
    }
    let mut inverses = [Fr::ZERO; LANES];
    store(product.to_memory_form(), inverses.each_mut());
    inverses.iter_mut().batch_invert();
    let mut inverse = load_row(&inverses);
    for (row, before) in rows.iter_mut().zip(before).rev() {
        let (factors, zeros) = (nonzero(row), load_row(row).is_zero());
        store(inverse.mul(before).canonical().blend(zeros, Lanes::zero()), row.each_mut());
        inverse = inverse.mul(factors);
    }
}

/// A row in lane form, below `16 p`, with ones for zeros.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn nonzero(row: &[Fr; LANES]) -> Lanes<Fr> {
    let lanes = load_scaled(row.each_ref());
    lanes.blend(lanes.is_zero(), Lanes::one())
}

/// Integers with an offset that makes them positive, which is taken away from their elements.
#[target_feature(enable = "avx512f,avx512ifma")]
fn write_integers(integers: &[i64], to: &mut [Fr]) {
    const OFFSET: i64 = 1 << 51;
    let offset = load_row(&[from_integer(OFFSET); LANES]);
    let (rows, rest) = to.as_chunks_mut::<LANES>();
    let (of_rows, of_rest) = integers.split_at(rows.len() * LANES);
    for (row, integers) in rows.iter_mut().zip(of_rows.as_chunks::<LANES>().0) {
        let positive = integers.map(|integer| integer.wrapping_add(OFFSET).cast_unsigned());
        if positive.iter().any(|integer| *integer >= OFFSET.cast_unsigned() << 1) {
            scalar::Kernels.write_integers(integers, row);
        } else {
            let elements = Lanes::from_integers(positive).sub(offset, 1).carry().reduce();
            store(elements.canonical(), row.each_mut());
        }
    }
    scalar::Kernels.write_integers(of_rest, rest);
}
