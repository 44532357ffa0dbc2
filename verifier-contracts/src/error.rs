//! Errors of the generator, the encoders and the EVM runner.

use thiserror::Error;

/// Why a contract could not be made, found or run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContractError {
    /// The protocol lacks something the generated contract relies on.
    #[error("protocol cannot be compiled to a contract: {0}")]
    Protocol(String),
    /// A verifying key that does not belong to the protocol.
    #[error("verifying key: {what}: expected {expected}, got {got}")]
    Key {
        /// What was looked at.
        what: &'static str,
        /// What the protocol asks for.
        expected: String,
        /// What the key has.
        got: String,
    },
    /// No compiled bytecode is checked in for this contract.
    #[error(
        "no compiled verifier is shipped for this constraint system (key {key}); write the sources \
         with `cargo run -p zkml-verifier-contracts --example write_sources` and compile them with \
         `node verifier-contracts/scripts/build.mjs`"
    )]
    MissingArtifact {
        /// keccak-256 of the source and of the compiler settings, in hex.
        key: String,
    },
    /// The list of compiled verifiers is damaged.
    #[error("checked-in artifacts are damaged: {0}")]
    Artifacts(String),
    /// Calldata that no honest encoder writes.
    #[error("calldata: {what}: expected {expected}, got {got}")]
    Calldata {
        /// What was looked at.
        what: &'static str,
        /// The canonical value.
        expected: String,
        /// The value found.
        got: String,
    },
    /// The EVM refused a transaction for a reason that is not the proof.
    #[error("EVM: {0}")]
    Evm(String),
    /// The constructor of the verifier reverted.
    #[error("the verifier's constructor reverted with {error}")]
    Deployment {
        /// Name of the custom error, or its selector in hex.
        error: String,
    },
}
