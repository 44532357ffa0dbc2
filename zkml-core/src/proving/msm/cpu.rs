//! The backend that runs on the threads of rayon's current pool.

use ff::Field;
use group::Group;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use super::buckets::window_sum;
use super::digits::{Digits, FIELD_BITS, FieldLimbs, best_width, signed_bits};
use super::{MAX_SMALL, MsmBackend, MsmError, Scalars};
use crate::proving::wnaf::straus;

/// Multi-scalar multiplication on the CPU: Pippenger's method with signed digits and affine
/// buckets, with as many windows as the scalars of a column need.
///
/// Variable time: a scalar of zero costs nothing and small ones cost little. The prover's own
/// machine is trusted with its secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuMsm;

/// Up to this many scalars are cheaper by Straus's method than by buckets.
const FEW: usize = 24;
/// Fewest points worth a task of their own.
const MIN_CHUNK: usize = 1 << 11;
/// Most points of a task: bounds its memory, and its indices fit 32 bits with their sign.
const MAX_CHUNK: usize = 1 << 22;

impl CpuMsm {
    /// The backend.
    pub fn new() -> Self {
        Self
    }
}

impl MsmBackend for CpuMsm {
    fn name(&self) -> &str {
        "cpu"
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        let longest = columns.iter().map(Scalars::len).max().unwrap_or(0);
        if longest > bases.len() {
            return Err(MsmError::TooFewBases { scalars: longest, bases: bases.len() });
        }
        columns
            .par_iter()
            .enumerate()
            .map(|(column, scalars)| match scalars {
                Scalars::Full(scalars) => Ok(full(scalars, bases)),
                Scalars::Small { values, tail } => {
                    let (sum, rest) =
                        rayon::join(|| small(values, bases), || full(tail, &bases[values.len()..]));
                    let sum = sum.map_err(|row| MsmError::ValueOutOfRange { column, row })?;
                    Ok(sum + rest)
                }
            })
            .collect()
    }
}

/// Sum over arbitrary scalars; there are at least as many bases.
fn full(scalars: &[Fr], bases: &[G1Affine]) -> G1 {
    let nonzero = scalars.iter().filter(|scalar| !bool::from(scalar.is_zero())).count();
    match nonzero {
        0 => G1::identity(),
        1..=FEW if nonzero == scalars.len() => straus(scalars, bases),
        _ => pippenger(&FieldLimbs::new(scalars), nonzero, FIELD_BITS, bases),
    }
}

/// `sum_i scalars[i] bases[i]` for scalars below `2^bits`, over the shorter of both.
pub(in crate::proving) fn bounded_sum(scalars: &[Fr], bits: u32, bases: &[G1Affine]) -> G1 {
    let count = scalars.len().min(bases.len());
    pippenger(&FieldLimbs::new(&scalars[..count]), count, bits + 1, bases)
}

/// Sum over small scalars, or the row of the first that is out of range; there are at least as many
/// bases.
fn small(values: &[i64], bases: &[G1Affine]) -> Result<G1, usize> {
    if let Some(row) = values.iter().position(|value| value.unsigned_abs() > MAX_SMALL) {
        return Err(row);
    }
    // -2^j needs no more bits than 2^j - 1: a negative counts as its complement.
    let largest = values.iter().map(|value| (value ^ (value >> 63)) as u64).max().unwrap_or(0);
    let nonzero = values.iter().filter(|value| **value != 0).count();
    if nonzero == 0 {
        return Ok(G1::identity());
    }
    Ok(pippenger(values, nonzero, signed_bits(largest), bases))
}

/// Sum over scalars of `bits` bits in two's complement, `nonzero` of which are not zero.
fn pippenger(
    scalars: &(impl Digits + ?Sized),
    nonzero: usize,
    bits: u32,
    bases: &[G1Affine],
) -> G1 {
    let count = scalars.len();
    let width = best_width(nonzero, bits);
    let windows = bits.div_ceil(width);
    // Few windows leave threads idle unless the points are shared out too.
    let shares = rayon::current_num_threads().div_ceil(windows as usize);
    let chunk = count.div_ceil(shares).clamp(MIN_CHUNK, MAX_CHUNK);
    let sums: Vec<G1> = (0..windows)
        .into_par_iter()
        .map(|window| {
            bases[..count]
                .par_chunks(chunk)
                .enumerate()
                .map(|(share, bases)| {
                    window_sum(bases, scalars, share * chunk, window * width, width)
                })
                .reduce(G1::identity, |left, right| left + right)
        })
        .collect();
    sums.iter()
        .rev()
        .fold(G1::identity(), |total, sum| (0..width).fold(total, |total, _| total.double()) + sum)
}
