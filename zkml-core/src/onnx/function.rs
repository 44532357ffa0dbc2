//! Model-local functions: each call is replaced by the nodes of its body.
//!
//! ```text
//! y = f<a = 3>(x)        f(u) -> v: t = Op<b = @a>(u), v = Op'(t)
//! y = Op'(call/t),  call/t = Op<b = 3>(x)
//! ```
//!
//! Values of a body are renamed `call/value`, its nodes `call/node`, where `call` is the name of the
//! calling node; attributes that refer to those of the function take the call's value, else the
//! function's default, else are left out. A body has opset imports of its own. Functions may call
//! others, but not themselves. A function hides an operator of its domain and name. Source:
//! `onnx/docs/IR.md`, "Functions".

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use prost::Message;

use super::{
    ImportError,
    model::{Opsets, domain, opsets},
    names::{check_name, required_name},
    proto::{AttributeProto, FunctionProto, NodeProto},
};

/// Most calls within each other.
const MAX_DEPTH: usize = 64;

/// Bytes of bodies that any model may repeat.
const BASE: usize = 1 << 26;

/// How many times those of the file may be repeated beyond that, on the average.
const REPEATS: usize = 8;

/// What a node takes in memory besides its bytes in the file.
const OVERHEAD: usize = 512;

/// A node outside of functions, and the opsets it is of.
pub(super) struct Flat {
    pub(super) node: NodeProto,
    pub(super) opsets: Rc<Opsets>,
}

/// Domain, name and overload.
type Key = (String, String, String);

/// The functions of a model.
pub(super) struct Functions(BTreeMap<Key, Function>);

struct Function {
    proto: FunctionProto,
    opsets: Rc<Opsets>,
}

impl Functions {
    pub(super) fn new(list: Vec<FunctionProto>) -> Result<Self, ImportError> {
        let mut functions = BTreeMap::new();
        for proto in list {
            let name = required_name("a function", proto.name())?.to_owned();
            let overload = check_name("a function", proto.overload())?.to_owned();
            let key = (domain(check_name("a function's domain", proto.domain())?), name, overload);
            let opsets = Rc::new(opsets(&proto.opset_import)?);
            if functions.contains_key(&key) {
                let (first, second) = ("a function".to_owned(), "a function".to_owned());
                return Err(ImportError::Duplicate { name: key.1, first, second });
            }
            functions.insert(key, Function { proto, opsets });
        }
        Ok(Self(functions))
    }

    /// `nodes` with every call of a function replaced by its body.
    pub(super) fn inline(
        &self,
        nodes: Vec<NodeProto>,
        opsets: &Rc<Opsets>,
    ) -> Result<Vec<Flat>, ImportError> {
        let bodies = self.0.values().flat_map(|f| &f.proto.node);
        let own: usize = nodes.iter().chain(bodies).map(size).sum();
        let budget = BASE.saturating_add(own.saturating_mul(REPEATS));
        let mut inliner = Inliner { functions: self, flat: Vec::new(), budget, within: Vec::new() };
        for (i, node) in nodes.into_iter().enumerate() {
            inliner.node(node, i, opsets)?;
        }
        Ok(inliner.flat)
    }

    fn of(&self, node: &NodeProto) -> Option<(&Key, &Function)> {
        let key = (domain(node.domain()), node.op_type().to_owned(), node.overload().to_owned());
        self.0.get_key_value(&key)
    }
}

struct Inliner<'f> {
    functions: &'f Functions,
    flat: Vec<Flat>,
    /// Bytes that may still be repeated.
    budget: usize,
    /// The functions being inlined.
    within: Vec<&'f Key>,
}

impl<'f> Inliner<'f> {
    fn node(
        &mut self,
        node: NodeProto,
        index: usize,
        opsets: &Rc<Opsets>,
    ) -> Result<(), ImportError> {
        if let Some((key, function)) = self.functions.of(&node) {
            return self.call(&node, index, (key, function));
        }
        self.flat.push(Flat { node, opsets: opsets.clone() });
        Ok(())
    }

    fn call(
        &mut self,
        call: &NodeProto,
        index: usize,
        (key, function): (&'f Key, &'f Function),
    ) -> Result<(), ImportError> {
        if self.within.contains(&key) || self.within.len() == MAX_DEPTH {
            return Err(refused(call, "it calls itself, or calls are nested too deeply".into()));
        }
        let proto = &function.proto;
        let (inputs, outputs) = (proto.input.len(), proto.output.len());
        if call.input.len() > inputs || call.output.len() > outputs {
            let (got, results) = (call.input.len(), call.output.len());
            return Err(refused(
                call,
                format!(
                    "{got} operands and {results} results, it has {inputs} inputs and {outputs} outputs"
                ),
            ));
        }
        let prefix = match call.name() {
            "" => format!("{}#{index}", call.op_type()),
            name => name.to_owned(),
        };
        check_name("a call", &prefix)?;
        let scope = Scope::new(call, proto, prefix)?;
        self.within.push(key);
        for (i, node) in proto.node.iter().enumerate() {
            self.budget = self
                .budget
                .checked_sub(size(node))
                .ok_or_else(|| refused(call, "calls make many times what the file holds".into()))?;
            let node = scope.renamed(node, i)?;
            self.node(node, i, &function.opsets)?;
        }
        self.within.pop();
        // An output that is an input.
        for (inner, outer) in scope.passed(call, proto) {
            let node = NodeProto {
                op_type: Some("Identity".into()),
                name: Some(format!("{}/{outer}", scope.prefix)),
                input: vec![inner],
                output: vec![outer],
                ..Default::default()
            };
            let newest = Opsets::from([(String::new(), IDENTITY)]);
            self.flat.push(Flat { node, opsets: Rc::new(newest) });
        }
        Ok(())
    }
}

/// An opset that has Identity.
const IDENTITY: i64 = 13;

/// Names of one call.
struct Scope<'a> {
    prefix: String,
    /// Inputs and outputs of the function, by their names in it.
    values: BTreeMap<&'a str, &'a str>,
    attributes: BTreeMap<&'a str, &'a AttributeProto>,
}

impl<'a> Scope<'a> {
    fn new(
        call: &'a NodeProto,
        function: &'a FunctionProto,
        prefix: String,
    ) -> Result<Self, ImportError> {
        let mut values = BTreeMap::new();
        // Operands left out at the end are absent.
        let given = call.input.iter().map(String::as_str).chain(std::iter::repeat(""));
        for (inner, outer) in function.input.iter().zip(given) {
            if values.insert(required_name("a function's input", inner)?, outer).is_some() {
                return Err(refused(call, format!("it has two inputs `{inner}`")));
            }
        }
        for (inner, outer) in function.output.iter().zip(&call.output) {
            let inner = required_name("a function's output", inner)?;
            if !outer.is_empty() && !values.contains_key(inner) {
                values.insert(inner, outer);
            }
        }
        let mut attributes: BTreeMap<&str, &AttributeProto> =
            function.attribute_proto.iter().map(|default| (default.name(), default)).collect();
        let known: BTreeSet<&str> = function.attribute.iter().map(String::as_str).collect();
        for attribute in &call.attribute {
            if !known.contains(attribute.name()) && !attributes.contains_key(attribute.name()) {
                let name = check_name("an attribute", attribute.name())?;
                return Err(refused(call, format!("it has no attribute `{name}`")));
            }
            attributes.insert(attribute.name(), attribute);
        }
        Ok(Self { prefix, values, attributes })
    }

    fn renamed(&self, node: &NodeProto, index: usize) -> Result<NodeProto, ImportError> {
        let mut node = node.clone();
        for value in node.input.iter_mut().chain(&mut node.output) {
            *value = match self.values.get(value.as_str()) {
                _ if value.is_empty() => continue,
                Some(outer) => (*outer).to_owned(),
                None => format!("{}/{value}", self.prefix),
            };
        }
        node.name = Some(match node.name() {
            "" => format!("{}/{}#{index}", self.prefix, node.op_type()),
            name => format!("{}/{name}", self.prefix),
        });
        let mut attributes = Vec::with_capacity(node.attribute.len());
        for attribute in std::mem::take(&mut node.attribute) {
            match attribute.ref_attr_name() {
                "" => attributes.push(attribute),
                from => {
                    if let Some(given) = self.attributes.get(from) {
                        let name = attribute.name;
                        attributes.push(AttributeProto { name, ..(*given).clone() });
                    }
                }
            }
        }
        node.attribute = attributes;
        Ok(node)
    }

    /// Outputs of the call that are inputs of it.
    fn passed(&self, call: &NodeProto, function: &FunctionProto) -> Vec<(String, String)> {
        let pairs = function.output.iter().zip(&call.output);
        pairs
            .filter(|(inner, outer)| !outer.is_empty() && function.input.contains(inner))
            .map(|(inner, outer)| (self.values[inner.as_str()].to_owned(), outer.clone()))
            .collect()
    }
}

/// Bytes of a node, about.
fn size(node: &NodeProto) -> usize {
    node.encoded_len().saturating_add(OVERHEAD)
}

fn refused(call: &NodeProto, reason: String) -> ImportError {
    let name = call.op_type().chars().take(60).flat_map(char::escape_debug).collect();
    ImportError::Function { name, reason }
}
