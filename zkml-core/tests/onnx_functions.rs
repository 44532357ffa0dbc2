//! Model-local functions: bodies take the place of calls, and files that abuse them are refused.

mod onnx_build;

use onnx_build::*;
use zkml_core::{
    exec::float,
    onnx::{
        ImportError,
        proto::{AttributeProto, FunctionProto, ModelProto, NodeProto, OperatorSetIdProto},
    },
    tensor::{Shape, Tensor},
};

const DOMAIN: &str = "local";

fn import_of(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) }
}

fn function(
    name: &str,
    (inputs, outputs): (&[&str], &[&str]),
    nodes: Vec<NodeProto>,
) -> FunctionProto {
    let owned = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect();
    FunctionProto {
        name: Some(name.into()),
        domain: Some(DOMAIN.into()),
        input: owned(inputs),
        output: owned(outputs),
        node: nodes,
        opset_import: vec![import_of("", 13), import_of(DOMAIN, 1)],
        ..Default::default()
    }
}

fn call(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto { domain: Some(DOMAIN.into()), ..node(name, inputs, outputs) }
}

fn with_functions(nodes: Vec<NodeProto>, functions: Vec<FunctionProto>) -> ModelProto {
    let mut proto = model(17, &[2], nodes);
    proto.opset_import.push(import_of(DOMAIN, 1));
    proto.functions = functions;
    proto
}

fn run(proto: &ModelProto) -> Vec<f32> {
    let graph = import(proto).expect("imports").graph;
    let x = Tensor::new(Shape::new(vec![2]).expect("small"), vec![-2.0, 3.0]).expect("two");
    float::run(&graph, &[x]).expect("runs").outputs()[0].data().to_vec()
}

/// `LeakyRelu` with the slope of the function.
fn leaky() -> FunctionProto {
    let reference = AttributeProto { ref_attr_name: Some("slope".into()), ..float("alpha", 0.0) };
    let leaky = with(node("LeakyRelu", &["u"], &["t"]), vec![reference]);
    let double = node("Add", &["t", "t"], &["v"]);
    FunctionProto {
        attribute_proto: vec![float("slope", 0.5)],
        ..function("Leaky", (&["u"], &["v"]), vec![leaky, double])
    }
}

#[test]
fn bodies_take_attributes_of_the_call_or_defaults() {
    let plain = with_functions(vec![call("Leaky", &["x"], &["y"])], vec![leaky()]);
    assert_eq!(run(&plain), [-2.0, 6.0]);
    let given = with(call("Leaky", &["x"], &["y"]), vec![float("slope", 0.25)]);
    assert_eq!(run(&with_functions(vec![given], vec![leaky()])), [-1.0, 6.0]);
    // Without a default the operator's own counts.
    let mut without = leaky();
    (without.attribute_proto, without.attribute) = (vec![], vec!["slope".into()]);
    let expected = [-2.0 * 0.01 * 2.0, 6.0];
    assert_eq!(run(&with_functions(vec![call("Leaky", &["x"], &["y"])], vec![without])), expected);
}

#[test]
fn functions_call_functions_and_have_opsets_of_their_own() {
    // Clip 6 has attributes, the model's opset 17 has none.
    let clip = with(node("Clip", &["u"], &["v"]), vec![float("max", 1.0)]);
    let mut old = function("Old", (&["u"], &["v"]), vec![clip]);
    old.opset_import = vec![import_of("", 10)];
    let both = vec![call("Leaky", &["u"], &["t"]), call("Old", &["t"], &["v"])];
    let outer = function("Outer", (&["u"], &["v"]), both);
    let nodes = vec![call("Outer", &["x"], &["h"]), call("Outer", &["h"], &["y"])];
    let proto = with_functions(nodes, vec![outer, old, leaky()]);
    // -2 -> -2, 3 -> 1, twice.
    assert_eq!(run(&proto), [-2.0, 1.0]);
}

#[test]
fn an_output_may_be_an_input_and_results_may_be_left_out() {
    let two = function("Two", (&["u"], &["u", "v"]), vec![node("Neg", &["u"], &["v"])]);
    let first = with_functions(vec![call("Two", &["x"], &["y"])], vec![two.clone()]);
    assert_eq!(run(&first), [-2.0, 3.0]);
    let second = with_functions(vec![call("Two", &["x"], &["", "y"])], vec![two]);
    assert_eq!(run(&second), [2.0, -3.0]);
}

#[test]
fn a_function_hides_an_operator() {
    let mut own = function("Relu", (&["u"], &["v"]), vec![node("Neg", &["u"], &["v"])]);
    own.domain = None;
    assert_eq!(run(&with_functions(vec![node("Relu", &["x"], &["y"])], vec![own])), [2.0, -3.0]);
}

#[test]
fn what_a_body_cannot_do_is_named_by_call_and_node() {
    let body = function("Odd", (&["u"], &["v"]), vec![node("Det", &["u"], &["v"])]);
    let list = unsupported(&with_functions(vec![call("Odd", &["x"], &["y"])], vec![body]));
    assert_eq!((list[0].node.as_str(), list[0].op.as_str()), ("Odd/y/Det/v", "Det"));
}

#[test]
fn malformed_functions_are_errors() {
    let one = || function("F", (&["u"], &["v"]), vec![node("Neg", &["u"], &["v"])]);
    let calls = |node: NodeProto| with_functions(vec![node], vec![one()]);
    let fails = |proto: &ModelProto| import(proto).expect_err("malformed");
    for (proto, expected) in [
        (calls(call("F", &["x", "x"], &["y"])), "2 operands"),
        (calls(call("F", &["x"], &["y", "z"])), "2 results"),
        (calls(with(call("F", &["x"], &["y"]), vec![int("a", 1)])), "no attribute `a`"),
    ] {
        let error = fails(&proto);
        assert!(matches!(error, ImportError::Function { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let twice = with_functions(vec![call("F", &["x"], &["y"])], vec![one(), one()]);
    assert!(matches!(fails(&twice), ImportError::Duplicate { .. }));
    let itself = function("F", (&["u"], &["v"]), vec![call("F", &["u"], &["v"])]);
    let error = fails(&with_functions(vec![call("F", &["x"], &["y"])], vec![itself]));
    assert!(error.to_string().contains("calls itself"), "{error}");
    let unknown = function("F", (&["u"], &["v"]), vec![node("Neg", &["w"], &["v"])]);
    let error = fails(&with_functions(vec![call("F", &["x"], &["y"])], vec![unknown]));
    assert!(matches!(error, ImportError::Undefined { .. }), "{error}");
}

#[test]
fn doubling_bodies_are_refused_before_they_are_made() {
    // Each calls the next twice: 2^40 nodes.
    let mut functions = Vec::new();
    for i in 0..40 {
        let next = format!("F{}", i + 1);
        let nodes = vec![call(&next, &["u"], &["t"]), call(&next, &["t"], &["v"])];
        functions.push(function(&format!("F{i}"), (&["u"], &["v"]), nodes));
    }
    functions.push(function("F40", (&["u"], &["v"]), vec![node("Neg", &["u"], &["v"])]));
    let error = import(&with_functions(vec![call("F0", &["x"], &["y"])], functions));
    let error = error.expect_err("too large").to_string();
    assert!(error.contains("many times what the file holds"), "{error}");
}
