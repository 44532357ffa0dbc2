//! Classical models as skl2onnx writes them, proven: what no example in `examples/models` shows. Labels are
//! onnxruntime's, values what `zkml-core/tests/exporters` allows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs::File, io::Read, path::Path};

use zkml::{
    CompileOptions, Model, Srs, Tensor,
    core::{
        io::{Arrays, InputSpec, parse_npz, samples},
        onnx::{DimBindings, ImportOptions},
        quant::search_suited,
    },
};

fn prove(name: &str, tolerance: f64) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("zkml-core/tests/exporters/models");
    let file = File::open(root.join(format!("{name}.zip"))).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let mut dims = DimBindings::new();
    dims.bind("x:0", 1).unwrap();
    let model = Model::from_bytes(&read("model.onnx"), &ImportOptions::with_dims(dims)).unwrap();
    let specs = InputSpec::of_graph(model.graph());
    let inputs = Arrays::Named(parse_npz(&read("inputs.npz"), "inputs.npz").unwrap());
    let inputs = samples(inputs, &specs, "inputs.npz").unwrap();
    let expected: Vec<(String, Tensor<f32>)> =
        parse_npz(&read("outputs.npz"), "outputs.npz").unwrap();

    let found = search_suited(model.graph(), &inputs, None, None).unwrap();
    let program = model.compile(&CompileOptions::default().settings(found.settings)).unwrap();
    let keys = program.setup(&Srs::development(program.k()).unwrap()).unwrap();
    for (i, sample) in inputs.iter().enumerate() {
        let proof = keys.proving_key().prove(sample).unwrap();
        keys.verifying_key().verify(&proof).unwrap();
        assert_eq!(proof.outputs().len(), expected.len(), "{name}");
        for output in proof.outputs() {
            let (_, all) = expected.iter().find(|(name, _)| *name == output.name).unwrap();
            let largest = all.data().iter().fold(0.0, |most: f32, v| most.max(v.abs()));
            let count = output.integers.len();
            let unit = f64::from(output.scale).exp2();
            for (got, e) in output.integers.iter().zip(&all.data()[i * count..]) {
                let error = (*got as f64 / unit - f64::from(*e)).abs();
                let bound = if output.name == "label" { 0.0 } else { tolerance };
                assert!(error <= bound * f64::from(largest), "{name}, {}: {got}", output.name);
            }
        }
    }
}

#[test]
fn support_vectors_of_three_classes() {
    prove("svc", 0.015);
}

#[test]
fn support_vectors_of_two_classes() {
    // At the precision that suits models of its kind, a step of the exponents is 3 % of a kernel.
    prove("svc_binary", 0.05);
}

#[test]
fn support_vector_regression() {
    prove("svr", 0.01);
}

#[test]
fn linear_kernels() {
    prove("svc_linear", 0.01);
}
