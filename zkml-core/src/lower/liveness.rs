//! Which values and nodes the outputs depend on. Nothing else needs to be supported.

use std::collections::BTreeSet;

use crate::onnx::{Model, Node};

/// Values that the outputs depend on, by name.
pub(super) struct Liveness<'m> {
    values: BTreeSet<&'m str>,
}

impl<'m> Liveness<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        let mut values: BTreeSet<&str> =
            model.outputs.iter().map(|output| output.name.as_str()).collect();
        for node in model.nodes.iter().rev() {
            if node.outputs.iter().any(|name| values.contains(name.as_str())) {
                let used = node.inputs.iter().filter(|name| !name.is_empty());
                values.extend(used.map(String::as_str));
            }
        }
        Self { values }
    }

    pub(super) fn value(&self, name: &str) -> bool {
        self.values.contains(name)
    }

    pub(super) fn node(&self, node: &Node) -> bool {
        node.outputs.iter().any(|name| self.value(name))
    }
}
