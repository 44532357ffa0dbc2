//! Forests and support vectors.

use zkml_core::onnx::proto::{
    AttributeProto, NodeProto, attribute_proto::AttributeType, tensor_proto::DataType,
};

use super::{FOLDED, Input, Nodes, Shape, WIDE};
use crate::{
    machine_common::Subject,
    onnx_build::{int, ints, node, string, strings, with},
};

fn ml(op: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    let node = NodeProto { domain: Some("ai.onnx.ml".into()), ..node(op, inputs, outputs) };
    with(node, attributes)
}

fn list(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Floats as i32),
        floats: values.to_vec(),
        ..Default::default()
    }
}

/// Two trees of two decisions each, added.
fn forest() -> Vec<AttributeProto> {
    let modes = ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"];
    vec![
        ints("nodes_treeids", &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
        ints("nodes_nodeids", &[0, 1, 2, 3, 4, 0, 1, 2, 3, 4]),
        ints("nodes_featureids", &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0]),
        strings("nodes_modes", &[modes, modes].concat()),
        list("nodes_values", &[0.5, -1.0, 0.0, 0.0, 0.0, 1.0, 0.25, 0.0, 0.0, 0.0]),
        ints("nodes_truenodeids", &[1, 2, 0, 0, 0, 1, 2, 0, 0, 0]),
        ints("nodes_falsenodeids", &[4, 3, 0, 0, 0, 4, 3, 0, 0, 0]),
    ]
}

const LEAVES: [i64; 6] = [2, 3, 4, 2, 3, 4];
const TREES: [i64; 6] = [0, 0, 0, 1, 1, 1];
const FEATURES: Input<'_> = ("x", DataType::Float, &[2, 3], &[-2.0, 0.5, 0.25, 1.0, 2.0, -1.5]);

pub(crate) fn regression_forest() -> Subject {
    let mut attributes = forest();
    attributes.extend([
        ints("target_treeids", &TREES),
        ints("target_nodeids", &LEAVES),
        ints("target_ids", &[0; 6]),
        list("target_weights", &[1.5, -2.0, 0.5, 0.25, 1.0, -0.75]),
        int("n_targets", 1),
    ]);
    Nodes {
        inputs: &[FEATURES],
        outputs: &[("y", DataType::Float)],
        nodes: vec![ml("TreeEnsembleRegressor", &["x"], &["y"], attributes)],
        constants: vec![],
        shape: WIDE,
    }
    .subject()
}

pub(crate) fn classifying_forest() -> Subject {
    let mut attributes = forest();
    attributes.extend([
        ints("class_treeids", &TREES),
        ints("class_nodeids", &LEAVES),
        ints("class_ids", &[0, 1, 2, 1, 2, 0]),
        list("class_weights", &[1.0, 1.0, 1.0, 0.5, 0.5, 0.5]),
        ints("classlabels_int64s", &[0, 1, 2]),
    ]);
    Nodes {
        inputs: &[FEATURES],
        outputs: &[("label", DataType::Int64), ("y", DataType::Float)],
        nodes: vec![ml("TreeEnsembleClassifier", &["x"], &["label", "y"], attributes)],
        constants: vec![],
        shape: FOLDED,
    }
    .subject()
}

/// A machine of three support vectors.
fn support_vectors(kernel: &str, parameters: &[f32], shape: Shape) -> Subject {
    let attributes = vec![
        list("coefficients", &[0.5, -0.75, 0.25]),
        list("kernel_params", parameters),
        string("kernel_type", kernel),
        int("n_supports", 3),
        list("rho", &[0.125]),
        list("support_vectors", &[0.5, -0.25, 1.0, -1.0, 0.75, 0.25, 0.5, 0.5, -0.5]),
    ];
    Nodes {
        inputs: &[FEATURES],
        outputs: &[("y", DataType::Float)],
        nodes: vec![ml("SVMRegressor", &["x"], &["y"], attributes)],
        constants: vec![],
        shape,
    }
    .subject()
}

pub(crate) fn radial_kernel() -> Subject {
    support_vectors("RBF", &[0.25, 0.0, 3.0], WIDE)
}

pub(crate) fn polynomial_kernel() -> Subject {
    support_vectors("POLY", &[0.25, 0.5, 3.0], FOLDED)
}

/// Three classes with a vector each: each pair of classes is decided by a vote.
pub(crate) fn voting_machine() -> Subject {
    let attributes = vec![
        ints("classlabels_ints", &[0, 1, 2]),
        list("coefficients", &[0.75, -0.5, 0.5, 0.25, -0.75, -0.5]),
        list("kernel_params", &[0.25, 0.0, 3.0]),
        string("kernel_type", "RBF"),
        list("rho", &[0.125, -0.0625, 0.25]),
        list("support_vectors", &[0.5, -0.25, 1.0, -1.0, 0.75, 0.25, 0.5, 0.5, -0.5]),
        ints("vectors_per_class", &[1, 1, 1]),
    ];
    Nodes {
        inputs: &[FEATURES],
        outputs: &[("label", DataType::Int64), ("scores", DataType::Float)],
        nodes: vec![ml("SVMClassifier", &["x"], &["label", "scores"], attributes)],
        constants: vec![],
        shape: FOLDED,
    }
    .subject()
}
