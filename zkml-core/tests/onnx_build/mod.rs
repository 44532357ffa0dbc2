//! Hand-built models.

#![allow(dead_code, unreachable_pub, reason = "each test file uses another part")]

use prost::Message;
use zkml_core::onnx::{
    ImportError, ImportOptions, Imported, Unsupported, from_bytes,
    proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
        TensorShapeProto, TypeProto, ValueInfoProto,
        attribute_proto::AttributeType,
        tensor_proto::DataType,
        tensor_shape_proto::{Dimension, dimension},
        type_proto,
    },
};

/// A model of one input `x` and one output `y`, both float, with `nodes` between.
pub fn model(opset: i64, x: &[i64], nodes: Vec<NodeProto>) -> ModelProto {
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(opset) }],
        graph: Some(GraphProto {
            input: vec![value("x", DataType::Float, x)],
            output: vec![value("y", DataType::Float, &[])],
            node: nodes,
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub fn with_initializers(mut model: ModelProto, tensors: Vec<TensorProto>) -> ModelProto {
    graph(&mut model).initializer.extend(tensors);
    model
}

pub fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().expect("built with a graph")
}

/// A value of known dimensions; negative ones are open.
pub fn value(name: &str, dtype: DataType, dims: &[i64]) -> ValueInfoProto {
    let dim = dims.iter().map(|d| Dimension {
        value: (*d >= 0).then_some(dimension::Value::DimValue(*d)),
        denotation: None,
    });
    tensor_value(name, dtype, dim.collect())
}

pub fn tensor_value(name: &str, dtype: DataType, dim: Vec<Dimension>) -> ValueInfoProto {
    typed_value(
        name,
        type_proto::Value::TensorType(type_proto::Tensor {
            elem_type: Some(dtype as i32),
            shape: Some(TensorShapeProto { dim }),
        }),
    )
}

pub fn typed_value(name: &str, value: type_proto::Value) -> ValueInfoProto {
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { denotation: None, value: Some(value) }),
        ..Default::default()
    }
}

pub fn named_dim(name: &str) -> Dimension {
    Dimension { value: Some(dimension::Value::DimParam(name.into())), denotation: None }
}

/// A node named after its operator and output.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: Some(op.into()),
        name: Some(format!("{op}/{}", outputs[0])),
        input: inputs.iter().map(|s| (*s).to_owned()).collect(),
        output: outputs.iter().map(|s| (*s).to_owned()).collect(),
        ..Default::default()
    }
}

pub fn with(mut node: NodeProto, attributes: Vec<AttributeProto>) -> NodeProto {
    node.attribute.extend(attributes);
    node
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.into()), r#type: Some(kind as i32), ..Default::default() }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::Float) }
}

pub fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.into()), ..attribute(name, AttributeType::String) }
}

pub fn subgraph(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto { g: Some(graph), ..attribute(name, AttributeType::Graph) }
}

pub fn tensor_attribute(name: &str, tensor: TensorProto) -> AttributeProto {
    AttributeProto { t: Some(tensor), ..attribute(name, AttributeType::Tensor) }
}

pub fn floats(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        data_type: Some(DataType::Float as i32),
        dims: dims.to_vec(),
        float_data: data.to_vec(),
        ..Default::default()
    }
}

pub fn int64s(name: &str, dims: &[i64], data: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        data_type: Some(DataType::Int64 as i32),
        dims: dims.to_vec(),
        int64_data: data.to_vec(),
        ..Default::default()
    }
}

pub fn int32s(name: &str, dims: &[i64], data: &[i32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(DataType::Int32 as i32),
        int32_data: data.to_vec(),
        ..Default::default()
    }
}

pub fn strings(name: &str, values: &[&str]) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Strings as i32),
        strings: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
        ..Default::default()
    }
}

pub fn import(model: &ModelProto) -> Result<Imported, ImportError> {
    from_bytes(&model.encode_to_vec(), None, &ImportOptions::default())
}

/// What is unsupported in a model that must not import for that reason.
pub fn unsupported(model: &ModelProto) -> Vec<Unsupported> {
    match import(model) {
        Err(ImportError::Unsupported(list)) => list,
        other => panic!("expected unsupported, got {other:?}"),
    }
}

/// The message of the error that importing the model must give.
pub fn error(model: &ModelProto) -> String {
    match import(model) {
        Err(ImportError::Unsupported(list)) => panic!("unsupported: {list:?}"),
        Err(error) => error.to_string(),
        Ok(imported) => panic!("imported: {imported:?}"),
    }
}
