//! Chooses widths, scales and shifts of all steps.

use super::{
    QuantError, Settings, TensorSettings,
    form::{Form, FormTerm},
    fuse::{Draft, DraftStep},
    settings::Keys,
};
use crate::{
    ir::{Activation, Graph, ValueId},
    program::{Bits, Program, Scale},
};
use std::collections::BTreeMap;

/// Encoding of one stored tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) bits: Bits,
    /// Scale of `x`.
    pub(super) x: i32,
    /// Scale of what later steps read.
    pub(super) y: i32,
    /// Re-quantisation shift; the accumulator has scale `x + shift`.
    pub(super) shift: u8,
}

/// Chooses for every draft.
pub(super) fn choose(
    graph: &Graph,
    drafts: &[Draft],
    settings: &Settings,
) -> Result<Vec<Choice>, QuantError> {
    settings.check()?;
    let keys = Keys::new(graph);
    let wanted = drafts
        .iter()
        .map(|draft| Wanted::new(settings.of(&keys, draft.x)?, settings))
        .collect::<Result<Vec<_>, _>>()?;
    let wanted = share_scales(drafts, wanted, settings);

    let mut choices: Vec<Choice> = Vec::with_capacity(drafts.len());
    let mut slack: Vec<Slack> = Vec::with_capacity(drafts.len());
    for (draft, wanted) in drafts.iter().zip(wanted) {
        let (choice, room) = match &draft.step {
            DraftStep::Input(_) => (Choice::unshifted(wanted.bits, wanted.x), Slack::default()),
            DraftStep::Copy(view) => {
                (Choice::unshifted(wanted.bits, choices[view.tensor.0].y), Slack::default())
            }
            DraftStep::Linear(form, function) => {
                let slack = Slack::new(form, wanted.x, &choices, settings);
                let x = if wanted.fixed { wanted.x } else { wanted.x.min(slack.highest) };
                let y = match function {
                    None => x,
                    Some(f) => value_scale(f, wanted.bits, x, y_settings(&keys, draft.y, settings)),
                };
                (Choice { bits: wanted.bits, x, y, shift: 0 }, slack)
            }
        };
        choices.push(choice);
        slack.push(room);
    }
    choose_shifts(&mut choices, &slack, settings);
    Ok(choices)
}

impl Choice {
    fn unshifted(bits: Bits, scale: i32) -> Self {
        Self { bits, x: scale, y: scale, shift: 0 }
    }
}

/// Width and scale that the range of a tensor asks for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    bits: Bits,
    x: i32,
    fixed: bool,
}

impl Wanted {
    fn new(tensor: &TensorSettings, settings: &Settings) -> Result<Self, QuantError> {
        let bits = width(tensor.bits.unwrap_or(settings.default_bits))?;
        // A tensor that was always zero gets the range of [-1, 1].
        let (min, max) = match (tensor.min, tensor.max) {
            (0.0, 0.0) => (-1.0, 1.0),
            range => range,
        };
        let room = 1.0 + settings.headroom;
        let fits = |scale: i32| {
            let at = |v: f64| libm::floor(libm::ldexp(v * room, scale) + 0.5);
            at(max) <= bits.max() as f64 && at(min) >= bits.min() as f64
        };
        let x = tensor.scale.unwrap_or_else(|| finest(fits));
        Ok(Self { bits, x, fixed: tensor.scale.is_some() })
    }
}

fn width(bits: u8) -> Result<Bits, QuantError> {
    Bits::new(bits).ok_or_else(|| QuantError::Setting {
        key: "bits".into(),
        expected: format!("1 to {}", Bits::MAX),
        got: bits.to_string(),
    })
}

/// Scales of this magnitude are never exceeded, whatever the ranges.
const EXTREME: i32 = 100;

/// The largest scale that fits; `fits` is monotone.
fn finest(fits: impl Fn(i32) -> bool) -> i32 {
    (-EXTREME..=EXTREME).rev().find(|scale| fits(*scale)).unwrap_or(-EXTREME)
}

/// Lets drafts of one function and width use one scale where theirs are close: one table then
/// serves them all. Functions with `f(t x) = t f(x)` have one table at every scale anyway.
fn share_scales(drafts: &[Draft], mut wanted: Vec<Wanted>, settings: &Settings) -> Vec<Wanted> {
    let mut groups: BTreeMap<(String, Bits), Vec<usize>> = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        if let DraftStep::Linear(_, Some(f)) = &draft.step
            && !is_homogeneous(f)
            && !wanted[i].fixed
        {
            groups.entry((format!("{f:?}"), wanted[i].bits)).or_default().push(i);
        }
    }
    for mut group in groups.into_values() {
        group.sort_by_key(|i| (wanted[*i].x, *i));
        let mut coarsest: Option<i32> = None;
        for i in group {
            match coarsest {
                Some(scale) if wanted[i].x - scale <= i32::from(settings.share_within) => {
                    wanted[i].x = scale;
                }
                _ => coarsest = Some(wanted[i].x),
            }
        }
    }
    wanted
}

fn is_homogeneous(f: &Activation) -> bool {
    matches!(f, Activation::Relu | Activation::LeakyRelu { .. })
}

fn y_settings<'s>(keys: &Keys, y: ValueId, settings: &'s Settings) -> Option<&'s TensorSettings> {
    settings.tensors.get(keys.of(y))
}

/// Scale of the values of a table: as fine as `bits` hold, but no finer than the argument where
/// the function is steep (its values are then no more precise than that).
fn value_scale(f: &Activation, bits: Bits, x: i32, settings: Option<&TensorSettings>) -> i32 {
    if let Some(scale) = settings.and_then(|tensor| tensor.scale) {
        return scale;
    }
    let unit = Scale(x).unit();
    let largest =
        (bits.min()..=bits.max()).map(|v| f.eval(v as f64 * unit).abs()).fold(0.0, f64::max);
    let room = libm::ldexp(1.0, i32::from(bits.get()) - 1).min(f64::from(i16::MAX));
    let fits = |scale: i32| libm::floor(libm::ldexp(largest, scale) + 0.5) <= room;
    let bounded = matches!(
        f,
        Activation::Sigmoid | Activation::Tanh | Activation::Erf | Activation::HardSigmoid { .. }
    );
    if bounded { finest(fits).min(i32::from(Bits::MAX)) } else { finest(fits).min(x) }
}

/// What the constants of a form allow.
#[derive(Clone, Copy, Debug, Default)]
struct Slack {
    /// Accumulator scale at which every constant has the precision asked for.
    needed: i32,
    /// Largest accumulator scale at which every constant is small enough.
    highest: i32,
}

impl Slack {
    /// Constants stay within 16 bits, biases within 60, unless the precision asked for needs more.
    fn new(form: &Form, x: i32, choices: &[Choice], settings: &Settings) -> Self {
        let mut slack = Self { needed: i32::MIN, highest: EXTREME };
        for term in &form.terms {
            let operand = choices[term.view().tensor.0].y;
            let largest = greatest(term.constants());
            // A term of zeros has no say.
            if largest > 0.0 {
                let needed = match term {
                    FormTerm::Contract { .. } => scale_within(largest, settings.weight_bits),
                    // Each factor is all there is of its element: the least counts.
                    FormTerm::Scale { factor, .. } => exact_scale(factor).unwrap_or_else(|| {
                        scale_within(least(factor), settings.weight_bits)
                            .min(scale_within(largest, WIDEST_FACTOR))
                    }),
                };
                let highest = scale_within(largest, Bits::MAX).max(needed);
                slack.needed = slack.needed.max(operand + needed);
                slack.highest = slack.highest.min(operand + highest);
            }
        }
        if slack.needed == i32::MIN {
            // Nothing but a bias: one scale is as good as another.
            slack.needed = x;
        }
        let largest = greatest(&form.bias);
        let bias = finest(|scale| libm::ldexp(largest, scale) <= libm::ldexp(1.0, 60));
        slack.highest = slack.highest.min(bias);
        slack
    }
}

/// Widest factor of a Scale term, in bits: beside the others it stays within an `i32`.
const WIDEST_FACTOR: u8 = 28;

/// The largest scale at which a constant of this magnitude has `bits` bits.
fn scale_within(magnitude: f64, bits: u8) -> i32 {
    let room = libm::ldexp(1.0, i32::from(bits) - 1) - 1.0;
    finest(|scale| libm::floor(libm::ldexp(magnitude, scale) + 0.5) <= room)
}

/// The scale at which all factors are integers, when each is a signed power of two.
fn exact_scale(factor: &[f64]) -> Option<i32> {
    let mut scale = i32::MIN;
    for f in factor.iter().filter(|f| **f != 0.0) {
        let (fraction, exponent) = libm::frexp(f.abs());
        if fraction != 0.5 {
            return None;
        }
        scale = scale.max(1 - exponent);
    }
    Some(scale)
}

fn least(values: &[f64]) -> f64 {
    values.iter().map(|v| v.abs()).filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min)
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().map(|v| v.abs()).fold(0.0, f64::max)
}

/// One shift for as many steps as possible: the largest that some step needs.
fn choose_shifts(choices: &mut [Choice], slack: &[Slack], settings: &Settings) {
    let limit = i32::from(settings.max_shift.min(Program::MAX_SHIFT));
    let need = |choice: &Choice, slack: &Slack| (slack.needed - choice.x).clamp(0, limit);
    let common = choices.iter().zip(slack).map(|(c, s)| need(c, s)).max().unwrap_or(0);
    for (choice, slack) in choices.iter_mut().zip(slack) {
        let needed = need(choice, slack);
        let shift = match needed {
            0 => 0,
            _ if common <= slack.highest - choice.x => common,
            _ => needed,
        };
        // 0 to 16 by the limit.
        choice.shift = shift as u8;
    }
}
