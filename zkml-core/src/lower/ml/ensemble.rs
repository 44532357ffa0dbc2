//! The attributes of TreeEnsembleClassifier and TreeEnsembleRegressor: nodes of all trees in lists,
//! named by tree and number, with the leaves' weights in lists of their own.
//!
//! A tree starts at the first of its nodes, the only one that no other leads to. Every weight belongs to
//! a leaf.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Result, Site,
    forest::{Branch, Mode, Next, Table},
};

/// What weights are of, by the names of their attributes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    trees: &'static str,
    nodes: &'static str,
    ids: &'static str,
    weights: &'static str,
}

/// Of a classifier.
pub(super) const CLASSES: Weights = Weights {
    trees: "class_treeids",
    nodes: "class_nodeids",
    ids: "class_ids",
    weights: "class_weights",
};

/// Of a regressor.
pub(super) const TARGETS: Weights = Weights {
    trees: "target_treeids",
    nodes: "target_nodeids",
    ids: "target_ids",
    weights: "target_weights",
};

/// A weight of a class or target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    node: usize,
    pub(super) target: usize,
    pub(super) weight: f64,
}

/// The nodes of all trees and the weights of their leaves.
#[derive(Clone, Debug)]
pub(super) struct Ensemble {
    pub(super) weights: Vec<Weight>,
    /// Node by tree and number.
    numbers: BTreeMap<(i64, i64), usize>,
    names: Vec<(i64, i64)>,
    /// What a node asks and where yes and no lead; none for a leaf.
    branches: Vec<Option<Branch>>,
}

impl Ensemble {
    /// Reads the attributes; features and targets are below these.
    pub(super) fn of(
        site: &mut Site<'_>,
        of: Weights,
        (features, targets): (usize, usize),
    ) -> Result<Self> {
        for name in ["nodes_values", "nodes_hitrates", "base_values", of.weights] {
            site.not_before(&format!("{name}_as_tensor"), 3)?;
        }
        let modes = modes(site)?;
        let count = modes.len();
        site.spend(count.saturating_mul(8))?;
        let (trees, nodes) =
            (site.ints_of("nodes_treeids", count)?, site.ints_of("nodes_nodeids", count)?);
        let names: Vec<(i64, i64)> = trees.into_iter().zip(nodes).collect();
        let numbers: BTreeMap<(i64, i64), usize> = names.iter().copied().zip(0..).collect();
        if numbers.len() != count {
            return Err(site.invalid("two nodes of a tree have one number"));
        }
        let mut ensemble = Self { weights: Vec::new(), numbers, names, branches: Vec::new() };
        ensemble.branches = ensemble.read_branches(site, &modes, features)?;
        ensemble.weights = ensemble.read_weights(site, of, targets)?;
        Ok(ensemble)
    }

    fn read_branches(
        &self,
        site: &mut Site<'_>,
        modes: &[Option<Mode>],
        features: usize,
    ) -> Result<Vec<Option<Branch>>> {
        let count = modes.len();
        let feature = site.ints_of("nodes_featureids", count)?;
        let yes = site.ints_of("nodes_truenodeids", count)?;
        let no = site.ints_of("nodes_falsenodeids", count)?;
        let values = site.numbers("nodes_values")?.unwrap_or_default();
        site.expect_count("nodes_values", values.len(), count)?;
        let mut branches = Vec::with_capacity(count);
        for (i, mode) in modes.iter().enumerate() {
            let Some(mode) = *mode else {
                branches.push(None);
                continue;
            };
            let feature = site.below("nodes_featureids", feature[i], features)?;
            let lead = |to: i64| {
                let (tree, node) = self.names[i];
                self.numbers.get(&(tree, to)).copied().ok_or_else(|| {
                    site.invalid(format!("node {node} of tree {tree} leads to {to}, which is none"))
                })
            };
            let next = [Next::Branch(lead(yes[i])?), Next::Branch(lead(no[i])?)];
            branches.push(Some(Branch { feature, mode, values: vec![values[i]], next }));
        }
        Ok(branches)
    }

    fn read_weights(
        &self,
        site: &mut Site<'_>,
        of: Weights,
        targets: usize,
    ) -> Result<Vec<Weight>> {
        let weights = site.numbers(of.weights)?.unwrap_or_default();
        let count = weights.len();
        site.spend(count.saturating_mul(4))?;
        let (trees, nodes) = (site.ints_of(of.trees, count)?, site.ints_of(of.nodes, count)?);
        let ids = site.ints_of(of.ids, count)?;
        let mut read = Vec::with_capacity(count);
        for (i, weight) in weights.into_iter().enumerate() {
            let (tree, node) = (trees[i], nodes[i]);
            let at = self.numbers.get(&(tree, node)).filter(|at| self.branches[**at].is_none());
            let at = *at.ok_or_else(|| {
                site.invalid(format!("a weight is of node {node} of tree {tree}, which is no leaf"))
            })?;
            read.push(Weight { node: at, target: site.below(of.ids, ids[i], targets)?, weight });
        }
        Ok(read)
    }

    /// The trees.
    pub(super) fn table(self, site: &Site<'_>) -> Result<Table> {
        // A node is a branch, or a leaf, of that number.
        let mut leaf_of = vec![None; self.branches.len()];
        let mut table = Table::default();
        let mut branch_of = vec![0; self.branches.len()];
        let mut led_to = vec![false; self.branches.len()];
        for (i, branch) in self.branches.iter().enumerate() {
            match branch {
                None => {
                    leaf_of[i] = Some(table.leaves.len());
                    table.leaves.push(Vec::new());
                }
                Some(branch) => {
                    branch_of[i] = table.branches.len();
                    table.branches.push(branch.clone());
                    for next in branch.next {
                        let (Next::Branch(to) | Next::Leaf(to)) = next;
                        led_to[to] = true;
                    }
                }
            }
        }
        let next = |node: usize| match leaf_of[node] {
            Some(leaf) => Next::Leaf(leaf),
            None => Next::Branch(branch_of[node]),
        };
        for branch in &mut table.branches {
            branch.next = branch.next.map(|(Next::Branch(to) | Next::Leaf(to))| next(to));
        }
        for Weight { node, target, weight } in &self.weights {
            if let Some(leaf) = leaf_of[*node] {
                table.leaves[leaf].push((*target, *weight));
            }
        }
        let mut trees = BTreeSet::new();
        for (i, (tree, number)) in self.names.iter().enumerate() {
            let first = trees.insert(*tree);
            if first == led_to[i] {
                let hint = format!(
                    "node {number} of tree {tree}: the first node of a tree must be its root, and no \
                     other be one"
                );
                return Err(site.unsupported(Some("nodes_treeids"), hint));
            }
            if first {
                table.roots.push(next(i));
            }
        }
        Ok(table)
    }
}

/// By node: what it asks; none for a leaf.
fn modes(site: &Site<'_>) -> Result<Vec<Option<Mode>>> {
    let names = site.ascii_list("nodes_modes", 16)?.unwrap_or_default();
    if names.is_empty() {
        return Err(site.invalid("`nodes_modes` is missing: there are no trees"));
    }
    let mode = |name: &&str| {
        Ok(Some(match *name {
            "LEAF" => return Ok(None),
            "BRANCH_LEQ" => Mode::Leq,
            "BRANCH_LT" => Mode::Lt,
            "BRANCH_GTE" => Mode::Gte,
            "BRANCH_GT" => Mode::Gt,
            "BRANCH_EQ" => Mode::Eq,
            "BRANCH_NEQ" => Mode::Neq,
            other => return Err(site.invalid(format!("`nodes_modes` has {other:?}"))),
        }))
    };
    names.iter().map(mode).collect()
}
