//! ONNX nodes to the float graph, by operator and the opset version that last changed it.
//!
//! One walk over the nodes in their topological order suffices to infer every shape and to fold
//! every constant: all open dimensions are bound before, so a node whose operands are known has a
//! known shape, and one whose operands are constants is a constant. Shape arithmetic of exporters
//! (`Shape`, `Gather`, `Concat`, `Reshape`) vanishes that way. What cannot be lowered poisons the
//! values that depend on it, so that everything unsupported is found in one go.

mod activation;
mod along;
mod arithmetic;
mod attention;
mod attribute;
mod budget;
mod build;
mod cast;
mod compare;
mod convolution;
mod einsum;
mod embed;
mod equation;
mod evaluate;
mod extreme;
mod fill;
mod index;
mod interface;
mod kind;
mod linear;
mod liveness;
mod ml;
mod normalise;
mod operands;
mod pad;
mod parameter;
mod plane;
mod pool;
mod power;
mod quantised;
mod recurrent;
mod reduce;
mod registry;
mod rotary;
mod select;
mod site;
mod softmax;
mod statistics;
mod trivial;
mod view;
mod walk;
mod window;

pub(crate) use walk::{Lowering, lower};
