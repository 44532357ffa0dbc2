//! The normalisation of a softmax goes behind the product that it is read by:
//!
//! ```text
//! (e * r) V  ->  (e V) * r      e = ExpShifted(..), r constant along the contracted axis
//! ```
//!
//! also with the softmax at the right, and through a Reshape of the batch axes of `e * r`. One product
//! for each score less, and `e`, whose maximum is 1 in each row, loses no bits to the division. The
//! normalised scores must have no other reader, and `V` must be an activation: in front of constant
//! weights a factor for each row costs less before them.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::{
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::Shape,
};

/// `graph` with the normalisation of each softmax behind the product with the values.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn normalise_after_products(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some((at, softmax)) = normalised_operand(matcher, node) else { return Ok(None) };
        let mut e = rewrite.operand(node, softmax.e)?;
        let mut r = rewrite.operand(node, softmax.r)?;
        if let Some((to_e, to_r)) = softmax.reshape {
            e = rewrite.push_part(node, "exponentials", Op::Reshape(to_e), vec![e])?;
            r = rewrite.push_part(node, "normaliser", Op::Reshape(to_r), vec![r])?;
        }
        let mut inputs = Vec::with_capacity(2);
        for (i, id) in node.inputs.iter().enumerate() {
            inputs.push(if i == at { e } else { rewrite.operand(node, *id)? });
        }
        let product = rewrite.push_part(node, "product", Op::MatMul, inputs)?;
        rewrite.push(node, Op::Mul, vec![product, r]).map(Some)
    })
}

/// `e * r`, perhaps regrouped.
struct Softmax {
    e: ValueId,
    r: ValueId,
    /// Shapes of `e` and `r` behind the Reshape.
    reshape: Option<(Shape, Shape)>,
}

/// The operand of a product that is a normalised softmax, and which one.
fn normalised_operand(matcher: &Matcher<'_>, node: &Node) -> Option<(usize, Softmax)> {
    let &[left, right] = node.inputs.as_slice() else { return None };
    let both_vary = matcher.constant(left).is_none() && matcher.constant(right).is_none();
    let matrices = matcher.shape(left).rank() >= 2 && matcher.shape(right).rank() >= 2;
    if node.op != Op::MatMul || !both_vary || !matrices {
        return None;
    }
    // Counted from the last axis, the contracted one is 0 at the left and 1 at the right.
    [left, right].into_iter().enumerate().find_map(|(at, id)| Some((at, softmax(matcher, id, at)?)))
}

/// `id` as a normalised softmax whose normaliser is constant along the axis `contracted` from the
/// last.
fn softmax(matcher: &Matcher<'_>, id: ValueId, contracted: usize) -> Option<Softmax> {
    let mut mul = matcher.only_user(id)?;
    let to = match (&mul.op, mul.inputs.as_slice()) {
        (Op::Reshape(to), [x]) => {
            mul = matcher.only_user(*x)?;
            Some(to)
        }
        _ => None,
    };
    let (Op::Mul, &[a, b]) = (&mul.op, mul.inputs.as_slice()) else { return None };
    let exponentials = |id: ValueId| {
        matcher.producer(id).is_some_and(|node| matches!(node.op, Op::ExpShifted { .. }))
    };
    let (e, r) = if exponentials(a) { (a, b) } else { (b, a) };
    let (shape, by) = (matcher.shape(e), matcher.shape(r));
    let constant_along = by.rank() <= contracted || by.dims()[by.rank() - 1 - contracted] == 1;
    let fits = exponentials(e) && matcher.shape(mul.output) == shape && constant_along;
    let reshape = match to {
        Some(to) => Some((to.clone(), regrouped(shape, by, to)?)),
        None => None,
    };
    fits.then_some(Softmax { e, r, reshape })
}

/// The shape of `by` beside `to`, if a Reshape from `shape` to `to` keeps the last two axes, and
/// `by` has all the axes before.
fn regrouped(shape: &Shape, by: &Shape, to: &Shape) -> Option<Shape> {
    let (batch, matrix) = shape.dims().split_at_checked(shape.rank().checked_sub(2)?)?;
    let (to_batch, to_matrix) = to.dims().split_at_checked(to.rank().checked_sub(2)?)?;
    let (by_batch, by_matrix) = by.dims().split_at_checked(by.rank().checked_sub(2)?)?;
    (matrix == to_matrix && batch == by_batch).then_some(())?;
    Shape::new([to_batch, by_matrix].concat()).ok()
}
