//! What an additive mask keeps: the analysis of sums whose elements are 0 or hugely negative.

use super::{constant::combine, matcher::Matcher, rewrite::Rewrite};
use crate::{
    exec::float,
    ir::{Activation, GraphError, Node, Op, ValueId},
    tensor::{Shape, Tensor},
};

/// `exp` of this and less beside 0 is 0 in `f32`.
pub(super) const NEGLIGIBLE: f32 = -1e4;

/// Most nodes followed from a mask, each as often as it is met.
const MAX_NODES: usize = 256;

/// A tensor of 0 and 1, 1 where a mask keeps what it is added to: the product of all its parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Keep {
    shape: Shape,
    constant: Option<Tensor<f32>>,
    flags: Vec<Flags>,
}

/// An activation of 0 and 1.
#[derive(Clone, Debug, PartialEq)]
enum Flags {
    /// A value of 0 and 1.
    Value(ValueId),
    /// 1 where a whole number is positive.
    Positive(ValueId),
    /// 1 where the other is 0.
    Not(Box<Flags>),
    /// A view.
    View(Op, Box<Flags>),
}

impl Keep {
    /// The value `id` of 0 and 1 itself.
    pub(super) fn of(matcher: &Matcher<'_>, id: ValueId) -> Self {
        match matcher.constant(id) {
            Some(constant) => Self::of_constant(constant.clone()),
            None => Self::of_flags(Flags::Value(id), matcher.shape(id)),
        }
    }

    /// What the mask `id`, whose elements are 0 or [`NEGLIGIBLE`] or less, keeps:
    ///
    /// * a constant of such elements, a view of a mask, the sum of two;
    /// * `drop * c` and `(m - 1) * -c` for `c <= -10^4` and flags `drop` and `m`;
    /// * a Mask of a value like `c` on a mask, or on what is 0 where it keeps it; a Mask of 0 on numbers
    ///   like `c`.
    ///
    /// Flags are 0 or 1: comparisons, their products and complements. Whole numbers `m` in
    /// `(1 - m) * c` are flags by intent, as an attention mask that is an input: the mask keeps what
    /// is positive.
    pub(super) fn of_mask(matcher: &Matcher<'_>, id: ValueId) -> Option<Self> {
        mask(matcher, id, &mut Steps(MAX_NODES))
    }

    fn of_constant(constant: Tensor<f32>) -> Self {
        Self { shape: constant.shape().clone(), constant: Some(constant), flags: Vec::new() }
    }

    fn of_flags(flags: Flags, shape: &Shape) -> Self {
        Self { shape: shape.clone(), constant: None, flags: vec![flags] }
    }

    /// What both keep.
    pub(super) fn and(mut self, other: Self) -> Option<Self> {
        let shape = self.shape.broadcast(&other.shape).ok()?;
        if other.is_all() && shape == self.shape {
            return Some(self);
        }
        if self.is_all() && shape == other.shape {
            return Some(other);
        }
        self.shape = shape;
        self.constant = match (self.constant, other.constant) {
            (Some(a), Some(b)) => Some(combine(&a, &b, |a, b| a * b).ok()?),
            (a, b) => a.or(b),
        };
        for flags in other.flags {
            if !self.flags.contains(&flags) {
                self.flags.push(flags);
            }
        }
        Some(self)
    }

    fn is_all(&self) -> bool {
        let ones = |c: &Tensor<f32>| c.data().iter().all(|keep| *keep == 1.0);
        self.flags.is_empty() && self.constant.as_ref().is_some_and(ones)
    }

    /// What this does not keep, unless it has several parts.
    fn not(self) -> Option<Self> {
        match (self.constant, self.flags.as_slice()) {
            (Some(constant), []) => Some(Self::of_constant(constant.map(|keep| 1.0 - keep))),
            (None, [flags]) => {
                Some(Self::of_flags(Flags::Not(Box::new(flags.clone())), &self.shape))
            }
            _ => None,
        }
    }

    /// What the view `node` of a mask keeps, if this is of the whole shape of the mask and no product.
    fn view(self, matcher: &Matcher<'_>, node: &Node) -> Option<Self> {
        (self.shape == *matcher.shape(*node.inputs.first()?)).then_some(())?;
        match (self.constant, self.flags.as_slice()) {
            (Some(constant), []) => {
                Some(Self::of_constant(float::apply(&node.op, &[&constant]).ok()?))
            }
            (None, [flags]) => {
                let view = Flags::View(node.op.clone(), Box::new(flags.clone()));
                Some(Self::of_flags(view, matcher.shape(node.output)))
            }
            _ => None,
        }
    }

    /// The constant part.
    pub(super) fn constant(&self) -> Option<&Tensor<f32>> {
        self.constant.as_ref()
    }
}

/// What has been added to the graph being built.
#[derive(Default)]
pub(super) struct Built {
    keeps: Vec<(Keep, ValueId)>,
    flags: Vec<(Flags, ValueId)>,
}

impl Built {
    /// The value of `keep`, made for `node`; none if everything is kept.
    pub(super) fn keep(
        &mut self,
        rewrite: &mut Rewrite<'_>,
        node: &Node,
        keep: &Keep,
    ) -> Result<Option<ValueId>, GraphError> {
        if let Some((_, id)) = self.keeps.iter().find(|(other, _)| other == keep) {
            return Ok(Some(*id));
        }
        let drops = keep.constant().filter(|c| c.data().iter().any(|keep| *keep != 1.0));
        let mut product = drops.map(|c| rewrite.constant(node, "keep", c.clone()));
        for flags in &keep.flags {
            let id = self.flags(rewrite, node, flags)?;
            product = Some(match product {
                Some(product) => rewrite.push_part(node, "keep", Op::Mul, vec![product, id])?,
                None => id,
            });
        }
        self.keeps.extend(product.map(|id| (keep.clone(), id)));
        Ok(product)
    }

    fn flags(
        &mut self,
        rewrite: &mut Rewrite<'_>,
        node: &Node,
        flags: &Flags,
    ) -> Result<ValueId, GraphError> {
        if let Some((_, id)) = self.flags.iter().find(|(other, _)| other == flags) {
            return Ok(*id);
        }
        let (op, inputs) = match flags {
            Flags::Value(id) => return rewrite.operand(node, *id),
            Flags::Positive(id) => {
                (Op::Activation(Activation::IsPositive), vec![rewrite.operand(node, *id)?])
            }
            Flags::Not(of) => {
                let of = self.flags(rewrite, node, of)?;
                (Op::Sub, vec![rewrite.constant(node, "one", Tensor::scalar(1.0)), of])
            }
            Flags::View(op, of) => (op.clone(), vec![self.flags(rewrite, node, of)?]),
        };
        let id = rewrite.push_part(node, "keep", op, inputs)?;
        self.flags.push((flags.clone(), id));
        Ok(id)
    }
}

/// How many nodes may still be followed: a limit on their depth alone would let sums of a sum with
/// itself take exponential time.
struct Steps(usize);

impl Steps {
    fn producer<'g>(&mut self, matcher: &Matcher<'g>, id: ValueId) -> Option<&'g Node> {
        self.0 = self.0.checked_sub(1)?;
        matcher.producer(id)
    }
}

fn mask(matcher: &Matcher<'_>, id: ValueId, steps: &mut Steps) -> Option<Keep> {
    if let Some(constant) = matcher.constant(id) {
        let masks = constant.data().iter().all(|v| *v == 0.0 || *v <= NEGLIGIBLE);
        return masks.then(|| Keep::of_constant(constant.map(|v| f32::from(*v == 0.0))));
    }
    let node = steps.producer(matcher, id)?;
    match (&node.op, node.inputs.as_slice()) {
        (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => {
            mask(matcher, *x, steps)?.view(matcher, node)
        }
        (Op::Add, [a, b]) => mask(matcher, *a, steps)?.and(mask(matcher, *b, steps)?),
        (Op::Mul, _) => {
            let (x, c) = matcher.with_constant(node)?;
            if c.data().iter().all(|c| *c <= NEGLIGIBLE) {
                kept_by_factor(matcher, x, Factor::Negative, steps)
            } else if c.data().iter().all(|c| *c >= -NEGLIGIBLE) {
                kept_by_factor(matcher, x, Factor::Positive, steps)
            } else {
                None
            }
        }
        (Op::Mask { value }, [x, keep]) if *value <= NEGLIGIBLE => {
            let kept = Keep::of(matcher, *keep);
            if is_zero_where_kept(matcher, *x, *keep) {
                return Some(kept);
            }
            kept.and(mask(matcher, *x, steps)?)
        }
        (Op::Mask { value: 0.0 }, [x, keep]) => {
            let negligible = matcher.constant(*x)?.data().iter().all(|v| *v <= NEGLIGIBLE);
            negligible.then(|| Keep::of(matcher, *keep).not())?
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
    steps: &mut Steps,
) -> Option<Keep> {
    let node = steps.producer(matcher, id)?;
    let shape = matcher.shape(id);
    let is = |id: ValueId, value: f32| matcher.uniform(id, shape) == Some(value);
    let m = match (&node.op, node.inputs.as_slice()) {
        (Op::Reshape(_) | Op::Transpose(_) | Op::Take { .. }, [x]) => {
            return kept_by_factor(matcher, *x, factor, steps)?.view(matcher, node);
        }
        (Op::Sub, [one, m]) if factor == Factor::Negative && is(*one, 1.0) => Some(*m),
        (Op::Sub, [m, one]) if factor == Factor::Positive && is(*one, 1.0) => Some(*m),
        (Op::Add, [m, one]) if factor == Factor::Positive && is(*one, -1.0) => Some(*m),
        (Op::Add, [one, m]) if factor == Factor::Positive && is(*one, -1.0) => Some(*m),
        _ => None,
    };
    match m {
        Some(m) if matcher.shape(m) == shape && matcher.is_integer(m) => {
            let flag = is_flag(matcher, m, steps);
            let flags = if flag { Flags::Value(m) } else { Flags::Positive(m) };
            Some(Keep::of_flags(flags, shape))
        }
        _ => {
            let drops = factor == Factor::Negative && is_flag(matcher, id, steps);
            drops.then(|| Keep::of(matcher, id).not())?
        }
    }
}

/// Is every element of `id` 0 or 1?
fn is_flag(matcher: &Matcher<'_>, id: ValueId, steps: &mut Steps) -> bool {
    if let Some(constant) = matcher.constant(id) {
        return constant.data().iter().all(|v| *v == 0.0 || *v == 1.0);
    }
    let Some(node) = steps.producer(matcher, id) else { return false };
    let mut flag = |id: &ValueId| is_flag(matcher, *id, steps);
    match (&node.op, node.inputs.as_slice()) {
        (Op::Activation(f), _) => {
            matches!(f, Activation::IsZero | Activation::IsPositive | Activation::IsNonNegative)
        }
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
