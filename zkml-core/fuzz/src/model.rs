//! Models mutated as models: what is a model stays one, so that a change reaches the operators and not only
//! the reader of the format, which one mutation in four is for.

use crate::dice::Dice;
use libfuzzer_sys::fuzzer_mutate;
use prost::Message;
use zkml_core::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

/// The mutator of libFuzzer: changes `data[..size]`, a model or not, and gives the new size.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice::new(seed);
    let model = ModelProto::decode(&data[..size]).ok().filter(|_| dice.below(4) > 0);
    let Some(mut model) = model else { return fuzzer_mutate(data, size, max_size) };
    for _ in 0..=dice.below(3) {
        change_model(&mut model, &mut dice);
    }
    let bytes = model.encode_to_vec();
    if bytes.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

/// What is chosen of a model.
trait Choices {
    /// A number, or none.
    fn real(&mut self) -> f32;
    /// Another length: one less, one more, or none.
    fn resize<T: Clone>(&mut self, list: &mut Vec<T>);
    /// One of the numbers changed, or their count.
    fn numbers(&mut self, list: &mut Vec<i64>);
}

impl Choices for Dice {
    fn real(&mut self) -> f32 {
        let edges = [0.0, -0.0, 1.0, -1.0, 0.5, f32::NAN, f32::INFINITY, f32::MAX, 1e-40, 3.7];
        edges[self.below(edges.len())]
    }

    fn resize<T: Clone>(&mut self, list: &mut Vec<T>) {
        match (self.below(3), list.last().cloned()) {
            (0, _) => drop(list.pop()),
            (1, Some(last)) => list.push(last),
            _ => list.clear(),
        }
    }

    fn numbers(&mut self, list: &mut Vec<i64>) {
        if self.below(4) == 0 {
            return self.resize(list);
        }
        if let Some(at) = self.pick(list) {
            *at = self.number(*at);
        }
    }
}

fn change_model(model: &mut ModelProto, dice: &mut Dice) {
    match dice.below(10) {
        0 => {
            if let Some(opset) = dice.pick(&mut model.opset_import) {
                opset.version = Some(1 + dice.below(26) as i64);
            }
        }
        1 => {
            if let Some(function) = dice.pick(&mut model.functions) {
                match dice.below(3) {
                    0 => dice.resize(&mut function.input),
                    1 => dice.resize(&mut function.output),
                    _ => change_nodes(&mut function.node, &[], dice),
                }
            }
        }
        _ => {
            if let Some(graph) = &mut model.graph {
                change_graph(graph, dice);
            }
        }
    }
}

fn change_graph(graph: &mut GraphProto, dice: &mut Dice) {
    match dice.below(8) {
        0 | 1 => {
            if let Some(tensor) = dice.pick(&mut graph.initializer) {
                change_tensor(tensor, dice);
            }
        }
        2 => change_input(graph, dice),
        3 => {
            // What a node reads becomes a constant, with numbers of its own.
            let names = names(graph);
            let dims = (0..dice.below(3)).map(|_| 1 + dice.below(3) as i64).collect::<Vec<_>>();
            let count = dims.iter().product::<i64>();
            let float = dice.below(2) == 0;
            graph.initializer.push(TensorProto {
                name: names.get(dice.below(names.len())).cloned(),
                data_type: Some(if float { 1 } else { 7 }),
                float_data: (0..count).filter(|_| float).map(|_| dice.real()).collect(),
                int64_data: (0..count).filter(|_| !float).map(|_| dice.number(0)).collect(),
                dims,
                ..Default::default()
            });
        }
        _ => {
            let names = names(graph);
            change_nodes(&mut graph.node, &names, dice);
        }
    }
}

/// Names of the values of a graph.
fn names(graph: &GraphProto) -> Vec<String> {
    let inputs = graph.input.iter().map(|input| input.name().to_owned());
    let constants = graph.initializer.iter().map(|tensor| tensor.name().to_owned());
    let results = graph.node.iter().flat_map(|node| node.output.iter().cloned());
    inputs.chain(constants).chain(results).collect()
}

/// Another dimension, type or rank of an input.
fn change_input(graph: &mut GraphProto, dice: &mut Dice) {
    use zkml_core::onnx::proto::{tensor_shape_proto::dimension, type_proto};
    let value = dice.pick(&mut graph.input).and_then(|input| input.r#type.as_mut());
    let Some(type_proto::Value::TensorType(tensor)) = value.and_then(|v| v.value.as_mut()) else {
        return;
    };
    if dice.below(4) == 0 {
        tensor.elem_type = Some(dice.below(23) as i32);
        return;
    }
    let Some(shape) = &mut tensor.shape else { return };
    if dice.below(4) == 0 {
        return dice.resize(&mut shape.dim);
    }
    if let Some(dim) = dice.pick(&mut shape.dim) {
        let old = match dim.value {
            Some(dimension::Value::DimValue(old)) => old,
            _ => 2,
        };
        dim.value = Some(dimension::Value::DimValue(dice.number(old)));
    }
}

fn change_nodes(nodes: &mut Vec<NodeProto>, names: &[String], dice: &mut Dice) {
    let (from, at) = (dice.below(nodes.len()), dice.below(nodes.len()));
    let Some(other) = nodes.get(from).cloned() else { return };
    let Some(node) = nodes.get_mut(at) else { return };
    match dice.below(9) {
        0 => drop(nodes.remove(at)),
        1 => nodes.insert(at, other),
        2 => dice.resize(&mut node.input),
        3 => dice.resize(&mut node.output),
        4 => {
            if let Some(input) = dice.pick(&mut node.input) {
                *input = names.get(dice.below(names.len() + 1)).cloned().unwrap_or_default();
            }
        }
        5 => node.op_type = other.op_type,
        6 => node.attribute.extend(other.attribute),
        _ => {
            if dice.below(8) == 0 {
                dice.resize(&mut node.attribute);
            } else if let Some(attribute) = dice.pick(&mut node.attribute) {
                change_attribute(attribute, dice);
            }
        }
    }
}

fn change_attribute(attribute: &mut AttributeProto, dice: &mut Dice) {
    if let Some(i) = &mut attribute.i {
        *i = dice.number(*i);
    }
    if let Some(f) = &mut attribute.f {
        *f = dice.real();
    }
    if let Some(tensor) = &mut attribute.t {
        change_tensor(tensor, dice);
    }
    if let Some(graph) = &mut attribute.g {
        change_graph(graph, dice);
    }
    if let Some(text) = &mut attribute.s {
        let size = text.len();
        text.resize(size + 4, 0);
        let size = fuzzer_mutate(text, size, size + 4);
        text.truncate(size);
    }
    dice.numbers(&mut attribute.ints);
    if dice.below(4) == 0 {
        dice.resize(&mut attribute.floats);
        dice.resize(&mut attribute.strings);
    } else if let Some(f) = dice.pick(&mut attribute.floats) {
        *f = dice.real();
    }
}

fn change_tensor(tensor: &mut TensorProto, dice: &mut Dice) {
    match dice.below(6) {
        0 => tensor.data_type = Some(dice.below(24) as i32),
        1 => dice.numbers(&mut tensor.dims),
        _ => {
            dice.numbers(&mut tensor.int64_data);
            if let Some(f) = dice.pick(&mut tensor.float_data) {
                *f = dice.real();
            }
            if let Some(i) = dice.pick(&mut tensor.int32_data) {
                *i = dice.number(i64::from(*i)) as i32;
            }
            if let Some(raw) = tensor.raw_data.as_mut().filter(|raw| !raw.is_empty()) {
                let (float, number) = (dice.real(), dice.number(1));
                let at = dice.below(raw.len());
                match tensor.data_type {
                    Some(1) => put(raw, at, &float.to_le_bytes()),
                    Some(7) => put(raw, at, &number.to_le_bytes()),
                    _ => put(raw, at, &[number as u8]),
                }
            }
        }
    }
}

/// Writes an element at the byte `at`, moved to where it begins.
fn put(raw: &mut [u8], at: usize, element: &[u8]) {
    let at = at - at % element.len();
    if let Some(to) = raw.get_mut(at..at + element.len()) {
        to.copy_from_slice(element);
    }
}
