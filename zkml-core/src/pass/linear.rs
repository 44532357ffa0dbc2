//! Constant factors and sums beside a product or correlation with constant weights go into them. `W`
//! are constant weights, `b` and `c` are constants along the channels only, see [`Layer`]:
//!
//! ```text
//! (x W) * c         ->  x (W diag(c))
//! (x W + b) * c     ->  x (W diag(c)) + b * c
//! (x * c) W         ->  x (diag(c) W)
//! (x + b) W         ->  x W + b W
//! (x + b) + c       ->  x + (b + c)         also with differences
//! c - (b - x)       ->  x + (c - b)
//! (x * b) * c       ->  x * (b * c)
//! ```
//!
//! A sum before a correlation goes into it only if each output meets an input at every tap: with
//! pads, outputs at the border see less of `b`. The value in the middle must have no other use, or no
//! other than products with constant weights that all take the constant (queries, keys and values of
//! one normalised tensor). A folded constant that would not be finite is left alone.

use super::{
    constant::{combine, is_finite},
    layer::Layer,
    matcher::Matcher,
    rewrite::Rewrite,
};
use crate::{
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::Tensor,
};

/// `graph` with constants folded into the weights beside them. Call it again until nothing changes:
/// one run folds each node once.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn fold_linear(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some(folded) = matcher.fold(node) else { return Ok(None) };
        let mut id = rewrite.operand(node, folded.x)?;
        for (op, constant, part) in folded.steps {
            let constant = rewrite.constant(node, part, constant);
            id = rewrite.push(node, op, vec![id, constant])?;
        }
        Ok(Some(id))
    })
}

/// Replaces a node: `x`, then each operation with a constant at its right.
struct Folded {
    x: ValueId,
    steps: Vec<(Op, Tensor<f32>, &'static str)>,
}

impl<'g> Matcher<'g> {
    fn fold(&self, node: &Node) -> Option<Folded> {
        let folded = match &node.op {
            Op::Mul => self.fold_factor(node),
            Op::Add | Op::Sub => self.fold_sum(node),
            Op::MatMul | Op::Correlate { .. } => self.fold_into_layer(node),
            _ => None,
        }?;
        folded.steps.iter().all(|(_, constant, _)| is_finite(constant)).then_some(folded)
    }

    fn fold_factor(&self, node: &Node) -> Option<Folded> {
        let (y, c) = self.with_constant(node)?;
        let inner = self.only_user(y)?;
        match &inner.op {
            Op::MatMul | Op::Correlate { .. } => {
                let layer = self.layer(inner)?;
                let c = layer.per_channel(c, self.shape(y))?;
                let steps = vec![(inner.op.clone(), layer.scale_outputs(&c).ok()?, "weights")];
                Some(Folded { x: layer.x, steps })
            }
            Op::Add | Op::Sub => {
                let (z, b) = self.sum(inner)?;
                let product = self.only_user(z)?;
                let layer = self.layer(product)?;
                let c = layer.per_channel(c, self.shape(y))?;
                let weights = layer.scale_outputs(&c).ok()?;
                let b = combine(&b, &layer.bias(c).ok()?, |b, c| b * c).ok()?;
                let steps = vec![(product.op.clone(), weights, "weights"), (Op::Add, b, "bias")];
                Some(Folded { x: layer.x, steps })
            }
            Op::Mul => {
                let (x, b) = self.with_constant(inner)?;
                let c = no_larger(combine(b, c, |b, c| b * c).ok()?, b, c)?;
                Some(Folded { x, steps: vec![(Op::Mul, c, "factor")] })
            }
            _ => None,
        }
    }

    fn fold_sum(&self, node: &Node) -> Option<Folded> {
        if let Some((y, c)) = self.difference(node) {
            let (x, b) = self.difference(self.producer(y)?)?;
            let sum = no_larger(combine(c, b, |c, b| c - b).ok()?, b, c)?;
            return Some(Folded { x, steps: vec![(Op::Add, sum, "bias")] });
        }
        let (y, c) = self.sum(node)?;
        let (x, b) = self.sum(self.only_user(y)?)?;
        let sum = no_larger(combine(&b, &c, |b, c| b + c).ok()?, &b, &c)?;
        Some(Folded { x, steps: vec![(Op::Add, sum, "bias")] })
    }

    fn fold_into_layer(&self, node: &Node) -> Option<Folded> {
        let layer = self.layer(node)?;
        let y = layer.x;
        let inner = self.only_user(y).or_else(|| self.read_by_products(y))?;
        match &inner.op {
            Op::Mul => {
                let (x, c) = self.with_constant(inner)?;
                self.same_shape(x, y)?;
                let c = layer.per_channel(c, self.shape(y))?;
                let steps = vec![(node.op.clone(), layer.scale_inputs(&c).ok()?, "weights")];
                Some(Folded { x, steps })
            }
            Op::Add | Op::Sub => {
                let (x, b) = self.sum(inner)?;
                self.same_shape(x, y)?;
                let b = layer.offset(&layer.per_channel(&b, self.shape(y))?)?;
                let weights = (node.op.clone(), layer.weights.clone(), "weights");
                Some(Folded { x, steps: vec![weights, (Op::Add, b, "bias")] })
            }
            _ => None,
        }
    }

    /// The node that computes `id`, if all that read it are products with constant matrices.
    fn read_by_products(&self, id: ValueId) -> Option<&'g Node> {
        let product =
            |node: &&Node| node.op == Op::MatMul && self.layer(node).is_some_and(|l| l.x == id);
        self.readers(id)?.iter().all(product).then(|| self.producer(id))?
    }

    /// A sum with a constant; `x - c` is `x + (-c)`, `c - x` is none.
    pub(super) fn sum(&self, node: &Node) -> Option<(ValueId, Tensor<f32>)> {
        let (x, c) = self.with_constant(node)?;
        match &node.op {
            Op::Add => Some((x, c.clone())),
            Op::Sub if node.inputs[0] == x => Some((x, c.map(|c| -c))),
            _ => None,
        }
    }

    /// A product with a constant matrix at its right, or a correlation with constant weights.
    pub(super) fn layer<'n>(&self, node: &'n Node) -> Option<Layer<'n>>
    where
        'g: 'n,
    {
        let [x, weights] = node.inputs.as_slice() else { return None };
        let weights = self.constant(*weights)?;
        let fits = match &node.op {
            Op::MatMul => weights.shape().rank() == 2,
            Op::Correlate { .. } => true,
            _ => false,
        };
        let layer = Layer { x: *x, weights, op: &node.op };
        (fits && self.constant(*x).is_none()).then_some(layer)
    }

    /// A constant minus an activation.
    fn difference(&self, node: &Node) -> Option<(ValueId, &'g Tensor<f32>)> {
        let (x, c) = self.with_constant(node)?;
        (node.op == Op::Sub && node.inputs.get(1) == Some(&x)).then_some((x, c))
    }

    fn same_shape(&self, a: ValueId, b: ValueId) -> Option<()> {
        (self.shape(a) == self.shape(b)).then_some(())
    }
}

/// `combined`, unless broadcasting has made it larger than both of its parts.
fn no_larger(combined: Tensor<f32>, a: &Tensor<f32>, b: &Tensor<f32>) -> Option<Tensor<f32>> {
    let largest = a.shape().len().max(b.shape().len());
    (combined.shape().len() <= largest).then_some(combined)
}
