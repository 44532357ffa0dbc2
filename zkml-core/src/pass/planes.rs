//! Views move out of the way of the other passes. An operation with one spatial axis is, in the
//! graph, one with two between Reshapes `[B, C, L] -> [B, C, 1, L]` and back, which hide it from the
//! constants and pads beside it:
//!
//! ```text
//! drop(x) * c        ->  drop(x * c')              also sums, differences and functions
//! insert(x * c)      ->  insert(x) * c'            also sums and differences
//! insert(Pad(x))     ->  Pad'(insert(x))
//! Transpose(Pad(x))  ->  Pad'(Transpose(x))
//! ```
//!
//! `drop` removes the axis of one position and `insert` adds it; `c` varies along the channels only,
//! and `c'` is the same in the shape `[1, C, 1, 1]`. The value in the middle must have no other
//! use, so that the number of nodes stays. All results are the same bit for bit.

use super::{constant::varies_along, matcher::Matcher, rewrite::Rewrite};
use crate::{
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::{Shape, Tensor},
};

/// `graph` with constants, functions and pads on the side of a view where the windows are.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn move_views(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| match swap(matcher, node) {
        Some((first, second)) => apply(rewrite, node, &first, &second).map(Some),
        None => Ok(None),
    })
}

/// An operation of one value and perhaps a constant.
struct Step<'g> {
    /// The node it comes from.
    from: &'g Node,
    op: Op,
    /// The operand that is no constant; of a second step it is the result of the first.
    x: ValueId,
    constant: Option<Tensor<f32>>,
}

/// The two steps, the first first, that `node` and the one before it become.
fn swap<'g>(matcher: &Matcher<'g>, node: &'g Node) -> Option<(Step<'g>, Step<'g>)> {
    let view = |from: &'g Node, op: Op, x: ValueId| Step { from, op, x, constant: None };
    match &node.op {
        Op::Activation(_) | Op::Add | Op::Sub | Op::Mul => {
            let y = operand(matcher, node)?;
            let before = matcher.only_user(y)?;
            let z = *before.inputs.first()?;
            dropped(before, matcher.shape(z), matcher.shape(y))?;
            // Something that the operation can join.
            let joins = matcher.only_user(z)?;
            matches!(
                joins.op,
                Op::Correlate { .. }
                    | Op::MaxPool(_)
                    | Op::Activation(_)
                    | Op::Add
                    | Op::Sub
                    | Op::Mul
            )
            .then_some(())?;
            let first = Step { x: z, ..elementwise(matcher, node, y)? };
            Some((first, view(before, Op::Reshape(matcher.shape(node.output).clone()), z)))
        }
        Op::Reshape(to) => {
            let y = node.inputs[0];
            dropped(node, to, matcher.shape(y))?;
            let before = matcher.only_user(y)?;
            let x = operand(matcher, before)?;
            let second = match &before.op {
                Op::Add | Op::Sub | Op::Mul => elementwise(matcher, before, x)?,
                Op::Pad { begin, end, value } => {
                    let insert = |pads: &[usize]| [&pads[..2], &[0], &pads[2..]].concat();
                    let (begin, end) = (insert(begin), insert(end));
                    view(before, Op::Pad { begin, end, value: *value }, x)
                }
                _ => return None,
            };
            let &[b, c, l] = matcher.shape(x).dims() else { return None };
            let inserted = Shape::new(vec![b, c, 1, l]).ok()?;
            Some((view(node, Op::Reshape(inserted), x), second))
        }
        Op::Transpose(perm) => {
            let before = matcher.only_user(node.inputs[0])?;
            let (Op::Pad { begin, end, value }, [x]) = (&before.op, before.inputs.as_slice())
            else {
                return None;
            };
            let turn = |pads: &[usize]| perm.iter().map(|axis| pads[*axis]).collect();
            let second = Op::Pad { begin: turn(begin), end: turn(end), value: *value };
            Some((view(node, node.op.clone(), *x), view(before, second, *x)))
        }
        _ => None,
    }
}

/// Pushes both steps in the place of `node`.
fn apply(
    rewrite: &mut Rewrite<'_>,
    node: &Node,
    first: &Step<'_>,
    second: &Step<'_>,
) -> Result<ValueId, GraphError> {
    let x = rewrite.operand(node, first.x)?;
    let inputs = operands(rewrite, first, x);
    let middle = rewrite.push_part(first.from, "moved", first.op.clone(), inputs)?;
    let inputs = operands(rewrite, second, middle);
    rewrite.push_from(node, &second.from.origin, second.op.clone(), inputs)
}

/// `x` and the constant, in the order of the node.
fn operands(rewrite: &mut Rewrite<'_>, step: &Step<'_>, x: ValueId) -> Vec<ValueId> {
    let Some(constant) = &step.constant else { return vec![x] };
    let constant = rewrite.constant(step.from, "constant", constant.clone());
    rewrite.beside(step.from, x, constant)
}

/// The one operand that is no constant.
fn operand(matcher: &Matcher<'_>, node: &Node) -> Option<ValueId> {
    match node.inputs.as_slice() {
        [x] => Some(*x),
        _ => matcher.with_constant(node).map(|(x, _)| x),
    }
}

/// Is `node` a Reshape between `[B, C, 1, L]` and `[B, C, L]`?
fn dropped(node: &Node, four: &Shape, three: &Shape) -> Option<()> {
    let (Op::Reshape(_), &[b, c, 1, l], three) = (&node.op, four.dims(), three.dims()) else {
        return None;
    };
    (three == [b, c, l]).then_some(())
}

/// A function, or an operation with a constant, of `[B, C, L]`, on `[B, C, 1, L]`.
fn elementwise<'g>(matcher: &Matcher<'g>, node: &'g Node, x: ValueId) -> Option<Step<'g>> {
    let constant = match matcher.with_constant(node) {
        Some((_, constant)) => Some(per_channel(constant, matcher.shape(x))?),
        None => None,
    };
    Some(Step { from: node, op: node.op.clone(), x, constant })
}

/// `c` as `[1, C, 1, 1]`, if it varies along the channels of `shape`, `[B, C, L]`, only and does not
/// broadcast it.
fn per_channel(c: &Tensor<f32>, shape: &Shape) -> Option<Tensor<f32>> {
    if shape.rank() != 3 || !varies_along(c, shape, 1) {
        return None;
    }
    c.clone().reshaped(Shape::new(vec![1, c.shape().len(), 1, 1]).ok()?).ok()
}
