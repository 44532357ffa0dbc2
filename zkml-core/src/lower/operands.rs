//! What is checked of every node before its rule is applied.

use super::{
    kind::Kind,
    registry::Rule,
    site::{Halt, Lowered, Site, unsupported},
};
use crate::onnx::Node;

/// Activations must be floats. Constants are checked where they are used.
pub(super) fn check_floats(site: &Site<'_>) -> Result<(), Halt> {
    for (i, input) in site.inputs.iter().enumerate() {
        if let Some(Lowered::Activation(id)) = input
            && site.canvas.kind(*id) != Kind::Float
        {
            let hint = "supported only on floats, not on whole numbers or truth values that \
                        depend on the input";
            return Err(site.unsupported(Some(&site.node.inputs[i]), hint));
        }
    }
    Ok(())
}

pub(super) fn check_attributes(node: &Node, rule: &Rule) -> Result<(), Halt> {
    match node.attributes.keys().find(|name| !rule.attributes.contains(&name.as_str())) {
        Some(name) => Err(Halt::Unsupported(Box::new(unsupported(
            node,
            Some(name),
            "the attribute is not supported",
        )))),
        None => Ok(()),
    }
}
