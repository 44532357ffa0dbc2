//! Windows of Pippenger's method: `sum_i d_i P_i` for signed digits `d_i`, of many windows and
//! columns at once, so that additions share their inversions.
//!
//! Points are sorted by `|d_i|` and each bucket is summed. With `S_m` the sum of bucket `m`, what
//! is wanted is `sum_m m S_m`. Since `m = 2 (m / 2) + (m mod 2)`,
//!
//! ```text
//! sum_m m S_m  =  sum_{m odd} S_m  +  2 sum_m m (S_{2m} + S_{2m+1})
//! ```
//!
//! and so on: two additions for each bucket, as with running sums, but all plain sums of which
//! many can be made at once. The result is one point for each bit of the digits.

use std::ops::Range;

use halo2curves::bn256::G1Affine;

use super::digits::Digits;
use super::runs::{Runs, Summer};
use super::trees::{Entry, is_identity};

/// Some rows of one window of a column.
pub(super) struct Share<'a> {
    /// Whose share this is.
    pub(super) table: usize,
    /// The column's scalars.
    pub(super) scalars: &'a dyn Digits,
    /// Those that count.
    pub(super) rows: Range<usize>,
    /// The base of the first of them.
    pub(super) first_base: usize,
    /// Lowest bit of the window.
    pub(super) start: u32,
    /// Bits of the window.
    pub(super) width: u32,
}

impl Share<'_> {
    /// Magnitudes of digits, zero included.
    fn magnitudes(&self) -> usize {
        (1 << (self.width - 1)) + 1
    }
}

/// For each share the points `B_j`, one for each bit of its window, with
/// `sum_j 2^j B_j = sum_i d_i bases[i]`.
pub(super) fn bit_sums(
    bases: &[G1Affine],
    shares: &[Share<'_>],
    summer: &mut Summer,
) -> Vec<Vec<G1Affine>> {
    let sums = bucket_sums(bases, shares, summer);
    let sizes: Vec<usize> = shares.iter().map(Share::magnitudes).collect();
    let by_bit = weighted_sums(sums, sizes, summer);
    (0..shares.len())
        .map(|share| {
            let bits = 0..shares[share].width as usize;
            bits.map(|bit| by_bit[bit * shares.len() + share]).collect()
        })
        .collect()
}

/// The sums of the buckets of each share, by magnitude, one share after the other.
fn bucket_sums(bases: &[G1Affine], shares: &[Share<'_>], summer: &mut Summer) -> Vec<G1Affine> {
    let places = shares.iter().map(Share::magnitudes).sum();
    let mut lengths = Vec::with_capacity(places);
    let mut entries = Vec::with_capacity(shares.iter().map(|share| share.rows.len()).sum());
    for share in shares {
        sort(share, &mut lengths, &mut entries);
    }
    let mut sums = vec![G1Affine::default(); places];
    summer.sum(bases, &Runs::of_lengths(entries, lengths), &mut sums);
    sums
}

/// Appends the entries of a share, sorted by magnitude, and their number for each; zeros are left
/// out.
fn sort(share: &Share<'_>, lengths: &mut Vec<usize>, entries: &mut Vec<Entry>) {
    let mut digits = vec![0; share.rows.len()];
    share.scalars.digits(share.rows.start, share.start, share.width, &mut digits);
    let mut positions = vec![0u32; share.magnitudes()];
    for digit in &digits {
        positions[digit.unsigned_abs() as usize] += 1;
    }
    let zeros = std::mem::take(&mut positions[0]);
    lengths.extend(positions.iter().map(|count| *count as usize));
    // Zeros go to the end, where they are cut off: cheaper than a branch for each.
    let mut total = 0;
    for position in &mut positions[1..] {
        let count = *position;
        *position = total;
        total += count;
    }
    positions[0] = total;
    let from = entries.len();
    entries.resize(from + digits.len(), 0);
    let sorted = &mut entries[from..];
    for (base, digit) in (share.first_base as Entry..).zip(&digits) {
        let position = &mut positions[digit.unsigned_abs() as usize];
        sorted[*position as usize] = base << 1 | Entry::from(*digit < 0);
        *position += 1;
    }
    entries.truncate(from + digits.len() - zeros as usize);
}

/// For each bit, and each share within it, the point of that bit in `sum_m m sums[m]` over the
/// share's magnitudes `m`.
fn weighted_sums(
    mut sums: Vec<G1Affine>,
    mut sizes: Vec<usize>,
    summer: &mut Summer,
) -> Vec<G1Affine> {
    let mut odd = Vec::new();
    let mut of_bits = Runs::default();
    let mut places = 0;
    while sizes.iter().any(|size| *size > 1) {
        let mut halves = Runs::default();
        let (mut from, mut next) = (0, 0);
        for size in &mut sizes {
            let sums = &sums[from..from + *size];
            let first = odd.len();
            odd.extend(sums.iter().skip(1).step_by(2).filter(|sum| !is_identity(sum)));
            of_bits.extend(places, (first..odd.len()).map(|index| (index as Entry) << 1));
            places += 1;
            let entry = |magnitude: usize| ((from + magnitude) as Entry) << 1;
            for half in 1..size.div_ceil(2) {
                let two = 2 * half..(2 * half + 2).min(*size);
                let used = two.filter(|magnitude| !is_identity(&sums[*magnitude]));
                halves.extend(next + half, used.map(entry));
            }
            from += *size;
            next += size.div_ceil(2);
            *size = size.div_ceil(2);
        }
        let mut halved = vec![G1Affine::default(); next];
        summer.sum(&sums, &halves, &mut halved);
        sums = halved;
    }
    let mut by_bit = vec![G1Affine::default(); places];
    summer.sum(&odd, &of_bits, &mut by_bit);
    by_bit
}
