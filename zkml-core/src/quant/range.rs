//! Integers that a tensor can hold: what max pools need to be exact.

use super::{
    QuantError,
    fuse::{Draft, DraftStep, Precision},
    scales::{Wanted, Width},
};
use crate::{
    ir::{Activation, Origin},
    program::{Bits, Scale, Table},
};
use std::collections::BTreeSet;

/// Least and greatest integer that later steps may read from a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: i64,
    greatest: i64,
}

impl Range {
    /// Of a tensor without function.
    pub(super) fn of_bits(bits: Bits) -> Self {
        Self { least: bits.min(), greatest: bits.max() }
    }

    /// Of the values of a function of arguments of `bits` bits.
    pub(super) fn of_function(
        f: &Activation,
        bits: Bits,
        (x, y): (i32, i32),
        origin: &Origin,
    ) -> Result<Self, QuantError> {
        let table = Table::narrow(f, bits.range(), 0, Scale(x), Scale(y))
            .map_err(|source| QuantError::Table { origin: origin.clone(), source })?;
        let (least, greatest) = table.extremes();
        Ok(Self { least, greatest })
    }

    /// With the 0 that a hole reads.
    pub(super) fn with_holes(self, holes: bool) -> Self {
        if !holes {
            return self;
        }
        Self { least: self.least.min(0), greatest: self.greatest.max(0) }
    }

    /// The narrowest width from `from` up that holds the range.
    pub(super) fn width(self, from: Bits) -> Bits {
        let holds = |bits: &Bits| bits.contains(self.least) && bits.contains(self.greatest);
        (from.get()..=Bits::MAX).filter_map(Bits::new).find(holds).unwrap_or(from)
    }

    /// The narrowest width from `from` up that holds every difference of two values: `from` itself
    /// when no value is negative and all have one bit less.
    pub(super) fn width_of_differences(
        self,
        from: Bits,
        origin: &Origin,
    ) -> Result<Bits, QuantError> {
        let span = self.greatest - self.least;
        let holds = |bits: &Bits| bits.contains(span);
        (from.get()..=Bits::MAX).filter_map(Bits::new).find(holds).ok_or_else(|| {
            QuantError::Unsupported {
                origin: origin.clone(),
                what: format!(
                    "maximum of integers from {} to {}, whose differences exceed {} bits; give \
                     the operand fewer bits",
                    self.least,
                    self.greatest,
                    Bits::MAX
                ),
            }
        })
    }
}

/// Leaves room for differences in the operands of max pools: 15 bits for signed integers, 14 for a
/// function of either sign (its greatest value may be a power of two). A width by hand stays.
pub(super) fn limit_pooled(drafts: &[Draft], mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    let operand = |draft: &Draft| match draft.precision {
        Precision::Difference(least) => Some(least.tensor.0),
        _ => None,
    };
    for id in drafts.iter().filter_map(operand).collect::<BTreeSet<_>>() {
        let limit = match &drafts[id].step {
            DraftStep::Linear(_, Some(f)) if is_nonnegative(f) => Bits::MAX,
            DraftStep::Linear(_, Some(_)) => 14,
            _ => 15,
        };
        if let (Width::Default, Some(limit)) = (wanted[id].width, Bits::new(limit))
            && wanted[id].bits > limit
        {
            wanted[id] = wanted[id].with_bits(limit);
        }
    }
    wanted
}

fn is_nonnegative(f: &Activation) -> bool {
    match f {
        Activation::Relu
        | Activation::Sigmoid
        | Activation::Softplus
        | Activation::HardSigmoid { .. } => true,
        Activation::Clip { min, max } => *min >= 0.0 && *max >= 0.0,
        _ => false,
    }
}
