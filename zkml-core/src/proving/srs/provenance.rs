//! Where a structured reference string comes from, hence who may know its secret.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a structured reference string comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Provenance {
    /// Somebody may know the secret: proofs made with it convince nobody.
    Insecure(InsecureOrigin),
    /// Imported from a ceremony of many contributors. That the file *is* the ceremony's cannot be
    /// seen from its points: compare [`Ceremony::keccak256`] with the hash of a file you trust.
    Ceremony(Ceremony),
}

/// How a string without a ceremony was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InsecureOrigin {
    /// From the public development seed: everybody knows the secret.
    DevelopmentSeed,
    /// From randomness drawn on one machine: whoever ran it may know the secret.
    LocalRandomness,
}

/// A file of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ceremony {
    /// Name of the file imported, for people; not to be trusted.
    pub source: String,
    /// Keccak-256 of the whole file imported.
    pub keccak256: [u8; 32],
}

impl Provenance {
    /// Whether somebody is known to have been in a position to know the secret.
    pub fn is_insecure(&self) -> bool {
        matches!(self, Self::Insecure(_))
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insecure(InsecureOrigin::DevelopmentSeed) => {
                f.write_str("INSECURE: development seed, its secret is public")
            }
            Self::Insecure(InsecureOrigin::LocalRandomness) => {
                f.write_str("INSECURE: generated on one machine, without a ceremony")
            }
            Self::Ceremony(ceremony) => write!(
                f,
                "ceremony file {:?}, keccak256 {}",
                ceremony.source,
                hex::encode(ceremony.keccak256)
            ),
        }
    }
}
