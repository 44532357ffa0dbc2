//! Constant factors and sums beside a product with constant weights go into them. `W` is a constant
//! matrix, `b` and `c` are constants along the last axis only:
//!
//! ```text
//! (x W) * c         ->  x (W diag(c))
//! (x W + b) * c     ->  x (W diag(c)) + b * c
//! (x * c) W         ->  x (diag(c) W)
//! (x + b) W         ->  x W + b W
//! (x + b) + c       ->  x + (b + c)         also with differences
//! (x * b) * c       ->  x * (b * c)
//! ```
//!
//! The value in the middle must have no other use. A folded constant that would not be finite is
//! left alone.

use std::collections::BTreeMap;

use super::{
    constant::{column, combine, is_finite, row_times},
    rewrite::{Rewrite, producers, uses},
};
use crate::{
    ir::{Graph, GraphError, Node, Op, ValueId},
    tensor::{Shape, Tensor},
};

/// `graph` with constants folded into the weights beside them. Call it again until nothing changes:
/// one run folds each node once.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn fold_linear(graph: &Graph) -> Result<Graph, GraphError> {
    let matcher = Matcher { graph, producers: producers(graph), uses: uses(graph) };
    let mut rewrite = Rewrite::new(graph);
    for node in graph.nodes() {
        let Some(folded) = matcher.fold(node) else {
            rewrite.copy(node)?;
            continue;
        };
        let mut id = rewrite.operand(node, folded.x)?;
        for (op, constant, part) in folded.steps {
            let constant = rewrite.constant(node, part, constant);
            id = rewrite.push(node, op, vec![id, constant])?;
        }
        rewrite.set(node.output, id);
    }
    rewrite.finish()
}

/// Replaces a node: `x`, then each operation with a constant at its right.
struct Folded {
    x: ValueId,
    steps: Vec<(Op, Tensor<f32>, &'static str)>,
}

struct Matcher<'g> {
    graph: &'g Graph,
    producers: BTreeMap<ValueId, &'g Node>,
    uses: Vec<usize>,
}

impl<'g> Matcher<'g> {
    fn fold(&self, node: &Node) -> Option<Folded> {
        let folded = match &node.op {
            Op::Mul => self.fold_factor(node),
            Op::Add | Op::Sub => self.fold_sum(node),
            Op::MatMul => self.fold_into_product(node),
            _ => None,
        }?;
        folded.steps.iter().all(|(_, constant, _)| is_finite(constant)).then_some(folded)
    }

    fn fold_factor(&self, node: &Node) -> Option<Folded> {
        let (y, c) = self.with_constant(node)?;
        let inner = self.only_user(y)?;
        match &inner.op {
            Op::MatMul => {
                let (x, weights) = self.product(inner)?;
                let c = self.last_axis(c, y)?;
                let weights = combine(weights, &c, |w, c| w * c).ok()?;
                Some(Folded { x, steps: vec![(Op::MatMul, weights, "weights")] })
            }
            Op::Add | Op::Sub => {
                let (z, b) = self.sum(inner)?;
                let (x, weights) = self.product(self.only_user(z)?)?;
                let c = self.last_axis(c, y)?;
                let weights = combine(weights, &c, |w, c| w * c).ok()?;
                let b = combine(&b, &c, |b, c| b * c).ok()?;
                let steps = vec![(Op::MatMul, weights, "weights"), (Op::Add, b, "bias")];
                Some(Folded { x, steps })
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
        let (y, c) = self.sum(node)?;
        let (x, b) = self.sum(self.only_user(y)?)?;
        let sum = no_larger(combine(&b, &c, |b, c| b + c).ok()?, &b, &c)?;
        Some(Folded { x, steps: vec![(Op::Add, sum, "bias")] })
    }

    fn fold_into_product(&self, node: &Node) -> Option<Folded> {
        let (y, weights) = self.product(node)?;
        let inner = self.only_user(y)?;
        match &inner.op {
            Op::Mul => {
                let (x, c) = self.with_constant(inner)?;
                self.same_shape(x, y)?;
                let c = column(&self.last_axis(c, y)?).ok()?;
                let weights = combine(weights, &c, |w, c| w * c).ok()?;
                Some(Folded { x, steps: vec![(Op::MatMul, weights, "weights")] })
            }
            Op::Add | Op::Sub => {
                let (x, b) = self.sum(inner)?;
                self.same_shape(x, y)?;
                let b = self.last_axis(&b, y)?;
                let rows = weights.shape().dims().first().copied()?;
                let zeros = Tensor::new(Shape::new(vec![rows]).ok()?, vec![0.0; rows]).ok()?;
                let b = row_times(&combine(&b, &zeros, |b, _| b).ok()?, weights).ok()?;
                let steps = vec![(Op::MatMul, weights.clone(), "weights"), (Op::Add, b, "bias")];
                Some(Folded { x, steps })
            }
            _ => None,
        }
    }

    /// The node that computes `id`, if nothing else uses it.
    fn only_user(&self, id: ValueId) -> Option<&'g Node> {
        self.producers.get(&id).copied().filter(|_| self.uses[id.0] == 1)
    }

    fn constant(&self, id: ValueId) -> Option<&'g Tensor<f32>> {
        self.graph.get(id).constant.as_ref()
    }

    /// The operands of a node of which one is a constant, the constant second.
    fn with_constant(&self, node: &Node) -> Option<(ValueId, &'g Tensor<f32>)> {
        let [a, b] = node.inputs.as_slice() else { return None };
        match (self.constant(*a), self.constant(*b)) {
            (None, Some(c)) => Some((*a, c)),
            (Some(c), None) => Some((*b, c)),
            _ => None,
        }
    }

    /// A sum with a constant; `x - c` is `x + (-c)`, `c - x` is none.
    fn sum(&self, node: &Node) -> Option<(ValueId, Tensor<f32>)> {
        let (x, c) = self.with_constant(node)?;
        match &node.op {
            Op::Add => Some((x, c.clone())),
            Op::Sub if node.inputs[0] == x => Some((x, c.map(|c| -c))),
            _ => None,
        }
    }

    /// A product with a constant matrix at its right.
    fn product(&self, node: &Node) -> Option<(ValueId, &'g Tensor<f32>)> {
        let [x, weights] = node.inputs.as_slice() else { return None };
        let weights = self.constant(*weights).filter(|w| w.shape().rank() == 2)?;
        (node.op == Op::MatMul && self.constant(*x).is_none()).then_some((*x, weights))
    }

    /// `c`, flattened, if it varies along the last axis of the value `of` only.
    fn last_axis(&self, c: &Tensor<f32>, of: ValueId) -> Option<Tensor<f32>> {
        let shape = &self.graph.get(of).shape;
        let fits = match c.shape().dims() {
            [] => true,
            [before @ .., last] => {
                before.iter().all(|dim| *dim == 1)
                    && (*last == 1 || shape.dims().last() == Some(last))
                    && c.shape().rank() <= shape.rank()
            }
        };
        fits.then(|| {
            let flat = Shape::new(vec![c.shape().len()]).ok()?;
            Tensor::new(flat, c.data().to_vec()).ok()
        })?
    }

    fn same_shape(&self, a: ValueId, b: ValueId) -> Option<()> {
        (self.graph.get(a).shape == self.graph.get(b).shape).then_some(())
    }
}

/// `combined`, unless broadcasting has made it larger than both of its parts.
fn no_larger(combined: Tensor<f32>, a: &Tensor<f32>, b: &Tensor<f32>) -> Option<Tensor<f32>> {
    let largest = a.shape().len().max(b.shape().len());
    (combined.shape().len() <= largest).then_some(combined)
}
