//! Softmax as exporters decompose it, back to one function of each row:
//!
//! ```text
//! Exp(x - max(x))             ->  ExpShifted(x)
//! Exp(x) * (1 / sum(Exp(x)))  ->  e * (1 / sum(e)),  e = ExpShifted(x)
//! ```
//!
//! with maximum and sum along one axis. The second holds as both sides of the quotient are shifted
//! alike; the exponentials must have no other reader. Maximum and sum are recognised in the forms that
//! they are lowered to: a ReduceMax or a MaxPool over the whole last axis, a product with a constant
//! column or a correlation with one row, and views between them that keep the last axis.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::{
    ir::{Activation, Axis, Graph, GraphError, Node, Op, ValueId, Window},
    tensor::Shape,
};

/// `graph` with the exponentials of softmaxes recognised.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn recognise_softmax(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some((x, axis)) = shifted(matcher, node) else { return Ok(None) };
        let x = rewrite.operand(node, x)?;
        rewrite.push(node, Op::ExpShifted { axis }, vec![x]).map(Some)
    })
}

/// The operand and the axis of an exponential that is one of a softmax.
fn shifted(matcher: &Matcher<'_>, node: &Node) -> Option<(ValueId, usize)> {
    let (Op::Activation(Activation::Exp), &[y]) = (&node.op, node.inputs.as_slice()) else {
        return None;
    };
    let by_maximum = || {
        let sub = matcher.producer(y).filter(|sub| sub.op == Op::Sub)?;
        let &[x, maximum] = sub.inputs.as_slice() else { return None };
        let axis = maximum_along(matcher, maximum, x)?;
        Some((x, axis))
    };
    by_maximum().or_else(|| Some((y, normalised_along(matcher, node.output)?)))
}

/// The axis along which `id` is the maximum of `x`, kept with size 1.
fn maximum_along(matcher: &Matcher<'_>, id: ValueId, x: ValueId) -> Option<usize> {
    let node = matcher.producer(id)?;
    if let (Op::ReduceMax { axis }, [of]) = (&node.op, node.inputs.as_slice()) {
        return (*of == x).then_some(*axis);
    }
    let pool = behind_reshapes(matcher, id);
    let pool = matcher.producer(pool)?;
    let (Op::MaxPool(window), [of]) = (&pool.op, pool.inputs.as_slice()) else { return None };
    let row = is_row(window) && is_same_rows(matcher, *of, x);
    row.then(|| reduced_last(matcher, id, x))?
}

/// The axis along which the exponentials `id` are divided by their sum, if that is all that reads
/// them.
fn normalised_along(matcher: &Matcher<'_>, id: ValueId) -> Option<usize> {
    let mul = matcher.readers(id)?.iter().find(|node| node.op == Op::Mul)?;
    let reciprocal = matcher.producer(*mul.inputs.iter().find(|other| **other != id)?)?;
    let (Op::Activation(Activation::Reciprocal), &[sum]) =
        (&reciprocal.op, reciprocal.inputs.as_slice())
    else {
        return None;
    };
    let total = matcher.producer(behind_reshapes(matcher, sum))?;
    let &[of, weights] = total.inputs.as_slice() else { return None };
    let weights = matcher.constant(weights)?;
    let (first, rest) = weights.data().split_first()?;
    let last = *matcher.shape(id).dims().last()?;
    let form = match &total.op {
        Op::MatMul => weights.shape().dims() == [last, 1],
        Op::Correlate { window, groups } => {
            is_row(window) && weights.shape().dims() == [*groups, 1, 1, last]
        }
        _ => false,
    };
    let uniform = *first > 0.0 && rest.iter().all(|weight| weight == first);
    // One operand of the sum, perhaps through a Reshape, and one of the product.
    let mut firsts = matcher.readers(id)?.iter().filter(|node| node.output != mul.output);
    let to_sum = firsts.next().is_some_and(|node| {
        node.output == total.output || matcher.readers(node.output).is_some_and(|r| r.len() == 1)
    });
    let fits = form && uniform && to_sum && firsts.next().is_none();
    let twice = mul.inputs.iter().all(|input| *input == id);
    (fits && !twice && is_same_rows(matcher, of, id)).then(|| reduced_last(matcher, sum, id))?
}

/// What Reshapes make `id` of.
fn behind_reshapes(matcher: &Matcher<'_>, mut id: ValueId) -> ValueId {
    while let Some(node) = matcher.producer(id) {
        match (&node.op, node.inputs.as_slice()) {
            (Op::Reshape(_), [x]) => id = *x,
            _ => break,
        }
    }
    id
}

/// Is `id`, but for Reshapes, `x`, with the same last axis?
fn is_same_rows(matcher: &Matcher<'_>, id: ValueId, x: ValueId) -> bool {
    let last = |id| matcher.shape(id).dims().last();
    last(id) == last(x) && behind_reshapes(matcher, id) == behind_reshapes(matcher, x)
}

/// The last axis of `x`, if `id` has its shape with a size of 1 there.
fn reduced_last(matcher: &Matcher<'_>, id: ValueId, x: ValueId) -> Option<usize> {
    let mut dims = matcher.shape(x).dims().to_vec();
    *dims.last_mut()? = 1;
    (matcher.shape(id).dims() == dims).then(|| dims.len() - 1)
}

/// Does each output meet one whole row of the input?
fn is_row(Window { height, width }: &Window) -> bool {
    *height == Axis::identity(height.input)
        && (width.kernel, width.output) == (width.input, 1)
        && width.complete()
}
