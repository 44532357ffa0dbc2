//! Removal of nodes and constants that no output depends on. Inputs stay: they are the model's
//! interface.

use super::rewrite::Rewrite;
use crate::ir::{Graph, GraphError};

/// `graph` without what no output depends on.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn remove_dead(graph: &Graph) -> Result<Graph, GraphError> {
    let mut live = vec![false; graph.values().len()];
    for (_, id) in graph.outputs() {
        live[id.0] = true;
    }
    for node in graph.nodes().iter().rev() {
        if live[node.output.0] {
            for id in &node.inputs {
                live[id.0] = true;
            }
        }
    }
    let mut rewrite = Rewrite::new(graph);
    for node in graph.nodes().iter().filter(|node| live[node.output.0]) {
        rewrite.copy(node)?;
    }
    rewrite.finish()
}
