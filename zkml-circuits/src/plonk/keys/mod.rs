//! Proving and verifying keys.
//!
//! A [`VerifyingKey`] is light: commitments, the size of the domain, how public words are laid
//! out, the SRS points of the pairing and a 32-byte `binding` of the layer above. A
//! [`ProvingKey`] adds the values of fixed columns and of the permutation. The constraint system
//! itself is never written: the caller derives the [`Protocol`](super::Protocol) and passes it to
//! the loaders, and the digest of the key, recomputed at every load, covers both.

mod codec;
mod columns;
mod commit;
mod digest;
mod generate;
mod halo2;
mod proving;
mod verifying;

pub use codec::KeyFormatError;
pub use generate::{KeyError, KeyOptions, generate_keys};
pub use proving::ProvingKey;
pub use verifying::{InstanceLayout, LayoutError, VerifyingKey};
