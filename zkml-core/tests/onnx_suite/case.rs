//! The cases of the suite: a model, its inputs and the outputs expected, as `fetch.py` packs them.

use std::{collections::BTreeMap, io::Read, path::Path};

use prost::Message;
use zkml_core::{
    onnx::proto::{
        ModelProto, NodeProto, TensorProto, TypeProto, ValueInfoProto, tensor_proto::DataType,
        type_proto,
    },
    tensor::{Shape, Tensor},
};

/// One case of the suite.
pub(crate) struct Case {
    /// Kind and name: `node/test_add`.
    pub(crate) name: String,
    pub(crate) model: ModelProto,
    inputs: Vec<Vec<u8>>,
    outputs: Vec<Vec<u8>>,
}

/// A case with its parameters fixed, ready to import.
pub(crate) struct Bound {
    pub(crate) model: Vec<u8>,
    /// In the order of the inputs that are left.
    pub(crate) inputs: Vec<Tensor<f32>>,
    /// By output; `None` where a case leaves an output out.
    pub(crate) expected: Vec<Tensor<f64>>,
}

impl Bound {
    /// Elements of the largest input or output.
    #[allow(dead_code, reason = "only of interest where cases are proven")]
    pub(crate) fn elements(&self) -> usize {
        let inputs = self.inputs.iter().map(|tensor| tensor.data().len());
        inputs.chain(self.expected.iter().map(|tensor| tensor.data().len())).max().unwrap_or(0)
    }
}

/// All cases of a file.
pub(crate) fn read(path: &Path) -> Vec<Case> {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut archive = zip::ZipArchive::new(file).expect("a zip archive");
    let mut bytes = Vec::new();
    archive.by_name("cases").expect("member").read_to_end(&mut bytes).expect("readable");
    let blobs = split(&bytes);
    blobs
        .chunks(4)
        .map(|parts| Case {
            name: String::from_utf8(parts[0].to_vec()).expect("UTF-8"),
            model: ModelProto::decode(parts[1]).expect("a model"),
            inputs: split(parts[2]).into_iter().map(<[u8]>::to_vec).collect(),
            outputs: split(parts[3]).into_iter().map(<[u8]>::to_vec).collect(),
        })
        .collect()
}

/// Blobs laid end to end: a length of four bytes and as many bytes.
fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut blobs = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (blob, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        blobs.push(blob);
        bytes = rest;
    }
    assert!(bytes.is_empty(), "data is left over");
    blobs
}

impl Case {
    /// The operator that the case is about: of a function body, that of the function.
    pub(crate) fn op(&self) -> &str {
        let nodes = self.model.graph.as_ref().map_or(&[][..], |graph| &graph.node);
        nodes.first().map_or("", |node| node.op_type())
    }

    /// The operator whose inputs the case has: of the body of a function, that of the function.
    pub(crate) fn family(&self, ops: &BTreeMap<String, String>) -> String {
        let function = self.name.split("_expanded").next().unwrap_or_default();
        ops.get(function).cloned().unwrap_or_else(|| self.op().to_owned())
    }

    /// Whether the first input holds whole numbers.
    pub(crate) fn holds_integers(&self) -> bool {
        let first = Self::tensors(&self.inputs).into_iter().next().flatten();
        let dtype = first.and_then(|tensor| DataType::try_from(tensor.data_type()).ok());
        !matches!(dtype, None | Some(DataType::Float | DataType::Double))
    }

    /// Inputs given as tensors; others (sequences, optionals) have no data here.
    fn tensors(blobs: &[Vec<u8>]) -> Vec<Option<TensorProto>> {
        blobs
            .iter()
            .map(|bytes| TensorProto::decode(bytes.as_slice()).ok())
            .map(|tensor| tensor.filter(|t| t.data_type() != DataType::Undefined as i32))
            .collect()
    }

    /// The model with every input made a constant but those in `data`, by position. With `probe`, all
    /// are, and each output is added to an input of one element, 0: what depends on no input can
    /// be run so.
    pub(crate) fn bind(&self, data: &[usize], probe: bool) -> Result<Bound, String> {
        let mut model = self.model.clone();
        let graph = model.graph.as_mut().ok_or("no graph")?;
        let is_tensor = |value: &ValueInfoProto| {
            let kind = value.r#type.as_ref().and_then(|t| t.value.as_ref());
            matches!(kind, None | Some(type_proto::Value::TensorType(_)))
        };
        if !graph.input.iter().chain(&graph.output).all(is_tensor) {
            return Err("type/no tensor".into());
        }
        let mut inputs = Vec::new();
        let mut kept = Vec::new();
        let given = Self::tensors(&self.inputs);
        for (i, input) in std::mem::take(&mut graph.input).into_iter().enumerate() {
            let tensor = given.get(i).cloned().flatten();
            let is_data = data.contains(&i) && !probe;
            match tensor {
                Some(tensor) if is_data => {
                    inputs.push(decode(&tensor)?.map(|v| *v as f32));
                    kept.push(input);
                }
                Some(tensor) => {
                    let name = Some(input.name().to_owned());
                    graph.initializer.push(TensorProto { name, ..tensor });
                }
                // Old models list initializers among the inputs; what else has no tensor stays.
                None => kept.push(input),
            }
        }
        graph.input = kept;
        let expected = Self::tensors(&self.outputs)
            .iter()
            .map(|tensor| decode(tensor.as_ref().ok_or("an output that is no tensor")?))
            .collect::<Result<_, _>>();
        if probe {
            probe_outputs(&mut model);
            inputs = vec![Tensor::scalar(0.0)];
        }
        Ok(Bound { model: model.encode_to_vec(), inputs, expected: expected? })
    }
}

/// Replaces each output `y` by `Cast(y) + probe`, where `probe` is an input.
fn probe_outputs(model: &mut ModelProto) {
    const PROBE: &str = "zkml/probe";
    let graph = model.graph.as_mut().expect("checked");
    for output in &mut graph.output {
        let y = output.name().to_owned();
        let (float, sum) = (format!("zkml/float/{y}"), format!("zkml/sum/{y}"));
        let to = zkml_core::onnx::proto::AttributeProto {
            name: Some("to".into()),
            r#type: Some(zkml_core::onnx::proto::attribute_proto::AttributeType::Int as i32),
            i: Some(i64::from(DataType::Float as i32)),
            ..Default::default()
        };
        graph.node.push(NodeProto {
            op_type: Some("Cast".into()),
            input: vec![y],
            output: vec![float.clone()],
            attribute: vec![to],
            ..Default::default()
        });
        graph.node.push(NodeProto {
            op_type: Some("Add".into()),
            input: vec![float, PROBE.into()],
            output: vec![sum.clone()],
            ..Default::default()
        });
        *output = ValueInfoProto { name: Some(sum), ..Default::default() };
    }
    graph.input = vec![ValueInfoProto {
        name: Some(PROBE.into()),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                elem_type: Some(DataType::Float as i32),
                shape: Some(zkml_core::onnx::proto::TensorShapeProto { dim: Vec::new() }),
            })),
            ..Default::default()
        }),
        ..Default::default()
    }];
}

/// The elements of a tensor as numbers.
fn decode(tensor: &TensorProto) -> Result<Tensor<f64>, String> {
    fn raw<const N: usize>(bytes: &[u8], of: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|chunk| of(*chunk)).collect()
    }
    let dims = tensor.dims.iter().map(|d| usize::try_from(*d).map_err(|e| e.to_string()));
    let shape = Shape::new(dims.collect::<Result<_, _>>()?).map_err(|e| e.to_string())?;
    let dtype = DataType::try_from(tensor.data_type()).map_err(|e| e.to_string())?;
    let ints = || tensor.int32_data.iter().map(|v| f64::from(*v)).collect();
    let bytes = tensor.raw_data();
    let data = match (dtype, bytes.is_empty()) {
        (DataType::Float, false) => raw(bytes, |b| f64::from(f32::from_le_bytes(b))),
        (DataType::Double, false) => raw(bytes, f64::from_le_bytes),
        (DataType::Int64, false) => raw(bytes, |b| i64::from_le_bytes(b) as f64),
        (DataType::Uint64, false) => raw(bytes, |b| u64::from_le_bytes(b) as f64),
        (DataType::Int32, false) => raw(bytes, |b| f64::from(i32::from_le_bytes(b))),
        (DataType::Uint32, false) => raw(bytes, |b| f64::from(u32::from_le_bytes(b))),
        (DataType::Int16, false) => raw(bytes, |b| f64::from(i16::from_le_bytes(b))),
        (DataType::Uint16, false) => raw(bytes, |b| f64::from(u16::from_le_bytes(b))),
        (DataType::Int8, false) => raw(bytes, |b| f64::from(i8::from_le_bytes(b))),
        (DataType::Uint8 | DataType::Bool, false) => raw(bytes, |[b]: [u8; 1]| f64::from(b)),
        (DataType::Float, true) => tensor.float_data.iter().map(|v| f64::from(*v)).collect(),
        (DataType::Double, true) => tensor.double_data.clone(),
        (DataType::Int64, true) => tensor.int64_data.iter().map(|v| *v as f64).collect(),
        (DataType::Uint64 | DataType::Uint32, true) => {
            tensor.uint64_data.iter().map(|v| *v as f64).collect()
        }
        (
            DataType::Int32
            | DataType::Int16
            | DataType::Uint16
            | DataType::Int8
            | DataType::Uint8
            | DataType::Bool,
            true,
        ) => ints(),
        (other, _) => return Err(format!("type/{other:?}")),
    };
    Tensor::new(shape, data).map_err(|e| e.to_string())
}
