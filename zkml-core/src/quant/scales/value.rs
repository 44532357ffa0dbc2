//! Scales of the values of functions.

use super::{Chosen, Context, Wanted, finest, slack::constant_scale};
use crate::{
    ir::Activation,
    program::{Bits, Program, Scale, TensorId},
    quant::{
        TensorSettings,
        form::FormTerm,
        function::{Dropped, is_singular, is_square},
        fuse::{Draft, DraftStep, Precision},
    },
};
use std::ops::RangeInclusive;

/// Which terms read each tensor.
pub(super) struct Readers<'g> {
    /// By tensor: the scale that the reader wants of its `x`, and the term.
    terms: Vec<Vec<(i32, &'g FormTerm)>>,
    /// By tensor: the scale that it wants itself.
    wanted: Vec<i32>,
}

impl<'g> Readers<'g> {
    pub(super) fn new(drafts: &'g [Draft], wanted: &[Wanted]) -> Self {
        let mut terms: Vec<Vec<(i32, &FormTerm)>> = vec![Vec::new(); drafts.len()];
        for (draft, wanted) in drafts.iter().zip(wanted) {
            let DraftStep::Linear(form, _) = &draft.step else { continue };
            if draft.precision != Precision::Own {
                continue;
            }
            for term in &form.terms {
                for view in term.views() {
                    terms[view.tensor.0].push((wanted.x, term));
                }
            }
        }
        Self { terms, wanted: wanted.iter().map(|wanted| wanted.x).collect() }
    }
}

/// Scale of the values of `f`, whose arguments have the scale of `wanted`.
pub(super) fn scale(
    f: &Activation,
    id: TensorId,
    draft: &Draft,
    (wanted, domain): (&Wanted, &RangeInclusive<i32>),
    chosen: &Chosen,
    context: &Context<'_>,
) -> i32 {
    let settings: Option<&TensorSettings> =
        context.settings.tensors.get(context.keys.of(draft.y));
    if let Some(scale) = settings.and_then(|tensor| tensor.scale) {
        return scale;
    }
    if context.graph.get(draft.y).integer {
        return 0;
    }
    if is_square(f) {
        return (2 * wanted.x).min(limit(id, context.settings.max_shift, chosen, context));
    }
    let unit = Scale(wanted.x).unit();
    let value = |v: i32| f.eval(f64::from(v) * unit).abs();
    let largest = domain.clone().map(value).fold(0.0, f64::max);
    let singular = is_singular(f);
    let bits = if singular { Bits::WIDEST } else { wanted.bits };
    let room = libm::ldexp(1.0, i32::from(bits.get()) - 1).min(f64::from(i16::MAX));
    let fits = |scale: i32| libm::floor(libm::ldexp(largest, scale) + 0.5) <= room;
    if singular {
        let least = finest(|scale| libm::ldexp(largest, scale) <= wanted.bits.max() as f64);
        let limit = limit(id, context.settings.max_shift, chosen, context);
        return finest(fits).min(limit.max(least));
    }
    let bounded = matches!(
        f,
        Activation::Sigmoid
            | Activation::Tanh
            | Activation::Erf
            | Activation::HardSigmoid { .. }
            | Activation::Softsign
            | Activation::Sin
            | Activation::Cos
    );
    if bounded {
        finest(fits).min(i32::from(Bits::MAX))
    } else {
        // No finer than the argument where the function is steep: its values are no more precise.
        finest(fits).min(wanted.x)
    }
}

/// Scale of exponentials up to 1.
pub(super) fn decay_scale(id: TensorId, chosen: &Chosen, context: &Context<'_>) -> i32 {
    let least = i32::from(context.settings.default_bits).min(Dropped::FINEST);
    let limit = limit(id, context.settings.max_shift, chosen, context);
    Dropped::FINEST.min(limit.max(least))
}

/// The finest scale of a tensor that no product of activations is too fine for, whatever its shift.
pub(super) fn hard_limit(id: TensorId, chosen: &Chosen, context: &Context<'_>) -> i32 {
    let terms = context.readers.terms[id.0].iter();
    let products = terms.filter(|(_, term)| matches!(term, FormTerm::Product { .. }));
    let limits = products.map(|(x, term)| {
        limit_of_term(id, *x + i32::from(Program::MAX_SHIFT), term, chosen, context)
    });
    limits.min().unwrap_or(super::EXTREME)
}

/// The finest scale of a tensor of which its readers have any use: that at which a shift of `shift`
/// leaves their constants as precise as asked for.
fn limit(id: TensorId, shift: u8, chosen: &Chosen, context: &Context<'_>) -> i32 {
    let shift = i32::from(shift.min(Program::MAX_SHIFT));
    let terms = context.readers.terms[id.0].iter();
    let limits = terms.map(|(x, term)| limit_of_term(id, *x + shift, term, chosen, context));
    limits.min().unwrap_or(super::EXTREME)
}

fn limit_of_term(
    id: TensorId,
    accumulator: i32,
    term: &FormTerm,
    chosen: &Chosen,
    context: &Context<'_>,
) -> i32 {
    let rest = accumulator - constant_scale(term, context.settings);
    let FormTerm::Product { left, right, .. } = term else { return rest };
    let other = if left.tensor == id { right.tensor } else { left.tensor };
    if other == id {
        return rest.div_euclid(2);
    }
    // What is not yet chosen will be no finer than it wants to be, unless a function gives it.
    rest - chosen.choices.get(other.0).map_or(context.readers.wanted[other.0], |choice| choice.y)
}
