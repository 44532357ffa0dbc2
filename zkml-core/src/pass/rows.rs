//! Reshapes that only regroup rows go behind products with constant matrices, so that a layer
//! exported as Reshape, Gemm, Reshape is one product on the axes it had:
//!
//! ```text
//! Reshape(x) W        ->  Reshape(x W)
//! Reshape(x W) + c    ->  Reshape(x W + c)        also differences and products
//! ```
//!
//! The Reshape keeps the last axis, and `c` varies along that only. All results are the same bit for
//! bit. A Reshape with several readers goes behind each: views cost nothing.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::{
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::Tensor,
};

/// `graph` with regrouped rows behind the products that read them.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn regroup_rows(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let inputs = match &node.op {
            Op::MatMul => {
                let Some(x) = rows_of_product(matcher, node) else { return Ok(None) };
                vec![rewrite.operand(node, x)?, rewrite.operand(node, node.inputs[1])?]
            }
            Op::Add | Op::Sub | Op::Mul => {
                let Some((x, constant)) = rows_of_constant(matcher, node) else { return Ok(None) };
                let x = rewrite.operand(node, x)?;
                let constant = rewrite.constant(node, "constant", constant);
                rewrite.beside(node, x, constant)
            }
            _ => return Ok(None),
        };
        let rows = rewrite.push_part(node, "rows", node.op.clone(), inputs)?;
        let to = Op::Reshape(matcher.shape(node.output).clone());
        rewrite.push(node, to, vec![rows]).map(Some)
    })
}

/// What is regrouped before a product with a constant matrix.
fn rows_of_product(matcher: &Matcher<'_>, node: &Node) -> Option<ValueId> {
    regrouped(matcher, matcher.layer(node)?.x)
}

/// The result of a layer that is regrouped before a constant along the last axis, and that constant.
fn rows_of_constant(matcher: &Matcher<'_>, node: &Node) -> Option<(ValueId, Tensor<f32>)> {
    let (y, c) = matcher.with_constant(node)?;
    matcher.only_user(y)?;
    let x = regrouped(matcher, y)?;
    let before = matcher.only_user(x)?;
    let product = match matcher.sum(before) {
        Some((product, _)) => matcher.only_user(product)?,
        None => before,
    };
    let c = matcher.layer(product)?.per_channel(c, matcher.shape(y))?;
    (product.op == Op::MatMul).then_some((x, c))
}

/// The operand of a Reshape that keeps the last axis, both of two axes or more.
fn regrouped(matcher: &Matcher<'_>, id: ValueId) -> Option<ValueId> {
    let node = matcher.producer(id)?;
    let (Op::Reshape(to), [x]) = (&node.op, node.inputs.as_slice()) else { return None };
    let (from, to) = (matcher.shape(*x).dims(), to.dims());
    let fits = from.len() >= 2 && to.len() >= 2 && from.last() == to.last();
    (fits && matcher.constant(*x).is_none()).then_some(*x)
}
