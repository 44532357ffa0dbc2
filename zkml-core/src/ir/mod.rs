//! The float graph: a small SSA graph of few operations, every shape known.
//!
//! Produced by `lower` from ONNX, rewritten by `pass`, run by `exec::float`, quantised by `quant`.

mod activation;
mod attention;
mod evaluate;
mod graph;
mod infer;
mod pointwise;
mod spatial;
mod window;

pub use activation::Activation;
pub use graph::{Graph, GraphError, Node, Op, Origin, Value, ValueId};
pub use pointwise::Pointwise;
pub use window::{Axis, Window};

#[cfg(test)]
mod tests;
