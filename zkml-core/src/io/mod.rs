//! Tensors in files: `.npy`, `.npz` and JSON, matched to a model's inputs by ONNX name.
//!
//! Files are untrusted: every length is checked before it is allocated, and an error names the
//! file, what was expected and what was there.

mod arrays;
mod error;
mod json;
mod matching;
mod npy;
mod npz;

pub use arrays::{Arrays, Format};
pub use error::DataError;
pub use json::{parse_json, write_json};
pub use matching::{InputSpec, inputs, labels, samples, tokens};
pub use npy::{parse_npy, write_npy};
pub use npz::{parse_npz, write_npz};
#[cfg(test)]
mod tests;
