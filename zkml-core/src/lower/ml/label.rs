//! The label of a classifier: the class of the greatest score, the first of equals.
//!
//! ```text
//! [lead_j - j + 1 > 0]     class j is it if none stands before it: leads as in `contests`
//! ```
//!
//! Scores are compared as they are quantised, whatever is applied to them afterwards: what is, never
//! changes their order.

use super::{Result, Site};
use crate::{
    ir::{Activation, Op, ValueId},
    lower::{
        contests::{self, Contests},
        kind::Kind,
        plane::filled,
    },
};

/// Labels of classes.
#[derive(Clone, Debug)]
pub(super) enum Classes {
    Numbers(Vec<i64>),
    /// So many strings.
    Strings(usize),
}

/// Labels are numbers of the program, 16 bits.
const LARGEST: u64 = i16::MAX as u64;

impl Classes {
    /// The labels of a classifier, by attributes of these names, one of which is given.
    pub(super) fn of(site: &Site<'_>, numbers: &str, strings: &str) -> Result<Self> {
        let list = site.ints_attribute(numbers)?.filter(|list| !list.is_empty());
        let count = site.strings_count(strings)?.filter(|count| *count > 0);
        match (list, count) {
            (Some(list), None) => Ok(Self::Numbers(list)),
            (None, Some(count)) => Ok(Self::Strings(count)),
            (Some(_), Some(_)) => {
                Err(site.invalid(format!("`{numbers}` and `{strings}` are both given")))
            }
            (None, None) => Err(site.invalid(format!("`{numbers}` and `{strings}` are missing"))),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(list) => list.len(),
            Self::Strings(count) => *count,
        }
    }

    /// The numbers, if an output depends on the label; an error if it does and they are strings, or
    /// too large.
    pub(super) fn wanted(&self, site: &Site<'_>) -> Result<Option<&[i64]>> {
        if !site.is_live(0) {
            return Ok(None);
        }
        let label = &site.node.outputs[0];
        let Self::Numbers(list) = self else {
            let scores = site.node.outputs.get(1).map_or("", String::as_str);
            let hint = format!(
                "labels that are strings cannot be proven; drop the output `{label}` and what \
                 reads it (onnx.utils.extract_model with the output `{scores}` alone), or train \
                 with numbers for classes"
            );
            return Err(site.unsupported(Some(label), hint));
        };
        match list.iter().find(|v| v.unsigned_abs() > LARGEST) {
            Some(large) => {
                let hint = format!("label {large} has more than 16 bits");
                Err(site.unsupported(Some(label), hint))
            }
            None => Ok(Some(list)),
        }
    }
}

/// The label of the greatest of the scores `[N, C]`, C at least 2: `[N]`.
pub(super) fn top(site: &mut Site<'_>, scores: ValueId, labels: &[i64]) -> Result<ValueId> {
    let count = labels.len();
    let contests = Contests::of(site, scores, true)?;
    if let [first, second] = labels {
        return chosen(site, contests.won, (*first, *second));
    }
    let lead = contests.lead(site)?;
    let needed = contests::positions(site, count)?;
    // By IsPositive, the table that is there already.
    let ahead = site.push(Op::Sub, vec![lead, needed], "ahead")?;
    let ahead = site.plus(ahead, 1.0, "won")?;
    let top = site.apply(Activation::IsPositive, ahead, "top")?;
    let labels = filled(site, vec![count, 1], |class| labels[class] as f32)?;
    let labels = site.own_constant("labels", labels)?;
    let label = site.push(Op::MatMul, vec![top, labels], "label")?;
    finish(site, label)
}

/// The second label where `second`, `[N, 1]`, is 1, the first where it is 0: `[N]`.
pub(super) fn chosen(site: &mut Site<'_>, second: ValueId, labels: (i64, i64)) -> Result<ValueId> {
    // Both have 16 bits.
    let (first, last) = (labels.0 as f32, labels.1 as f32);
    let step = site.times(second, last - first, "step")?;
    let label = site.plus(step, first, "label")?;
    finish(site, label)
}

fn finish(site: &mut Site<'_>, label: ValueId) -> Result<ValueId> {
    let rows = site.dims(label)[0];
    let label = site.reshape(label, vec![rows], "")?;
    site.canvas.set_kind(label, Kind::Int);
    Ok(label)
}
