//! Constant operands of operators that are lowered to several nodes: the lowered nodes are run, by
//! the float executor, so that each operator has one meaning.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    kind::{EXACT, Kind},
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
    let tensor = site.number_tensor(&first)?;
    let kind = Kind::of_elements(&first.elements);

    let mut canvas = Canvas::default();
    let name = &site.node.inputs[0];
    let id = match kind {
        Kind::Float => canvas.graph.input(name, first.shape.clone()),
        Kind::Int | Kind::Bool => canvas.graph.integer_input(name, first.shape.clone()),
    };
    canvas.set_kind(id, kind);
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
    let results = apply(&mut scratch)?;
    let computed = execute(site, &canvas.graph, (id, tensor))?;
    let mut constants = Vec::with_capacity(results.len());
    for result in results {
        let Lowered::Activation(result) = result else {
            constants.push(result);
            continue;
        };
        let tensor =
            computed.get(&result).ok_or_else(|| site.invalid("a constant has no value"))?;
        let elements = typed(site, &first.elements, canvas.kind(result), tensor.data())?;
        let constant = site.valid(Constant::new(tensor.shape().clone(), elements))?;
        constants.push(Lowered::Constant(Rc::new(constant)));
    }
    Ok(constants)
}

/// Numbers of a kind in the type of the first operand, if it is of that kind; else float32, int64
/// or bool.
fn typed(site: &Site<'_>, like: &Elements, kind: Kind, data: &[f32]) -> Result<Elements, Halt> {
    Ok(match (kind, like) {
        (Kind::Float, Elements::F64(_)) => {
            Elements::F64(data.iter().map(|v| f64::from(*v)).collect())
        }
        (Kind::Float, _) => Elements::F32(data.to_vec()),
        (Kind::Bool, _) => Elements::Bool(data.iter().map(|v| *v != 0.0).collect()),
        (Kind::Int, like) => {
            let whole = |v: &f32| v.fract() == 0.0 && v.abs() <= EXACT as f32;
            if !data.iter().all(whole) {
                return Err(site.invalid("a whole number is too large to be exact"));
            }
            let values: Vec<i64> = data.iter().map(|v| *v as i64).collect();
            match like.with_i64(values.clone()) {
                Some(elements) => elements,
                None => Elements::I64(values),
            }
        }
    })
}

fn execute(
    site: &mut Site<'_>,
    graph: &Graph,
    (input, tensor): (ValueId, Tensor<f32>),
) -> Result<BTreeMap<ValueId, Tensor<f32>>, Halt> {
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
    Ok(computed)
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
