//! Constant operands of operators that are lowered to several nodes: the lowered nodes are run, by
//! the float executor, so that each operator has one meaning.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    registry::Apply,
    site::{Canvas, Halt, Lowered, Site},
};
use crate::{
    exec::float,
    ir::{Graph, Node, Op, ValueId},
    onnx::{Constant, Elements},
    tensor::Tensor,
};

/// Applies a rule to constants only. The first operand plays the activation.
pub(super) fn run(site: &mut Site<'_>, apply: Apply) -> Result<Lowered, Halt> {
    let results = run_all(site, |scratch| apply(scratch).map(|result| vec![result]))?;
    let missing = || site.invalid("a constant has no value"); // there is one result
    results.into_iter().next().ok_or_else(missing)
}

/// As [`run`], for a rule with several results.
pub(super) fn run_all(
    site: &mut Site<'_>,
    apply: impl FnOnce(&mut Site<'_>) -> Result<Vec<Lowered>, Halt>,
) -> Result<Vec<Lowered>, Halt> {
    let first = site.constant(0, "input")?;
    if !matches!(first.elements, Elements::F32(_) | Elements::F64(_)) {
        let hint = format!("supported only on floats, not on {}", first.elements.dtype());
        return Err(site.unsupported(None, hint));
    }
    let double = matches!(first.elements, Elements::F64(_));
    let tensor = site.float_tensor(&first)?;

    let mut canvas = Canvas::default();
    let id = canvas.graph.input(&site.node.inputs[0], first.shape.clone());
    let mut inputs = site.inputs.clone();
    inputs[0] = Some(Lowered::Activation(id));
    let mut scratch = Site {
        node: site.node,
        since: site.since,
        inputs,
        canvas: &mut canvas,
        live: site.live,
        budget: &mut *site.budget,
        external: &mut *site.external,
    };
    let mut results = Vec::new();
    for result in apply(&mut scratch)? {
        match result {
            Lowered::Activation(id) => results.push(id),
            // No rule for floats gives one.
            _ => return Err(site.invalid("a constant has no value")),
        }
    }
    let tensors = execute(site, &canvas.graph, (id, tensor), &results)?;
    let constant = |tensor: Tensor<f32>| {
        let shape = tensor.shape().clone();
        let data = tensor.into_data();
        let elements = if double {
            Elements::F64(data.into_iter().map(f64::from).collect())
        } else {
            Elements::F32(data)
        };
        let constant = site.valid(Constant::new(shape, elements))?;
        Ok(Lowered::Constant(Rc::new(constant)))
    };
    tensors.into_iter().map(constant).collect()
}

fn execute(
    site: &mut Site<'_>,
    graph: &Graph,
    (input, tensor): (ValueId, Tensor<f32>),
    results: &[ValueId],
) -> Result<Vec<Tensor<f32>>, Halt> {
    let mut computed = BTreeMap::from([(input, tensor)]);
    for node in graph.nodes() {
        charge(site, graph, node)?;
        let mut operands = Vec::with_capacity(node.inputs.len());
        for id in &node.inputs {
            let operand = computed.get(id).or(graph.get(*id).constant.as_ref());
            operands.push(operand.ok_or_else(|| site.invalid("an operand has no value"))?);
        }
        let value = site.valid(float::apply(&node.op, &operands))?;
        computed.insert(node.output, value);
    }
    // Two results may be one value.
    let result = |id: &ValueId| computed.get(id).cloned();
    let values: Option<Vec<_>> = results.iter().map(result).collect();
    values.ok_or_else(|| site.invalid("a constant has no value"))
}

fn charge(site: &mut Site<'_>, graph: &Graph, node: &Node) -> Result<(), Halt> {
    let outputs = graph.get(node.output).shape.len();
    let inner = match (&node.op, node.inputs.first()) {
        (Op::MatMul, Some(left)) => graph.get(*left).shape.dims().last().copied().unwrap_or(1),
        (Op::Correlate { window, .. }, _) => {
            let weights = node.inputs.get(1).map(|id| graph.get(*id).shape.dims());
            let inner = weights.and_then(|dims| dims.get(1)).copied().unwrap_or(1);
            inner.saturating_mul(window.taps())
        }
        (Op::MaxPool(window), _) => window.taps(),
        _ => 1,
    };
    let origin = site.origin();
    site.budget.take_product(outputs, inner, &origin)
}
