//! The attributes of TreeEnsemble: branches and leaves in lists of their own, sets as elements up to a
//! NaN.

use super::{
    Result, Site,
    forest::{Branch, Mode, Next, Table},
};
use crate::onnx::Elements;

/// Reads the attributes; features and targets are below these.
pub(super) fn table(site: &mut Site<'_>, (features, targets): (usize, usize)) -> Result<Table> {
    let modes = modes(site)?;
    let count = modes.len();
    site.spend(count.saturating_mul(8))?;
    let feature = site.ints_of("nodes_featureids", count)?;
    let splits = required(site, "nodes_splits")?;
    site.expect_count("nodes_splits", splits.len(), count)?;
    let sides =
        [("nodes_truenodeids", "nodes_trueleafs"), ("nodes_falsenodeids", "nodes_falseleafs")];
    let mut next = Vec::with_capacity(2);
    let leaves = leaves(site, targets)?;
    for (ids, leafs) in sides {
        let (to, leaf) = (site.ints_of(ids, count)?, site.ints_of(leafs, count)?);
        let lead = |(to, leaf): (&i64, &i64)| match leaf {
            0 => Ok(Next::Branch(site.below(ids, *to, count)?)),
            1 => Ok(Next::Leaf(site.below(ids, *to, leaves.len())?)),
            other => Err(site.invalid(format!("`{leafs}` has {other}, expected 0 or 1"))),
        };
        next.push(to.iter().zip(&leaf).map(lead).collect::<Result<Vec<_>>>()?);
    }
    let mut sets = Sets::of(site)?;
    let mut branches = Vec::with_capacity(count);
    for (i, mode) in modes.into_iter().enumerate() {
        let values = match mode {
            Mode::Member => sets.take(site)?,
            _ => vec![splits[i]],
        };
        site.no_nan("nodes_splits", &values)?;
        let feature = site.below("nodes_featureids", feature[i], features)?;
        branches.push(Branch { feature, mode, values, next: [next[0][i], next[1][i]] });
    }
    if !sets.elements.is_empty() {
        return Err(site.invalid("`membership_values` has more sets than nodes ask for"));
    }
    let roots = site.ints_attribute("tree_roots")?.unwrap_or_default();
    let root = |root: &i64| {
        let branch = site.below("tree_roots", *root, branches.len())?;
        let Branch { next: [yes, no], .. } = branches[branch];
        // A tree of one leaf is a branch both sides of which lead to it.
        Ok(if yes == no && matches!(yes, Next::Leaf(_)) { yes } else { Next::Branch(branch) })
    };
    let roots = roots.iter().map(root).collect::<Result<Vec<_>>>()?;
    if roots.is_empty() {
        return Err(site.invalid("`tree_roots` is missing: there are no trees"));
    }
    Ok(Table { branches, leaves, roots })
}

fn leaves(site: &mut Site<'_>, targets: usize) -> Result<Vec<Vec<(usize, f64)>>> {
    let weights = required(site, "leaf_weights")?;
    site.no_nan("leaf_weights", &weights)?;
    let ids = site.ints_of("leaf_targetids", weights.len())?;
    let leaf = |(id, weight): (&i64, &f64)| {
        Ok(vec![(site.below("leaf_targetids", *id, targets)?, *weight)])
    };
    ids.iter().zip(&weights).map(leaf).collect()
}

fn required(site: &mut Site<'_>, name: &str) -> Result<Vec<f64>> {
    let list = site.number_list(name)?;
    list.ok_or_else(|| site.invalid(format!("`{name}` is missing")))
}

fn modes(site: &mut Site<'_>) -> Result<Vec<Mode>> {
    let tensor = site.tensor_attribute("nodes_modes")?;
    let tensor = tensor.ok_or_else(|| site.invalid("`nodes_modes` is missing"))?;
    let Elements::U8(codes) = &tensor.elements else {
        let got = tensor.elements.dtype();
        return Err(site.invalid(format!("`nodes_modes` is {got}, expected uint8")));
    };
    let mode = |code: &u8| {
        Ok(match code {
            0 => Mode::Leq,
            1 => Mode::Lt,
            2 => Mode::Gte,
            3 => Mode::Gt,
            4 => Mode::Eq,
            5 => Mode::Neq,
            6 => Mode::Member,
            other => return Err(site.invalid(format!("`nodes_modes` has {other}"))),
        })
    };
    codes.iter().map(mode).collect()
}

/// The sets of `membership_values`, in the order of the nodes that ask for them.
struct Sets {
    elements: std::collections::VecDeque<f64>,
}

impl Sets {
    fn of(site: &mut Site<'_>) -> Result<Self> {
        Ok(Self { elements: site.number_list("membership_values")?.unwrap_or_default().into() })
    }

    /// The next set, without the NaN that ends it.
    fn take(&mut self, site: &Site<'_>) -> Result<Vec<f64>> {
        let end = self.elements.iter().position(|v| v.is_nan());
        let end = end.ok_or_else(|| site.invalid("`membership_values` has too few sets"))?;
        let set = self.elements.drain(..end).collect();
        self.elements.pop_front();
        Ok(set)
    }
}
