//! Proving and verifying keys.
//!
//! A [`VerifyingKey`] is light: commitments, the size of the domain, how public words are laid
//! out, the SRS points of the pairing and a 32-byte `binding` of the layer above. A
//! [`ProvingKey`] adds the values of fixed columns and of the permutation. The constraint system
//! itself is never written: the caller derives the [`Protocol`](super::Protocol) and passes it to
//! the loaders, and the digest of the key, recomputed at every load, covers both.

mod codec;
#[cfg(feature = "prover")]
mod columns;
#[cfg(feature = "prover")]
mod commit;
mod digest;
#[cfg(feature = "prover")]
mod generate;
#[cfg(feature = "prover")]
mod halo2;
#[cfg(feature = "prover")]
mod proving;
mod verifying;

pub use codec::KeyFormatError;
#[cfg(feature = "prover")]
pub use generate::{KeyError, KeyOptions, generate_keys};
#[cfg(feature = "prover")]
pub use proving::ProvingKey;
pub use verifying::{InstanceLayout, LayoutError, VerifyingKey};
