//! How parts are computed: the windows of each, and batches that fit the device.

use std::collections::BTreeMap;

use super::scalars::{Kind, Part, Values};
use crate::proving::DeviceFault;

/// Windows of `width` bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Windows {
    pub(super) width: u32,
    pub(super) count: u32,
}

/// Widest window: `2^17` buckets of 128 bytes.
const MAX_WIDTH: u32 = 18;
/// A field element or its negative is at most `(p - 1) / 2`, below `2^253`; one bit more for the carry.
const FIELD_BITS: u32 = 254;
/// Additions that a bucket costs, in additions of a base: two of 14 products, where a base takes 10.
const BUCKET: u64 = 3;

impl Windows {
    /// Those of `width` bits that hold all integers from `-magnitude` to `magnitude`.
    ///
    /// Whether digits are left over grows with the magnitude, so the largest decides.
    fn of_integers(magnitude: u64, width: u32) -> Self {
        let (half, mask) = (1 << (width - 1), (1 << width) - 1);
        let (mut rest, mut count) = (magnitude, 0);
        while rest != 0 {
            // As in `for_digits` of the kernels.
            let carry = u64::from(rest & mask > half);
            rest = (rest >> width) + carry;
            count += 1;
        }
        Self { width, count }
    }

    fn with_width(part: &Part<'_>, width: u32) -> Self {
        match part.values {
            Values::Field(_) => Self { width, count: FIELD_BITS.div_ceil(width) },
            Values::Small { magnitude, .. } => Self::of_integers(magnitude, width),
        }
    }

    /// Those with the fewest additions.
    pub(super) fn best(part: &Part<'_>) -> Self {
        let all = (1..=MAX_WIDTH).map(|width| Self::with_width(part, width));
        all.min_by_key(|windows| windows.additions(part.len()))
            .unwrap_or_else(|| Self::with_width(part, MAX_WIDTH))
    }

    /// Additions of a base, or their equivalent, that so many scalars take when none of their digits is 0.
    pub(super) fn additions(self, rows: usize) -> u64 {
        u64::from(self.count) * (rows as u64 + (BUCKET << (self.width - 1)))
    }

    /// Buckets of a window.
    pub(super) fn buckets(self) -> u32 {
        1 << (self.width - 1)
    }
}

/// A grid of sums: so many columns of so many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) windows: Windows,
    pub(super) rows: u32,
    pub(super) columns: u32,
}

/// Bytes of a sum in four coordinates.
pub(super) const POINT: u64 = 128;
/// Items that a thread of a scan goes through, as in `sort.cu`.
pub(super) const SCAN: u64 = 32;
/// Partial sums that a thread of a merge goes through, and that one finishes alone.
pub(super) const MERGE: u64 = 8;
pub(super) const LAST_MERGE: u64 = 16;
/// Points that a thread of a fold adds up.
pub(super) const FOLD: u32 = 8;

impl Shape {
    /// All windows of all columns.
    pub(super) fn all_windows(&self) -> u32 {
        self.columns * self.windows.count
    }

    /// All buckets.
    pub(super) fn buckets(&self) -> u64 {
        u64::from(self.all_windows()) * u64::from(self.windows.buckets())
    }

    /// Logarithm of the counters of a bucket: as many as bring the rows that may meet in one down to `2^(width - 1)`, and the counters of a
    /// window to the number of its digits or twice as many.
    pub(super) fn stripes(&self) -> u32 {
        let rows = self.rows.max(1).next_power_of_two().trailing_zeros();
        rows.saturating_sub(self.windows.width - 1)
    }

    /// Entries a thread for so many in all: enough threads for every multiprocessor to have a thousand, as long as none has less than
    /// eight entries.
    pub(super) fn entries_per_thread(count: u64, multiprocessors: u32) -> u64 {
        (count / (1024 * u64::from(multiprocessors))).clamp(8, 128)
    }

    /// Buckets a thread of the weighing, a power of two.
    pub(super) fn buckets_per_thread(&self) -> u32 {
        self.windows.buckets().min(if self.buckets() > 1 << 18 { 16 } else { 4 })
    }

    /// Bytes on the device, without the bases; `None` if a position would not fit the kernels' 32 bits.
    fn bytes(&self, multiprocessors: u32) -> Option<u64> {
        let scalars = u64::from(self.rows) * u64::from(self.columns);
        // A product of columns and windows could overflow before it is compared.
        let windows = u64::from(self.columns) * u64::from(self.windows.count);
        let buckets = windows << (self.windows.width - 1);
        let counters = buckets << self.stripes();
        let entries = u64::from(self.rows) * windows;
        if scalars.max(counters).max(entries) >= 1 << 31 {
            return None;
        }
        let threads = entries.div_ceil(Self::entries_per_thread(entries, multiprocessors));
        // A quarter more for the next level, which is made while this one is there.
        let partial = 2 * threads * (POINT + 4) * 5 / 4;
        let weighed = buckets / u64::from(self.buckets_per_thread()) * POINT * 9 / 8;
        let scan = counters * 4 / (SCAN - 1);
        let scalars = scalars * self.kind.bytes() as u64;
        Some(scalars + counters * 4 + scan + entries * 8 + buckets * POINT + partial + weighed)
    }
}

/// Parts that are computed together: rows `from .. from + shape.rows` of each.
#[derive(Debug)]
pub(super) struct Batch<'p, 'a> {
    pub(super) parts: Vec<&'p Part<'a>>,
    pub(super) from: usize,
    pub(super) shape: Shape,
}

impl Batch<'_, '_> {
    /// The base of the first row.
    pub(super) fn first_base(&self) -> usize {
        self.parts[0].first + self.from
    }
}

/// Most rows of a batch: the sorted list keeps signs beside rows, and counts in 32 bits.
const MAX_ROWS: usize = 1 << 24;
/// With so few rows, memory that does not suffice is too little.
const MIN_ROWS: usize = 1 << 8;

/// Batches of at most `budget` bytes each. `width` fixes that of all windows.
///
/// # Errors
/// [`DeviceFault::OutOfMemory`] when a few rows of one column do not fit.
pub(super) fn batches<'p, 'a>(
    parts: &'p [Part<'a>],
    budget: u64,
    multiprocessors: u32,
    width: Option<u32>,
) -> Result<Vec<Batch<'p, 'a>>, DeviceFault> {
    let mut groups: BTreeMap<(usize, Kind, Windows), Vec<&Part<'a>>> = BTreeMap::new();
    for part in parts {
        let windows = match width {
            Some(width) => Windows::with_width(part, width),
            None => Windows::best(part),
        };
        groups.entry((part.first, part.kind(), windows)).or_default().push(part);
    }
    let mut batches = Vec::new();
    for ((_, kind, windows), mut parts) in groups {
        // Longest first: shorter ones are filled up with zeros, and drop out of later rows.
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        let longest = parts[0].len();
        let fits = |rows: usize, columns: usize| {
            let shape = Shape { kind, windows, rows: rows as u32, columns: columns as u32 };
            shape.bytes(multiprocessors).is_some_and(|bytes| bytes <= budget).then_some(shape)
        };
        let mut rows = longest.min(MAX_ROWS);
        while fits(rows, 1).is_none() {
            if rows <= MIN_ROWS {
                return Err(DeviceFault::OutOfMemory);
            }
            rows = rows.div_ceil(2);
        }
        for from in (0..longest).step_by(rows) {
            let mut left = &parts[..parts.partition_point(|part| part.len() > from)];
            while let Some(first) = left.first() {
                let rows = rows.min(first.len() - from);
                // Memory grows with the columns.
                let (mut most, mut too_many) = (1, left.len() + 1);
                while too_many - most > 1 {
                    let middle = (most + too_many) / 2;
                    match fits(rows, middle) {
                        Some(_) => most = middle,
                        None => too_many = middle,
                    }
                }
                let Some(shape) = fits(rows, most) else { return Err(DeviceFault::OutOfMemory) };
                let (now, later) = left.split_at(most);
                batches.push(Batch { parts: now.to_vec(), from, shape });
                left = later;
            }
        }
    }
    Ok(batches)
}

#[cfg(test)]
mod tests;
