//! Trees as what each leaf asks of the features.
//!
//! A node asks a question: whether one of some columns holds, of which no two hold together. `x <= t`,
//! `x < t` and `x = t` are columns; `x > t` is "not `x <= t`", `x >= t` is "not `x < t`"; membership in
//! a set is one column for each element. A leaf is reached if every question on the way to it has the
//! answer that leads there. Questions asked twice on a way count once; a leaf whose way would need both
//! answers is never reached and is left out. Equal questions of all trees are one.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Result, Site,
    threshold::{Column, Test},
};

/// What a branch asks of its feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Leq,
    Lt,
    Gte,
    Gt,
    Eq,
    Neq,
    /// Whether it is one of a set.
    Member,
}

/// Where a branch leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// To a branch of the table.
    Branch(usize),
    /// To a leaf of the table.
    Leaf(usize),
}

/// A branch as the file has it.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) feature: usize,
    pub(super) mode: Mode,
    /// The threshold, or the elements of the set; no NaN.
    pub(super) values: Vec<f64>,
    /// Where yes and no lead.
    pub(super) next: [Next; 2],
}

/// Trees as the file has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) branches: Vec<Branch>,
    /// By leaf: weights of targets.
    pub(super) leaves: Vec<Vec<(usize, f64)>>,
    pub(super) roots: Vec<Next>,
}

/// A leaf that can be reached.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Questions on the way and their answers.
    pub(super) path: Vec<(usize, bool)>,
    pub(super) weights: Vec<(usize, f64)>,
}

/// Trees with their questions.
#[derive(Clone, Debug)]
pub(super) struct Forest {
    /// Ascending.
    pub(super) columns: Vec<Column>,
    /// By question: its columns.
    pub(super) questions: Vec<Vec<usize>>,
    pub(super) trees: Vec<Vec<Leaf>>,
}

impl Table {
    /// Follows every way from every root.
    pub(super) fn walk(self, site: &mut Site<'_>) -> Result<Forest> {
        let asked: Vec<(Vec<Column>, bool)> = self.branches.iter().map(Branch::question).collect();
        let columns: BTreeSet<Column> = asked.iter().flat_map(|(c, _)| c.iter().copied()).collect();
        let number: BTreeMap<Column, usize> = columns.iter().copied().zip(0..).collect();
        let mut questions: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut asked_by = Vec::with_capacity(asked.len());
        for (columns, negated) in asked {
            site.spend(columns.len() + 1)?;
            let columns: Vec<usize> = columns.iter().map(|column| number[column]).collect();
            let next = questions.len();
            asked_by.push((*questions.entry(columns).or_insert(next), negated));
        }
        let mut by_number = vec![Vec::new(); questions.len()];
        for (columns, question) in questions {
            by_number[question] = columns;
        }
        let mut seen = vec![false; self.branches.len()];
        let trees = self.roots.iter().map(|root| self.tree(site, *root, &asked_by, &mut seen));
        let trees = trees.collect::<Result<Vec<_>>>()?;
        Ok(Forest { columns: columns.into_iter().collect(), questions: by_number, trees })
    }

    fn tree(
        &self,
        site: &mut Site<'_>,
        root: Next,
        asked_by: &[(usize, bool)],
        seen: &mut [bool],
    ) -> Result<Vec<Leaf>> {
        let mut leaves = Vec::new();
        let mut open: Vec<(Next, Vec<(usize, bool)>)> = vec![(root, Vec::new())];
        while let Some((next, path)) = open.pop() {
            site.spend(path.len() + 1)?;
            let branch = match next {
                Next::Leaf(leaf) => {
                    leaves.push(Leaf { path, weights: self.leaves[leaf].clone() });
                    continue;
                }
                Next::Branch(branch) => branch,
            };
            if std::mem::replace(&mut seen[branch], true) {
                return Err(site.invalid("a node of a tree is reached in two ways"));
            }
            let (question, negated) = asked_by[branch];
            let known =
                path.iter().find(|(asked, _)| *asked == question).map(|(_, answer)| *answer);
            // The first that is met is the last that is pushed: "yes" before "no".
            for (i, next) in self.branches[branch].next.into_iter().enumerate().rev() {
                let answer = (i == 0) != negated;
                match known {
                    Some(known) if known != answer => (),
                    Some(_) => open.push((next, path.clone())),
                    None => open.push((next, [path.as_slice(), &[(question, answer)]].concat())),
                }
            }
        }
        Ok(leaves)
    }
}

impl Branch {
    /// The columns of its question, and whether its yes is a no.
    fn question(&self) -> (Vec<Column>, bool) {
        let (test, negated) = match self.mode {
            Mode::Leq => (Test::AtMost, false),
            Mode::Gt => (Test::AtMost, true),
            Mode::Lt => (Test::Below, false),
            Mode::Gte => (Test::Below, true),
            Mode::Eq | Mode::Member => (Test::Equal, false),
            Mode::Neq => (Test::Equal, true),
        };
        let columns = self.values.iter().filter_map(|t| Column::new(test, self.feature, *t));
        let columns: BTreeSet<Column> = columns.collect();
        (columns.into_iter().collect(), negated)
    }
}
