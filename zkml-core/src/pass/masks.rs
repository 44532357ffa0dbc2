//! Masks before a softmax become the operand `keep` of its exponentials, so that no score has to hold
//! minus infinity:
//!
//! ```text
//! ExpShifted(Mask(x, keep))   ->  ExpShifted(x, keep)     a value of -10^4 or less
//! ExpShifted(x + mask)        ->  ExpShifted(x, keep)     elements 0 or -10^4 or less
//! ```
//!
//! `exp` of the difference is then 0 in `f32`, unless nothing of the row is kept: a constant mask with
//! such a row stays, and with any other one such a row has no softmax. Less negative values stay too:
//! `exp(-10)` is not 0. The masked scores must have no other reader. Which sums are masks, see
//! [`Keep`].

use std::collections::BTreeMap;

use super::{
    keep::{Keep, NEGLIGIBLE},
    matcher::Matcher,
    rewrite::Rewrite,
};
use crate::{
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::{Shape, Tensor},
};

/// `graph` with masks before softmaxes as operands of these.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn mask_softmax(graph: &Graph) -> Result<Graph, GraphError> {
    // One mask serves all layers.
    let mut built = BTreeMap::new();
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some(masked) = masked(matcher, node) else { return Ok(None) };
        let mut inputs = vec![rewrite.operand(node, masked.x)?];
        if !masked.keep.is_all() {
            let keep = match built.get(&masked.sources) {
                Some(keep) => *keep,
                None => masked.keep.build(rewrite, node)?,
            };
            built.insert(masked.sources, keep);
            inputs.push(keep);
        }
        rewrite.push(node, node.op.clone(), inputs).map(Some)
    })
}

/// Exponentials of masked scores.
struct Masked {
    /// The scores.
    x: ValueId,
    keep: Keep,
    /// The values that `keep` is made of.
    sources: (Option<ValueId>, ValueId),
}

/// The mask that the exponentials `node` can take in.
fn masked(matcher: &Matcher<'_>, node: &Node) -> Option<Masked> {
    let (Op::ExpShifted { axis }, [y, kept @ ..]) = (&node.op, node.inputs.as_slice()) else {
        return None;
    };
    let before = matcher.only_user(*y)?;
    let &[a, b] = before.inputs.as_slice() else { return None };
    let (x, source, keep) = match before.op {
        Op::Mask { value } => (a, b, (value <= NEGLIGIBLE).then(|| Keep::of(matcher, b))?),
        Op::Add => [(a, b), (b, a)].into_iter().find_map(|(x, mask)| {
            (matcher.shape(x) == matcher.shape(*y)).then_some(())?;
            Some((x, mask, Keep::of_mask(matcher, mask)?))
        })?,
        _ => return None,
    };
    let kept = kept.first().copied();
    let keep = match kept {
        Some(kept) => Keep::of(matcher, kept).and(keep)?,
        None => keep,
    };
    keeps_some(keep.constant(), (matcher.shape(*y), *axis)).then_some(())?;
    Some(Masked { x, keep, sources: (kept, source) })
}

/// Is some element of each row along an axis of `shape` kept, as far as that is known?
fn keeps_some(keep: Option<&Tensor<f32>>, (shape, axis): (&Shape, usize)) -> bool {
    let Some(keep) = keep else { return true };
    // The axis in the shape of the mask; there are rows of one element if that has it not.
    let own = (axis + keep.shape().rank()).checked_sub(shape.rank());
    let dims = keep.shape().dims();
    let (size, inner) = match own {
        Some(own) => (dims[own], dims[own + 1..].iter().product::<usize>()),
        None => (1, 1),
    };
    let block = (size * inner).max(1);
    let rows = keep.data().chunks_exact(block);
    rows.flat_map(|rows| (0..inner).map(move |i| rows.iter().skip(i).step_by(inner)))
        .all(|mut row| row.any(|kept| *kept != 0.0))
}
