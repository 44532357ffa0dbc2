//! Why a proof could not be made.

use zkml_core::proving::MsmError;

use crate::plonk::transcript::TranscriptError;

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The SRS has another size than the key.
    #[error("the key has k = {expected}, the SRS k = {got}")]
    SrsSize {
        /// The key's.
        expected: u32,
        /// The SRS's.
        got: u32,
    },
    /// The SRS has another secret than the one the key was made with.
    #[error("the key was made with another SRS")]
    OtherSrs,
    /// A wrong number of public words.
    #[error("the key has {expected} public words, got {got}")]
    Words {
        /// The key's.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// The witness gave other columns than the phase has.
    #[error("phase {phase} has the advice columns {expected:?}, the witness gave {got:?}")]
    Columns {
        /// The phase, from 0.
        phase: u8,
        /// Its columns.
        expected: Vec<usize>,
        /// Columns given.
        got: Vec<usize>,
    },
    /// A column is too long.
    #[error("advice column {column} has {got} values, there are {expected} usable rows")]
    Rows {
        /// Index of the column.
        column: usize,
        /// Usable rows.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// The witness could not be computed.
    #[error("the witness could not be computed: {0}")]
    Witness(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Committing failed.
    #[error(transparent)]
    Msm(#[from] MsmError),
    /// A commitment is the point at infinity, or a challenge hit a point of the domain: of
    /// negligible probability, and cured by proving again.
    #[error("unlucky randomness, prove again: {0}")]
    Unlucky(&'static str),
}

impl From<TranscriptError> for ProveError {
    fn from(_: TranscriptError) -> Self {
        // The one error of writing.
        Self::Unlucky("a commitment is the point at infinity")
    }
}
