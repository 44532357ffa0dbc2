//! A function that never falls goes before the maximum that it is applied to:
//!
//! ```text
//! f(MaxPool(x))  ->  MaxPool(f(x))        f non-decreasing
//! ```
//!
//! Equal, as `f(max(a, b)) = max(f(a), f(b))` for such `f`; in `f32` too where `f` as computed never
//! falls, which holds for all but the last bit of the transcendental ones: these are computed in
//! double precision and rounded.
//!
//! It is done where `x` is the result of a linear operation that nothing else reads: `f` becomes
//! part of that step, whose result is looked up in a table anyway, and the maximum of values that
//! are not negative takes one bit less. It would cost a step of its own elsewhere, which it may for a
//! rounding to the steps of a quantised model: what comes after is exact. The pool must have no other
//! reader.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Activation, Graph, GraphError, Node, Op};

/// `graph` with non-decreasing functions of maxima applied before them.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn activate_before_pools(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some(pool) = pool_before(matcher, node) else { return Ok(None) };
        let x = rewrite.operand(pool, pool.inputs[0])?;
        let value = rewrite.push_part(node, "before", node.op.clone(), vec![x])?;
        rewrite.push_from(node, &pool.origin, pool.op.clone(), vec![value]).map(Some)
    })
}

/// The pool that changes places with `node`.
fn pool_before<'g>(matcher: &Matcher<'g>, node: &Node) -> Option<&'g Node> {
    let Op::Activation(f) = &node.op else { return None };
    let pool = matcher.only_user(node.inputs[0])?;
    let worth_it = || {
        matches!(f, Activation::Quantize { .. })
            || matcher.only_user(pool.inputs[0]).is_some_and(|x| is_linear(matcher, x))
    };
    let fits = is_non_decreasing(f) && matches!(pool.op, Op::MaxPool(_)) && worth_it();
    fits.then_some(pool)
}

/// Is `node`, but for views, a linear operation that nothing else reads?
fn is_linear<'g>(matcher: &Matcher<'g>, mut node: &'g Node) -> bool {
    while let (Op::Reshape(_) | Op::Transpose(_), [x]) = (&node.op, node.inputs.as_slice()) {
        let Some(before) = matcher.only_user(*x) else { return false };
        node = before;
    }
    matches!(node.op, Op::Correlate { .. } | Op::MatMul | Op::Add | Op::Sub | Op::Mul)
}

fn is_non_decreasing(f: &Activation) -> bool {
    match *f {
        Activation::Relu
        | Activation::Clip { .. }
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Softplus
        | Activation::Erf
        | Activation::Exp
        | Activation::Quantize { .. }
        | Activation::Sign
        | Activation::Floor
        | Activation::Ceil => true,
        Activation::LeakyRelu { alpha }
        | Activation::Elu { alpha }
        | Activation::HardSigmoid { alpha, .. } => alpha >= 0.0,
        _ => false,
    }
}
