//! The key of a verifier, and what is done with it.

use crate::{Error, proof::Proof};
use zkml_circuits::{model, statement::IoSchema};

/// Checks proofs of one compiled model.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    key: model::VerifyingKey,
}

impl VerifyingKey {
    #[cfg(feature = "prover")]
    pub(crate) fn of(key: model::VerifyingKey) -> Self {
        Self { key }
    }

    /// Reads a `model.vk` file.
    ///
    /// # Errors
    /// [`Error::Key`] when it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self { key: model::VerifyingKey::from_bytes(bytes)? })
    }

    /// The `model.vk` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.key.to_bytes()
    }

    /// Accepts `proof` if it was made for this key and holds, and if the values it names are the
    /// ones it proves.
    ///
    /// # Errors
    /// [`Error::Rejected`] or [`Error::Proof`] saying what does not hold.
    pub fn verify(&self, proof: &Proof) -> Result<(), Error> {
        proof.check(&self.key)?;
        self.key.verify(proof.words(), proof.bytes())?;
        Ok(())
    }

    /// How the statement is packed into public words.
    pub fn io(&self) -> &IoSchema {
        self.key.io()
    }

    /// Digest of the key: the identity of model, quantisation, visibility and SRS.
    pub fn digest(&self) -> [u8; 32] {
        self.key.digest()
    }

    /// Whether the key was made with an SRS whose secret somebody may know.
    pub fn is_insecure(&self) -> bool {
        self.key.srs().insecure
    }

    /// The layer below.
    pub fn inner(&self) -> &model::VerifyingKey {
        &self.key
    }
}
