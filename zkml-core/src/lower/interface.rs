//! Inputs and outputs of the graph: their types, and shapes with open dimensions bound.

use std::collections::BTreeSet;

use super::{kind::Kind, site::Halt};
use crate::{
    onnx::{
        Dim, DimBindings, ImportError, Model, Unsupported, ValueInfo, ValueType,
        proto::tensor_proto::DataType, tensor::dtype_name,
    },
    tensor::Shape,
};

/// Every binding must bind something: a misspelt name is not ignored.
pub(super) fn check_bindings(model: &Model, dims: &DimBindings) -> Result<(), ImportError> {
    let mut known = BTreeSet::new();
    for input in &model.inputs {
        for (axis, dim) in input.dims.iter().flatten().enumerate() {
            if let Dim::Named(name) = dim {
                known.insert(name.clone());
            }
            if !matches!(dim, Dim::Fixed(_)) {
                known.insert(DimBindings::place(&input.name, axis));
            }
        }
    }
    match dims.keys().find(|key| !known.contains(*key)) {
        Some(key) => {
            let (key, known) = (key.to_owned(), known.into_iter().collect());
            Err(ImportError::UnknownDim { key, known })
        }
        None => Ok(()),
    }
}

/// Shape of an input, all dimensions bound.
pub(super) fn input_shape(input: &ValueInfo, dims: &DimBindings) -> Result<Shape, Halt> {
    check_type("input", input)?;
    let name = || input.name.clone();
    let declared = input.dims.as_ref().ok_or_else(|| ImportError::NoShape { input: name() })?;
    let mut shape = Vec::with_capacity(declared.len());
    for (axis, dim) in declared.iter().enumerate() {
        let dim_name = match dim {
            Dim::Fixed(size) => {
                shape.push(*size);
                continue;
            }
            Dim::Named(name) => Some(name.as_str()),
            Dim::Anonymous => None,
        };
        let size = dims.get(dim_name, &input.name, axis).ok_or_else(|| {
            let place = DimBindings::place(&input.name, axis);
            ImportError::UnboundDim {
                input: name(),
                axis,
                name: dim_name.map(str::to_owned),
                flag: dim_name.map_or(place, str::to_owned),
            }
        })?;
        shape.push(size);
    }
    Ok(Shape::new(shape).map_err(|source| ImportError::InputShape { input: name(), source })?)
}

/// What an input holds.
pub(super) fn input_kind(input: &ValueInfo) -> Kind {
    let ValueType::Tensor(code) = input.kind else { return Kind::Float };
    DataType::try_from(code).ok().and_then(Kind::of).unwrap_or_default()
}

/// Inputs and outputs must be tensors of floats, whole numbers or truth values. An undeclared type
/// is taken to be a float.
pub(super) fn check_type(what: &str, info: &ValueInfo) -> Result<(), Halt> {
    let got = match &info.kind {
        ValueType::Tensor(code) => match DataType::try_from(*code) {
            Ok(dtype) if Kind::of(dtype).is_some() => return Ok(()),
            _ => format!("a tensor of {}", dtype_name(*code)),
        },
        ValueType::Other(kind) => format!("a {kind}"),
    };
    let hint = format!(
        "it is {got}, only tensors of float32, float64, integers of up to 64 bits and bool \
                        are supported"
    );
    Err(Halt::Unsupported(Box::new(not_a_node(what, &info.name, &hint))))
}

/// What is unsupported of something that is not a node.
pub(super) fn not_a_node(what: &str, name: &str, hint: &str) -> Unsupported {
    Unsupported {
        node: name.to_owned(),
        op: what.to_owned(),
        domain: String::new(),
        opset: 0,
        attribute: None,
        hint: hint.to_owned(),
    }
}
