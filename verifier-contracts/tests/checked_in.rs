//! What is checked in is what the generator writes, and every verifier that ships is compiled.
#![allow(clippy::unwrap_used)]

mod catalogue;

use std::{fs, path::Path};
use zkml_verifier_contracts::{ContractError, MAX_CODE, artifacts, generate};

const HINT: &str = "run `cargo run -p zkml-verifier-contracts --example write_sources` and then \
                    `node verifier-contracts/scripts/build.mjs`";

#[test]
fn sources_and_bytecode_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, protocol) in catalogue::protocols() {
        let verifier = generate(&protocol).unwrap();
        let source = fs::read_to_string(root.join(format!("contracts/{name}.sol"))).unwrap();
        assert_eq!(source, verifier.source, "{name}.sol is stale: {HINT}");
        let artifact = artifacts::find(&verifier).unwrap_or_else(|e| panic!("{name}: {e}; {HINT}"));
        assert_eq!(artifact.name, name);
        // The runtime code is shorter than the creation code, and twice the limit bounds the latter.
        assert!(artifact.creation_code.len() <= 2 * usize::from(MAX_CODE));
    }
    for (path, fixture) in catalogue::FIXTURES {
        let written = fs::read_to_string(root.join(path)).unwrap_or_default();
        assert_eq!(written, fixture(), "{path} is stale: {HINT}");
    }
}

#[test]
fn a_changed_constraint_system_has_no_bytecode() {
    let (_, mut protocol) = catalogue::protocols().swap_remove(0);
    protocol.gates.pop();
    let verifier = generate(&protocol).unwrap();
    let error = artifacts::find(&verifier).unwrap_err();
    assert!(matches!(error, ContractError::MissingArtifact { .. }), "{error}");
}
