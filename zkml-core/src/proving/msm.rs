//! Multi-scalar multiplication behind one trait.

use halo2curves::bn256::{Fr, G1, G1Affine};

/// One column of scalars to commit to.
#[derive(Clone, Copy, Debug)]
pub enum Scalars<'a> {
    /// Arbitrary field elements.
    Full(&'a [Fr]),
    /// Signed small integers, then a few field elements (blinding rows): the column is
    /// `values` followed by `tail`.
    Small {
        /// Signed integers, far below the field's size.
        values: &'a [i64],
        /// Field elements that follow.
        tail: &'a [Fr],
    },
}

impl Scalars<'_> {
    /// Number of scalars.
    #[allow(clippy::len_without_is_empty, reason = "a count of rows, not a collection")]
    pub fn len(&self) -> usize {
        match self {
            Self::Full(values) => values.len(),
            Self::Small { values, tail } => values.len() + tail.len(),
        }
    }
}

/// Why a backend could not compute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MsmError {
    /// More scalars than bases.
    #[error("a column of {scalars} scalars needs as many bases, got {bases}")]
    TooFewBases {
        /// Scalars of the longest column.
        scalars: usize,
        /// Bases given.
        bases: usize,
    },
    /// The device failed.
    #[error("MSM backend `{backend}` failed: {reason}")]
    Device {
        /// Name of the backend.
        backend: String,
        /// Its words.
        reason: String,
    },
}

/// Computes `sum_i scalar_i * base_i` for columns that share their bases.
pub trait MsmBackend: Sync {
    /// Name, for logs and reports.
    fn name(&self) -> &str;

    /// One sum per column; column `c` uses the first `columns[c].len()` bases.
    ///
    /// # Errors
    /// [`MsmError::TooFewBases`], or the device's failure.
    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError>;
}
