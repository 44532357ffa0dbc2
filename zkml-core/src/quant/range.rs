//! Integers that a tensor can hold: what exact differences, sums and masks need.

use super::{
    QuantError, Settings,
    comparison::{is_comparison, multiples},
    form::FormTerm,
    function::Function,
    fuse::{Draft, DraftStep, Precision},
    scales::Wanted,
};
use crate::{
    ir::{Activation, Origin},
    program::{Bits, Table, TensorId},
};
use std::collections::BTreeSet;

/// Least and greatest integer that later steps may read from a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: i64,
    pub(super) greatest: i64,
    /// The least of what a mask keeps.
    pub(super) live: i64,
}

impl Range {
    /// From `least` to `greatest`.
    pub(super) fn new(least: i64, greatest: i64) -> Self {
        Self { least, greatest, live: least }
    }

    /// Of a tensor without function.
    pub(super) fn of_bits(bits: Bits) -> Self {
        Self::new(bits.min(), bits.max())
    }

    /// From 0 up.
    pub(super) fn up_to(greatest: i64) -> Self {
        Self::new(0, greatest)
    }

    /// Of the values of a table.
    pub(super) fn of_table(table: &Table) -> Self {
        let (least, greatest) = table.extremes();
        Self::new(least, greatest)
    }

    /// With one more value, which is not live.
    pub(super) fn with(self, value: i64) -> Self {
        Self { least: self.least.min(value), greatest: self.greatest.max(value), ..self }
    }

    /// Of what a mask keeps.
    pub(super) fn live(self) -> Self {
        Self::new(self.live, self.greatest)
    }

    /// The greatest difference.
    pub(super) fn span(self) -> i64 {
        self.greatest - self.least
    }

    /// Of `a + b` and `a - b`.
    pub(super) fn sums_and_differences(self, other: Self) -> Self {
        let most = other.greatest.max(-other.least);
        let least = (-other.greatest).min(other.least);
        Self::new(self.least + least, self.greatest + most)
    }

    /// With the 0 that a hole reads.
    pub(super) fn with_holes(self, holes: bool) -> Self {
        if !holes {
            return self;
        }
        let Self { least, greatest, live } = self;
        Self { least: least.min(0), greatest: greatest.max(0), live: live.min(0) }
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
        let span = self.span();
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

/// Leaves room in the operands of what needs some: the differences of max pools, softmaxes and
/// comparisons, the sums of products by squares, the lift of masks, the whole table of embeddings.
///
/// 15 bits for signed integers, 14 for a function of either sign (its greatest value may be a power
/// of two) and for a masked tensor. A width by hand stays.
pub(super) fn limit_operands(
    drafts: &[Draft],
    mut wanted: Vec<Wanted>,
    settings: &Settings,
) -> Vec<Wanted> {
    let mut operands = BTreeSet::new();
    for (id, draft) in drafts.iter().enumerate() {
        match draft.precision {
            Precision::Difference(least) | Precision::Contest(least) => {
                operands.insert(least.tensor.0);
            }
            Precision::Distance(least) => {
                let finest = i32::from(settings.function_bits()) - EXPONENT;
                wanted[least.tensor.0].coarsen(finest);
            }
            Precision::Units(left, right) => {
                for TensorId(id) in [left, right] {
                    let function = drafts[id].function();
                    wanted[id].leave_room(if function.is_some() { 14 } else { 15 });
                }
            }
            Precision::Whole => hold_ids(drafts, draft, &mut wanted),
            Precision::Own | Precision::Maximum(_) | Precision::Winner { .. } => (),
        }
        if let DraftStep::Linear(form, Some(Function::Of(f))) = &draft.step
            && is_comparison(f)
            && let Some(terms) = multiples(form)
        {
            operands.extend(terms.iter().map(|(view, _)| view.tensor.0));
        }
        if let Some(Function::Mask { dropped, .. }) = draft.function() {
            wanted[id].leave_room(MASKED);
            wanted[id].hold(*dropped);
        }
    }
    for id in operands {
        match drafts[id].function() {
            Some(Function::Mask { .. }) => (),
            Some(f) if is_nonnegative(f) => (),
            Some(_) => wanted[id].leave_room(14),
            None => wanted[id].leave_room(15),
        }
    }
    wanted
}

/// Bits that the exponent of a softmax has less after the point than arguments of functions have in
/// all: weights are then as precise as those.
const EXPONENT: i32 = 4;

/// Widest masked tensor: its live values, as many that are not, and differences of 16 bits.
const MASKED: u8 = 14;

/// Ids of the whole table of an embedding.
fn hold_ids(drafts: &[Draft], draft: &Draft, wanted: &mut [Wanted]) {
    if let DraftStep::Linear(form, Some(Function::OneHot { rows })) = &draft.step {
        for view in form.terms.iter().flat_map(FormTerm::views) {
            let id = view.tensor.0;
            if matches!(drafts[id].step, DraftStep::Input(_)) {
                wanted[id].hold_whole(*rows as i64 - 1);
            }
        }
    }
}

fn is_nonnegative(function: &Function) -> bool {
    match function {
        Function::Decay | Function::OneHot { .. } | Function::Square => true,
        Function::Mask { .. } => false,
        Function::Of(f) => match f {
            Activation::Relu
            | Activation::Sigmoid
            | Activation::Softplus
            | Activation::HardSigmoid { .. } => true,
            Activation::Clip { min, max } => *min >= 0.0 && *max >= 0.0,
            _ => false,
        },
    }
}
