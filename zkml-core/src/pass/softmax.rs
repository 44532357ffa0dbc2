//! Softmax as exporters decompose it, back to one function of each row:
//!
//! ```text
//! Exp(x - max(x))             ->  ExpShifted(x)
//! Exp(x) * (1 / sum(Exp(x)))  ->  e * (1 / sum(e)),  e = ExpShifted(x)
//! ```
//!
//! with maximum and sum along one axis; the sum, in the form that it is lowered to, is a product with a
//! constant column. The second holds as both sides of the quotient are shifted alike; the exponentials
//! must have no other reader.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Activation, Graph, GraphError, Node, Op, ValueId};

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
    by_maximum(matcher, y).or_else(|| Some((y, normalised_along(matcher, node.output)?)))
}

/// `x` and the axis, if `y` is `x - max(x)`.
fn by_maximum(matcher: &Matcher<'_>, y: ValueId) -> Option<(ValueId, usize)> {
    let sub = matcher.producer(y).filter(|sub| sub.op == Op::Sub)?;
    let &[x, maximum] = sub.inputs.as_slice() else { return None };
    let maximum = matcher.producer(maximum)?;
    match (&maximum.op, maximum.inputs.as_slice()) {
        (Op::ReduceMax { axis }, [of]) => (*of == x).then_some((x, *axis)),
        _ => None,
    }
}

/// The last axis of the exponentials `e`, if they are divided by their sum along it, and nothing else
/// reads them.
fn normalised_along(matcher: &Matcher<'_>, e: ValueId) -> Option<usize> {
    let &[first, second] = matcher.readers(e)? else { return None };
    let (product, sum) = if first.op == Op::Mul { (first, second) } else { (second, first) };
    let reciprocal = matcher.producer(*product.inputs.iter().find(|id| **id != e)?)?;
    let (Op::Mul, Op::MatMul, &[of, column]) = (&product.op, &sum.op, sum.inputs.as_slice()) else {
        return None;
    };
    let last = matcher.shape(e).rank().checked_sub(1)?;
    let column = matcher.constant(column)?;
    let (weight, rest) = column.data().split_first()?;
    let fits = of == e
        && last > 0
        && reciprocal.op == Op::Activation(Activation::Reciprocal)
        && reciprocal.inputs == [sum.output]
        && column.shape().dims() == [matcher.shape(e).dims()[last], 1]
        && *weight > 0.0
        && rest.iter().all(|other| other == weight);
    fits.then_some(last)
}
