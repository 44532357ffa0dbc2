//! ONNX nodes to the float graph, by operator and the opset version that last changed it.
//!
//! One walk over the nodes in their topological order suffices to infer every shape and to fold
//! every constant: all open dimensions are bound before, so a node whose operands are known has a
//! known shape, and one whose operands are constants is a constant. Shape arithmetic of exporters
//! (`Shape`, `Gather`, `Concat`, `Reshape`) vanishes that way. What cannot be lowered poisons the
//! values that depend on it, so that everything unsupported is found in one go.

mod activation;
mod along;
mod arg;
mod arithmetic;
mod attention;
mod attribute;
mod blocks;
mod budget;
mod build;
mod cast;
mod choose;
mod compare;
mod contests;
mod convolution;
mod cumulative;
mod divide;
mod einsum;
mod embed;
mod equation;
mod evaluate;
mod extreme;
mod fill;
mod groups;
mod index;
mod interface;
mod kind;
mod legacy;
mod linear;
mod liveness;
mod ml;
mod normalise;
mod one_hot;
mod operands;
mod pad;
mod parameter;
mod plane;
mod pool;
mod positions;
mod power;
mod quantised;
mod recurrent;
mod reduce;
mod registry;
mod resize;
mod response;
mod rotary;
mod select;
mod site;
mod softmax;
mod statistics;
mod top_k;
mod trivial;
mod view;
mod walk;
mod window;

pub use registry::{Operator, operators};
pub(crate) use walk::{Lowering, lower};
