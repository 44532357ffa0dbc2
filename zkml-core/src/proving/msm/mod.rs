//! Multi-scalar multiplication behind one trait: on the CPU ([`CpuMsm`]), on an NVIDIA GPU (`CudaMsm`, with the
//! feature `cuda`), and on whichever is there ([`AutoMsm`]).
//!
//! Almost all time of a KZG prover that is not spent in FFTs is spent here. Columns of a quantised
//! model are signed integers of 8 or 16 bits, of which a backend that knows it needs one or two
//! windows instead of twenty: hence [`Scalars::Small`].

mod auto;
mod buckets;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod digits;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod options;
mod runs;
mod tails;
#[cfg(test)]
mod tests;
mod trees;

pub use auto::{AutoMsm, MsmReport};
pub use cpu::CpuMsm;
#[cfg(feature = "cuda-emulator")]
pub use cuda::EmulatedMsm;
#[cfg(feature = "cuda")]
pub use cuda::{Ceilings, CudaMsm, KernelTime};
pub use options::{MsmChoice, MsmOptions, MsmOptionsError};

pub(super) use cpu::bounded_sum;

use halo2curves::bn256::{Fr, G1, G1Affine};

/// Largest magnitude of a value in [`Scalars::Small`]: `2^62`.
pub const MAX_SMALL: u64 = 1 << 62;

/// One column of scalars to commit to.
#[derive(Clone, Copy, Debug)]
pub enum Scalars<'a> {
    /// Arbitrary field elements.
    Full(&'a [Fr]),
    /// Signed small integers, then a few field elements (blinding rows): the column is
    /// `values` followed by `tail`.
    Small {
        /// Signed integers of magnitude at most [`MAX_SMALL`].
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
    /// A value of [`Scalars::Small`] is too large. The value itself, which may be a secret, is not
    /// told.
    #[error("column {column}, row {row}: the magnitude of a small scalar must be at most 2^62")]
    ValueOutOfRange {
        /// Position of the column in the call.
        column: usize,
        /// Position of the value in the column.
        row: usize,
    },
    /// The device failed, or there is none.
    #[error("MSM backend `{backend}`: {fault}")]
    Device {
        /// Name of the backend.
        backend: String,
        /// What happened.
        fault: DeviceFault,
    },
}

/// What a device can fail at. Texts name libraries, files and calls, never data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceFault {
    /// The program was built without the code for the device.
    #[error("built without the feature `cuda`: build with `--features cuda`")]
    NotBuilt,
    /// No driver, no device, or no way to its kernels.
    #[error("{0}")]
    Unavailable(String),
    /// Too little memory on the device for even the smallest batch. Other calls may succeed.
    #[error("the device has too little free memory")]
    OutOfMemory,
    /// A call of the driver failed; what runs on the device cannot be trusted any more.
    #[error("{0}")]
    Failed(String),
    /// The device computes something else than the CPU.
    #[error("a wrong result: {0}")]
    Wrong(&'static str),
}

impl DeviceFault {
    /// Whether the device can be used again after this.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::OutOfMemory)
    }
}

/// Computes `sum_i scalar_i * base_i` for columns that share their bases.
pub trait MsmBackend: Sync {
    /// Name, for logs and reports.
    fn name(&self) -> &str;

    /// One sum per column; column `c` uses the first `columns[c].len()` bases.
    ///
    /// # Errors
    /// [`MsmError::TooFewBases`], [`MsmError::ValueOutOfRange`], or the device's failure.
    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError>;
}
