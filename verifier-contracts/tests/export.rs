//! Exported files, taken at their word: deploying and calling from them alone accepts the proof.
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

mod common;

use common::Setup;
use serde_json::Value;
use zkml_circuits::plonk::testing::{Fixture, SampleParams};
use zkml_verifier_contracts::{Example, Fork, evm::Evm, export};

#[test]
fn the_files_are_enough_to_deploy_and_verify() {
    let setup = Setup::new(SampleParams::default());
    let (proof, words) = (&setup.fixture.proof, &setup.fixture.words);
    let export = export(setup.key(), "sample", None, Some(Example { proof, words })).unwrap();
    assert!(export.compiled);
    let names: Vec<&str> = export.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "ZkmlVerifier.sol",
            "IZkmlVerifier.sol",
            "vk.bin",
            "deployment.json",
            "calldata.hex",
            "README.md"
        ]
    );
    let file = |name: &str| &export.files.iter().find(|(n, _)| n == name).unwrap().1;
    let text = |name: &str| String::from_utf8(file(name).clone()).unwrap();
    let bytes = |text: &str| hex::decode(text.trim().trim_start_matches("0x")).unwrap();
    let deployment: Value = serde_json::from_slice(file("deployment.json")).unwrap();
    let field = |name: &str| bytes(deployment[name].as_str().unwrap());

    let mut s_g2 = [[0; 32]; 4];
    for (word, value) in s_g2.iter_mut().zip(deployment["sG2"].as_array().unwrap()) {
        word.copy_from_slice(&bytes(value.as_str().unwrap()));
    }
    let hash: [u8; 32] = field("vkCodehash").try_into().unwrap();
    let creation_code = field("verifierCreationCode");
    let key_code = file("vk.bin");
    assert!(field("vkInitCode").ends_with(key_code));
    let mut evm =
        Evm::deploy_expecting(Fork::Cancun, &creation_code, key_code, hash, &s_g2).unwrap();
    let outcome = evm.call(&bytes(&text("calldata.hex"))).unwrap();
    assert!(outcome.verdict.is_accepted());
    let predicted = deployment["verifyGas"]["cancun"].as_u64().unwrap();
    assert!(outcome.execution_gas.abs_diff(predicted) < outcome.execution_gas / 33);
    assert!(deployment["verifyGas"]["osaka"].as_u64().unwrap() > predicted);

    let readme = text("README.md");
    assert!(!readme.contains("{{"), "unfilled placeholder");
    assert!(readme.contains(&hex::encode(setup.key().digest())));
    assert!(!text("ZkmlVerifier.sol").contains("{{"));
}

#[test]
fn other_constraint_systems_are_exported_without_bytecode() {
    let params = SampleParams { lanes: 6, ..SampleParams::default() };
    let fixture = Fixture::new(params);
    let export = export(fixture.key.verifying_key(), "other", None, None).unwrap();
    assert!(!export.compiled);
    assert!(export.files.iter().all(|(name, _)| name != "calldata.hex"));
}
