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
//!
//! Without the feature `prover` there are the data types of programs and tensors alone, which a verifier
//! needs.

#[cfg(feature = "prover")]
pub mod exec;
#[cfg(feature = "prover")]
pub mod io;
pub mod ir;
#[cfg(feature = "prover")]
mod lower;
#[cfg(feature = "prover")]
pub mod onnx;
#[cfg(feature = "prover")]
pub mod pass;
pub mod program;
pub mod progress;
#[cfg(feature = "prover")]
pub mod proving;
#[cfg(feature = "prover")]
pub mod quant;
#[cfg(feature = "prover")]
pub mod report;
pub mod tensor;
