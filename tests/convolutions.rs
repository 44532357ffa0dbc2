//! The convolutional examples, from the file to the EVM.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod example;

use example::{Example, argmax};
use zkml::{
    CompileOptions, Srs,
    solidity::{self, Fork, Verdict},
};

/// Proves an example's input, verifies it here and in the EVM, and compares the argmax of its
/// samples with onnxruntime's.
fn prove(name: &str) {
    let example = Example::new(name);
    let options = CompileOptions::default().calibrate(&example.samples("calib.npy")).unwrap();
    let program = example.model.compile(&options).unwrap();

    let integers = program.compiled().program();
    let executor = zkml::core::exec::integer::Executor::new(integers).unwrap();
    let (expected, cases) = (example.array("expected.npy"), example.samples("samples.npy"));
    assert_eq!((cases.len(), expected.data().len()), (20, 200));
    for (case, expected) in cases.iter().zip(expected.data().chunks(10)) {
        let trace = executor.run_real(case).unwrap();
        assert_eq!(argmax(trace.outputs(integers)[0].data()), argmax(expected));
    }

    let keys = program.setup(&Srs::development(program.k()).unwrap()).unwrap();
    let proof = keys.proving_key().prove(&example.input()).unwrap();
    let key = keys.verifying_key();
    key.verify(&proof).unwrap();
    let (outcome, _) = solidity::evm_verify(key, &proof, Fork::Cancun).unwrap();
    assert!(matches!(outcome.verdict, Verdict::Accepted { .. }));
}

#[test]
fn lenet_digits() {
    prove("lenet_digits");
}

#[test]
fn resnet8() {
    prove("resnet8");
}
