//! Constant factors move to where they cost nothing. `s` is one number, `c` any constant:
//!
//! ```text
//! view(y) * s             ->  view(y * s)             if y takes s
//! (a b) * s               ->  (a * s) b or a (b * s)  if a or b takes s
//! (a * s) b               ->  (a b) * s               if neither does, also (a)(b * s)
//! (x * c) * r             ->  (x * r) * c             x and r activations
//! ```
//!
//! with views Reshape, Transpose and Take. A value *takes* a factor if it is the result of a layer
//! with constant weights, but for views and a constant sum: [`fold_linear`](super::fold_linear) then
//! scales the weights. So the scale of attention scores goes into the weights of the queries, or
//! stays one factor of the product; the scale of a normalisation goes behind the product with the
//! reciprocal root, from where it folds into the next weights. The value in the middle must have no
//! other reader.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Graph, GraphError, Node, Op, ValueId};

/// `graph` with constant factors moved towards weights.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn move_factors(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| match &node.op {
        Op::Mul => match matcher.inward(node) {
            Some(inward) => inward.apply(rewrite, node).map(Some),
            None => outward_of_scaling(matcher, rewrite, node),
        },
        Op::MatMul => outward_of_product(matcher, rewrite, node),
        _ => Ok(None),
    })
}

/// A factor that changes places with the node before it.
struct Inward<'g> {
    before: &'g Node,
    /// Which operand of `before` takes the factor.
    operand: usize,
    factor: ValueId,
}

impl Inward<'_> {
    fn apply(&self, rewrite: &mut Rewrite<'_>, node: &Node) -> Result<ValueId, GraphError> {
        let mut inputs = Vec::with_capacity(self.before.inputs.len());
        for id in &self.before.inputs {
            inputs.push(rewrite.operand(node, *id)?);
        }
        let factor = rewrite.scalar(node, self.factor)?;
        if let Some(input) = inputs.get_mut(self.operand) {
            *input = rewrite.push_part(node, "scaled", Op::Mul, vec![*input, factor])?;
        }
        rewrite.push_from(node, &self.before.origin, self.before.op.clone(), inputs)
    }
}

impl<'g> Matcher<'g> {
    /// Where the factor of a product with one number goes, if something before takes it.
    fn inward(&self, node: &Node) -> Option<Inward<'g>> {
        let (y, factor) = self.scaled(node)?;
        let before = self.only_user(y)?;
        let operand = match (&before.op, before.inputs.as_slice()) {
            (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => {
                self.takes_factor(*x).then_some(0)?
            }
            (Op::MatMul, inputs) => inputs.iter().position(|id| self.takes_factor(*id))?,
            _ => return None,
        };
        // A layer takes the factor itself.
        self.layer(before).is_none().then_some(Inward { before, operand, factor })
    }

    /// The operand and the factor of a product with one number that does not broadcast it.
    fn scaled(&self, node: &Node) -> Option<(ValueId, ValueId)> {
        let (Op::Mul, &[a, b]) = (&node.op, node.inputs.as_slice()) else { return None };
        let (x, factor) = if self.constant(b).is_some() { (a, b) } else { (b, a) };
        self.uniform(factor, self.shape(x))?;
        self.constant(x).is_none().then_some((x, factor))
    }

    /// Can a factor of `id` go into constant weights before it?
    fn takes_factor(&self, mut id: ValueId) -> bool {
        while let Some(node) = self.only_user(id) {
            match (&node.op, node.inputs.as_slice()) {
                (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => id = *x,
                (Op::Add | Op::Sub, _) => {
                    let before = self.sum(node).and_then(|(x, _)| self.only_user(x));
                    return before.is_some_and(|before| self.layer(before).is_some());
                }
                _ => return self.layer(node).is_some(),
            }
        }
        false
    }
}

/// `(a * s) b  ->  (a b) * s` for a product of activations.
fn outward_of_product(
    matcher: &Matcher<'_>,
    rewrite: &mut Rewrite<'_>,
    node: &Node,
) -> Result<Option<ValueId>, GraphError> {
    if node.inputs.iter().any(|id| matcher.constant(*id).is_some()) {
        return Ok(None);
    }
    let found = node.inputs.iter().enumerate().find_map(|(at, id)| {
        let (x, factor) = matcher.scaled(matcher.only_user(*id)?)?;
        (!matcher.takes_factor(x)).then_some((at, x, factor))
    });
    let Some((at, x, factor)) = found else { return Ok(None) };
    let mut inputs = Vec::with_capacity(2);
    for (i, id) in node.inputs.iter().enumerate() {
        inputs.push(rewrite.operand(node, if i == at { x } else { *id })?);
    }
    let product = rewrite.push_part(node, "product", Op::MatMul, inputs)?;
    let factor = rewrite.scalar(node, factor)?;
    rewrite.push(node, Op::Mul, vec![product, factor]).map(Some)
}

/// `(x * c) * r  ->  (x * r) * c` for activations `x` and `r`.
fn outward_of_scaling(
    matcher: &Matcher<'_>,
    rewrite: &mut Rewrite<'_>,
    node: &Node,
) -> Result<Option<ValueId>, GraphError> {
    let found = node.inputs.iter().enumerate().find_map(|(at, id)| {
        let inner = matcher.only_user(*id).filter(|inner| inner.op == Op::Mul)?;
        let (x, _) = matcher.with_constant(inner)?;
        let c = inner.inputs.iter().find(|id| **id != x)?;
        let r = node.inputs.get(1 - at)?;
        let activations = matcher.constant(*r).is_none() && !matcher.takes_factor(x);
        activations.then_some((x, *r, *c, at))
    });
    let Some((x, r, c, at)) = found else { return Ok(None) };
    let (x, r) = (rewrite.operand(node, x)?, rewrite.operand(node, r)?);
    let pair = if at == 0 { vec![x, r] } else { vec![r, x] };
    let product = rewrite.push_part(node, "product", Op::Mul, pair)?;
    let c = rewrite.operand(node, c)?;
    rewrite.push(node, Op::Mul, vec![product, c]).map(Some)
}
