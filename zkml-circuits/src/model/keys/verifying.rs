//! The key of a verifier.

use super::{Header, ModelKeyError, SrsInfo, check_header, encode, protocol};
use crate::{
    machine::Profile,
    plonk::{self, VerifyError},
    statement::{IoSchema, StatementError},
};
use halo2curves::bn256::Fr;

const VK_MAGIC: &[u8; 8] = b"ZKMLMV\x00\x01";
/// Largest header: the digits of `2^20` public values.
const MAX_HEADER: usize = 1 << 24;

/// Verifies proofs of one compiled model.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    pub(super) header: Header,
    pub(super) plonk: plonk::VerifyingKey,
}

/// Why a proof is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedProof {
    /// The public words are no statement of this model.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] VerifyError),
}

impl VerifyingKey {
    /// Checks that `proof` proves the statement `words`. Neither panics on any input.
    ///
    /// # Errors
    /// [`RejectedProof`] saying what does not hold.
    pub fn verify(&self, words: &[Fr], proof: &[u8]) -> Result<(), RejectedProof> {
        self.header.io.unpack(words)?;
        plonk::verify(&self.plonk, words, proof)?;
        Ok(())
    }

    /// How the statement is packed into words.
    pub fn io(&self) -> &IoSchema {
        &self.header.io
    }

    /// Shape of the machine.
    pub fn profile(&self) -> Profile {
        self.header.profile
    }

    /// Identity of the compiled model.
    pub fn model_digest(&self) -> [u8; 32] {
        self.header.model
    }

    /// The SRS the key was made with.
    pub fn srs(&self) -> SrsInfo {
        self.header.srs
    }

    /// Digest of the key: binds gates, phases, program, tables, scales, visibility, instance
    /// layout and SRS, and starts every transcript.
    pub fn digest(&self) -> [u8; 32] {
        self.plonk.digest()
    }

    /// The generic verifying key below.
    pub fn plonk(&self) -> &plonk::VerifyingKey {
        &self.plonk
    }

    /// The `model.vk` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = encode(&self.header);
        let mut bytes = VK_MAGIC.to_vec();
        // A header is far below 4 GiB: its digits are bounded by the machine's rows.
        bytes.extend_from_slice(&(header.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&self.plonk.to_bytes());
        bytes
    }

    /// Reads a `model.vk` file.
    ///
    /// # Errors
    /// [`ModelKeyError`] when it is damaged, or its header is not the one bound into the key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelKeyError> {
        let kind = "verifying key of a model";
        let format = |why| ModelKeyError::Format { kind, why };
        let rest = bytes.strip_prefix(VK_MAGIC).ok_or(format("wrong first bytes or version"))?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(format("it is truncated"))?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_HEADER {
            return Err(format("its header is too long"));
        }
        let (header, rest) = rest.split_at_checked(length).ok_or(format("it is truncated"))?;
        let (header, after) = postcard::take_from_bytes::<Header>(header)
            .map_err(|_| format("its header does not decode"))?;
        if !after.is_empty() {
            return Err(format("bytes after its header"));
        }
        header.io.check()?;
        let plonk = plonk::VerifyingKey::from_bytes(rest, &protocol(header.profile)?)?;
        check_header(&header, &plonk, kind)?;
        Ok(Self { header, plonk })
    }
}
