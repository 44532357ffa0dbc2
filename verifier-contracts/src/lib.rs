//! Solidity verifiers of zkml proofs: their generator, their keys as data contracts, their calldata,
//! and an EVM to run them in.
//!
//! One contract per *profile* (constraint system): [`generate`] writes its source from a
//! [`Protocol`](zkml_circuits::plonk::Protocol). A model is a *data contract* whose code is a zero
//! byte and the words of [`Layout::key`](layout::KeyLayout); the verifier's constructor pins its
//! address and code hash.

pub mod abi;
mod algebra;
pub mod artifacts;
mod error;
#[cfg(feature = "evm")]
pub mod evm;
mod export;
mod fork;
pub mod gas;
mod key;
pub mod layout;
mod profiles;
mod schema;
mod solidity;

pub use error::ContractError;
pub use export::{Example, Export, export};
pub use fork::Fork;
pub use key::{MAX_CODE, deploy_code, g2_words, keccak, key_code, key_words};
pub use profiles::profile_protocol;
pub use schema::Schema;
pub use solidity::{CONTRACT, FILE, INTERFACE, INTERFACE_FILE, VERSION, VerifierSource, generate};
