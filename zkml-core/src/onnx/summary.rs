//! What a model file says about itself.

use std::collections::BTreeMap;

use super::{Model, ValueInfo, tensor::shape_of};

/// Description of a model file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ModelSummary {
    /// Name and version of the producing tool.
    pub producer: String,
    /// Version of the ONNX file format.
    pub ir_version: i64,
    /// Opset version by domain; the empty domain is ai.onnx.
    pub opsets: BTreeMap<String, i64>,
    /// Number of nodes by operator (with its domain in front, unless it is ai.onnx).
    pub ops: BTreeMap<String, usize>,
    /// Elements of all initializers.
    pub parameters: u64,
    /// Inputs, as declared.
    pub inputs: Vec<ValueInfo>,
    /// Outputs, as declared.
    pub outputs: Vec<ValueInfo>,
}

impl ModelSummary {
    pub(crate) fn of(model: &Model) -> Self {
        let mut ops = BTreeMap::new();
        for node in &model.nodes {
            let name = match node.domain.as_str() {
                "" => node.op.clone(),
                domain => format!("{domain}.{}", node.op),
            };
            *ops.entry(name).or_default() += 1;
        }
        // Shapes that are malformed are reported when the tensor is decoded.
        let elements = |tensor| shape_of(tensor).map_or(0, |shape| shape.len() as u64);
        Self {
            producer: model.producer.clone(),
            ir_version: model.ir_version,
            opsets: model.opsets.clone(),
            ops,
            parameters: model.initializers.values().map(elements).sum(),
            inputs: model.inputs.clone(),
            outputs: model.outputs.clone(),
        }
    }
}
