//! What is chosen for a stored tensor.

use crate::{
    program::Bits,
    quant::{QuantError, comparison::Comparison, function::Lookup, fuse::Draft, range::Range},
};

/// Encoding of one stored tensor.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Choice {
    pub(in crate::quant) bits: Bits,
    /// Scale of `x`.
    pub(in crate::quant) x: i32,
    /// Scale of what later steps read.
    pub(in crate::quant) y: i32,
    /// Re-quantisation shift; the accumulator has scale `x + shift`.
    pub(in crate::quant) shift: u8,
    /// Integers that later steps may read.
    pub(in crate::quant) range: Range,
    /// Units of `x` that a [`crate::quant::form::Unit::Lift`] is.
    pub(in crate::quant) lift: i64,
    /// The table, if there is one.
    pub(in crate::quant) lookup: Option<Lookup>,
    /// What the table is of, if it compares integers.
    pub(in crate::quant) comparison: Option<Comparison>,
}

impl Choice {
    /// The same arguments, values at scale `y`.
    pub(super) fn with_values(self, y: i32) -> Self {
        Self { y, lookup: self.lookup.map(|lookup| lookup.with_values(y)), ..self }
    }

    /// Without shift or table, at one scale.
    pub(super) fn unshifted(bits: Bits, scale: i32) -> Self {
        let range = Range::of_bits(bits);
        let (lookup, comparison) = (None, None);
        Self { bits, x: scale, y: scale, shift: 0, range, lift: 0, lookup, comparison }
    }
}

/// The choice for a table of the arguments from `first` to `last`, `lift` added to each.
pub(super) fn looked_up(
    draft: &Draft,
    (x, y): (i32, i32),
    (first, last): (i64, i64),
    lift: i64,
) -> Result<Choice, QuantError> {
    let unsupported = || QuantError::Unsupported {
        origin: draft.origin.clone(),
        what: format!(
            "integers from {first} to {last} as arguments of a table, which exceed {} bits; give the \
             operands fewer bits",
            Bits::MAX
        ),
    };
    let end = |end: i64| i32::try_from(end).map_err(|_| unsupported());
    let domain = end(first)?..=end(last)?;
    let lookup = Lookup { domain, lift, from: x, to: y, live: first };
    let bits = lookup.bits(1).ok_or_else(unsupported)?;
    let choice = Choice::unshifted(bits, x);
    Ok(Choice { y, lift, lookup: Some(lookup), ..choice })
}
