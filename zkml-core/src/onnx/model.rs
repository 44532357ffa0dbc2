//! A checked view of a model: what the rest of the importer may rely on.
//!
//! * every name is printable and of bounded length; values are defined once (SSA);
//! * nodes are in topological order: their inputs are graph inputs, initializers or outputs of
//!   earlier nodes;
//! * calls of model-local functions are replaced by their bodies;
//! * every node has the opset version of its domain (an opset that no node needs may be missing);
//! * an initializer that is also listed as an input is a constant, as in IR version 3.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use prost::Message;

use super::{
    ImportError, ValueInfo,
    function::{Flat, Functions},
    names::{check_name, required_name},
    proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
        ValueInfoProto,
    },
    value_info::value_info,
    wire,
};

/// A node with its opset resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Name in the file, or operator and position where it has none.
    pub(crate) name: String,
    pub(crate) op: String,
    /// Operator domain; empty for ai.onnx.
    pub(crate) domain: String,
    pub(crate) opset: i64,
    /// Operands; an absent optional one is empty.
    pub(crate) inputs: Vec<String>,
    /// Results; an unused optional one is empty.
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: BTreeMap<String, AttributeProto>,
}

impl Node {
    /// How messages name the node.
    pub(crate) fn title(&self) -> String {
        format!("node `{}` ({})", self.name, self.op)
    }
}

/// A checked ONNX model.
#[derive(Debug)]
pub struct Model {
    pub(crate) ir_version: i64,
    pub(crate) producer: String,
    pub(crate) opsets: Opsets,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) outputs: Vec<ValueInfo>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) initializers: BTreeMap<String, TensorProto>,
    /// Names of sparse initializers.
    pub(crate) sparse: BTreeSet<String>,
}

impl Model {
    /// Decodes and checks a model. External data is not read.
    ///
    /// # Errors
    /// The first rule that the model breaks.
    pub fn decode(bytes: &[u8]) -> Result<Self, ImportError> {
        wire::check(bytes)?;
        let model = ModelProto::decode(bytes)
            .map_err(|error| ImportError::Decode { reason: error.to_string() })?;
        Self::from_proto(model)
    }

    /// Checks a decoded model.
    ///
    /// # Errors
    /// The first rule that the model breaks.
    pub fn from_proto(model: ModelProto) -> Result<Self, ImportError> {
        let opsets = Rc::new(opsets(&model.opset_import)?);
        let functions = Functions::new(model.functions.clone())?;
        let producer = [model.producer_name(), model.producer_version()].join(" ");
        let producer: String =
            producer.trim().chars().filter(|c| !c.is_control()).take(200).collect();
        let ir_version = model.ir_version();
        let graph = model.graph.ok_or(ImportError::NoGraph)?;

        let mut values = Definitions::default();
        let sparse = sparse_initializers(&graph, &mut values)?;
        let GraphProto { node, initializer, input, output, .. } = graph;
        let initializers = initializers(initializer, &mut values)?;
        let inputs = inputs(&input, &mut values)?;
        let nodes = nodes(functions.inline(node, &opsets)?, &mut values)?;
        let outputs = outputs(&output, &values)?;
        Ok(Self {
            ir_version,
            producer,
            opsets: Rc::unwrap_or_clone(opsets),
            inputs,
            outputs,
            nodes,
            initializers,
            sparse,
        })
    }

    /// Inputs to be given at inference (not those that initializers fix).
    pub fn inputs(&self) -> &[ValueInfo] {
        &self.inputs
    }

    /// Outputs.
    pub fn outputs(&self) -> &[ValueInfo] {
        &self.outputs
    }
}

/// Where each value is defined: name to description of the definition.
#[derive(Default)]
struct Definitions(BTreeMap<String, String>);

impl Definitions {
    fn define(&mut self, name: &str, what: impl FnOnce() -> String) -> Result<(), ImportError> {
        if let Some(first) = self.0.get(name) {
            let (name, first) = (name.to_owned(), first.clone());
            return Err(ImportError::Duplicate { name, first, second: what() });
        }
        self.0.insert(name.to_owned(), what());
        Ok(())
    }
}

/// Versions by domain.
pub(super) type Opsets = BTreeMap<String, i64>;

pub(super) fn opsets(imports: &[OperatorSetIdProto]) -> Result<Opsets, ImportError> {
    let mut opsets = BTreeMap::new();
    for import in imports {
        let domain = domain(check_name("an opset import", import.domain())?);
        let version = import.version();
        // skl2onnx repeats imports; only a contradiction is an error.
        if opsets.insert(domain.clone(), version).is_some_and(|other| other != version) {
            return Err(ImportError::DuplicateOpset { domain });
        }
    }
    Ok(opsets)
}

/// `ai.onnx` is another spelling of the empty domain.
pub(super) fn domain(domain: &str) -> String {
    if domain == "ai.onnx" { String::new() } else { domain.to_owned() }
}

fn sparse_initializers(
    graph: &GraphProto,
    values: &mut Definitions,
) -> Result<BTreeSet<String>, ImportError> {
    let mut names = BTreeSet::new();
    for sparse in &graph.sparse_initializer {
        let name = sparse.values.as_ref().map_or("", |values| values.name());
        let name = required_name("a sparse initializer", name)?;
        values.define(name, || "a sparse initializer".to_owned())?;
        names.insert(name.to_owned());
    }
    Ok(names)
}

fn initializers(
    list: Vec<TensorProto>,
    values: &mut Definitions,
) -> Result<BTreeMap<String, TensorProto>, ImportError> {
    let mut initializers = BTreeMap::new();
    for tensor in list {
        let name = required_name("an initializer", tensor.name())?.to_owned();
        values.define(&name, || "an initializer".to_owned())?;
        initializers.insert(name, tensor);
    }
    Ok(initializers)
}

fn inputs(
    list: &[ValueInfoProto],
    values: &mut Definitions,
) -> Result<Vec<ValueInfo>, ImportError> {
    let mut inputs = Vec::new();
    let mut seen = BTreeSet::new();
    for input in list {
        let info = value_info("a graph input", input)?;
        if !seen.insert(info.name.clone()) {
            let (first, second) = ("a graph input".to_owned(), "a graph input".to_owned());
            return Err(ImportError::Duplicate { name: info.name, first, second });
        }
        if values.0.contains_key(&info.name) {
            continue; // fixed by an initializer
        }
        values.define(&info.name, || "a graph input".to_owned())?;
        inputs.push(info);
    }
    Ok(inputs)
}

fn nodes(list: Vec<Flat>, values: &mut Definitions) -> Result<Vec<Node>, ImportError> {
    // Known only to tell an undefined value from one defined too late.
    let producers: BTreeMap<String, String> = list
        .iter()
        .enumerate()
        .flat_map(|(i, Flat { node, .. })| {
            node.output.iter().map(move |output| (output.clone(), node_name(node, i)))
        })
        .collect();
    let mut nodes = Vec::with_capacity(list.len());
    for (index, Flat { node, opsets }) in list.into_iter().enumerate() {
        let node = checked_node(node, index, &opsets)?;
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            if values.0.contains_key(name) {
                continue;
            }
            let (user, name) = (node.title(), name.clone());
            return Err(match producers.get(&name) {
                Some(producer) => {
                    ImportError::Order { user, name, producer: format!("node `{producer}`") }
                }
                None => ImportError::Undefined { user, name },
            });
        }
        for name in node.outputs.iter().filter(|name| !name.is_empty()) {
            values.define(name, || format!("an output of {}", node.title()))?;
        }
        nodes.push(node);
    }
    Ok(nodes)
}

fn node_name(node: &NodeProto, index: usize) -> String {
    match node.name() {
        "" => format!("{}#{index}", node.op_type()),
        name => name.to_owned(),
    }
}

fn checked_node(node: NodeProto, index: usize, opsets: &Opsets) -> Result<Node, ImportError> {
    let op = required_name("an operator", node.op_type())?.to_owned();
    check_name("a node", node.name())?;
    let name = node_name(&node, index);
    let domain = domain(check_name("an operator domain", node.domain())?);
    for value in node.input.iter().chain(&node.output) {
        check_name("a value", value)?;
    }
    let Some(&opset) = opsets.get(&domain) else {
        let node = format!("node `{name}` ({op})");
        return Err(ImportError::MissingOpset { node, domain });
    };
    let mut attributes = BTreeMap::new();
    for attribute in node.attribute {
        let key = required_name("an attribute", attribute.name())?.to_owned();
        if attributes.insert(key.clone(), attribute).is_some() {
            let what = format!("an attribute of node `{name}` ({op})");
            return Err(ImportError::Duplicate { name: key, first: what.clone(), second: what });
        }
    }
    Ok(Node { name, op, domain, opset, inputs: node.input, outputs: node.output, attributes })
}

fn outputs(list: &[ValueInfoProto], values: &Definitions) -> Result<Vec<ValueInfo>, ImportError> {
    let mut outputs: Vec<ValueInfo> = Vec::new();
    let mut seen = BTreeSet::new();
    for output in list {
        let info = value_info("a graph output", output)?;
        if !values.0.contains_key(&info.name) {
            let user = "the list of graph outputs".to_owned();
            return Err(ImportError::Undefined { user, name: info.name });
        }
        if !seen.insert(info.name.clone()) {
            let (first, second) = ("a graph output".to_owned(), "a graph output".to_owned());
            return Err(ImportError::Duplicate { name: info.name, first, second });
        }
        outputs.push(info);
    }
    if outputs.is_empty() {
        return Err(ImportError::NoOutputs);
    }
    Ok(outputs)
}
