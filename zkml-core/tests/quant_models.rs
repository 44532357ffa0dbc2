//! The examples from ONNX file to integer program, at the default settings.

use std::path::{Path, PathBuf};

use zkml_core::{
    io::{Arrays, InputSpec, labels, parse_npy, samples},
    ir::Graph,
    onnx::{ImportOptions, load},
    quant::{CalibrationOptions, Target, calibrate, compile_with_sources, search},
    report::Report,
    tensor::Tensor,
};

struct Example {
    graph: Graph,
    calibration: Vec<Vec<Tensor<f32>>>,
    samples: Vec<Vec<Tensor<f32>>>,
    labels: Vec<Vec<usize>>,
    /// What onnxruntime computes of the samples, all in a row.
    expected: Vec<f32>,
}

impl Example {
    fn new(name: &str) -> Self {
        let folder: PathBuf =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models").join(name);
        let graph =
            load(folder.join("model.onnx"), &ImportOptions::default()).expect("imports").graph;
        let specs = InputSpec::of_graph(&graph);
        let read = |file: &str| Arrays::read(&folder.join(file)).expect("reads");
        let sets = |file: &str| samples(read(file), &specs, file).expect("fits");
        let test = sets("samples.npy");
        let rows = graph.get(graph.outputs()[0].1).shape.dims()[0];
        let expected = std::fs::read(folder.join("expected.npy")).expect("reads");
        Self {
            calibration: sets("calib.npy"),
            labels: labels(read("labels.npy"), test.len(), rows, "labels.npy").expect("fits"),
            samples: test,
            expected: parse_npy(&expected, "expected.npy").expect("valid").into_data(),
            graph,
        }
    }
}

#[test]
fn examples_predict_what_onnxruntime_predicts() {
    for (name, tensors, tables, largest_error) in [
        ("mlp_digits", 4, 1, 0.2),
        ("mlp_wine", 7, 4, 0.5),
        ("mlp_iris_batch8", 7, 5, 0.1),
        // Input, five layers, and three steps of each of two pools, with one table of Relu.
        ("lenet_digits", 1 + 5 + 2 * 3, 1, 0.3),
    ] {
        let example = Example::new(name);
        let options = CalibrationOptions::default();
        let settings = calibrate(&example.graph, &example.calibration, &options).expect("ranges");
        let compiled = compile_with_sources(&example.graph, &settings).expect("compiles");
        let program = &compiled.program;
        assert_eq!((program.tensors.len(), program.tables.len()), (tensors, tables), "{name}");
        let report =
            Report::new(&example.graph, &compiled, &example.samples, Some(&example.labels))
                .expect("runs");
        assert_eq!(report.rejected.count, 0, "{report}");
        assert_eq!(report.agreement(), 1.0, "{report}");
        assert!(report.max_error() < largest_error, "{report}");
        let accuracy = report.accuracy.as_ref().expect("labels");
        assert_eq!(accuracy.float.hits, accuracy.integer.hits, "{report}");

        // Not only our own float executor: onnxruntime's outputs as recorded in the file.
        let executor = zkml_core::exec::integer::Executor::new(program).expect("well-formed");
        let mut expected = example.expected.as_slice();
        for sample in &example.samples {
            let trace = executor.run_real(sample).expect("in range");
            for got in trace.real_outputs(program).remove(0).data() {
                let (first, rest) = expected.split_first().expect("one for each");
                assert!((got - f64::from(*first)).abs() < largest_error, "{name}: {got}, {first}");
                expected = rest;
            }
        }
        assert!(expected.is_empty());
    }
}

#[test]
fn a_target_on_mlp_digits_is_met_with_more_bits() {
    let example = Example::new("mlp_digits");
    let options = CalibrationOptions::default();
    let target = Target::Error(0.05);
    let found = search(&example.graph, &example.calibration, &options, Some(target)).expect("met");
    assert!(found.report.max_error() <= 0.05);
    assert!(found.settings.default_bits > options.bits && found.settings.default_bits <= 12);
}
