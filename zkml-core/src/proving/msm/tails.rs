//! Sums over few arbitrary scalars of many columns: the blinding rows that follow small values.
//!
//! Too few for buckets. But columns share the bases of these rows, so the points `2^i P` are made
//! once for each base; with the odd multiples of these that pay, a column's sum is then a plain sum
//! of about a fifth of the bits of its scalars in points: no doublings.

use group::{Curve, Group};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use super::runs::{Runs, Summer};
use super::trees::{Arithmetic, Entry};
use crate::proving::wnaf::{LENGTH, non_adjacent_form};

/// Scalars that begin at the base `first`.
#[derive(Clone, Copy)]
pub(super) struct Tail<'a> {
    pub(super) first: usize,
    pub(super) scalars: &'a [Fr],
}

impl Tail<'_> {
    fn rows(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.scalars.len()
    }
}

/// The sum of each tail, `sum_i scalars[i] bases[first + i]`.
pub(super) fn tail_sums(
    bases: &[G1Affine],
    tails: &[Tail<'_>],
    arithmetic: Arithmetic,
) -> Vec<G1Affine> {
    let mut rows: Vec<usize> = tails.iter().flat_map(Tail::rows).collect();
    let scalars = rows.len();
    rows.sort_unstable();
    rows.dedup();
    let width = best_width(scalars, rows.len());
    let points: Vec<G1Affine> = rows.iter().map(|row| bases[*row]).collect();
    let table = Table::new(&points, width, arithmetic);
    // Rows are sorted, and all of the tail's are there.
    let slot = |row: usize| rows.partition_point(|other| *other < row);
    let share = tails.len().div_ceil(rayon::current_num_threads());
    tails
        .par_chunks(share.max(1))
        .flat_map_iter(|tails| {
            let mut runs = Runs::default();
            for (place, tail) in tails.iter().enumerate() {
                for (row, scalar) in tail.rows().zip(tail.scalars) {
                    runs.extend(place, table.entries(slot(row), scalar));
                }
            }
            let mut sums = vec![G1Affine::default(); tails.len()];
            Summer::new(arithmetic).sum(&table.points, &runs, &mut sums);
            sums
        })
        .collect()
}

/// The width of non-adjacent forms that needs the fewest additions: each scalar has
/// `LENGTH / (width + 1)` digits, each base `LENGTH` multiples by 3, 5, ... to be made.
fn best_width(scalars: usize, bases: usize) -> u32 {
    let cost =
        |width: u32| scalars * 60 / (width as usize + 1) + bases * 60 * ((1 << (width - 2)) - 1);
    (2..=5).min_by_key(|width| cost(*width)).unwrap_or(2)
}

/// The points `(2 m + 1) 2^i P` for some points `P`.
struct Table {
    /// By `m`, point, `i`.
    points: Vec<G1Affine>,
    bases: usize,
    width: u32,
}

impl Table {
    fn new(bases: &[G1Affine], width: u32, arithmetic: Arithmetic) -> Self {
        let mut points = doublings(bases, arithmetic);
        let size = points.len();
        for odd in 1..1usize << (width - 2) {
            // 3 = 2 + 1, 5 = 4 + 1, 7 = 8 - 1, 9 = 8 + 1, 11 = 8 + 3, 13 = 16 - 3, 15 = 16 - 1:
            // a power of two plus or minus an odd number that was there before.
            let multiple = 2 * odd + 1;
            let power = match multiple {
                7 => 8,
                13 | 15 => 16,
                _ => 1 << multiple.ilog2(),
            };
            let (rest, minus) = (multiple.abs_diff(power) / 2, Entry::from(multiple < power));
            let shift = power.ilog2() as usize;
            let mut runs = Runs::default();
            for index in 0..size {
                // What lies beyond the last power is never needed: see `entries`.
                if index % LENGTH + shift < LENGTH {
                    let one = ((rest * size + index) as Entry) << 1 | minus;
                    runs.extend(index, [((index + shift) as Entry) << 1, one]);
                }
            }
            let mut multiples = vec![G1Affine::default(); size];
            Summer::new(arithmetic).sum(&points, &runs, &mut multiples);
            points.extend(multiples);
        }
        Self { points, bases: bases.len(), width }
    }

    /// The entries whose sum is `scalar` times the base at `slot`. As a scalar is below `2^254`, no
    /// digit `d` at position `i` has `|d| 2^i` above that.
    fn entries(&self, slot: usize, scalar: &Fr) -> impl Iterator<Item = Entry> {
        let (bases, form) = (self.bases, non_adjacent_form(scalar, self.width));
        form.into_iter().enumerate().filter(|(_, digit)| *digit != 0).map(move |(i, digit)| {
            let odd = usize::from(digit.unsigned_abs() / 2);
            let index = (odd * bases + slot) * LENGTH + i;
            (index as Entry) << 1 | Entry::from(digit < 0)
        })
    }
}

/// `2^i P` for each `P` and each `i` below [`LENGTH`].
fn doublings(points: &[G1Affine], arithmetic: Arithmetic) -> Vec<G1Affine> {
    let mut doublings = vec![G1Affine::default(); points.len() * LENGTH];
    doublings.par_chunks_mut(8 * LENGTH).zip(points.par_chunks(8)).for_each(|(table, points)| {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = arithmetic.lanes
            && lanes.double(points, table)
        {
            return;
        }
        let mut chain = Vec::with_capacity(LENGTH);
        for (row, point) in table.chunks_exact_mut(LENGTH).zip(points) {
            let mut point = G1::from(point);
            chain.clear();
            for _ in 0..LENGTH {
                chain.push(point);
                point = point.double();
            }
            G1::batch_normalize(&chain, row);
        }
    });
    doublings
}
