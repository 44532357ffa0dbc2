//! Around the whole numbers of a quantised model. `Q` rounds to steps of `s` and clips, with zero
//! point `z`:
//!
//! ```text
//! Q(Relu(x)), Q(Clip(x))     ->  Q'(x)                   the bounds are bounds of the result
//! Q(Concat(a, b))            ->  Concat(Q(a), Q(b))
//! Q((q - z) s)               ->  q, clipped if need be   through views
//! ```
//!
//! The first is exact because `Q` never falls, the second as any function; the third because
//! `q - z` has at most 16 bits, so that the quotient of its rounded product is within half a step of it.
//! What is before the values in the middle must have no other reader, but for the last.

use super::{matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Activation, Graph, GraphError, Node, Op, ValueId};

/// `graph` without roundings that do nothing, and without functions that are part of one.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn join_steps(graph: &Graph) -> Result<Graph, GraphError> {
    Rewrite::each(graph, |matcher, rewrite, node| {
        let Some(steps) = Steps::of(node) else { return Ok(None) };
        let x = node.inputs[0];
        if let Some(same) = steps.undone(matcher, x) {
            return same.apply(rewrite, node).map(Some);
        }
        let Some(before) = matcher.only_user(x) else { return Ok(None) };
        match &before.op {
            Op::Activation(f) => {
                let Some(bounded) = steps.bounded(f) else { return Ok(None) };
                let x = rewrite.operand(node, before.inputs[0])?;
                rewrite.push(node, Op::Activation(bounded), vec![x]).map(Some)
            }
            Op::Concat { .. } => {
                let mut parts = Vec::with_capacity(before.inputs.len());
                for (i, part) in before.inputs.iter().enumerate() {
                    let part = rewrite.operand(node, *part)?;
                    let name = format!("part{i}");
                    parts.push(rewrite.push_part(node, &name, node.op.clone(), vec![part])?);
                }
                rewrite.push_from(node, &before.origin, before.op.clone(), parts).map(Some)
            }
            _ => Ok(None),
        }
    })
}

/// A rounding to steps.
struct Steps {
    scale: f32,
    zero: f32,
    min: f32,
    max: f32,
}

impl Steps {
    fn of(node: &Node) -> Option<Self> {
        match node.op {
            Op::Activation(Activation::Quantize { scale, zero, min, max }) => {
                Some(Self { scale, zero, min, max })
            }
            _ => None,
        }
    }

    /// The rounding of what `f` leaves of its argument, if `f` only bounds it.
    fn bounded(&self, f: &Activation) -> Option<Activation> {
        let (least, most) = match *f {
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Clip { min, max } if min <= max => (min, max),
            _ => return None,
        };
        let Self { scale, zero, .. } = *self;
        let own = Activation::Quantize { scale, zero, min: self.min, max: self.max };
        // Whole numbers of at most 16 bits.
        let [min, max] = [least, most].map(|bound| own.eval(bound.into()) as f32);
        Some(Activation::Quantize { scale, zero, min, max })
    }

    /// The whole numbers that `x` is multiples of, if they are what rounding gives, and the views
    /// between, the last first.
    fn undone<'g>(&self, matcher: &Matcher<'g>, x: ValueId) -> Option<Undone<'g>> {
        let mut views = Vec::new();
        let mut product = matcher.producer(x)?;
        while let (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [before]) =
            (&product.op, product.inputs.as_slice())
        {
            views.push(product);
            product = matcher.producer(*before)?;
        }
        let number = |node: &Node| {
            let (x, _) = matcher.with_constant(node)?;
            let constant = node.inputs.iter().find(|id| **id != x)?;
            Some((x, matcher.uniform(*constant, matcher.shape(x))?))
        };
        let (steps, scale) = number(product).filter(|_| product.op == Op::Mul)?;
        let (q, zero) = match matcher.producer(steps) {
            Some(node)
                if node.op == Op::Sub
                    && node.inputs.first() == number(node).map(|(q, _)| q).as_ref() =>
            {
                number(node)?
            }
            _ => (steps, 0.0),
        };
        let (least, most) = bounds(matcher, q)?;
        ((scale, zero) == (self.scale, self.zero)).then_some(())?;
        let clip = (least < self.min || most > self.max)
            .then_some(Activation::Clip { min: self.min, max: self.max });
        Some(Undone { q, views, clip })
    }
}

/// Least and greatest of whole numbers: of the roundings that they come of, by what only moves elements
/// or takes maxima.
fn bounds(matcher: &Matcher<'_>, id: ValueId) -> Option<(f32, f32)> {
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    let mut open = vec![id];
    for _ in 0..MOST_SOURCES {
        let Some(id) = open.pop() else { return Some((least, most)) };
        let node = matcher.producer(id)?;
        match &node.op {
            Op::Reshape(_)
            | Op::Transpose(_)
            | Op::Take { .. }
            | Op::Concat { .. }
            | Op::MaxPool(_)
            | Op::ReduceMax { .. } => open.extend(&node.inputs),
            _ => {
                let steps = Steps::of(node)?;
                (least, most) = (least.min(steps.min), most.max(steps.max));
            }
        }
    }
    None
}

/// Most nodes that are searched for the bounds of a value.
const MOST_SOURCES: usize = 64;

/// What a rounding gives back.
struct Undone<'g> {
    q: ValueId,
    views: Vec<&'g Node>,
    clip: Option<Activation>,
}

impl Undone<'_> {
    fn apply(self, rewrite: &mut Rewrite<'_>, node: &Node) -> Result<ValueId, GraphError> {
        let mut id = rewrite.operand(node, self.q)?;
        let clip = self.clip.map(Op::Activation);
        let views = self.views.iter().rev().map(|view| view.op.clone());
        for (i, op) in views.chain(clip).enumerate() {
            id = rewrite.push_part(node, &format!("view{i}"), op, vec![id])?;
        }
        Ok(id)
    }
}
