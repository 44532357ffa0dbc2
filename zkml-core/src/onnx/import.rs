//! The importer's face: files or bytes in, graph and summary out.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use sha3::{Digest, Keccak256};

use super::{DimBindings, ExternalData, ImportError, Model, ModelSummary, Unsupported};
use crate::{
    ir::Graph,
    lower::{self, Lowering},
    pass,
};

/// Domain tag of model digests.
const DIGEST_TAG: &[u8] = b"zkml-onnx-v1";

/// How to import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Values of the open dimensions.
    pub dims: DimBindings,
    /// Most bytes of the model file, and again of all its external data (default: 2 GiB, the limit
    /// of protobuf).
    pub max_bytes: u64,
    /// Run the passes of [`crate::pass`] on the graph (default: yes).
    pub optimise: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { dims: DimBindings::new(), max_bytes: 1 << 31, optimise: true }
    }
}

impl ImportOptions {
    /// The default options with `dims` bound.
    pub fn with_dims(dims: DimBindings) -> Self {
        Self { dims, ..Self::default() }
    }
}

/// An imported model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The float graph, every shape known.
    pub graph: Graph,
    /// What the file says about itself.
    pub summary: ModelSummary,
    /// Digest of the model file and of the external data used: Keccak-256 of the tag
    /// `zkml-onnx-v1`, the Keccak-256 of the file, and that of each external tensor, in the order
    /// of first use.
    pub digest: [u8; 32],
}

/// What became of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeStatus {
    /// Part of the graph.
    Lowered,
    /// Its result is a constant.
    Constant,
    /// No output depends on it.
    Unused,
    /// Not supported; see [`Inspection::unsupported`].
    Unsupported,
    /// It breaks the rules of its operator; see [`Inspection::error`].
    Invalid,
    /// Supported as far as can be told: an operand is unknown, because of an unsupported node
    /// before it or of an open dimension.
    Unknown,
}

/// A node of the file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct NodeReport {
    /// Name, or operator and position where the file has none.
    pub name: String,
    /// ONNX operator.
    pub op: String,
    /// Operator domain; empty for ai.onnx.
    pub domain: String,
    /// Opset of the domain.
    pub opset: i64,
    /// Names of the operands; empty for an absent one.
    pub inputs: Vec<String>,
    /// Names of the results.
    pub outputs: Vec<String>,
    /// Shape of the first result, where known.
    pub shape: Option<Vec<usize>>,
    /// What became of it.
    pub status: NodeStatus,
}

/// Description of a well-formed file, importable or not.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// What the file says about itself.
    pub summary: ModelSummary,
    /// See [`Imported::digest`].
    pub digest: [u8; 32],
    /// Every node, in the file's order.
    pub nodes: Vec<NodeReport>,
    /// Everything that is not supported.
    pub unsupported: Vec<Unsupported>,
    /// The first other reason why the file cannot be imported, for example an open dimension.
    pub error: Option<ImportError>,
    /// The graph, if the file can be imported.
    pub graph: Option<Graph>,
}

/// Imports a file.
///
/// # Errors
/// [`ImportError::Unsupported`] with everything this version does not support; otherwise the first
/// thing that is wrong with the file or the bindings.
pub fn load(path: impl AsRef<Path>, options: &ImportOptions) -> Result<Imported, ImportError> {
    let path = path.as_ref();
    from_bytes(&read(path, options.max_bytes)?, path.parent(), options)
}

/// Imports a model from memory. `directory` is where external data may lie.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(
    bytes: &[u8],
    directory: Option<&Path>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let inspection = inspect_bytes(bytes, directory, options)?;
    if !inspection.unsupported.is_empty() {
        return Err(ImportError::Unsupported(inspection.unsupported));
    }
    match (inspection.graph, inspection.error) {
        (Some(graph), None) => {
            Ok(Imported { graph, summary: inspection.summary, digest: inspection.digest })
        }
        (_, Some(error)) => Err(error),
        // `inspect_bytes` gives a graph or a reason; a file of which nothing is known has no graph.
        (None, None) => Err(ImportError::NoGraph),
    }
}

/// Describes a file, importable or not.
///
/// # Errors
/// When the file cannot be read or is no well-formed model.
pub fn inspect(path: impl AsRef<Path>, options: &ImportOptions) -> Result<Inspection, ImportError> {
    let path = path.as_ref();
    inspect_bytes(&read(path, options.max_bytes)?, path.parent(), options)
}

/// Describes a model in memory. `directory` is where external data may lie.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_bytes(
    bytes: &[u8],
    directory: Option<&Path>,
    options: &ImportOptions,
) -> Result<Inspection, ImportError> {
    let got = bytes.len() as u64;
    if got > options.max_bytes {
        return Err(ImportError::TooLarge { got, limit: options.max_bytes });
    }
    let model = Model::decode(bytes)?;
    let mut external = ExternalData::new(directory.map(PathBuf::from), options.max_bytes);
    let lowering = lower::lower(&model, &options.dims, &mut external, bytes.len());
    let Lowering { graph, nodes, unsupported, error } = lowering;
    let (graph, error) = match error {
        None if unsupported.is_empty() && options.optimise => match pass::optimise(graph) {
            Ok(graph) => (Some(graph), None),
            Err(error) => (None, Some(error.into())),
        },
        None if unsupported.is_empty() => (Some(graph), None),
        error => (None, error),
    };
    Ok(Inspection {
        summary: ModelSummary::of(&model),
        digest: digest(bytes, &external),
        nodes,
        unsupported,
        error,
        graph,
    })
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ImportError> {
    let io = |source| ImportError::Io { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(ImportError::NotAFile { path: path.to_owned() });
    }
    if metadata.len() > limit {
        return Err(ImportError::TooLarge { got: metadata.len(), limit });
    }
    let mut bytes = Vec::new();
    // One byte more than the limit, should the file grow meanwhile: `inspect_bytes` checks again.
    let file = std::fs::File::open(path).map_err(io)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

fn digest(bytes: &[u8], external: &ExternalData) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    hasher.update(DIGEST_TAG);
    hasher.update(Keccak256::digest(bytes));
    for part in external.digests() {
        hasher.update(part);
    }
    hasher.finalize().into()
}
