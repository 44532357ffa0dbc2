//! Parts of the result of a layer are computed apart, where nothing reads the whole (queries, keys
//! and values of one product):
//!
//! ```text
//! Take(x W)             ->  x W'          along the last axis, W' the columns of the part
//! Take(y + b)           ->  Take(y) + b'  also differences and products
//! Take(Transpose(y))    ->  Transpose(Take(y))
//! Take(Reshape(y))      ->  Reshape'(Take(y))
//! ```
//!
//! It is done if the parts have no more columns together than the whole. A Reshape is passed where it
//! splits one axis and the part is whole in all but one of the axes that come of it.
//! All results are the same bit for bit.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::{
    exec::float,
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::{Shape, Tensor},
};

/// `graph` with layers cut into the parts that are read.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn split_layers(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some(part) = part_of_layer(matcher, node) else { return Ok(None) };
        let mut id = rewrite.operand(node, part.x)?;
        let mut steps = part.steps;
        while let Some((from, op, constant)) = steps.pop() {
            let inputs = match constant {
                Some(constant) => {
                    let constant = rewrite.constant(node, "part", constant);
                    rewrite.beside(from, id, constant)
                }
                None => vec![id],
            };
            id = match steps.is_empty() {
                true => rewrite.push(node, op, inputs)?,
                false => rewrite.push_part(node, "part", op, inputs)?,
            };
        }
        Ok(Some(id))
    })
}

/// Part of the result of a layer.
struct Part<'g> {
    x: ValueId,
    /// The product and what follows it, the last first: the node that it is part of, the operation and
    /// the constant beside the value.
    steps: Vec<(&'g Node, Op, Option<Tensor<f32>>)>,
}

/// The layer that a Take can be part of.
fn part_of_layer<'g>(matcher: &Matcher<'g>, node: &Node) -> Option<Part<'g>> {
    let (Op::Take { axis, indices }, [whole]) = (&node.op, node.inputs.as_slice()) else {
        return None;
    };
    let (mut axis, mut indices) = (*axis, indices.clone());
    parts_are_apart(matcher, *whole, axis)?;
    let mut before = matcher.producer(*whole)?;
    let mut steps = Vec::new();
    loop {
        let y = before.output;
        match (&before.op, before.inputs.as_slice()) {
            (Op::MatMul, _) => {
                let layer = matcher.layer(before)?;
                let last = matcher.shape(y).rank().checked_sub(1)?;
                let x_rank = matcher.shape(layer.x).rank();
                (axis == last && x_rank >= 1).then_some(())?;
                let weights = take(layer.weights, 1, &indices)?;
                steps.push((before, Op::MatMul, Some(weights)));
                return Some(Part { x: layer.x, steps });
            }
            (Op::Add | Op::Sub | Op::Mul, _) => {
                let (x, c) = matcher.with_constant(before)?;
                (matcher.shape(x) == matcher.shape(y)).then_some(())?;
                let c = take_broadcast(c, (matcher.shape(y).rank(), axis), &indices)?;
                steps.push((before, before.op.clone(), Some(c)));
                before = matcher.only_user(x)?;
            }
            (Op::Transpose(perm), [x]) => {
                steps.push((before, before.op.clone(), None));
                axis = *perm.get(axis)?;
                before = matcher.only_user(*x)?;
            }
            (Op::Reshape(to), [x]) => {
                let from = matcher.shape(*x);
                let mut dims = to.dims().to_vec();
                *dims.get_mut(axis)? = indices.len();
                steps.push((before, Op::Reshape(Shape::new(dims).ok()?), None));
                (axis, indices) = through_reshape(from, to, axis, &indices)?;
                before = matcher.only_user(*x)?;
            }
            _ => return None,
        }
    }
}

/// Is `whole` read by Takes along `axis` only, of no more positions together than there are?
fn parts_are_apart(matcher: &Matcher<'_>, whole: ValueId, axis: usize) -> Option<()> {
    let mut total = 0usize;
    for reader in matcher.readers(whole)? {
        match &reader.op {
            Op::Take { axis: at, indices } if *at == axis => total += indices.len(),
            _ => return None,
        }
    }
    (total <= *matcher.shape(whole).dims().get(axis)?).then_some(())
}

/// Positions of the axis of `from` that `axis` of `to` comes of, if `to` splits that axis.
fn through_reshape(
    from: &Shape,
    to: &Shape,
    axis: usize,
    indices: &[u32],
) -> Option<(usize, Vec<u32>)> {
    let before: usize = to.dims().get(..axis)?.iter().product();
    // The axis of `from` that starts at or before and ends at or behind the one of `to`.
    let size = *to.dims().get(axis)?;
    let inner: usize = to.dims().get(axis + 1..)?.iter().product();
    let at = (0..from.rank()).find(|at| {
        let outer: usize = from.dims()[..*at].iter().product();
        let within = from.dims()[*at];
        let behind: usize = from.dims()[at + 1..].iter().product();
        let divides = |a: usize, b: usize| b > 0 && a.is_multiple_of(b);
        within > 1
            && divides(before, outer)
            && divides(inner, behind)
            && (before / outer) * size * (inner / behind) == within
    })?;
    let outer: usize = from.dims()[..at].iter().product();
    let behind: usize = from.dims()[at + 1..].iter().product();
    let (blocks, width) = (before / outer, inner / behind);
    let positions = (0..blocks).flat_map(|block| {
        indices.iter().flat_map(move |index| {
            let start = (block * size + *index as usize) * width;
            // Positions of an axis are below Shape::MAX_ELEMENTS.
            (start..start + width).map(|position| position as u32)
        })
    });
    Some((at, positions.collect()))
}

fn take(tensor: &Tensor<f32>, axis: usize, indices: &[u32]) -> Option<Tensor<f32>> {
    float::apply(&Op::Take { axis, indices: indices.to_vec() }, &[tensor]).ok()
}

/// The positions of a constant that broadcasts to `rank` axes.
fn take_broadcast(
    c: &Tensor<f32>,
    (rank, axis): (usize, usize),
    indices: &[u32],
) -> Option<Tensor<f32>> {
    match (axis + c.shape().rank()).checked_sub(rank) {
        Some(own) if c.shape().dims()[own] != 1 => take(c, own, indices),
        _ => Some(c.clone()),
    }
}
