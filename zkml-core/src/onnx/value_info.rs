//! Declared types and shapes of graph inputs and outputs.

use super::{
    ImportError,
    names::{check_name, required_name},
    proto::{
        ValueInfoProto,
        tensor_shape_proto::{Dimension, dimension},
        type_proto::Value as TypeValue,
    },
};

/// A dimension of a graph input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum Dim {
    /// A number.
    Fixed(usize),
    /// A name to bind.
    Named(String),
    /// Open, without a name.
    Anonymous,
}

/// Element type of a graph input or output.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum ValueType {
    /// A tensor with elements of this `TensorProto.DataType`; 0 when undeclared.
    Tensor(i32),
    /// A sequence, map, optional, sparse or opaque value, by that name.
    Other(&'static str),
}

/// A graph input or output as declared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ValueInfo {
    /// Name.
    pub name: String,
    /// Type.
    pub kind: ValueType,
    /// Dimensions, if declared.
    pub dims: Option<Vec<Dim>>,
}

/// Reads a declaration; `what` says whose, for messages.
pub(super) fn value_info(
    what: &'static str,
    info: &ValueInfoProto,
) -> Result<ValueInfo, ImportError> {
    let name = required_name(what, info.name())?.to_owned();
    let other = |kind| (ValueType::Other(kind), None);
    let (kind, shape) = match info.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::TensorType(t)) => (ValueType::Tensor(t.elem_type()), t.shape.as_ref()),
        Some(TypeValue::SequenceType(_)) => other("sequence"),
        Some(TypeValue::MapType(_)) => other("map"),
        Some(TypeValue::OptionalType(_)) => other("optional"),
        Some(TypeValue::SparseTensorType(_)) => other("sparse tensor"),
        Some(TypeValue::OpaqueType(_)) => other("opaque value"),
        None => (ValueType::Tensor(0), None),
    };
    let dims = shape.map(|shape| shape.dim.iter().map(dim).collect()).transpose()?;
    Ok(ValueInfo { name, kind, dims })
}

fn dim(dim: &Dimension) -> Result<Dim, ImportError> {
    Ok(match &dim.value {
        // Old exporters write 0 or -1 for a dynamic dimension; neither is one we can prove.
        Some(dimension::Value::DimValue(value)) => {
            usize::try_from(*value).ok().filter(|v| *v > 0).map_or(Dim::Anonymous, Dim::Fixed)
        }
        Some(dimension::Value::DimParam(name)) if !name.is_empty() => {
            Dim::Named(check_name("a dimension", name)?.to_owned())
        }
        _ => Dim::Anonymous,
    })
}
