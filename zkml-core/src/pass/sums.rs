//! Common factors of sums, and constants in sums, move outward:
//!
//! ```text
//! a * c + b * c   ->  (a + b) * c     also differences
//! p + (b - q)     ->  (p - q) + b     b constant
//! ```
//!
//! With both, the form `x * s + (b - mean * s)` of a normalisation, which TensorFlow exports for
//! `s = r * scale`, becomes `(x - mean) * s + b`. The values in the middle must have no other reader.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Graph, GraphError, Node, Op, ValueId};

/// `graph` with common factors and constants outside of sums.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn factor_sums(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        if !matches!(node.op, Op::Add | Op::Sub) {
            return Ok(None);
        }
        if let Some([a, b, c]) = common_factor(matcher, node) {
            let pair = vec![rewrite.operand(node, a)?, rewrite.operand(node, b)?];
            let sum = rewrite.push_part(node, "sum", node.op.clone(), pair)?;
            let c = rewrite.operand(node, c)?;
            return rewrite.push(node, Op::Mul, vec![sum, c]).map(Some);
        }
        if let Some([p, q, b]) = constant_inside(matcher, node) {
            let pair = vec![rewrite.operand(node, p)?, rewrite.operand(node, q)?];
            let difference = rewrite.push_part(node, "difference", Op::Sub, pair)?;
            let b = rewrite.operand(node, b)?;
            return rewrite.push(node, Op::Add, vec![difference, b]).map(Some);
        }
        Ok(None)
    })
}

/// `a`, `b` and `c` of `a * c + b * c`.
fn common_factor(matcher: &Matcher<'_>, node: &Node) -> Option<[ValueId; 3]> {
    let product = |id: ValueId| -> Option<[ValueId; 2]> {
        let mul = matcher.only_user(id).filter(|node| node.op == Op::Mul)?;
        mul.inputs.as_slice().try_into().ok()
    };
    let &[left, right] = node.inputs.as_slice() else { return None };
    let ([a, c], [b, d]) = (product(left)?, product(right)?);
    [[a, c, b, d], [a, c, d, b], [c, a, b, d], [c, a, d, b]].into_iter().find_map(|[a, c, b, d]| {
        let varying = matcher.constant(a).is_none() && matcher.constant(b).is_none();
        (varying && is_same(matcher, c, d)).then_some([a, b, c])
    })
}

/// The same value, or constants of the same elements.
fn is_same(matcher: &Matcher<'_>, a: ValueId, b: ValueId) -> bool {
    a == b || matcher.constant(a).is_some_and(|a| matcher.constant(b) == Some(a))
}

/// `p`, `q` and `b` of `p + (b - q)` for a constant `b`.
fn constant_inside(matcher: &Matcher<'_>, node: &Node) -> Option<[ValueId; 3]> {
    let &[left, right] = node.inputs.as_slice() else { return None };
    (node.op == Op::Add).then_some(())?;
    [(left, right), (right, left)].into_iter().find_map(|(p, other)| {
        let inner = matcher.only_user(other).filter(|inner| inner.op == Op::Sub)?;
        let &[b, q] = inner.inputs.as_slice() else { return None };
        let fits = matcher.constant(b).is_some()
            && matcher.constant(q).is_none()
            && matcher.constant(p).is_none();
        fits.then_some([p, q, b])
    })
}
