//! Scales beside the whole numbers of a quantised model.

use super::Choice;
use crate::quant::{
    form::{Form, FormTerm},
    function::is_quantizing,
    fuse::{Draft, DraftStep},
};

/// By draft, whether it has no function of its own but is read by one that rounds to the whole numbers
/// of a quantised model, or is a sum of multiples of such numbers.
pub(super) fn beside_quantized(drafts: &[Draft]) -> Vec<bool> {
    let quantizing = |draft: &Draft| draft.function().is_some_and(is_quantizing);
    let mut fine = vec![false; drafts.len()];
    for (id, draft) in drafts.iter().enumerate() {
        let DraftStep::Linear(form, _) = &draft.step else { continue };
        if quantizing(draft) {
            form.terms.iter().flat_map(|term| term.views()).for_each(|v| fine[v.tensor.0] = true);
        }
        let multiple = |term: &FormTerm| match term {
            FormTerm::Scale { view, .. } => quantizing(&drafts[view.tensor.0]),
            _ => false,
        };
        fine[id] |= !form.terms.is_empty() && form.terms.iter().all(multiple);
    }
    fine
}

/// The coarsest scale, of `EXACT` bits at most, at which a form is a whole number of units.
pub(super) fn exact_form(form: &Form, choices: &[Choice]) -> Option<i32> {
    if !form.floors.is_empty() {
        return None;
    }
    let scale_of = |term: &FormTerm| term.views().map(|view| choices[view.tensor.0].y).sum::<i32>();
    let whole = |constants: &[f64], scale: i32| {
        constants.iter().all(|c| {
            let units = libm::ldexp(*c, scale);
            // Scales of a model are floats, and so quotients of equal ones close to 1.
            (units - libm::rint(units)).abs() <= 1e-9 * units.abs()
        })
    };
    (0..=EXACT).find(|scale| {
        whole(&form.bias, *scale)
            && form.terms.iter().all(|term| whole(term.constants(), scale - scale_of(term)))
    })
}

/// Bits after the point that an exact argument of a rounding may have.
const EXACT: i32 = 5;
