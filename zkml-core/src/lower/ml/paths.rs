//! A forest as a graph.
//!
//! ```text
//! b = [x_feature - threshold ...]                one comparison a column, of all trees together
//! l = [P b - n >= 0]                             P: +1 for a yes on the leaf's way, -1 for a no,
//!                                                n: how many yeses
//! y = base + W l                                 W: the weights of the leaves
//! ```
//!
//! A leaf's `P b - n` is 0 if every answer is its own and at most -1 else: exact, as comparisons with
//! constants are. `P` has blocks, one for a few trees with their columns (a grouped correlation of
//! planes of one pixel), as many trees a block as have together no more leaves than the largest.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Result, Site,
    forest::{Forest, Leaf},
    threshold::{Column, Test},
};
use crate::{
    ir::{Activation, Axis, Op, ValueId, Window},
    lower::plane::filled,
    tensor::{Shape, Tensor},
};

/// What is summed over the leaves that are reached.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    /// One for each target.
    pub(super) base: Vec<f64>,
    /// What weights are multiplied by.
    pub(super) factor: f64,
}

/// The sums of a forest over `x`, `[N, F]`: `[N, targets]`.
pub(super) fn sum(site: &mut Site<'_>, x: ValueId, forest: &Forest, sum: &Sum) -> Result<ValueId> {
    let targets = sum.base.len();
    let mut base = sum.base.clone();
    // Trees with one leaf are a constant.
    let (constant, trees): (Vec<_>, Vec<_>) =
        forest.trees.iter().map(Vec::as_slice).partition(|tree| tree.len() == 1);
    for (target, weight) in constant.iter().flat_map(|tree| &tree[0].weights) {
        base[*target] += weight * sum.factor;
    }
    if trees.is_empty() {
        let hint = "no tree asks anything, so there is nothing to prove";
        return Err(site.unsupported(None, hint));
    }
    let blocks = blocks(&trees);
    let columns = columns(site, x, &forest.columns)?;
    let reached = reached(site, columns, forest, &blocks)?;
    let slots = blocks.iter().map(Vec::len).max().unwrap_or(1);
    site.spend(blocks.len().saturating_mul(slots).saturating_mul(targets))?;
    let mut weights = vec![0.0; blocks.len() * slots * targets];
    for (block, leaves) in blocks.iter().enumerate() {
        for (slot, leaf) in leaves.iter().enumerate() {
            for (target, weight) in &leaf.weights {
                weights[(block * slots + slot) * targets + target] += weight * sum.factor;
            }
        }
    }
    let weights = site.finite("weights", &weights)?;
    let shape = site.valid(Shape::new(vec![blocks.len() * slots, targets]))?;
    let weights = site.valid(Tensor::new(shape, weights))?;
    let weights = site.own_constant("weights", weights)?;
    let total = site.push(Op::MatMul, vec![reached, weights], "total")?;
    let base = site.finite("base_values", &base)?;
    let base = site.valid(Tensor::new(site.valid(Shape::new(vec![targets]))?, base))?;
    let base = site.own_constant("base", base)?;
    site.push(Op::Add, vec![total, base], "scores")
}

/// The leaves of trees, a few trees together: the fullest block that has room takes the next tree,
/// the largest first.
fn blocks<'f>(trees: &[&'f [Leaf]]) -> Vec<Vec<&'f Leaf>> {
    let mut order: Vec<&[Leaf]> = trees.to_vec();
    order.sort_by_key(|tree| std::cmp::Reverse(tree.len()));
    let most = order.first().map_or(0, |tree| tree.len());
    let mut blocks: Vec<Vec<&Leaf>> = Vec::new();
    let mut room: BTreeSet<(usize, usize)> = BTreeSet::new();
    for tree in order {
        let (left, block) = match room.range((tree.len(), 0)..).next().copied() {
            Some(found) => {
                room.remove(&found);
                found
            }
            None => {
                blocks.push(Vec::new());
                (most, blocks.len() - 1)
            }
        };
        blocks[block].extend(tree);
        room.insert((left - tree.len(), block));
    }
    blocks
}

/// Every column of `x`, 1 where it holds: `[N, columns]`.
fn columns(site: &mut Site<'_>, x: ValueId, columns: &[Column]) -> Result<ValueId> {
    let kinds = [
        (Test::AtMost, Activation::IsNonNegative, "at_most"),
        (Test::Below, Activation::IsPositive, "below"),
        (Test::Equal, Activation::IsZero, "equal"),
    ];
    let mut parts = Vec::new();
    for (test, function, part) in kinds {
        // In the order of the columns, which is by test first.
        let of: Vec<&Column> = columns.iter().filter(|column| column.test == test).collect();
        if of.is_empty() {
            continue;
        }
        let features = of.iter().map(|column| column.feature);
        let taken = site.take(x, 1, features, &format!("{part}_features"))?;
        let thresholds = filled(site, vec![of.len()], |i| of[i].threshold())?;
        let thresholds = site.own_constant(&format!("{part}_thresholds"), thresholds)?;
        let below = site.push(Op::Sub, vec![thresholds, taken], &format!("{part}_room"))?;
        parts.push(site.apply(function, below, part)?);
    }
    match parts.as_slice() {
        [only] => Ok(*only),
        _ => site.push(Op::Concat { axis: 1 }, parts, "columns"),
    }
}

/// 1 for the leaves that are reached: `[N, blocks * slots]`.
fn reached(
    site: &mut Site<'_>,
    columns: ValueId,
    forest: &Forest,
    blocks: &[Vec<&Leaf>],
) -> Result<ValueId> {
    let used: Vec<BTreeMap<usize, usize>> = blocks.iter().map(|b| used(forest, b)).collect();
    let width = used.iter().map(BTreeMap::len).max().unwrap_or(0).max(1);
    let slots = blocks.iter().map(Vec::len).max().unwrap_or(1);
    let (rows, count) = (site.dims(columns)[0], blocks.len());
    let cells = count.saturating_mul(slots);
    site.spend(cells.saturating_mul(width).saturating_add(cells))?;
    let mut indices = vec![0; count * width];
    let mut paths = vec![0.0f32; cells * width];
    // Where there is no leaf, -1: never reached.
    let mut yeses = vec![1.0f32; cells];
    for (block, (leaves, used)) in blocks.iter().zip(&used).enumerate() {
        for (column, at) in used {
            indices[block * width + at] = *column;
        }
        for (slot, leaf) in leaves.iter().enumerate() {
            let cell = block * slots + slot;
            yeses[cell] = leaf.path.iter().filter(|(_, answer)| *answer).count() as f32;
            for (question, answer) in &leaf.path {
                for column in &forest.questions[*question] {
                    // Two questions may share a column: one of equality and one of membership.
                    paths[cell * width + used[column]] += if *answer { 1.0 } else { -1.0 };
                }
            }
        }
    }
    let taken = site.take(columns, 1, indices.into_iter(), "by_block")?;
    let planes = site.reshape(taken, vec![rows, count * width, 1, 1], "planes")?;
    let shape = site.valid(Shape::new(vec![cells, width, 1, 1]))?;
    let paths = site.valid(Tensor::new(shape, paths))?;
    let paths = site.own_constant("paths", paths)?;
    let (height, width) = (Axis::identity(1), Axis::identity(1));
    let correlate = Op::Correlate { window: Window { height, width }, groups: count };
    let answers = site.push(correlate, vec![planes, paths], "answers")?;
    // The function that the columns have already, so that one table serves both.
    let below = forest.columns.iter().all(|column| column.test == Test::Below);
    let (function, more) =
        if below { (Activation::IsPositive, -1.0) } else { (Activation::IsNonNegative, 0.0) };
    let yeses: Vec<f32> = yeses.iter().map(|yes| yes + more).collect();
    let shape = site.valid(Shape::new(vec![cells, 1, 1]))?;
    let yeses = site.valid(Tensor::new(shape, yeses))?;
    let yeses = site.own_constant("yeses", yeses)?;
    let missing = site.push(Op::Sub, vec![answers, yeses], "missing")?;
    let reached = site.apply(function, missing, "reached")?;
    site.reshape(reached, vec![rows, cells], "leaves")
}

/// The columns that some leaves ask for, and a place for each.
fn used(forest: &Forest, leaves: &[&Leaf]) -> BTreeMap<usize, usize> {
    let questions = leaves.iter().flat_map(|leaf| leaf.path.iter().map(|(question, _)| question));
    let columns: BTreeSet<usize> =
        questions.flat_map(|question| forest.questions[*question].iter().copied()).collect();
    columns.into_iter().zip(0..).collect()
}
