//! Does the integer program predict the same class?

use serde::{Deserialize, Serialize};

/// A share of `count` trials with its 95 % Wilson interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Successes.
    pub hits: u64,
    /// Trials.
    pub count: u64,
    /// `hits / count`; 0 without trials.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Proportion {
    /// The share of `hits` in `count` trials.
    pub fn new(hits: u64, count: u64) -> Self {
        if count == 0 {
            return Self { high: 1.0, ..Self::default() };
        }
        // Wilson's score interval at z = 1.96.
        let (n, z2) = (count as f64, 1.959_964f64 * 1.959_964);
        let share = hits as f64 / n;
        let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let spread = libm::sqrt(share * (1.0 - share) / n + z2 / (4.0 * n * n));
        let half = libm::sqrt(z2) / (1.0 + z2 / n) * spread;
        let (low, high) = ((centre - half).max(0.0), (centre + half).min(1.0));
        Self { hits, count, share, low, high }
    }
}

/// Equal greatest elements, row by row (over the last axis of an output).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Rows of all samples whose greatest element is at the same place.
    pub rows: Proportion,
    /// Samples with some row that differs (or that did not run), at most [`Self::LISTED`] of them.
    pub flipped: Vec<usize>,
}

impl Agreement {
    /// Length limit of [`Self::flipped`].
    pub const LISTED: usize = 100;
}

/// Share of rows whose greatest element is at the label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Of the float graph.
    pub float: Proportion,
    /// Of the integer program.
    pub integer: Proportion,
}

/// Index of the greatest element of each row of `columns` elements; the first wins a tie.
pub(super) fn argmax(data: &[f64], columns: usize) -> Vec<usize> {
    let greatest = |row: &[f64]| {
        row.iter().enumerate().fold(0, |best, (i, v)| if *v > row[best] { i } else { best })
    };
    data.chunks_exact(columns.max(1)).map(greatest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_by_hand() {
        // Standard example: 8 of 10 gives [0.490, 0.943].
        let p = Proportion::new(8, 10);
        assert!((p.low - 0.4902).abs() < 1e-3 && (p.high - 0.9433).abs() < 1e-3, "{p:?}");
        let all = Proportion::new(20, 20);
        assert!((all.low - 0.8389).abs() < 1e-3 && all.high > 0.999_999, "{all:?}");
        assert_eq!(Proportion::new(0, 0).count, 0);
    }

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0, -1.0, -2.0, -1.0], 3), [1, 0]);
    }
}
