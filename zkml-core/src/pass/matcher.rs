//! What the passes ask a graph: who computes a value, who reads it, is it a constant.

use std::collections::BTreeMap;

use crate::{
    ir::{Graph, Node, ValueId},
    tensor::{Shape, Tensor},
};

/// A graph, indexed.
pub(super) struct Matcher<'g> {
    graph: &'g Graph,
    /// The node that computes each value.
    producers: BTreeMap<ValueId, &'g Node>,
    /// How often each value is used, by nodes and as an output.
    uses: Vec<usize>,
}

impl<'g> Matcher<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut uses = vec![0; graph.values().len()];
        for id in graph.nodes().iter().flat_map(|node| &node.inputs) {
            uses[id.0] += 1;
        }
        for (_, id) in graph.outputs() {
            uses[id.0] += 1;
        }
        let producers = graph.nodes().iter().map(|node| (node.output, node)).collect();
        Self { graph, producers, uses }
    }

    /// The node that computes `id`.
    pub(super) fn producer(&self, id: ValueId) -> Option<&'g Node> {
        self.producers.get(&id).copied()
    }

    /// The node that computes `id`, if only one operand reads it.
    pub(super) fn only_user(&self, id: ValueId) -> Option<&'g Node> {
        self.producer(id).filter(|_| self.uses[id.0] == 1)
    }

    pub(super) fn constant(&self, id: ValueId) -> Option<&'g Tensor<f32>> {
        self.graph.get(id).constant.as_ref()
    }

    /// The operands of a node of which one is a constant, the constant second.
    pub(super) fn with_constant(&self, node: &Node) -> Option<(ValueId, &'g Tensor<f32>)> {
        let [a, b] = node.inputs.as_slice() else { return None };
        match (self.constant(*a), self.constant(*b)) {
            (None, Some(c)) => Some((*a, c)),
            (Some(c), None) => Some((*b, c)),
            _ => None,
        }
    }

    pub(super) fn shape(&self, id: ValueId) -> &'g Shape {
        &self.graph.get(id).shape
    }
}
