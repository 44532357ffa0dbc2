//! What is applied to scores `[N, C]` in the end.
//!
//! ```text
//! NONE      s                      SOFTMAX       softmax(s) of each row
//! LOGISTIC  1 / (1 + exp(-s))      SOFTMAX_ZERO  the softmax of what is not 0; 0 where it is
//! ```

use super::{Result, Site};
use crate::{
    ir::{Activation, ValueId},
    lower::softmax,
};

/// A transformation of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
}

impl Transform {
    /// The attribute `post_transform`, a name.
    pub(super) fn of(site: &Site<'_>) -> Result<Self> {
        let name = site.ascii_attribute("post_transform", 16)?;
        Ok(match name.as_deref().unwrap_or("NONE") {
            "NONE" => Self::None,
            "SOFTMAX" => Self::Softmax,
            "LOGISTIC" => Self::Logistic,
            "SOFTMAX_ZERO" => Self::SoftmaxZero,
            "PROBIT" => return Err(Self::probit(site)),
            other => return Err(site.invalid(format!("`post_transform` is {other:?}"))),
        })
    }

    /// The attribute `post_transform`, a number.
    pub(super) fn of_number(site: &Site<'_>) -> Result<Self> {
        Ok(match site.int_attribute("post_transform")?.unwrap_or(0) {
            0 => Self::None,
            1 => Self::Softmax,
            2 => Self::Logistic,
            3 => Self::SoftmaxZero,
            4 => return Err(Self::probit(site)),
            other => return Err(site.invalid(format!("`post_transform` is {other}"))),
        })
    }

    fn probit(site: &Site<'_>) -> super::Halt {
        site.unsupported(Some("post_transform"), "PROBIT is not supported")
    }

    /// Of scores `[N, C]`.
    pub(super) fn apply(self, site: &mut Site<'_>, scores: ValueId, part: &str) -> Result<ValueId> {
        match self {
            Self::None => Ok(scores),
            Self::Logistic => site.apply(Activation::Sigmoid, scores, part),
            Self::Softmax => softmax::normalised(site, (scores, None), 1, part),
            Self::SoftmaxZero => {
                let zero = site.apply(Activation::IsZero, scores, "is_zero")?;
                let keep = site.complement(zero, "keep")?;
                softmax::normalised(site, (scores, Some(keep)), 1, part)
            }
        }
    }
}
