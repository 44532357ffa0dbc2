//! Nodes that compute the same are one: equal operations of the same operands, where constants with
//! the same elements are the same. Exporters write the mean and the difference of a normalisation
//! twice, or one mask for each layer.

use std::collections::BTreeMap;

use super::rewrite::Rewrite;
use crate::{
    ir::{Graph, GraphError, Op, ValueId},
    tensor::Tensor,
};

/// `graph` with each value computed once.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn merge_twins(graph: &Graph) -> Result<Graph, GraphError> {
    let mut firsts = Firsts::new(graph);
    let mut seen: BTreeMap<Vec<ValueId>, Vec<(&Op, ValueId)>> = BTreeMap::new();
    Rewrite::each(graph, |_, rewrite, node| {
        let operands: Vec<ValueId> = node.inputs.iter().map(|id| firsts.of(*id)).collect();
        let known = seen.entry(operands).or_default();
        match known.iter().find(|(op, _)| **op == node.op) {
            Some((_, first)) => {
                firsts.set(node.output, *first);
                rewrite.operand(node, *first).map(Some)
            }
            None => {
                known.push((&node.op, node.output));
                Ok(None)
            }
        }
    })
}

/// The first of the values that are the same.
struct Firsts<'g> {
    graph: &'g Graph,
    first: BTreeMap<ValueId, ValueId>,
    /// Constants by shape and a sample of their elements.
    constants: BTreeMap<(Vec<usize>, Vec<u32>), Vec<ValueId>>,
}

impl<'g> Firsts<'g> {
    fn new(graph: &'g Graph) -> Self {
        Self { graph, first: BTreeMap::new(), constants: BTreeMap::new() }
    }

    fn set(&mut self, id: ValueId, first: ValueId) {
        self.first.insert(id, first);
    }

    fn of(&mut self, id: ValueId) -> ValueId {
        if let Some(first) = self.first.get(&id) {
            return *first;
        }
        let Some(constant) = &self.graph.get(id).constant else { return id };
        let key = (constant.shape().dims().to_vec(), bits(constant).take(SAMPLE).collect());
        let alike = self.constants.entry(key).or_default();
        let same = |other: &&ValueId| {
            let other = self.graph.get(**other).constant.as_ref();
            other.is_some_and(|other| bits(other).eq(bits(constant)))
        };
        let first = match alike.iter().find(same) {
            Some(first) => *first,
            None => {
                alike.push(id);
                id
            }
        };
        self.first.insert(id, first);
        first
    }
}

/// Elements that tell most constants apart.
const SAMPLE: usize = 16;

fn bits(constant: &Tensor<f32>) -> impl Iterator<Item = u32> + '_ {
    constant.data().iter().map(|value| value.to_bits())
}
