//! The walk over the nodes that live outputs depend on.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    budget::Budget,
    evaluate,
    interface::{check_bindings, check_type, input_kind, input_shape, not_a_node},
    kind::Kind,
    legacy,
    liveness::Liveness,
    ml,
    operands::{check_attributes, check_floats},
    quantised,
    registry::{self, Form, Rule},
    site::{Canvas, Halt, Lowered, Site, origin_of, unsupported},
};
use crate::{
    ir::Graph,
    onnx::{
        Constant, DimBindings, ExternalData, ImportError, Model, Node, NodeReport, NodeStatus,
        Unsupported, proto::attribute_proto::AttributeType,
    },
};

/// The result of lowering a model. The graph is whole only if nothing is unsupported or wrong.
pub(crate) struct Lowering {
    pub(crate) graph: Graph,
    pub(crate) nodes: Vec<NodeReport>,
    pub(crate) unsupported: Vec<Unsupported>,
    /// The first thing that is wrong, in the file's order.
    pub(crate) error: Option<ImportError>,
}

/// Lowers `model`, which took `bytes` bytes without its external data.
pub(crate) fn lower(
    model: &Model,
    dims: &DimBindings,
    external: &mut ExternalData,
    bytes: usize,
) -> Lowering {
    let live = Liveness::of(model);
    let mut walk = Walk {
        model,
        external,
        live: &live,
        canvas: Canvas::default(),
        values: BTreeMap::new(),
        budget: Budget::new(bytes),
        unsupported: Vec::new(),
        error: None,
    };
    if let Err(error) = check_bindings(model, dims) {
        walk.fail(error);
    }
    walk.inputs(dims);
    let nodes = model.nodes.iter().map(|node| walk.node(node)).collect();
    walk.outputs();
    Lowering { graph: walk.canvas.graph, nodes, unsupported: walk.unsupported, error: walk.error }
}

struct Walk<'m, 'e> {
    model: &'m Model,
    external: &'e mut ExternalData,
    live: &'e Liveness<'m>,
    canvas: Canvas,
    values: BTreeMap<String, Lowered>,
    budget: Budget,
    unsupported: Vec<Unsupported>,
    error: Option<ImportError>,
}

impl Walk<'_, '_> {
    fn fail(&mut self, error: ImportError) {
        self.error.get_or_insert(error);
    }

    fn inputs(&mut self, dims: &DimBindings) {
        for input in &self.model.inputs {
            let value = match input_shape(input, dims) {
                Ok(shape) => {
                    let (graph, kind) = (&mut self.canvas.graph, input_kind(input));
                    let id = match kind {
                        Kind::Float => graph.input(&input.name, shape),
                        Kind::Int | Kind::Bool => graph.integer_input(&input.name, shape),
                    };
                    self.canvas.set_kind(id, kind);
                    Lowered::Activation(id)
                }
                Err(halt) => {
                    self.record(halt);
                    Lowered::Poisoned { activation: true }
                }
            };
            self.values.insert(input.name.clone(), value);
        }
    }

    fn node(&mut self, node: &Node) -> NodeReport {
        let (status, values) = if self.live.node(node) {
            self.live_node(node)
        } else {
            (NodeStatus::Unused, Vec::new())
        };
        let shape = values.first().and_then(|value| match value {
            Lowered::Constant(constant) => Some(constant.shape.dims().to_vec()),
            Lowered::Activation(id) => Some(self.canvas.graph.get(*id).shape.dims().to_vec()),
            Lowered::Poisoned { .. } => None,
        });
        // Outputs that have no value of their own are unused, or the node is unsupported and all of
        // them are poisoned.
        let rest = values.first().into_iter().cycle();
        for (name, value) in node.outputs.iter().zip(values.iter().chain(rest)) {
            if !name.is_empty() {
                self.values.insert(name.clone(), value.clone());
            }
        }
        NodeReport {
            name: node.name.clone(),
            op: node.op.clone(),
            domain: node.domain.clone(),
            opset: node.opset,
            inputs: node.inputs.clone(),
            outputs: node.outputs.clone(),
            shape,
            status,
        }
    }

    fn live_node(&mut self, node: &Node) -> (NodeStatus, Vec<Lowered>) {
        match self.try_node(node) {
            Ok(values) => {
                let status = match values.first() {
                    Some(Lowered::Constant(_)) => NodeStatus::Constant,
                    _ => NodeStatus::Lowered,
                };
                (status, values)
            }
            Err(halt) => {
                // Shapes are constants, even if they are not known.
                let activation = !["Shape", "Size"].contains(&node.op.as_str())
                    && node.inputs.iter().any(|name| {
                        matches!(
                            self.values.get(name),
                            Some(Lowered::Activation(_) | Lowered::Poisoned { activation: true })
                        )
                    });
                (self.record(halt), vec![Lowered::Poisoned { activation }])
            }
        }
    }

    fn record(&mut self, halt: Halt) -> NodeStatus {
        match halt {
            Halt::Poisoned => NodeStatus::Unknown,
            Halt::Unsupported(item) => {
                self.unsupported.push(*item);
                NodeStatus::Unsupported
            }
            Halt::Error(error) => {
                self.fail(error);
                NodeStatus::Invalid
            }
        }
    }

    fn try_node(&mut self, node: &Node) -> Result<Vec<Lowered>, Halt> {
        let (rule, since) = self.rule(node)?;
        check_attributes(node, rule)?;
        self.check_outputs(node, rule)?;
        let inputs = node
            .inputs
            .iter()
            .map(|name| match name.as_str() {
                "" => Ok(None),
                name => self.value(name).map(Some),
            })
            .collect::<Result<Vec<_>, Halt>>()?;
        let mut site = Site {
            node,
            since,
            inputs,
            canvas: &mut self.canvas,
            live: self.live,
            budget: &mut self.budget,
            external: &mut *self.external,
        };
        let (fewest, most) = rule.inputs;
        if !(fewest..=most).contains(&node.inputs.len()) {
            let got = node.inputs.len();
            let expected =
                if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
            return Err(site.invalid(format!("expected {expected} inputs, got {got}")));
        }
        legacy::prepare(&mut site)?;
        if matches!(rule.form, Form::Float(_) | Form::FloatMany(_)) {
            check_floats(&site)?;
        }
        let constant = site.all_constant();
        let values = match rule.form {
            Form::FloatMany(apply) | Form::MixedMany(apply) if constant => {
                evaluate::run_all(&mut site, apply)?
            }
            Form::Many(apply) | Form::FloatMany(apply) | Form::MixedMany(apply) => {
                apply(&mut site)?
            }
            Form::Float(apply) | Form::Mixed(apply) if constant => {
                vec![evaluate::run(&mut site, apply)?]
            }
            Form::Any(apply) | Form::Float(apply) | Form::Mixed(apply) => vec![apply(&mut site)?],
            Form::Constant(apply) => {
                if site.inputs.iter().flatten().any(|operand| {
                    matches!(
                        operand,
                        Lowered::Activation(_) | Lowered::Poisoned { activation: true }
                    )
                }) {
                    let hint = "supported only on constants and shapes, not on values that \
                                depend on the input";
                    return Err(site.unsupported(None, hint));
                }
                vec![apply(&mut site)?]
            }
        };
        // One that the operator does not have must not be taken for another.
        match node.outputs.iter().skip(values.len()).find(|name| self.live.value(name)) {
            Some(name) => Err(ImportError::Node {
                origin: origin_of(node),
                reason: format!("output `{name}` is one more than the operator has here"),
            }
            .into()),
            None => Ok(values),
        }
    }

    fn rule(&self, node: &Node) -> Result<(&'static Rule, i64), Halt> {
        let refuse = |hint: String| Err(Halt::Unsupported(Box::new(unsupported(node, None, hint))));
        let graphs = [AttributeType::Graph, AttributeType::Graphs];
        if node.attributes.values().any(|a| graphs.contains(&a.r#type()) || a.g.is_some()) {
            return refuse("control flow with sub-graphs is not supported".into());
        }
        let domain = registry::domain(&node.domain);
        let rule = domain.and_then(|domain| Some((domain, domain.find(&node.op)?)));
        let Some((domain, rule)) = rule else {
            let hint = quantised::hint(&node.op).filter(|_| node.domain == "com.microsoft");
            return refuse(match hint {
                Some(hint) => format!("operators of onnxruntime alone are not supported; {hint}"),
                None => "the operator is not supported".into(),
            });
        };
        if node.opset > domain.newest {
            return refuse(format!(
                "this version knows opsets up to {}; export with an older one",
                domain.newest
            ));
        }
        let unchanged = rule.since(node.opset) == rule.since(domain.oldest);
        if node.opset < domain.oldest && !unchanged && !legacy::knows(node) {
            if rule.since(node.opset).is_none() {
                return refuse(format!(
                    "opsets before {} are supported in part, and not with this operator",
                    domain.oldest
                ));
            }
            return refuse(format!(
                "opset {} changed the operator, and it is supported only as it is since; convert \
                 with onnx.version_converter",
                domain.oldest
            ));
        }
        match rule.since(node.opset) {
            Some(since) => Ok((rule, since)),
            None => Err(ImportError::Node {
                origin: origin_of(node),
                reason: format!("the operator exists from opset {} on", rule.first()),
            }
            .into()),
        }
    }

    /// Most operators have one result that matters; the others must be unused.
    fn check_outputs(&self, node: &Node, rule: &Rule) -> Result<(), Halt> {
        if matches!(rule.form, Form::Many(_) | Form::FloatMany(_) | Form::MixedMany(_)) {
            return Ok(());
        }
        if node.outputs.first().is_none_or(String::is_empty) {
            return Err(ImportError::Node {
                origin: origin_of(node),
                reason: "the first output is missing".into(),
            }
            .into());
        }
        match node.outputs.iter().skip(1).find(|name| self.live.value(name)) {
            Some(name) => Err(Halt::Unsupported(Box::new(unsupported(
                node,
                Some(name),
                "this output is used, but only the first output is supported",
            )))),
            None => Ok(()),
        }
    }

    /// The value `name`; an initializer is decoded at its first use.
    fn value(&mut self, name: &str) -> Result<Lowered, Halt> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let value = match self.model.initializers.get(name) {
            Some(tensor) => {
                let before = self.external.used();
                let decoded = Constant::decode(tensor, self.external)
                    .map_err(|source| ImportError::Tensor { name: name.to_owned(), source });
                let read = self.external.used() - before;
                self.budget.extend(usize::try_from(read).unwrap_or(usize::MAX));
                match decoded {
                    Ok(constant) => Lowered::Constant(Rc::new(constant)),
                    Err(error) => {
                        self.fail(error);
                        Lowered::Poisoned { activation: false }
                    }
                }
            }
            None => {
                if self.model.sparse.contains(name) {
                    self.unsupported.push(not_a_node(
                        "initializer",
                        name,
                        "sparse initializers are not supported",
                    ));
                }
                Lowered::Poisoned { activation: false }
            }
        };
        self.values.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    fn outputs(&mut self) {
        for output in &self.model.outputs {
            let zipped = ml::is_zipped(self.model, &output.name);
            if let Err(Halt::Unsupported(item)) = check_type("output", output)
                && !zipped
            {
                self.unsupported.push(*item);
                continue;
            }
            match self.value(&output.name) {
                Ok(Lowered::Activation(id)) => self.canvas.graph.output(&output.name, id),
                Ok(Lowered::Constant(_)) => self.unsupported.push(not_a_node(
                    "output",
                    &output.name,
                    "it does not depend on any input, so there is nothing to prove",
                )),
                // Reported where it arose.
                _ => {}
            }
        }
    }
}
