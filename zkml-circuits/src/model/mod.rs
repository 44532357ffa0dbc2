//! A model in the machine: compile, keys, proofs. What the facade builds on.

mod compiled;
mod keys;
mod prove;

pub use compiled::{CompileConfig, CompileError, Compiled};
pub use keys::{ModelKeyError, ProvingKey, RejectedProof, SrsInfo, VerifyingKey, protocol};
pub use prove::{ModelProof, ModelProveError, RUN_STAGE};
