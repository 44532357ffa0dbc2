//! Element-wise expressions of one tensor become one function, which one table evaluates:
//!
//! ```text
//! 0.5 x (1 + Tanh(0.8 (x + 0.045 x x x)))  ->  Pointwise(x)
//! x Sigmoid(x), x Tanh(Softplus(x))        ->  Pointwise(x)
//! ```
//!
//! A group of nodes ends in one of them and reads, but for numbers, one tensor of the same shape, the
//! *root*. It is fused if it holds a product of two that vary, or two functions, or a function and a
//! sum: one function alone is a table as it is. Of the possible roots the one with most functions,
//! products and sums behind it is taken, and the latest of these: what is linear before it folds into
//! weights. A rounding to the whole numbers of a quantised model goes back to whole numbers, if it can: a
//! function of these is exact. A value within the group that is read elsewhere too would be computed twice; only one that
//! is a number times or plus another may be. Whole numbers stay as they are: they are exact. Masks for a
//! softmax stay masks.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::{keep::NEGLIGIBLE, matcher::Matcher, rewrite::Rewrite};
use crate::ir::{Activation, Graph, GraphError, Node, Op, Pointwise, ValueId};

/// `graph` with element-wise expressions of one tensor as one function each.
///
/// # Errors
/// [`GraphError`] if the graph breaks its own rules.
pub fn fuse_pointwise(graph: &Graph) -> Result<Graph, GraphError> {
    let mut groups = groups(graph);
    Rewrite::each(graph, |_, rewrite, node| {
        let Some(fused) = groups.remove(&node.output) else { return Ok(None) };
        let root = rewrite.operand(node, fused.root)?;
        let function = Activation::Pointwise(Arc::new(fused.expression));
        rewrite.push(node, Op::Activation(function), vec![root]).map(Some)
    })
}

/// The groups by their last node. What is read only within a group needs none of its own, so the
/// search goes from the outputs back.
fn groups(graph: &Graph) -> BTreeMap<ValueId, Fused> {
    let matcher = Matcher::new(graph);
    let mut groups = BTreeMap::new();
    let mut read: BTreeSet<ValueId> = graph.outputs().iter().map(|(_, id)| *id).collect();
    for node in graph.nodes().iter().rev() {
        if !read.contains(&node.output) {
            continue;
        }
        match fused(&matcher, node) {
            Some(fused) => {
                read.insert(fused.root);
                groups.insert(node.output, fused);
            }
            None => read.extend(&node.inputs),
        }
    }
    groups
}

struct Fused {
    root: ValueId,
    expression: Pointwise,
}

/// The expression that `top` is the value of.
fn fused(matcher: &Matcher<'_>, top: &Node) -> Option<Fused> {
    let rounds = is_rounding(top);
    (rounds || !matcher.is_integer(top.output)).then_some(())?;
    let mut group = Group::default();
    group.add(matcher, top)?;
    // Roots with more and more behind them.
    let mut roots: Vec<(Count, ValueId)> = Vec::new();
    loop {
        if let Some(root) = group.root() {
            let whole = matcher.is_integer(root);
            let exact = rounds && group.nodes.len() > 1 && whole;
            let count = Count { exact, ..group.count };
            // Rounding within is one of whole numbers, or is left to a step of its own.
            let fits = whole || !group.rounds_within(top);
            if fits && roots.last().is_none_or(|(last, _)| count > *last) {
                roots.push((count, root));
            }
        }
        // The latest first: all its readers in the group are there already.
        let Some(id) = group.open.pop_last() else { break };
        let more = matcher
            .producer(id)
            .filter(|node| (rounds || !is_rounding(node)) && group.may_hold(matcher, node));
        if more.and_then(|node| group.add(matcher, node)).is_none() {
            group.fixed.insert(id);
            if group.fixed.len() > 1 {
                break;
            }
        }
    }
    // An expression is the larger the farther back its root is: the first that fits is the best.
    let worth_it = roots.into_iter().rev().filter(|(count, _)| count.is_worth_it());
    worth_it.map(|(_, root)| root).find_map(|root| {
        let expression = group.expression(matcher, top.output, root)?;
        Some(Fused { root, expression })
    })
}

/// Does a node round to the whole numbers of a quantised model?
fn is_rounding(node: &Node) -> bool {
    matches!(node.op, Op::Activation(Activation::Quantize { .. }))
}

/// What a group holds that is not linear in one value.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Count {
    /// The root is whole numbers, and what is computed of it rounds.
    exact: bool,
    total: usize,
    products: usize,
    functions: usize,
}

impl Count {
    fn is_worth_it(self) -> bool {
        self.exact
            || self.products > 0
            || self.functions > 1
            || self.functions == 1 && self.total > 1
    }
}

/// Element-wise nodes, those that read a value before the one that computes it.
#[derive(Default)]
struct Group<'g> {
    nodes: BTreeMap<ValueId, &'g Node>,
    count: Count,
    /// Values that are read, whose producers may join.
    open: BTreeSet<ValueId>,
    /// Values that are read, whose producers may not.
    fixed: BTreeSet<ValueId>,
}

impl<'g> Group<'g> {
    /// Adds a node, if it is element-wise; `None` otherwise.
    fn add<'n: 'g>(&mut self, matcher: &Matcher<'_>, node: &'n Node) -> Option<()> {
        let shape = matcher.shape(node.output);
        let mut varying = 0;
        for id in &node.inputs {
            if matcher.constant(*id).is_some() {
                matcher.uniform(*id, shape)?.is_finite().then_some(())?;
            } else {
                (matcher.shape(*id) == shape).then_some(())?;
                varying += 1;
            }
        }
        let more = match &node.op {
            Op::Activation(_) => Count { total: 1, functions: 1, ..Count::default() },
            Op::Mask { value } if *value <= NEGLIGIBLE => return None,
            Op::Mul | Op::Mask { .. } if varying == 2 => {
                Count { total: 1, products: 1, ..Count::default() }
            }
            Op::Add | Op::Sub if varying == 2 => Count { total: 1, ..Count::default() },
            Op::Add | Op::Sub | Op::Mul => Count::default(),
            _ => return None,
        };
        self.count.total += more.total;
        self.count.products += more.products;
        self.count.functions += more.functions;
        let inputs = node.inputs.iter().filter(|id| matcher.constant(**id).is_none());
        self.open.extend(inputs.filter(|id| !self.fixed.contains(id)));
        self.nodes.insert(node.output, node);
        Some(())
    }

    /// May a node be computed within the group?
    fn may_hold(&self, matcher: &Matcher<'_>, node: &Node) -> bool {
        let is_linear = || {
            matches!(node.op, Op::Add | Op::Sub | Op::Mul) && matcher.with_constant(node).is_some()
        };
        let all_within = || {
            let readers = matcher.readers(node.output);
            readers.is_some_and(|r| r.iter().all(|r| self.nodes.contains_key(&r.output)))
        };
        self.nodes.len() < Pointwise::MAX_SIZE && (is_linear() || all_within())
    }

    /// Does another node than the last round?
    fn rounds_within(&self, top: &Node) -> bool {
        self.nodes.values().any(|node| is_rounding(node) && node.output != top.output)
    }

    /// The one value that is read.
    fn root(&self) -> Option<ValueId> {
        let mut read = self.open.union(&self.fixed);
        read.next().copied().filter(|_| read.next().is_none())
    }

    /// The value `top` as an expression of `root`, if it is not too large.
    fn expression(&self, matcher: &Matcher<'_>, top: ValueId, root: ValueId) -> Option<Pointwise> {
        let mut known = BTreeMap::from([(root, Pointwise::Argument)]);
        // Values are numbered in the order in which they are computed.
        for (id, node) in self.nodes.range((Bound::Excluded(root), Bound::Unbounded)) {
            let mut operands = Vec::with_capacity(2);
            for input in &node.inputs {
                operands.push(match matcher.uniform(*input, matcher.shape(*id)) {
                    Some(number) => Pointwise::Constant(number),
                    None => known.get(input)?.clone(),
                });
            }
            let expression = of_node(&node.op, operands)?;
            expression.check().then_some(())?;
            known.insert(*id, expression);
        }
        known.remove(&top)
    }
}

fn of_node(op: &Op, operands: Vec<Pointwise>) -> Option<Pointwise> {
    let mut operands = operands.into_iter().map(Box::new);
    let (first, second) = (operands.next()?, operands.next());
    Some(match op {
        Op::Activation(f) => Pointwise::Apply(f.clone(), first),
        Op::Add => Pointwise::Sum(first, second?),
        Op::Sub => Pointwise::Difference(first, second?),
        Op::Mul => Pointwise::Product(first, second?),
        // x keep + value (1 - keep)
        Op::Mask { value } => {
            let keep = second?;
            let kept = Pointwise::Product(first, keep.clone());
            let one = Box::new(Pointwise::Constant(1.0));
            let dropped = Box::new(Pointwise::Difference(one, keep));
            let value = Box::new(Pointwise::Constant(*value));
            Pointwise::Sum(Box::new(kept), Box::new(Pointwise::Product(value, dropped)))
        }
        _ => return None,
    })
}
