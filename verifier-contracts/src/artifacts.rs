//! Compiled verifiers that ship with the crate, so that neither `cargo test` nor `zkml evm-verify`
//! needs a Solidity compiler.
//!
//! `artifacts/verifiers.json` is written by `scripts/build.mjs`. A verifier is found by the keccak
//! hash of the compiler settings, the interface and the generated source (each preceded by its
//! length and a colon): change any of them and it is missing, never stale.

use crate::{
    error::ContractError,
    key::keccak,
    solidity::{INTERFACE, VerifierSource},
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::OnceLock};

/// Settings of the Solidity compiler, as its standard JSON input wants them.
pub const SETTINGS: &str = include_str!("../scripts/settings.json");

const SHIPPED: &str = include_str!("../artifacts/verifiers.json");

/// A compiled verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Name it was built under.
    pub name: String,
    /// Creation code, to be followed by the constructor's arguments.
    pub creation_code: Vec<u8>,
}

/// The shipped bytecode of a generated source.
///
/// # Errors
/// [`ContractError::MissingArtifact`] when this very source was not compiled,
/// [`ContractError::Artifacts`] when the list is damaged.
pub fn find(verifier: &VerifierSource) -> Result<Artifact, ContractError> {
    let shipped = shipped()?;
    let key = key(&verifier.source);
    let found = shipped.verifiers.iter().find(|(_, v)| v.key == key);
    let (name, entry) = found.ok_or(ContractError::MissingArtifact { key })?;
    let creation_code = hex::decode(&entry.creation)
        .map_err(|e| ContractError::Artifacts(format!("{name}: {e}")))?;
    Ok(Artifact { name: name.clone(), creation_code })
}

/// What an artifact of this source is filed under.
#[must_use]
pub fn key(source: &str) -> String {
    let mut text = String::new();
    for part in [SETTINGS, INTERFACE, source] {
        text.push_str(&format!("{}:{part}", part.len()));
    }
    hex::encode(keccak(text.as_bytes()))
}

/// Version of the compiler that made the shipped bytecode.
///
/// # Errors
/// [`ContractError::Artifacts`] when the list is damaged.
pub fn compiler() -> Result<&'static str, ContractError> {
    Ok(&shipped()?.compiler)
}

#[derive(Debug, Deserialize)]
struct Shipped {
    compiler: String,
    verifiers: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    key: String,
    creation: String,
}

fn shipped() -> Result<&'static Shipped, ContractError> {
    static PARSED: OnceLock<Result<Shipped, String>> = OnceLock::new();
    PARSED
        .get_or_init(|| serde_json::from_str(SHIPPED).map_err(|e| e.to_string()))
        .as_ref()
        .map_err(|e| ContractError::Artifacts(e.clone()))
}
