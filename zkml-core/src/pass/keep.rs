//! What an additive mask keeps: the analysis of sums whose elements are 0 or hugely negative.

use super::{constant::combine, matcher::Matcher, rewrite::Rewrite};
use crate::{
    exec::float,
    ir::{Activation, GraphError, Node, Op, ValueId},
    tensor::Tensor,
};

/// `exp` of this and less beside 0 is 0 in `f32`.
pub(super) const NEGLIGIBLE: f32 = -1e4;

/// Nodes followed from a mask.
const MAX_DEPTH: usize = 32;

/// A tensor of 0 and 1, 1 where a mask keeps what it is added to.
#[derive(Clone, Debug)]
pub(super) enum Keep {
    Constant(Tensor<f32>),
    /// A value of 0 and 1.
    Value(ValueId),
    /// 1 where a whole number is positive.
    Positive(ValueId),
    /// 1 where the other is 0.
    Not(Box<Keep>),
    /// A view.
    View(Op, Box<Keep>),
    /// 1 where both are.
    Both(Box<Keep>, Box<Keep>),
}

impl Keep {
    /// The value `id` of 0 and 1 itself.
    pub(super) fn of(matcher: &Matcher<'_>, id: ValueId) -> Self {
        match matcher.constant(id) {
            Some(constant) => Self::Constant(constant.clone()),
            None => Self::Value(id),
        }
    }

    /// What the mask `id`, whose elements are 0 or [`NEGLIGIBLE`] or less, keeps:
    ///
    /// * a constant of such elements, a view of a mask, the sum of two;
    /// * `drop * c` and `(m - 1) * -c` for `c <= -10^4` and flags `drop` and `m`;
    /// * a Mask of a value like `c` on a mask, or on flags that are 0 where it keeps them; a Mask of 0
    ///   on numbers like `c`.
    ///
    /// Flags are 0 or 1: comparisons, their products and complements. Whole numbers `m` in
    /// `(1 - m) * c` are flags by intent, as an attention mask that is an input: the mask keeps what
    /// is positive.
    pub(super) fn of_mask(matcher: &Matcher<'_>, id: ValueId) -> Option<Self> {
        mask(matcher, id, MAX_DEPTH)
    }

    /// What both keep.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => {
                combine(&a, &b, |a, b| a * b).ok().map(Self::Constant)
            }
            (a, b) if a.is_all() => Some(b),
            (a, b) if b.is_all() => Some(a),
            (a, b) => Some(Self::Both(Box::new(a), Box::new(b))),
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Constant(a) => Self::Constant(a.map(|a| 1.0 - a)),
            Self::Not(a) => *a,
            a => Self::Not(Box::new(a)),
        }
    }

    fn view(self, op: &Op) -> Option<Self> {
        match self {
            Self::Constant(a) => float::apply(op, &[&a]).ok().map(Self::Constant),
            a => Some(Self::View(op.clone(), Box::new(a))),
        }
    }

    /// The elements, or those of a constant factor.
    pub(super) fn constant(&self) -> Option<&Tensor<f32>> {
        match self {
            Self::Constant(a) => Some(a),
            Self::Both(a, b) => a.constant().or(b.constant()),
            _ => None,
        }
    }

    /// Is everything kept?
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::Constant(a) if a.data().iter().all(|v| *v == 1.0))
    }

    /// The value in the graph being built, made for `node`.
    pub(super) fn build(
        &self,
        rewrite: &mut Rewrite<'_>,
        node: &Node,
    ) -> Result<ValueId, GraphError> {
        match self {
            Self::Constant(a) => Ok(rewrite.constant(node, "keep", a.clone())),
            Self::Value(id) => rewrite.operand(node, *id),
            Self::Positive(id) => {
                let id = rewrite.operand(node, *id)?;
                let positive = Op::Activation(Activation::IsPositive);
                rewrite.push_part(node, "keep", positive, vec![id])
            }
            Self::Not(a) => {
                let id = a.build(rewrite, node)?;
                let one = rewrite.constant(node, "one", Tensor::scalar(1.0));
                rewrite.push_part(node, "keep", Op::Sub, vec![one, id])
            }
            Self::View(op, a) => {
                let id = a.build(rewrite, node)?;
                rewrite.push_part(node, "keep", op.clone(), vec![id])
            }
            Self::Both(a, b) => {
                let pair = vec![a.build(rewrite, node)?, b.build(rewrite, node)?];
                rewrite.push_part(node, "keep", Op::Mul, pair)
            }
        }
    }
}

fn mask(matcher: &Matcher<'_>, id: ValueId, depth: usize) -> Option<Keep> {
    if let Some(constant) = matcher.constant(id) {
        let masks = constant.data().iter().all(|v| *v == 0.0 || *v <= NEGLIGIBLE);
        return masks.then(|| Keep::Constant(constant.map(|v| f32::from(*v == 0.0))));
    }
    let (node, depth) = (matcher.producer(id)?, depth.checked_sub(1)?);
    match (&node.op, node.inputs.as_slice()) {
        (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => {
            mask(matcher, *x, depth)?.view(&node.op)
        }
        (Op::Add, [a, b]) => mask(matcher, *a, depth)?.and(mask(matcher, *b, depth)?),
        (Op::Mul, _) => {
            let (x, c) = matcher.with_constant(node)?;
            if c.data().iter().all(|c| *c <= NEGLIGIBLE) {
                kept_by_factor(matcher, x, Factor::Negative, depth)
            } else if c.data().iter().all(|c| *c >= -NEGLIGIBLE) {
                kept_by_factor(matcher, x, Factor::Positive, depth)
            } else {
                None
            }
        }
        (Op::Mask { value }, [x, keep]) if *value <= NEGLIGIBLE => {
            let kept = Keep::of(matcher, *keep);
            if is_zero_where_kept(matcher, *x, *keep) {
                return Some(kept);
            }
            kept.and(mask(matcher, *x, depth)?)
        }
        (Op::Mask { value: 0.0 }, [x, keep]) => {
            let negligible = matcher.constant(*x)?.data().iter().all(|v| *v <= NEGLIGIBLE);
            negligible.then(|| Keep::of(matcher, *keep).not())
        }
        _ => None,
    }
}

/// What flags are multiplied with.
#[derive(Clone, Copy, PartialEq)]
enum Factor {
    /// [`NEGLIGIBLE`] or less.
    Negative,
    /// The opposite of such a number.
    Positive,
}

/// What `id` times a factor keeps: `id` is 1 and 0 for a negative one, or 0 and -1 for a positive one.
fn kept_by_factor(
    matcher: &Matcher<'_>,
    id: ValueId,
    factor: Factor,
    depth: usize,
) -> Option<Keep> {
    let (node, depth) = (matcher.producer(id)?, depth.checked_sub(1)?);
    let shape = matcher.shape(id);
    let is = |id: ValueId, value: f32| matcher.uniform(id, shape) == Some(value);
    let m = match (&node.op, node.inputs.as_slice()) {
        (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => {
            return kept_by_factor(matcher, *x, factor, depth)?.view(&node.op);
        }
        (Op::Sub, [one, m]) if factor == Factor::Negative && is(*one, 1.0) => Some(*m),
        (Op::Sub, [m, one]) if factor == Factor::Positive && is(*one, 1.0) => Some(*m),
        (Op::Add, [m, one]) if factor == Factor::Positive && is(*one, -1.0) => Some(*m),
        (Op::Add, [one, m]) if factor == Factor::Positive && is(*one, -1.0) => Some(*m),
        _ => None,
    };
    match m {
        Some(m) if matcher.shape(m) == shape && matcher.is_integer(m) => {
            Some(if is_flag(matcher, m, depth) { Keep::Value(m) } else { Keep::Positive(m) })
        }
        _ => {
            let drops = factor == Factor::Negative && is_flag(matcher, id, depth);
            drops.then(|| Keep::Value(id).not())
        }
    }
}

/// Is every element of `id` 0 or 1?
fn is_flag(matcher: &Matcher<'_>, id: ValueId, depth: usize) -> bool {
    if let Some(constant) = matcher.constant(id) {
        return constant.data().iter().all(|v| *v == 0.0 || *v == 1.0);
    }
    let (Some(node), Some(depth)) = (matcher.producer(id), depth.checked_sub(1)) else {
        return false;
    };
    let flag = |id: &ValueId| is_flag(matcher, *id, depth);
    match (&node.op, node.inputs.as_slice()) {
        (Op::Activation(f), _) => matches!(
            f,
            Activation::IsZero | Activation::IsPositive | Activation::IsNonNegative
        ),
        (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => flag(x),
        (Op::Mul, [a, b]) => flag(a) && flag(b),
        (Op::Sub, [one, x]) => {
            matcher.uniform(*one, matcher.shape(node.output)) == Some(1.0) && flag(x)
        }
        (Op::Mask { value }, [x, _]) => (*value == 0.0 || *value == 1.0) && flag(x),
        (Op::Concat { .. }, parts) => parts.iter().all(flag),
        _ => false,
    }
}

/// Is `keep` 1 only where `x` is 0?
fn is_zero_where_kept(matcher: &Matcher<'_>, x: ValueId, keep: ValueId) -> bool {
    matcher.producer(keep).is_some_and(|node| {
        node.op == Op::Activation(Activation::IsZero) && node.inputs.first() == Some(&x)
    })
}
