//! What is generated and checked in; shared by the example that writes it and by the tests that
//! compare.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

mod classifier;

use halo2_proofs::plonk::{Circuit, ConstraintSystem};
use halo2curves::bn256::Fr;
use serde_json::{Value, json};
use zkml_circuits::{
    machine::Profile,
    plonk::{
        Protocol, VerifyingKey, scalar_to_bytes,
        testing::{Fixture, SampleCircuit, SampleParams},
    },
};
use zkml_verifier_contracts::{deploy_code, g2_words, keccak, key_code, profile_protocol};

/// A file relative to the crate, and what writes it.
pub type Written = (&'static str, fn() -> String);

/// The Foundry tests' fixtures.
pub const FIXTURES: [Written; 2] =
    [("test/fixtures/sample.json", sample), ("test/fixtures/classifier.json", classifier::fixture)];

/// Sample circuits that differ in what verifiers are generated from.
pub fn samples() -> Vec<(&'static str, SampleParams)> {
    let base = SampleParams::default();
    vec![
        ("sample", base),
        ("sample-large", SampleParams::large()),
        ("sample-far", SampleParams { phases: 2, degree: 6, far_rotation: -5, ..base }),
    ]
}

/// Every constraint system whose verifier ships compiled, by name.
pub fn protocols() -> Vec<(String, Protocol)> {
    let profiles = Profile::standard().into_iter();
    let profiles = profiles.map(|p| (p.to_string(), profile_protocol(p).expect("a profile")));
    let samples = samples().into_iter().map(|(name, params)| {
        let mut cs = ConstraintSystem::default();
        SampleCircuit::configure_with_params(&mut cs, params);
        (name.to_owned(), Protocol::new(&cs).expect("a supported circuit"))
    });
    profiles.chain(samples).collect()
}

/// A proof of the sample circuit with all that is needed to deploy its verifier.
fn sample() -> String {
    let fixture = Fixture::new(SampleParams::default());
    let mut value = deployment(fixture.key.verifying_key());
    value["proof"] = hex(&fixture.proof);
    value["words"] = words(&fixture.words);
    format!("{value:#}\n")
}

/// What deploying the verifier of a key takes.
fn deployment(key: &VerifyingKey) -> Value {
    let code = key_code(key).expect("a supported key");
    json!({
        "vkDigest": hex(&key.digest()),
        "vkInitCode": hex(&deploy_code(&code).expect("a short key")),
        "vkCodehash": hex(&keccak(&code)),
        "sG2": g2_words(&key.s_g2()).map(|w| hex(&w)),
    })
}

fn words(words: &[Fr]) -> Value {
    words.iter().map(|w| hex(&scalar_to_bytes(w))).collect()
}

fn hex(bytes: &[u8]) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}
