//! Removal of nodes that change nothing:
//!
//! * a Reshape to the same shape, a Transpose that moves no axis longer than 1 past another (a
//!   Reshape then), a view of a view;
//! * a Pad of nothing, a Take of everything in its order, a Concat of one operand;
//! * a product with ones and a sum with or difference of zeros that do not broadcast the operand.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::{
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::Shape,
};

/// `graph` without nodes that change nothing.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn remove_identities(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        if let Some(same) = same_as(graph, node) {
            return rewrite.operand(node, same).map(Some);
        }
        let Some((op, x)) = simpler_view(matcher, node) else { return Ok(None) };
        let x = rewrite.operand(node, x)?;
        rewrite.push(node, op, vec![x]).map(Some)
    })
}

/// The view that does what `node` does, and what it is of.
fn simpler_view(matcher: &Matcher<'_>, node: &Node) -> Option<(Op, ValueId)> {
    let &[y] = node.inputs.as_slice() else { return None };
    let before = matcher.producer(y).map(|before| (&before.op, before.inputs.as_slice()));
    match (&node.op, before) {
        (Op::Reshape(_), Some((Op::Reshape(_), &[x]))) => Some((node.op.clone(), x)),
        (Op::Transpose(second), Some((Op::Transpose(first), &[x]))) => {
            Some((Op::Transpose(second.iter().map(|axis| first[*axis]).collect()), x))
        }
        (Op::Transpose(perm), _) if keeps_order(matcher.shape(y), perm) => {
            Some((Op::Reshape(matcher.shape(node.output).clone()), y))
        }
        _ => None,
    }
}

/// The operand that `node` is equal to.
fn same_as(graph: &Graph, node: &Node) -> Option<ValueId> {
    let shape = |id: ValueId| &graph.get(id).shape;
    let all = |id: ValueId, value: f32| {
        graph.get(id).constant.as_ref().is_some_and(|c| c.data().iter().all(|v| *v == value))
    };
    let same = match (&node.op, node.inputs.as_slice()) {
        (Op::Reshape(_), [x]) => Some(*x),
        (Op::Transpose(perm), [x]) if perm.is_sorted() => Some(*x),
        // Equal shapes, below, leave only pads of nothing.
        (Op::Pad { .. }, [x]) => Some(*x),
        (Op::Concat { .. }, [x]) => Some(*x),
        (Op::Take { indices, .. }, [x]) if indices.iter().copied().eq(0..indices.len() as u32) => {
            Some(*x)
        }
        (Op::Mul, [x, c]) if all(*c, 1.0) => Some(*x),
        (Op::Mul, [c, x]) if all(*c, 1.0) => Some(*x),
        (Op::Add | Op::Sub, [x, c]) if all(*c, 0.0) => Some(*x),
        (Op::Add, [c, x]) if all(*c, 0.0) => Some(*x),
        _ => None,
    };
    same.filter(|id| shape(*id) == shape(node.output))
}

/// Does the permutation keep the order of the axes that are longer than 1?
fn keeps_order(shape: &Shape, perm: &[usize]) -> bool {
    perm.iter().filter(|axis| shape.dims()[**axis] != 1).is_sorted()
}
