//! The convolutional examples, from the file to the EVM.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use zkml::{
    CompileOptions, Model, Srs, Tensor,
    core::io::{Arrays, InputSpec, inputs, samples},
    solidity::{self, Fork, Verdict},
};

/// Argmax of a tensor of logits.
fn argmax<T: PartialOrd + Copy>(values: &[T]) -> usize {
    (0..values.len()).rev().fold(0, |best, i| if values[i] >= values[best] { i } else { best })
}

/// Proves an example's input, verifies it here and in the EVM, and compares the argmax of its
/// samples with onnxruntime's.
fn prove(example: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models").join(example);
    let model = Model::from_onnx(directory.join("model.onnx")).unwrap();
    let specs = InputSpec::of_graph(model.graph());
    let read = |name: &str| Arrays::read(&directory.join(name)).unwrap();
    let calibration = samples(read("calib.npy"), &specs, "calib.npy").unwrap();
    let options = CompileOptions::default().calibrate(&calibration).unwrap();
    let program = model.compile(&options).unwrap();

    let integers = program.compiled().program();
    let executor = zkml::core::exec::integer::Executor::new(integers).unwrap();
    let expected = expected(&directory.join("expected.npy"));
    let cases = samples(read("samples.npy"), &specs, "samples.npy").unwrap();
    assert_eq!((cases.len(), expected.len()), (20, 200));
    for (case, expected) in cases.iter().zip(expected.chunks(10)) {
        let trace = executor.run_real(case).unwrap();
        assert_eq!(argmax(trace.outputs(integers)[0].data()), argmax(expected));
    }

    let keys = program.setup(&Srs::development(program.k()).unwrap()).unwrap();
    let input: Vec<Tensor<f32>> = inputs(read("input.json"), &specs, "input.json").unwrap();
    let proof = keys.proving_key().prove(&input).unwrap();
    let key = keys.verifying_key();
    key.verify(&proof).unwrap();
    let (outcome, _) = solidity::evm_verify(key, &proof, Fork::Cancun).unwrap();
    assert!(matches!(outcome.verdict, Verdict::Accepted { .. }));
}

fn expected(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    zkml::core::io::parse_npy(&bytes, "expected.npy").unwrap().into_data()
}

#[test]
fn lenet_digits() {
    prove("lenet_digits");
}

#[test]
fn resnet8() {
    prove("resnet8");
}
