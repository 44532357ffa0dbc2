//! Quantised models: functions that round to whole numbers, and multiples of these.
//!
//! ```text
//! Quantize(tensor)     ->  a table of it
//! Quantize(form)       ->  form / scale, counted in steps; a table clips
//! (q - zero) scale     ->  never stored: whatever reads it reads q
//! ```
//!
//! In the second the weights absorb the factor `1 / scale`, the shift rounds, and functions with the same
//! zero point and type have one table whatever their scales. The third keeps what is exact exact.

use super::Fuser;
use crate::{
    ir::{Activation, Node},
    program::View,
    quant::{
        QuantError,
        form::{FormTerm, Pending},
        function::{Function, is_quantizing},
    },
};

impl Fuser<'_> {
    /// A function of each element.
    pub(super) fn function(&mut self, node: &Node, f: &Activation) -> Result<View, QuantError> {
        let pending = self.pending(node.inputs[0], &node.origin);
        let (pending, f, unit) = match *f {
            Activation::Quantize { scale, zero, min, max } if pending.as_view().is_none() => {
                let unit = f64::from(scale);
                let steps = pending.multiply(&[1.0 / unit]);
                let steps = steps.expect("every term absorbs one factor for all elements");
                (steps, Activation::Quantize { scale: 1.0, zero, min, max }, Some(unit))
            }
            ref other => (pending, other.clone(), None),
        };
        let ids = (node.inputs[0], node.output);
        let view = self.store(pending, ids, Some(Function::Of(f)), &node.origin)?;
        self.drafts[view.tensor.0].unit = unit;
        Ok(view)
    }

    /// Whether a value is a multiple of whole numbers that a function has rounded to, and a constant.
    pub(super) fn is_dequantized(&self, pending: &Pending) -> bool {
        let quantized = |view: &View| matches!(self.drafts[view.tensor.0].function(), Some(f) if is_quantizing(f));
        match pending.form.terms.as_slice() {
            [FormTerm::Scale { view, .. }] => quantized(view) && pending.form.floors.is_empty(),
            _ => false,
        }
    }
}
