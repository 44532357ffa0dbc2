//! Model side and proving primitives of zkml: ONNX in, an exact integer program out.
//!
//! ```text
//! onnx -> lower -> ir (float graph) -> pass -> quant -> program (integer specification)
//!                        |                                |
//!                   exec::float                      exec::integer
//! ```
//!
//! Nothing here knows of circuits. [`program`] is the *specification* of a model: the integer
//! executor defines, bit for bit, what a model computes, and `zkml-circuits` proves exactly that.

pub mod exec;
pub mod io;
pub mod ir;
mod lower;
pub mod onnx;
pub mod pass;
pub mod program;
pub mod progress;
pub mod proving;
pub mod quant;
pub mod report;
pub mod tensor;
