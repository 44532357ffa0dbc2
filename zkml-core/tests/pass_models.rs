//! What the passes leave of the example transformers, and that it computes what onnxruntime does.

use std::path::{Path, PathBuf};

use zkml_core::{
    exec::float,
    io::{Arrays, InputSpec, parse_npy, samples},
    ir::{Activation, Graph, Op},
    onnx::{ImportOptions, load},
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models").join(name)
}

/// Imports a model and compares its outputs on all samples with those in `expected.npy`.
fn checked(name: &str, samples_file: &str) -> Graph {
    let folder = folder(name);
    let graph = load(folder.join("model.onnx"), &ImportOptions::default()).expect("imports").graph;
    let read = Arrays::read(&folder.join(samples_file)).expect("reads");
    let sets = samples(read, &InputSpec::of_graph(&graph), samples_file).expect("fits");
    let expected = std::fs::read(folder.join("expected.npy")).expect("reads");
    let expected = parse_npy(&expected, "expected.npy").expect("valid").into_data();
    let mut outputs = Vec::new();
    for set in &sets {
        let trace = float::run(&graph, set).expect("runs");
        outputs.extend_from_slice(trace.outputs()[0].data());
    }
    assert_eq!(outputs.len(), expected.len(), "{name}");
    for (got, expected) in outputs.iter().zip(&expected) {
        let error = (got - expected).abs();
        assert!(error <= 1e-4 * expected.abs().max(1.0), "{name}: {got}, not {expected}");
    }
    graph
}

/// Names of the operations, without views.
fn names(graph: &Graph) -> Vec<&str> {
    let name = |op: &Op| match op {
        Op::MatMul => "MatMul",
        Op::Add => "Add",
        Op::Sub => "Sub",
        Op::Mul => "Mul",
        Op::Activation(Activation::Pointwise(_)) => "Pointwise",
        Op::Activation(Activation::Square) => "Square",
        Op::Activation(Activation::Rsqrt) => "Rsqrt",
        Op::Activation(Activation::Reciprocal) => "Reciprocal",
        Op::Activation(Activation::Tanh) => "Tanh",
        Op::Activation(Activation::IsPositive) => "IsPositive",
        Op::ExpShifted { .. } => "ExpShifted",
        Op::Embed => "Embed",
        Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. } => "view",
        other => panic!("{other:?}"),
    };
    graph.nodes().iter().map(|node| name(&node.op)).filter(|name| *name != "view").collect()
}

/// `(x - mean) / sqrt(mean of squares + epsilon)`.
const NORM: [&str; 7] = ["MatMul", "Sub", "Square", "MatMul", "Add", "Rsqrt", "Mul"];
/// Queries, keys and values with the bias of the normalisation.
const PROJECTIONS: [&str; 6] = ["MatMul", "Add", "MatMul", "Add", "MatMul", "Add"];
/// Exponentials, their sum and its inverse, the product with the values, and then the factor.
const SOFTMAX: [&str; 5] = ["ExpShifted", "MatMul", "Reciprocal", "MatMul", "Mul"];

#[test]
fn a_gpt_is_what_the_quantiser_wants() {
    let graph = checked("nanogpt", "samples.npy");
    let mut expected = vec!["Embed", "Add"];
    for _ in 0..2 {
        expected.extend(NORM);
        expected.extend(PROJECTIONS);
        // The fused layer is three, the scale of the scores is in one of them, and the mask of minus
        // infinity in the exponentials.
        expected.push("MatMul");
        expected.extend(SOFTMAX);
        expected.extend(["MatMul", "Add"]);
        expected.extend(NORM);
        expected.extend(["MatMul", "Add", "Pointwise", "MatMul", "Add"]);
    }
    expected.extend(NORM);
    expected.extend(["MatMul", "Add"]);
    assert_eq!(names(&graph), expected);
    let masked = graph.nodes().iter().filter(|node| matches!(node.op, Op::ExpShifted { .. }));
    let keep = |node: &zkml_core::ir::Node| {
        let keep = graph.get(*node.inputs.get(1).expect("what is kept"));
        keep.constant.as_ref().map(|keep| keep.data().iter().sum::<f32>())
    };
    assert!(masked.map(keep).eq([Some(136.0); 2]));
}

#[test]
fn a_bert_is_what_the_quantiser_wants() {
    let graph = checked("bert_aspect", "samples.npz");
    // Of the padding mask what is kept, once for both layers.
    let all = names(&graph);
    assert_eq!(all.iter().filter(|name| **name == "IsPositive").count(), 1);
    let rest: Vec<&str> = all.into_iter().filter(|name| *name != "IsPositive").collect();
    // Residuals read the normalised tensors too, so that these keep scale and bias.
    let scaled_norm = [&NORM[..], &["Mul", "Add"]].concat();
    let mut expected = vec!["Embed", "Embed", "Add", "Add"];
    expected.extend(&scaled_norm);
    for _ in 0..2 {
        expected.extend(PROJECTIONS);
        expected.push("MatMul");
        expected.extend(SOFTMAX);
        expected.extend(["MatMul", "Add", "Add"]);
        expected.extend(&scaled_norm);
        expected.extend(["MatMul", "Add", "Pointwise", "MatMul", "Add", "Add"]);
        expected.extend(&scaled_norm);
    }
    expected.extend(["MatMul", "Add", "Tanh", "MatMul", "Add"]);
    assert_eq!(rest, expected);
}
