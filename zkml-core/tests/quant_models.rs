//! The examples from ONNX file to integer program, at the default settings.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use zkml_core::{
    io::{Arrays, InputSpec, labels, parse_npy, samples},
    ir::Graph,
    onnx::{ImportOptions, load},
    program::{Program, Step},
    quant::{
        Calibrated, CalibrationOptions, Target, calibrate, compile_with_sources, search,
        search_suited,
    },
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

/// Rows of all tables of a program: of ranges, of remainders, of functions.
fn table_rows(program: &Program) -> usize {
    let (mut ranges, mut shifts) = (BTreeSet::new(), BTreeSet::new());
    for tensor in &program.tensors {
        match &tensor.step {
            Step::Affine(affine) => {
                if affine.table.is_none() {
                    ranges.insert(tensor.bits.get());
                }
                shifts.insert(affine.shift);
            }
            _ => {
                ranges.insert(tensor.bits.get());
            }
        }
    }
    let widths = ranges.iter().chain(shifts.iter().filter(|shift| **shift > 0));
    widths.map(|bits| 1usize << bits).sum::<usize>()
        + program.tables.iter().map(|table| table.values.len()).sum::<usize>()
}

#[test]
fn transformers_get_the_bits_they_need() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models");
    for (name, file, most) in
        [("nanogpt", "calib.npy", 62_000), ("bert_aspect", "calib.npz", 20_000)]
    {
        let folder = folder.join(name);
        let graph =
            load(folder.join("model.onnx"), &ImportOptions::default()).expect("imports").graph;
        let specs = InputSpec::of_graph(&graph);
        let read = Arrays::read(&folder.join(file)).expect("reads");
        let calibration = samples(read, &specs, file).expect("fits");
        let Calibrated { settings, compiled, report } =
            search_suited(&graph, &calibration, None, None).expect("calibrates");
        assert!(settings.table_saving > 0, "{name}");
        assert!(report.agreement() >= 0.99, "{report}");
        assert_eq!(report.rejected.count, 0, "{report}");
        if let Some(perplexity) = &report.perplexity {
            assert!(perplexity.relative.abs() < 0.01, "{perplexity}");
        }
        let rows = table_rows(&compiled.program);
        assert!(rows <= most, "{name}: {rows} rows of tables");
        // All layers share one shift, and attention its tables.
        let shifts = |step: &Step| match step {
            Step::Affine(affine) if affine.shift > 0 => Some(affine.shift),
            _ => None,
        };
        let shifts: BTreeSet<u8> =
            compiled.program.tensors.iter().filter_map(|tensor| shifts(&tensor.step)).collect();
        assert!(shifts.len() <= 2, "{name}: {shifts:?}");
        let relus = compiled.program.tables.iter().filter(|table| table.name == "Relu").count();
        assert_eq!(relus, 1, "{name}");
    }
}
