//! Three steps of recurrent cells.

use zkml_core::onnx::proto::tensor_proto::DataType;

use super::{FOLDED, Input, Nodes, Shape, WIDE};
use crate::{
    machine_common::Subject,
    onnx_build::{floats, int, node, with},
};

const SEQUENCE: Input<'_> = ("x", DataType::Float, &[3, 1, 2], &[0.5, -1.0, 1.5, 0.75, -0.5, 1.0]);

/// A cell of two hidden units, three steps of it.
fn recurrent(op: &str, gates: usize, outputs: &[&str], shape: Shape) -> Subject {
    let weights = |count: usize, of: usize| -> Vec<f32> {
        (0..count).map(|i| ((i * 7 + of) % 11) as f32 / 8.0 - 0.6).collect()
    };
    let rows = (gates * 2) as i64;
    let named: Vec<(&str, DataType)> = outputs.iter().map(|o| (*o, DataType::Float)).collect();
    let mut all = vec!["y", "y_h", "y_c"];
    all.truncate(if op == "LSTM" { 3 } else { 2 });
    Nodes {
        inputs: &[SEQUENCE],
        outputs: &named,
        nodes: vec![with(node(op, &["x", "w", "r"], &all), vec![int("hidden_size", 2)])],
        constants: vec![
            floats("w", &[1, rows, 2], &weights(gates * 4, 3)),
            floats("r", &[1, rows, 2], &weights(gates * 4, 5)),
        ],
        shape,
    }
    .subject()
}

pub(crate) fn lstm() -> Subject {
    recurrent("LSTM", 4, &["y", "y_c"], WIDE)
}

pub(crate) fn gru() -> Subject {
    recurrent("GRU", 3, &["y"], FOLDED)
}

pub(crate) fn rnn() -> Subject {
    recurrent("RNN", 1, &["y"], WIDE)
}
