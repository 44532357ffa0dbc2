//! Scales of the values of functions.

use super::{Chosen, Context, EXTREME, Wanted, finest, slack::reserved_scale};
use crate::{
    ir::Activation,
    program::{Bits, Program, Scale, TensorId},
    quant::{
        Settings, TensorSettings,
        function::{Dropped, has_domain, is_square},
        fuse::{Draft, DraftStep, Precision},
    },
};

/// How tensors are read.
pub(super) struct Readers {
    /// By tensor.
    readings: Vec<Vec<Reading>>,
    /// By tensor: whether sums or differences of its integers are stored, which have 16 bits.
    exact: Vec<bool>,
    /// By tensor: the scale at which what is read of it has the default width.
    wanted: Vec<i32>,
}

/// A term that reads a tensor.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// The scale that its result wants.
    result: i32,
    /// The scale that its constants need.
    constants: i32,
    /// The other tensor, if it is a product of two.
    other: Option<TensorId>,
}

impl Readers {
    pub(super) fn new(drafts: &[Draft], wanted: &[Wanted], settings: &Settings) -> Self {
        let mut readings: Vec<Vec<Reading>> = vec![Vec::new(); drafts.len()];
        let mut exact = vec![false; drafts.len()];
        for (draft, wanted) in drafts.iter().zip(wanted) {
            let DraftStep::Linear(form, _) = &draft.step else { continue };
            for term in &form.terms {
                let constants = reserved_scale(term, settings);
                let views: Vec<TensorId> = term.views().map(|view| view.tensor).collect();
                for (i, TensorId(id)) in views.iter().enumerate() {
                    if draft.precision != Precision::Own {
                        exact[*id] = true;
                        continue;
                    }
                    let other = (views.len() > 1).then(|| views[1 - i]);
                    readings[*id].push(Reading { result: wanted.x, constants, other });
                }
            }
        }
        // A product by squares is read as one of its two halves.
        for (id, draft) in drafts.iter().enumerate() {
            let Precision::Units(left, right) = draft.precision else { continue };
            let of_half = |other| {
                move |half: &Reading| {
                    let constants = half.constants + 2;
                    Reading { constants, other: Some(other), ..*half }
                }
            };
            let halves = readings[id].clone();
            readings[left.0].extend(halves.iter().map(of_half(right)));
            readings[right.0].extend(halves.iter().map(of_half(left)));
        }
        Self { readings, exact, wanted: wanted.iter().map(Wanted::value_scale).collect() }
    }
}

/// Scale of the values of `f`, whose arguments have the scale of `wanted`.
pub(super) fn scale(
    f: &Activation,
    id: TensorId,
    draft: &Draft,
    (wanted, (first, last)): (&Wanted, (i64, i64)),
    chosen: &Chosen,
    context: &Context<'_>,
) -> i32 {
    let settings: Option<&TensorSettings> = context.settings.tensors.get(context.keys.of(draft.y));
    if let Some(scale) = settings.and_then(|tensor| tensor.scale) {
        return scale;
    }
    if context.graph.get(draft.y).integer {
        return 0;
    }
    let unit = Scale(wanted.x).unit();
    let value = |v: i64| f.eval(v as f64 * unit).abs();
    let largest = (first..=last).map(value).fold(0.0, f64::max);
    let (singular, exact) = (has_domain(f), context.readers.exact[id.0]);
    let room = match (exact, singular || is_square(f)) {
        (true, true) => libm::ldexp(1.0, i32::from(Bits::MAX) - 2) - 1.0,
        (false, true) => f64::from(i16::MAX),
        _ => libm::ldexp(1.0, i32::from(wanted.bits.get()) - 1).min(f64::from(i16::MAX)),
    };
    let fits = |scale: i32| libm::floor(libm::ldexp(largest, scale) + 0.5) <= room;
    if is_square(f) {
        let exactly = 2 * wanted.x;
        let scale = if exact { exactly.min(finest(fits)) } else { exactly };
        return scale.min(limit(id, chosen, context));
    }
    if singular {
        let least = finest(|scale| libm::ldexp(largest, scale) <= wanted.bits.max() as f64);
        let limit = limit(id, chosen, context);
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
    let least = i32::from(context.settings.function_bits() - 1).min(Dropped::FINEST);
    let limit = limit(id, chosen, context);
    let finest = Dropped::FINEST - i32::from(context.readers.exact[id.0]);
    finest.min(limit.max(least))
}

/// The scale that a tensor wants, but not so fine that no shift is left for a product of it, nor, if
/// nothing else reads it, that a product needs a greater shift than the settings say.
pub(super) fn bounded(
    id: TensorId,
    wanted: &Wanted,
    chosen: &Chosen,
    context: &Context<'_>,
) -> i32 {
    if wanted.fixed { wanted.x } else { wanted.x.min(hard_limit(id, chosen, context)) }
}

/// The finest scale of a tensor that no product of activations is too fine for, whatever its shift.
fn hard_limit(id: TensorId, chosen: &Chosen, context: &Context<'_>) -> i32 {
    let readings = &context.readers.readings[id.0];
    if readings.iter().all(|reading| reading.other.is_some()) {
        return limit(id, chosen, context);
    }
    let products = readings.iter().filter(|reading| reading.other.is_some());
    limit_of(id, Program::MAX_SHIFT, products, chosen, context)
}

/// The finest scale of a tensor of which its readers have any use: that at which a shift of the
/// settings leaves their constants as precise as asked for.
fn limit(id: TensorId, chosen: &Chosen, context: &Context<'_>) -> i32 {
    let shift = context.settings.max_shift.min(Program::MAX_SHIFT);
    limit_of(id, shift, context.readers.readings[id.0].iter(), chosen, context)
}

fn limit_of<'r>(
    id: TensorId,
    shift: u8,
    readings: impl Iterator<Item = &'r Reading>,
    chosen: &Chosen,
    context: &Context<'_>,
) -> i32 {
    let of_reading = |reading: &Reading| {
        let rest = reading.result + i32::from(shift) - reading.constants;
        match reading.other {
            None => rest,
            Some(other) if other == id => rest.div_euclid(2),
            Some(TensorId(other)) => match chosen.choices.get(other) {
                Some(choice) => rest - choice.y,
                // What both are too fine for is shared out between them.
                None => {
                    let [own, other] = [id.0, other].map(|id| context.readers.wanted[id]);
                    let excess = own + other - rest;
                    own - if excess > 0 { (excess + 1) / 2 } else { excess }
                }
            },
        }
    };
    readings.map(of_reading).min().unwrap_or(EXTREME)
}
