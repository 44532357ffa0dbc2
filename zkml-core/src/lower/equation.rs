//! The equation of an Einsum: one label for each axis of each operand and of the result.
//!
//! `...` stands for the axes that the letters leave, aligned at the right; it becomes labels of its
//! own. Without `->` the result has `...` and then the letters that occur once, in alphabetical order.

use std::collections::BTreeMap;

/// An axis: a letter, or one of those that `...` stands for, counted from the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// Labels of the operands and of the result, and the size of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Equation {
    pub(super) operands: Vec<Vec<Label>>,
    pub(super) result: Vec<Label>,
    /// 1 only if the axis is of size 1 in all operands.
    pub(super) sizes: BTreeMap<Label, usize>,
}

/// What is wrong with an equation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no equation for these shapes.
    Invalid(String),
    /// It has a meaning, but not here.
    Unsupported(String),
}

impl Equation {
    /// Bytes of the longest equation read.
    pub(super) const LONGEST: usize = 1 << 12;

    /// Reads `text` for operands of these shapes.
    pub(super) fn parse(text: &str, shapes: &[&[usize]]) -> Result<Self, Fault> {
        if text.len() > Self::LONGEST {
            return Err(Fault::Invalid(format!("it is longer than {} bytes", Self::LONGEST)));
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (text.as_str(), None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != shapes.len() {
            let (terms, got) = (terms.len(), shapes.len());
            return Err(Fault::Invalid(format!("it has {terms} operands, the node has {got}")));
        }
        let mut sizes: BTreeMap<Label, usize> = BTreeMap::new();
        let mut operands = Vec::with_capacity(terms.len());
        for (term, shape) in terms.iter().zip(shapes) {
            let term = Term::parse(term)?;
            let labels = term.labels(shape.len())?;
            check_repeats(&labels)?;
            for (label, size) in labels.iter().zip(*shape) {
                let known = sizes.entry(*label).or_insert(*size);
                if *known == 1 {
                    *known = *size;
                }
                if *size != 1 && *known != *size {
                    let what = format!("{label:?} has sizes {known} and {size}");
                    return Err(Fault::Invalid(what));
                }
            }
            operands.push(labels);
        }
        let result = match right {
            Some(right) => {
                let term = Term::parse(right)?;
                let width = ellipsis_width(&sizes);
                let axes = term.letters() + if term.ellipsis.is_some() { width } else { 0 };
                term.labels(axes)?
            }
            None => implicit(&operands, &sizes),
        };
        if let Some(label) = result.iter().find(|label| !sizes.contains_key(label)) {
            return Err(Fault::Invalid(format!("{label:?} of the result is in no operand")));
        }
        let mut sorted = result.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Fault::Invalid("a letter is twice in the result".into()));
        }
        Ok(Self { operands, result, sizes })
    }
}

fn ellipsis_width(sizes: &BTreeMap<Label, usize>) -> usize {
    sizes.keys().filter(|label| matches!(label, Label::Ellipsis(_))).count()
}

fn implicit(operands: &[Vec<Label>], sizes: &BTreeMap<Label, usize>) -> Vec<Label> {
    let mut counts: BTreeMap<Label, usize> = BTreeMap::new();
    for label in operands.iter().flatten() {
        *counts.entry(*label).or_default() += 1;
    }
    let ellipsis = (0..ellipsis_width(sizes)).rev().map(Label::Ellipsis);
    let once =
        counts.iter().filter(|(label, count)| matches!(label, Label::Letter(_)) && **count == 1);
    ellipsis.chain(once.map(|(label, _)| *label)).collect()
}

fn check_repeats(labels: &[Label]) -> Result<(), Fault> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let what =
                format!("{:?} is twice in one operand: diagonals are not supported", pair[0]);
            Err(Fault::Unsupported(what))
        }
        None => Ok(()),
    }
}

/// Letters before and after `...`.
struct Term {
    before: Vec<char>,
    /// `None` without `...`.
    ellipsis: Option<Vec<char>>,
}

impl Term {
    fn parse(text: &str) -> Result<Self, Fault> {
        let letters = |text: &str| match text.chars().find(|c| !c.is_ascii_alphabetic()) {
            Some(other) => Err(Fault::Invalid(format!("{other:?} is no letter"))),
            None => Ok(text.chars().collect::<Vec<_>>()),
        };
        match text.split_once("...") {
            Some((before, after)) => {
                Ok(Self { before: letters(before)?, ellipsis: Some(letters(after)?) })
            }
            None => Ok(Self { before: letters(text)?, ellipsis: None }),
        }
    }

    fn letters(&self) -> usize {
        self.before.len() + self.ellipsis.as_ref().map_or(0, Vec::len)
    }

    /// The labels of `rank` axes.
    fn labels(&self, rank: usize) -> Result<Vec<Label>, Fault> {
        let rest = rank.checked_sub(self.letters()).filter(|n| self.ellipsis.is_some() || *n == 0);
        let rest = rest
            .ok_or_else(|| Fault::Invalid(format!("{} letters for {rank} axes", self.letters())))?;
        let letter = |c: &char| Label::Letter(*c);
        let after = self.ellipsis.as_deref().unwrap_or_default();
        Ok(self
            .before
            .iter()
            .map(letter)
            .chain((0..rest).rev().map(Label::Ellipsis))
            .chain(after.iter().map(letter))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Vec<Label> {
        text.chars().map(Label::Letter).collect()
    }

    #[test]
    fn letters_ellipses_and_implicit_results() {
        let e = Equation::parse(" bij, bjk -> bik", &[&[2, 3, 4], &[1, 4, 5]]).expect("valid");
        assert_eq!(e.operands, [letters("bij"), letters("bjk")]);
        assert_eq!(e.result, letters("bik"));
        assert_eq!(e.sizes[&Label::Letter('b')], 2);
        let e = Equation::parse("...ij,jk", &[&[7, 2, 3], &[3, 4]]).expect("valid");
        assert_eq!(e.result, [vec![Label::Ellipsis(0)], letters("ik")].concat());
        assert_eq!(Equation::parse("ba", &[&[2, 3]]).expect("valid").result, letters("ab"));
    }

    #[test]
    fn what_is_no_equation() {
        for (text, shapes) in [
            ("ij,jk->ik", &[&[2, 3][..]][..]),
            ("ij->ik", &[&[2, 3]]),
            ("ij->ii", &[&[2, 3]]),
            ("i->i", &[&[2, 3]]),
            ("ij,jk->ik", &[&[2, 3], &[4, 5]]),
            ("i1->i", &[&[2, 3]]),
            ("i...j...->i", &[&[2, 3]]),
            ("i.j->i", &[&[2, 3]]),
            ("ij->i->j", &[&[2, 3]]),
        ] {
            assert!(matches!(Equation::parse(text, shapes), Err(Fault::Invalid(_))), "{text}");
        }
        let long = "i".repeat(Equation::LONGEST + 1);
        assert!(matches!(Equation::parse(&long, &[&[1]]), Err(Fault::Invalid(_))));
        let twice = Equation::parse("ii->i", &[&[2, 2]]);
        assert!(matches!(twice, Err(Fault::Unsupported(_))));
    }
}
