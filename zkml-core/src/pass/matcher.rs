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
    /// The nodes that read each value, once for each operand.
    readers: Vec<Vec<&'g Node>>,
    /// How often each value is an output.
    outputs: Vec<usize>,
}

impl<'g> Matcher<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut readers = vec![Vec::new(); graph.values().len()];
        for node in graph.nodes() {
            for id in &node.inputs {
                readers[id.0].push(node);
            }
        }
        let mut outputs = vec![0; graph.values().len()];
        for (_, id) in graph.outputs() {
            outputs[id.0] += 1;
        }
        let producers = graph.nodes().iter().map(|node| (node.output, node)).collect();
        Self { graph, producers, readers, outputs }
    }

    /// The node that computes `id`.
    pub(super) fn producer(&self, id: ValueId) -> Option<&'g Node> {
        self.producers.get(&id).copied()
    }

    /// The node that computes `id`, if only one operand reads it.
    pub(super) fn only_user(&self, id: ValueId) -> Option<&'g Node> {
        self.producer(id).filter(|_| self.readers[id.0].len() + self.outputs[id.0] == 1)
    }

    /// The nodes that read `id`, one for each operand, if it is no output.
    pub(super) fn readers(&self, id: ValueId) -> Option<&[&'g Node]> {
        (self.outputs[id.0] == 0).then_some(&self.readers[id.0])
    }

    pub(super) fn constant(&self, id: ValueId) -> Option<&'g Tensor<f32>> {
        self.graph.get(id).constant.as_ref()
    }

    /// The number that all elements of a constant are, if it does not broadcast what has `shape`.
    pub(super) fn uniform(&self, id: ValueId, shape: &Shape) -> Option<f32> {
        let constant = self.constant(id)?;
        let (first, rest) = constant.data().split_first()?;
        let fits = constant.shape().broadcasts_to(shape);
        (fits && rest.iter().all(|value| value == first)).then_some(*first)
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

    /// Is every element a whole number in any run?
    pub(super) fn is_integer(&self, id: ValueId) -> bool {
        self.graph.get(id).integer
    }

    pub(super) fn shape(&self, id: ValueId) -> &'g Shape {
        &self.graph.get(id).shape
    }
}
