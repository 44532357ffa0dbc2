//! What a run of a graph takes, and something to run it on.

use zkml_core::{
    ir::{Graph, Op},
    tensor::Tensor,
};

/// Numbers from -2 to 2 in no order; from 0 to 3 where they are whole.
pub fn sample(graph: &Graph) -> Vec<Tensor<f32>> {
    let of = |id| {
        let value = graph.get(id);
        let number = |i: usize| match (i * 7919 % 101, value.integer) {
            (n, true) => (n % 4) as f32,
            (n, false) => n as f32 / 25.0 - 2.0,
        };
        let data = (0..value.shape.len()).map(number).collect();
        Tensor::new(value.shape.clone(), data).expect("as many as the shape")
    };
    graph.inputs().iter().map(|id| of(*id)).collect()
}

/// Elements of all values, and at least the products of each node.
pub fn cost(graph: &Graph) -> usize {
    let len = |id| graph.get(id).shape.len();
    let values: usize = graph.values().iter().map(|value| value.shape.len()).sum();
    let of = |node: &zkml_core::ir::Node| {
        let inner = match &node.op {
            Op::MatMul | Op::Correlate { .. } => {
                node.inputs.iter().map(|id| len(*id)).min().unwrap_or(0)
            }
            Op::MaxPool(window) => window.taps(),
            _ => 1,
        };
        inner.saturating_mul(len(node.output))
    };
    graph.nodes().iter().map(of).fold(values, usize::saturating_add)
}
