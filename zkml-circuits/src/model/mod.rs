//! A model in the machine: compile, keys, proofs. What the facade builds on.

#[cfg(feature = "prover")]
mod compiled;
mod keys;
#[cfg(feature = "prover")]
mod length;
#[cfg(feature = "prover")]
mod prove;

#[cfg(feature = "prover")]
pub use compiled::{CompileConfig, CompileError, Compiled};
#[cfg(feature = "prover")]
pub use keys::ProvingKey;
pub use keys::{ModelKeyError, RejectedProof, SrsInfo, VerifyingKey, protocol};
#[cfg(feature = "prover")]
pub use prove::{ModelProof, ModelProveError, RUN_STAGE};
