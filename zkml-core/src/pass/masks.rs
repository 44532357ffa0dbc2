//! Masks before a softmax become the operand `keep` of its exponentials, so that no score has to hold
//! minus infinity:
//!
//! ```text
//! ExpShifted(Mask(x, keep))   ->  ExpShifted(x, keep)     a value of -10^4 or less
//! ExpShifted(x + mask)        ->  ExpShifted(x, keep)     elements 0 or -10^4 or less
//! ```
//!
//! `exp` of the difference is then 0 in `f32`, unless nothing of the row is kept: a constant mask with
//! such a row stays (of several, all do), and with any other one such a row has no softmax. Less
//! negative values stay too: `exp(-10)` is not 0. The masked scores must have no other reader. Which
//! sums are masks, see [`Keep`].

use super::{
    keep::{Built, Keep, NEGLIGIBLE},
    matcher::Matcher,
    rewrite::Rewrite,
};
use crate::{
    exec::float,
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::{Shape, Tensor},
};

/// `graph` with masks before softmaxes as operands of these.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn mask_softmax(graph: &Graph) -> Result<Graph, GraphError> {
    // One mask serves all layers.
    let mut built = Built::default();
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some((x, keep)) = masked(matcher, node) else { return Ok(None) };
        let mut inputs = vec![rewrite.operand(node, x)?];
        inputs.extend(built.keep(rewrite, node, &keep)?);
        rewrite.push(node, node.op.clone(), inputs).map(Some)
    })
}

/// The scores of the exponentials `node`, and what all masks on them keep, if there are any.
fn masked(matcher: &Matcher<'_>, node: &Node) -> Option<(ValueId, Keep)> {
    let (Op::ExpShifted { axis }, [scores, kept @ ..]) = (&node.op, node.inputs.as_slice()) else {
        return None;
    };
    let (mut x, mut keep) = (*scores, kept.first().map(|id| Keep::of(matcher, *id)));
    while let Some((y, more)) = masked_once(matcher, x) {
        keep = Some(match keep {
            Some(keep) => keep.and(more)?,
            None => more,
        });
        x = y;
    }
    let keep = keep.filter(|_| x != *scores)?;
    keeps_some(keep.constant(), (matcher.shape(x), *axis)).then_some((x, keep))
}

/// What `id` masks and what the mask keeps.
fn masked_once(matcher: &Matcher<'_>, id: ValueId) -> Option<(ValueId, Keep)> {
    let node = matcher.only_user(id)?;
    match (&node.op, node.inputs.as_slice()) {
        (Op::Mask { value }, &[x, keep]) => {
            (*value <= NEGLIGIBLE).then(|| (x, Keep::of(matcher, keep)))
        }
        (Op::Add, &[a, b]) => [(a, b), (b, a)].into_iter().find_map(|(x, mask)| {
            let fits = matcher.shape(x) == matcher.shape(id) && matcher.constant(x).is_none();
            fits.then_some((x, Keep::of_mask(matcher, mask)?))
        }),
        _ => None,
    }
}

/// Is some element of each row along an axis of `shape` kept, as far as that is known?
fn keeps_some(keep: Option<&Tensor<f32>>, (shape, axis): (&Shape, usize)) -> bool {
    let Some(keep) = keep else { return true };
    let all = |keep: &Tensor<f32>| keep.data().iter().all(|kept| *kept != 0.0);
    // The axis in the shape of the mask; there are rows of one element if that has it not.
    match (axis + keep.shape().rank()).checked_sub(shape.rank()) {
        Some(axis) => {
            float::apply(&Op::ReduceMax { axis }, &[keep]).is_ok_and(|greatest| all(&greatest))
        }
        None => all(keep),
    }
}
