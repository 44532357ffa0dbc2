//! Rebuilding a graph node by node.

use std::collections::BTreeMap;

use super::matcher::Matcher;
use crate::{
    ir::{Graph, GraphError, Node, Op, Origin, ValueId},
    tensor::Tensor,
};

/// A graph being rebuilt from another.
#[derive(Debug)]
pub(super) struct Rewrite<'g> {
    pub(super) from: &'g Graph,
    pub(super) to: Graph,
    /// Where values of `from` are in `to`.
    map: BTreeMap<ValueId, ValueId>,
}

impl<'g> Rewrite<'g> {
    /// Starts with the inputs of `from`, all of them.
    pub(super) fn new(from: &'g Graph) -> Self {
        let mut to = Graph::new();
        let map = from
            .inputs()
            .iter()
            .map(|id| {
                let value = from.get(*id);
                let (name, shape) = (value.name.clone(), value.shape.clone());
                let input = if value.integer {
                    to.integer_input(name, shape)
                } else {
                    to.input(name, shape)
                };
                (*id, input)
            })
            .collect();
        Self { from, to, map }
    }

    /// The value `id` of `from` in `to`. Constants are copied at their first use; anything else
    /// that has not been rebuilt is `None`, which a graph in topological order rules out.
    pub(super) fn get(&mut self, id: ValueId) -> Option<ValueId> {
        if let Some(id) = self.map.get(&id) {
            return Some(*id);
        }
        let value = self.from.get(id);
        let copy = self.to.constant(value.name.clone(), value.constant.clone()?);
        self.map.insert(id, copy);
        Some(copy)
    }

    /// Says that `old` of `from` is `new` of `to`.
    fn set(&mut self, old: ValueId, new: ValueId) {
        self.map.insert(old, new);
    }

    /// Rebuilds `graph`: `rule` gives what takes the place of a node, or nothing to copy it.
    pub(super) fn each(
        graph: &'g Graph,
        mut rule: impl FnMut(&Matcher<'g>, &mut Self, &'g Node) -> Result<Option<ValueId>, GraphError>,
    ) -> Result<Graph, GraphError> {
        let matcher = Matcher::new(graph);
        let mut rewrite = Self::new(graph);
        for node in graph.nodes() {
            match rule(&matcher, &mut rewrite, node)? {
                Some(id) => rewrite.set(node.output, id),
                None => rewrite.copy(node)?,
            }
        }
        rewrite.finish()
    }

    /// Copies a node.
    pub(super) fn copy(&mut self, node: &Node) -> Result<(), GraphError> {
        let inputs =
            node.inputs.iter().map(|id| self.operand(node, *id)).collect::<Result<_, _>>()?;
        let id = self.push(node, node.op.clone(), inputs)?;
        self.set(node.output, id);
        Ok(())
    }

    /// The operand `id` of `node`.
    pub(super) fn operand(&mut self, node: &Node, id: ValueId) -> Result<ValueId, GraphError> {
        self.get(id).ok_or_else(|| GraphError::Unknown { origin: node.origin.clone(), id })
    }

    /// Adds a node in the place of `node`, under its name and origin.
    pub(super) fn push(
        &mut self,
        node: &Node,
        op: Op,
        inputs: Vec<ValueId>,
    ) -> Result<ValueId, GraphError> {
        self.push_from(node, &node.origin, op, inputs)
    }

    /// Adds a node in the place of `node`, under its name and the origin of another.
    pub(super) fn push_from(
        &mut self,
        node: &Node,
        origin: &Origin,
        op: Op,
        inputs: Vec<ValueId>,
    ) -> Result<ValueId, GraphError> {
        let name = self.from.get(node.output).name.clone();
        self.to.push(op, inputs, name, origin.clone())
    }

    /// Adds a node in front of the one in the place of `node`, under the origin of `node`.
    pub(super) fn push_part(
        &mut self,
        node: &Node,
        part: &str,
        op: Op,
        inputs: Vec<ValueId>,
    ) -> Result<ValueId, GraphError> {
        let name = format!("{}/{part}", self.from.get(node.output).name);
        self.to.push(op, inputs, name, node.origin.clone())
    }

    /// Adds a constant made for `node`.
    pub(super) fn constant(&mut self, node: &Node, part: &str, tensor: Tensor<f32>) -> ValueId {
        let name = format!("{}/{part}", self.from.get(node.output).name);
        self.to.constant(name, tensor)
    }

    /// `x` and a constant, in the order in which `node` has its operands, one of them a constant.
    pub(super) fn beside(&self, node: &Node, x: ValueId, constant: ValueId) -> Vec<ValueId> {
        let left = node.inputs.first().is_some_and(|id| self.from.get(*id).constant.is_some());
        if left { vec![constant, x] } else { vec![x, constant] }
    }

    /// The first number of the constant `id` of `from`, as a scalar made for `node`.
    pub(super) fn scalar(&mut self, node: &Node, id: ValueId) -> Result<ValueId, GraphError> {
        let first = self.from.get(id).constant.as_ref().and_then(|c| c.data().first());
        match first {
            Some(first) => Ok(self.constant(node, "factor", Tensor::scalar(*first))),
            None => Err(GraphError::Unknown { origin: node.origin.clone(), id }),
        }
    }

    /// Declares the outputs of `from`.
    pub(super) fn finish(mut self) -> Result<Graph, GraphError> {
        for (name, id) in self.from.outputs() {
            // An output is an input, a constant or the result of a node, all of which are rebuilt.
            if let Some(new) = self.get(*id) {
                self.to.output(name.clone(), new);
            }
        }
        Ok(self.to)
    }
}
