//! What can be wrong with a structured reference string, a file of one, or a request for one.

use std::io;

use super::{MAX_K, MIN_K};

/// Why a structured reference string could not be made, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SrsError {
    /// A size outside [`MIN_K`]`..=`[`MAX_K`].
    #[error("{context}: k must be between {MIN_K} and {MAX_K}, got {k}")]
    SizeOutOfRange {
        /// The request, or the file that holds the number.
        context: String,
        /// The logarithm of the size.
        k: u32,
    },
    /// A larger string was asked for than there is.
    #[error("{context}: k = {wanted} was asked for, but it reaches only k = {available}")]
    TooSmall {
        /// The string, or the file that holds it.
        context: String,
        /// The `k` asked for.
        wanted: u32,
        /// The largest `k` it can serve.
        available: u32,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness for the consistency checks: {reason}")]
    Randomness {
        /// Its words.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file ended early.
    #[error("{file}: ends inside {inside}")]
    Truncated {
        /// The file.
        file: String,
        /// What was being read.
        inside: String,
    },
    /// A length is not what the header implies.
    #[error("{file}: {what} must be {expected} bytes long, got {got}")]
    Length {
        /// The file.
        file: String,
        /// What has the wrong length.
        what: String,
        /// Bytes implied by the header.
        expected: u64,
        /// Bytes found or declared.
        got: u64,
    },
    /// A header field has a value that this version cannot accept.
    #[error("{file}: {what} must be {expected}, got {got}")]
    Header {
        /// The file.
        file: String,
        /// The field.
        what: String,
        /// What is accepted.
        expected: String,
        /// What was found.
        got: String,
    },
    /// The content does not hash to the checksum stored with it.
    #[error("{file}: the content hashes to {got}, but the file says {expected}: it is damaged")]
    Checksum {
        /// The file.
        file: String,
        /// Checksum stored, in hexadecimal.
        expected: String,
        /// Checksum computed, in hexadecimal.
        got: String,
    },
    /// A point is not a usable element of its group.
    #[error("{file}: {what}[{index}]: {fault}")]
    Point {
        /// The file.
        file: String,
        /// The vector that holds the point.
        what: &'static str,
        /// Its position.
        index: usize,
        /// What is wrong with it.
        fault: PointFault,
    },
    /// The points are elements of the groups, but not those of a structured reference string.
    #[error("{file}: {what}")]
    Inconsistent {
        /// The file.
        file: String,
        /// The relation that does not hold.
        what: &'static str,
    },
}

/// What is wrong with an encoded point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointFault {
    /// A coordinate is not below the modulus of the base field.
    #[error("a coordinate is not below the modulus of BN254's base field")]
    NotCanonical,
    /// The coordinates do not satisfy the curve's equation.
    #[error("the point is not on the curve")]
    NotOnCurve,
    /// The point at infinity.
    #[error("the point is the identity")]
    Identity,
    /// On the twist, but not of prime order.
    #[error("the point is not in the subgroup of prime order")]
    NotInSubgroup,
    /// The first power must be the standard generator.
    #[error("the point must be the standard generator")]
    NotGenerator,
}
