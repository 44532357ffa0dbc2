//! The credit-scoring forests on raw features, from the file to the EVM: what they decide about an
//! application that stays private.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod example;

use example::Example;
use zkml::{
    CompileOptions, Srs, Visibility,
    core::quant::{CalibrationOptions, calibrate},
    solidity::{self, Fork, Verdict},
};

fn prove(name: &str) {
    let example = Example::new(name);
    let options = CalibrationOptions { bits: 12, ..CalibrationOptions::default() };
    let settings =
        calibrate(example.model.graph(), &example.samples("calib.npy"), &options).unwrap();
    let options =
        CompileOptions::default().settings(settings).input_visibility(Visibility::Private);
    let program = example.model.compile(&options).unwrap();
    let keys = program.setup(&Srs::development(program.k()).unwrap()).unwrap();
    let key = keys.verifying_key();

    let labels = example.array("expected_labels.npy");
    let cases = example.samples("samples.npy");
    // One of each label, so that the proof is not of a constant.
    for label in [0.0, 1.0] {
        let at = labels.data().iter().position(|of| *of == label).unwrap();
        let proof = keys.proving_key().prove(&cases[at]).unwrap();
        key.verify(&proof).unwrap();
        assert!(proof.inputs().is_empty());
        let decided = proof.outputs().iter().find(|output| output.name == "label").unwrap();
        assert_eq!((decided.scale, decided.integers.as_slice()), (0, &[label as i64][..]));
    }
    let proof = keys.proving_key().prove(&example.input()).unwrap();
    let (outcome, _) = solidity::evm_verify(key, &proof, Fork::Cancun).unwrap();
    assert!(matches!(outcome.verdict, Verdict::Accepted { .. }));
}

#[test]
fn credit_forest() {
    prove("credit_forest");
}

#[test]
fn credit_boosted() {
    prove("credit_boosted");
}
