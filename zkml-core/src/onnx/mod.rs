//! ONNX files to float graphs.
//!
//! ```text
//! bytes --Model::decode--> checked model --lower--> ir::Graph --pass--> ir::Graph
//! ```
//!
//! [`load`] and [`from_bytes`] give the graph or every reason why not; [`inspect`] describes a file
//! even when it cannot be imported. Files are untrusted: names, order and sizes are checked before
//! use, memory stays within a small multiple of the bytes read, and external data cannot be outside
//! of the model's directory. Source of the format: `onnx/docs/IR.md`; the schema is
//! `proto/onnx-ml.proto`.

mod dims;
mod elements;
mod error;
mod external;
mod function;
mod half;
mod import;
mod model;
mod names;
#[rustfmt::skip]
pub mod proto;
mod summary;
pub(crate) mod tensor;
mod value_info;
mod wire;

pub use crate::lower::{Operator, operators};
pub use dims::{DimBindingError, DimBindings};
pub(crate) use elements::{Constant, Elements};
pub use error::{ImportError, Unsupported};
pub(crate) use external::ExternalData;
pub use external::ExternalError;
pub use import::{
    ImportOptions, Imported, Inspection, NodeReport, NodeStatus, from_bytes, inspect,
    inspect_bytes, load,
};
pub use model::Model;
pub(crate) use model::Node;
pub use summary::ModelSummary;
pub use tensor::TensorError;
pub use value_info::{Dim, ValueInfo, ValueType};
