//! The backend that runs on the threads of rayon's current pool.

use ff::Field;
use group::Group;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use super::buckets::{Share, bit_sums};
use super::digits::{Digits, FIELD_BITS, FieldLimbs, best_width, signed_bits};
use super::runs::Summer;
use super::tails::{Tail, tail_sums};
use super::trees::Arithmetic;
use super::{MAX_SMALL, MsmBackend, MsmError, Scalars};

/// Multi-scalar multiplication on the CPU: Pippenger's method with signed digits and affine
/// buckets, with as many windows as the scalars of a column need. On processors with AVX-512 IFMA
/// it adds eight pairs of points at a time.
///
/// Variable time: a scalar of zero costs nothing and small ones cost little. The prover's own
/// machine is trusted with its secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuMsm;

/// Up to this many scalars are cheaper without buckets.
const FEW: usize = 24;
/// Columns of field elements in a batch, or as many as there are threads if those are more: their
/// limbs take as much memory as the columns.
const FULL: usize = 2;
/// Fewest rows worth a share of their own.
const MIN_ROWS: usize = 1 << 11;
/// Most rows of a share: bounds its memory, and its indices fit 32 bits with their sign.
const MAX_ROWS: usize = 1 << 22;
/// Fewest and most additions of a task.
const TASK: (usize, usize) = (1 << 13, 1 << 16);

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
        sums(bases, columns, Arithmetic::fastest())
    }
}

/// The sum of each column, with the given additions.
pub(super) fn sums(
    bases: &[G1Affine],
    columns: &[Scalars<'_>],
    arithmetic: Arithmetic,
) -> Result<Vec<G1>, MsmError> {
    let longest = columns.iter().map(Scalars::len).max().unwrap_or(0);
    if longest > bases.len() {
        return Err(MsmError::TooFewBases { scalars: longest, bases: bases.len() });
    }
    let full = FULL.max(rayon::current_num_threads());
    let mut sums = Vec::with_capacity(columns.len());
    while sums.len() < columns.len() {
        let rest = &columns[sums.len()..];
        let is_full = |(_, scalars): &(usize, &Scalars<'_>)| matches!(scalars, Scalars::Full(_));
        let next = rest.iter().enumerate().filter(is_full).nth(full);
        let batch = &rest[..next.map_or(rest.len(), |(column, _)| column)];
        sums.extend(batch_sums(bases, sums.len(), batch, arithmetic)?);
    }
    Ok(sums)
}

/// The sum of each column of a batch, the first of which is number `first`.
fn batch_sums(
    bases: &[G1Affine],
    first: usize,
    columns: &[Scalars<'_>],
    arithmetic: Arithmetic,
) -> Result<Vec<G1>, MsmError> {
    let parts: Vec<Vec<Part<'_>>> = columns
        .par_iter()
        .enumerate()
        .map(|(column, scalars)| parts(first + column, scalars))
        .collect::<Result<_, _>>()?;
    let (mut tails, mut tables) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for (column, parts) in parts.into_iter().enumerate() {
        for part in parts {
            match part {
                Part::Tail(tail) => {
                    tails.0.push(column);
                    tails.1.push(tail);
                }
                Part::Table(table) => {
                    tables.0.push(column);
                    tables.1.push(table);
                }
            }
        }
    }
    let (of_tables, of_tails) = rayon::join(
        || table_sums(bases, &tables.1, arithmetic),
        || tail_sums(bases, &tails.1, arithmetic),
    );
    let mut sums = vec![G1::identity(); columns.len()];
    for (column, sum) in tables.0.into_iter().zip(of_tables) {
        sums[column] += sum;
    }
    for (column, sum) in tails.0.into_iter().zip(of_tails) {
        sums[column] += sum;
    }
    Ok(sums)
}

/// `sum_i scalars[i] bases[i]` for scalars below `2^bits`, over the shorter of both.
pub(in crate::proving) fn bounded_sum(scalars: &[Fr], bits: u32, bases: &[G1Affine]) -> G1 {
    let count = scalars.len().min(bases.len());
    let table = Table {
        first: 0,
        scalars: Box::new(FieldLimbs::new(&scalars[..count])),
        nonzero: count,
        bits: bits + 1,
    };
    table_sums(bases, &[table], Arithmetic::fastest()).into_iter().sum()
}

/// A part of a column.
enum Part<'a> {
    Table(Table<'a>),
    Tail(Tail<'a>),
}

/// Scalars that begin at the base `first`, to be summed by buckets.
struct Table<'a> {
    first: usize,
    scalars: Box<dyn Digits + 'a>,
    nonzero: usize,
    /// Bits of two's complement.
    bits: u32,
}

/// The parts of a column that are not zero.
fn parts<'a>(column: usize, scalars: &Scalars<'a>) -> Result<Vec<Part<'a>>, MsmError> {
    let parts = match *scalars {
        Scalars::Full(scalars) => [None, full(scalars, 0)],
        Scalars::Small { values, tail } => {
            let small = small(values).map_err(|row| MsmError::ValueOutOfRange { column, row })?;
            [small, full(tail, values.len())]
        }
    };
    Ok(parts.into_iter().flatten().collect())
}

/// Arbitrary scalars.
fn full(scalars: &[Fr], first: usize) -> Option<Part<'_>> {
    let nonzero = scalars.iter().filter(|scalar| !bool::from(scalar.is_zero())).count();
    match nonzero {
        0 => None,
        _ if scalars.len() <= FEW => Some(Part::Tail(Tail { first, scalars })),
        _ => Some(Part::Table(Table {
            first,
            scalars: Box::new(FieldLimbs::new(scalars)),
            nonzero,
            bits: FIELD_BITS,
        })),
    }
}

/// Small scalars, or the row of the first that is out of range.
fn small(values: &[i64]) -> Result<Option<Part<'_>>, usize> {
    if let Some(row) = values.iter().position(|value| value.unsigned_abs() > MAX_SMALL) {
        return Err(row);
    }
    // -2^j needs no more bits than 2^j - 1: a negative counts as its complement.
    let largest = values.iter().map(|value| (value ^ (value >> 63)) as u64).max().unwrap_or(0);
    let nonzero = values.iter().filter(|value| **value != 0).count();
    let bits = signed_bits(largest);
    let table = Table { first: 0, scalars: Box::new(values), nonzero, bits };
    Ok((nonzero != 0).then_some(Part::Table(table)))
}

/// The sum of each table.
fn table_sums(bases: &[G1Affine], tables: &[Table<'_>], arithmetic: Arithmetic) -> Vec<G1> {
    let threads = rayon::current_num_threads();
    let windows: Vec<(u32, u32)> = tables
        .iter()
        .map(|table| {
            let width = best_width(table.nonzero, table.bits);
            (width, table.bits.div_ceil(width))
        })
        .collect();
    let longest = tables.iter().map(|table| table.scalars.len()).max().unwrap_or(0);
    // Few windows leave threads idle unless the rows are shared out too.
    let total: u32 = windows.iter().map(|(_, windows)| *windows).sum();
    let splits = if threads == 1 { 1 } else { (2 * threads).div_ceil(total.max(1) as usize) };
    let rows = longest.div_ceil(splits).clamp(MIN_ROWS, MAX_ROWS);
    let mut shares = Vec::new();
    for first in (0..longest).step_by(rows) {
        for (index, (table, (width, _))) in tables.iter().zip(&windows).enumerate() {
            let rows = first..table.scalars.len().min(first + rows);
            if rows.is_empty() {
                continue;
            }
            for start in (0..table.bits).step_by(*width as usize) {
                shares.push(Share {
                    table: index,
                    scalars: &*table.scalars,
                    rows: rows.clone(),
                    first_base: table.first + first,
                    start,
                    width: (*width).min(table.bits - start),
                });
            }
        }
    }
    let cost = |share: &Share<'_>| share.rows.len() + (1 << share.width);
    let work: usize = shares.iter().map(cost).sum();
    let task = (work / (4 * threads)).clamp(TASK.0, TASK.1);
    let mut tasks = Vec::new();
    let mut left = &shares[..];
    while !left.is_empty() {
        let mut cost_so_far = 0;
        let count = left
            .iter()
            .position(|share| {
                cost_so_far += cost(share);
                cost_so_far >= task
            })
            .map_or(left.len(), |last| last + 1);
        let (now, later) = left.split_at(count);
        tasks.push(now);
        left = later;
    }
    let of_bits: Vec<Vec<Vec<G1Affine>>> = tasks
        .par_iter()
        .map(|shares| bit_sums(bases, shares, &mut Summer::new(arithmetic)))
        .collect();
    let mut points: Vec<Vec<(u32, G1Affine)>> = vec![Vec::new(); tables.len()];
    for (share, sums) in shares.iter().zip(of_bits.into_iter().flatten()) {
        points[share.table].extend((share.start..).zip(sums));
    }
    points.par_iter().map(|points| by_doubling(points)).collect()
}

/// `sum_i 2^(bit_i) point_i`.
fn by_doubling(points: &[(u32, G1Affine)]) -> G1 {
    let bits = points.iter().map(|(bit, _)| bit + 1).max().unwrap_or(0);
    let mut at: Vec<G1> = vec![G1::identity(); bits as usize];
    for (bit, point) in points {
        at[*bit as usize] += point;
    }
    at.iter().rev().fold(G1::identity(), |sum, point| sum.double() + point)
}
