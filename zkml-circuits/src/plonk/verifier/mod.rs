//! The light verifier.
//!
//! It works from the [`VerifyingKey`] alone, allocates in proportion to the constraint system and
//! not to the rows, and gives the verdict of halo2-axiom's `verify_proof`. Nothing here panics,
//! indexes or loops on untrusted numbers: a hostile proof is an error.
//!
//! Checks, in order: number of words, exact length of the proof, canonical encoding of every field,
//! then the one equation of the opening, into which the value of the quotient at `x` that the
//! constraints demand has been put.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::integer_division,
    clippy::float_arithmetic
)]

mod constraints;
mod gates;
mod instance;
mod opening;
mod proof;

use halo2curves::bn256::Fr;

use self::constraints::expected_quotient;
use self::proof::Proof;
use super::keys::VerifyingKey;
use super::transcript::{KeccakRead, TranscriptError};

/// Why a proof is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A wrong number of public words.
    #[error("the key has {expected} public words, got {got}")]
    Words {
        /// The key's.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A proof of the wrong size.
    #[error("a proof for this key has {expected} bytes, got {got}")]
    Length {
        /// The key's.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A field of the proof is malformed.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// A challenge hit a row of the circuit, where constraints cannot be evaluated.
    #[error("a challenge of this proof is a point of the domain")]
    ChallengeInDomain,
    /// The equation of the opening does not hold: the proof is of no true statement for this key
    /// and these words.
    #[error("the proof is not valid for this key and these public words")]
    Invalid,
    /// The key contradicts itself; no loader makes such a key.
    #[error("the verifying key is inconsistent")]
    Key,
}

/// Verifies a proof that the circuit of `key` is satisfied with the public `words`.
///
/// # Errors
/// A [`VerifyError`] that says why the proof is rejected.
pub fn verify(key: &VerifyingKey, words: &[Fr], proof: &[u8]) -> Result<(), VerifyError> {
    verify_from(KeccakRead::new(key.digest(), proof), key, words, proof.len())
}

/// As [`verify`], of a proof of `got` bytes, from a transcript that begins with the key's digest.
pub(super) fn verify_from(
    mut transcript: KeccakRead<'_>,
    key: &VerifyingKey,
    words: &[Fr],
    got: usize,
) -> Result<(), VerifyError> {
    let layout = key.instance_layout();
    if words.len() != layout.words {
        return Err(VerifyError::Words { expected: layout.words, got: words.len() });
    }
    let expected = key.protocol().proof_len();
    if got != expected {
        return Err(VerifyError::Length { expected, got });
    }
    transcript.absorb_scalar(&key.transcript_repr());
    instance::absorb(layout, words, &mut transcript);
    let proof = Proof::read(key.protocol(), &mut transcript)?;
    let instance = instance::evaluate(key, words, proof.x)?;
    let quotient = expected_quotient(key, &proof, instance)?;
    opening::verify(key, &proof, quotient, transcript)
}
