//! The credit-scoring forests on raw features, from the file to the EVM: what they decide about an
//! application that stays private.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use zkml::{
    CompileOptions, Model, Srs, Tensor, Visibility,
    core::{
        io::{Arrays, InputSpec, inputs, parse_npy, samples},
        quant::{CalibrationOptions, calibrate},
    },
    solidity::{self, Fork, Verdict},
};

fn prove(example: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models").join(example);
    let model = Model::from_onnx(directory.join("model.onnx")).unwrap();
    let specs = InputSpec::of_graph(model.graph());
    let read = |name: &str| Arrays::read(&directory.join(name)).unwrap();
    let calibration = samples(read("calib.npy"), &specs, "calib.npy").unwrap();
    let options = CalibrationOptions { bits: 12, ..CalibrationOptions::default() };
    let settings = calibrate(model.graph(), &calibration, &options).unwrap();
    let options =
        CompileOptions::default().settings(settings).input_visibility(Visibility::Private);
    let program = model.compile(&options).unwrap();
    let keys = program.setup(&Srs::development(program.k()).unwrap()).unwrap();
    let key = keys.verifying_key();

    let labels = std::fs::read(directory.join("expected_labels.npy")).unwrap();
    let labels = parse_npy(&labels, "expected_labels.npy").unwrap();
    let cases = samples(read("samples.npy"), &specs, "samples.npy").unwrap();
    // One of each label, so that the proof is not of a constant.
    for label in [0.0, 1.0] {
        let at = labels.data().iter().position(|of| *of == label).unwrap();
        let proof = keys.proving_key().prove(&cases[at]).unwrap();
        key.verify(&proof).unwrap();
        assert!(proof.inputs().is_empty());
        let decided = proof.outputs().iter().find(|output| output.name == "label").unwrap();
        assert_eq!((decided.scale, decided.integers.as_slice()), (0, &[label as i64][..]));
    }
    let input: Vec<Tensor<f32>> = inputs(read("input.json"), &specs, "input.json").unwrap();
    let proof = keys.proving_key().prove(&input).unwrap();
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
