//! Why a model cannot be imported.

use std::{fmt, path::PathBuf};

use super::TensorError;
use crate::{
    ir::{GraphError, Origin},
    tensor::ShapeError,
};

/// Why a model cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The model file cannot be read.
    #[error("cannot read the model `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The model path is a directory, pipe or device.
    #[error("the model `{path}` is not a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is larger than [`super::ImportOptions::max_bytes`].
    #[error("the model takes {got} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Bytes found.
        got: u64,
        /// Bytes accepted.
        limit: u64,
    },
    /// The file consists of more nodes, tensors and values than its size warrants.
    #[error("the model holds more than {limit} messages, too many for a file of its size")]
    TooManyMessages {
        /// Messages accepted.
        limit: usize,
    },
    /// The bytes are not a protobuf message of the ONNX schema.
    #[error("not an ONNX model: {reason}")]
    Decode {
        /// What the decoder met.
        reason: String,
    },
    /// The message decodes, but holds no graph: an empty or a foreign file.
    #[error("not an ONNX model: the file holds no graph")]
    NoGraph,
    /// A name that cannot be used in a message, or is missing.
    #[error("{what} has an unusable name `{name}`: {reason}")]
    Name {
        /// What carries the name.
        what: &'static str,
        /// The name, escaped and cut.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// One name is defined twice: ONNX graphs are in static single assignment form.
    #[error("`{name}` is defined twice, as {first} and as {second}")]
    Duplicate {
        /// The name.
        name: String,
        /// First definition.
        first: String,
        /// Second definition.
        second: String,
    },
    /// A node or graph output uses a value that nothing defines.
    #[error("{user} uses `{name}`, which nothing defines")]
    Undefined {
        /// Node or output.
        user: String,
        /// The value.
        name: String,
    },
    /// A node uses a value before the node that computes it, or in a cycle.
    #[error(
        "{user} uses `{name}` before {producer} computes it: the nodes are not in topological \
         order, or form a cycle"
    )]
    Order {
        /// The using node.
        user: String,
        /// The value.
        name: String,
        /// The producing node.
        producer: String,
    },
    /// The file imports one operator domain in two versions.
    #[error("the opset of domain `{domain}` is imported in two versions")]
    DuplicateOpset {
        /// The domain; empty for ai.onnx.
        domain: String,
    },
    /// A node is of a domain that the file does not import.
    #[error("{node} is of domain `{domain}`, for which the file imports no opset")]
    MissingOpset {
        /// The node.
        node: String,
        /// The domain; empty for ai.onnx.
        domain: String,
    },
    /// A model-local function, or a call of one, is malformed.
    #[error("function `{name}`: {reason}")]
    Function {
        /// The function, escaped and cut.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The model has no outputs.
    #[error("the graph has no outputs")]
    NoOutputs,
    /// A stored tensor is malformed.
    #[error("tensor `{name}`: {source}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        source: TensorError,
    },
    /// A constant that meets activations is infinite or NaN.
    #[error("tensor `{tensor}`: element {element} is {value}, expected a finite number")]
    NonFinite {
        /// The tensor, stored or folded.
        tensor: String,
        /// Index of the first such element.
        element: usize,
        /// Its value.
        value: f32,
    },
    /// A dimension of an input is open.
    #[error(
        "input `{input}`, axis {axis}: dimension {} is not bound; pass `--dim {flag}=VALUE`",
        name.as_deref().map_or("(anonymous)".to_owned(), |name| format!("`{name}`"))
    )]
    UnboundDim {
        /// The input.
        input: String,
        /// The axis.
        axis: usize,
        /// Name of the dimension, if it has one.
        name: Option<String>,
        /// Key to bind it by, see [`super::DimBindings`].
        flag: String,
    },
    /// A binding names no open dimension of the model.
    #[error("`--dim {key}` binds nothing: the open dimensions are [{}]", known.join(", "))]
    UnknownDim {
        /// Key of the binding.
        key: String,
        /// Keys that can be bound.
        known: Vec<String>,
    },
    /// An input has no declared shape, so its dimensions cannot even be bound.
    #[error("input `{input}` declares no shape")]
    NoShape {
        /// The input.
        input: String,
    },
    /// The shape of an input is too large.
    #[error("input `{input}`: {source}")]
    InputShape {
        /// The input.
        input: String,
        /// Why.
        source: ShapeError,
    },
    /// A node breaks the rules of its operator.
    #[error("{origin}: {reason}")]
    Node {
        /// The node.
        origin: Origin,
        /// Expected and got.
        reason: String,
    },
    /// Shapes do not fit.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Folding constants would take more memory than the file warrants.
    #[error("{origin}: folding constants takes more than {limit} elements in all")]
    FoldingBudget {
        /// The node that went over.
        origin: Origin,
        /// Elements allowed for a file of this size.
        limit: usize,
    },
    /// Everything in the file that this version does not support, together.
    #[error("{}", unsupported_message(.0))]
    Unsupported(Vec<Unsupported>),
}

/// Something valid in ONNX that this version does not support.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Unsupported {
    /// Name of the node, or of the input, output or initializer.
    pub node: String,
    /// ONNX operator; `input`, `output` or `initializer` for those.
    pub op: String,
    /// Operator domain; empty for ai.onnx.
    pub domain: String,
    /// Opset of the domain that the file imports (0 for what is not a node).
    pub opset: i64,
    /// The attribute or input that makes it unsupported, if it is not the operator as such.
    pub attribute: Option<String>,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.op.as_str() {
            "input" | "output" | "initializer" => write!(f, "{} `{}`", self.op, self.node)?,
            op => {
                let domain = if self.domain.is_empty() { "ai.onnx" } else { &self.domain };
                write!(f, "node `{}` ({op}, {domain} opset {})", self.node, self.opset)?;
            }
        }
        if let Some(attribute) = &self.attribute {
            write!(f, ", `{attribute}`")?;
        }
        write!(f, ": {}", self.hint)
    }
}

fn unsupported_message(list: &[Unsupported]) -> String {
    let mut text = format!("{} unsupported:", list.len());
    for item in list {
        text.push_str(&format!("\n  {item}"));
    }
    text
}
