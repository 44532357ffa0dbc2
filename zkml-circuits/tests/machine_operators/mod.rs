//! Small models of operators that are programs of sums and tables, each a handful of ONNX nodes.

mod classical;
mod numbers;
mod recurrent;

pub(crate) use classical::*;
pub(crate) use numbers::*;
pub(crate) use recurrent::*;

use zkml_circuits::{machine::Profile, plan::Visibility};
use zkml_core::{
    exec::integer::quantize_inputs,
    onnx::proto::{ModelProto, NodeProto, OperatorSetIdProto, TensorProto, tensor_proto::DataType},
    program::Program,
    quant::{CalibrationOptions, calibrate, compile},
    tensor::Tensor,
};

use crate::{
    machine_common::Subject,
    onnx_build::{graph, import, model, value, with_initializers},
};

/// An input: name, kind, dimensions, values.
type Input<'a> = (&'a str, DataType, &'a [i64], &'a [f32]);

/// Lanes, fold, weight lanes, tables.
type Shape = (usize, usize, usize, usize);

const WIDE: Shape = (8, 1, 32, 2);
const FOLDED: Shape = (4, 4, 16, 1);

/// Compiles nodes at 6 bits and runs them.
struct Nodes<'a> {
    inputs: &'a [Input<'a>],
    outputs: &'a [(&'a str, DataType)],
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    shape: Shape,
}

impl Nodes<'_> {
    fn subject(self) -> Subject {
        let mut proto = with_initializers(model(17, &[1], self.nodes), self.constants);
        let domain = Some("ai.onnx.ml".into());
        proto.opset_import.push(OperatorSetIdProto { domain, version: Some(3) });
        let inputs = self.inputs.iter().map(|(name, kind, dims, _)| value(name, *kind, dims));
        graph(&mut proto).input = inputs.collect();
        let outputs = self.outputs.iter().map(|(name, kind)| value(name, *kind, &[]));
        graph(&mut proto).output = outputs.collect();
        let sample = self.inputs.iter().map(|(_, _, dims, values)| {
            let dims: Vec<usize> = dims.iter().map(|d| *d as usize).collect();
            Tensor::new(zkml_circuits::testing::shape(&dims), values.to_vec()).expect("as many")
        });
        let sample: Vec<Tensor<f32>> = sample.collect();
        let program = program(&proto, &sample);
        let (lanes, fold, weights, tables) = self.shape;
        let profile = Profile::new(lanes, fold, weights, tables).expect("a machine");
        let inputs = quantize_inputs(&program, &sample).expect("in range");
        Subject::of(program, profile, Visibility::Public, &inputs)
    }
}

fn program(proto: &ModelProto, sample: &[Tensor<f32>]) -> Program {
    let imported = import(proto).expect("imports");
    let options = CalibrationOptions { headroom: 0.5, ..CalibrationOptions::narrow() };
    let settings = calibrate(&imported.graph, &[sample.to_vec()], &options).expect("ranges");
    compile(&imported.graph, &settings).expect("compiles")
}
