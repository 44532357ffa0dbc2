//! What the constants of a step ask of the scale of its accumulator.

use super::{Choice, EXTREME, finest};
use crate::{
    program::Bits,
    quant::{
        Settings,
        form::{Form, FormTerm},
        function::{Function, is_quantizing},
        fuse::{Draft, Precision},
    },
};

/// What the constants of a form allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slack {
    /// Accumulator scale at which every constant has the precision asked for.
    pub(super) needed: i32,
    /// Largest accumulator scale at which every constant is small enough.
    pub(super) highest: i32,
    /// Accumulator scale below which a product of activations would lose its factor.
    pub(super) least: i32,
}

impl Slack {
    /// Constants stay within 16 bits, biases within 60, unless the precision asked for needs more.
    /// A term whose factor is the lift of the step has no say.
    pub(super) fn new(
        (form, function): (&Form, Option<&Function>),
        x: i32,
        (drafts, choices): (&[Draft], &[Choice]),
        settings: &Settings,
    ) -> Self {
        let kept_by = function.and_then(Function::kept_by);
        let bits = match function {
            Some(function) if is_quantizing(function) => STEP_BITS,
            _ => settings.weight_bits,
        };
        let mut slack = Self { needed: i32::MIN, highest: EXTREME, least: -EXTREME };
        let terms = form.terms.iter().enumerate().filter(|(i, _)| Some(*i) != kept_by);
        for (_, term) in terms {
            // One tensor, or the two of a product.
            let operand_scale: i32 = term.views().map(|view| choices[view.tensor.0].y).sum();
            let largest = greatest(term.constants());
            // A term of zeros has no say.
            if largest > 0.0 {
                let widest = scale_within(largest, WIDEST);
                let needed = match term {
                    FormTerm::Scale { .. } | FormTerm::Product { .. } => constant_scale(term, bits),
                    FormTerm::Contract { view, .. } | FormTerm::Correlate { view, .. } => {
                        product_scale(term, x, &choices[view.tensor.0], bits)
                    }
                };
                let needed = needed.min(widest);
                let highest = scale_within(largest, Bits::MAX).max(needed);
                slack.needed = slack.needed.max(operand_scale + needed);
                slack.highest = slack.highest.min(operand_scale + highest);
                if let Some(least) = least_scale(term, drafts) {
                    slack.least = slack.least.max(operand_scale + least);
                }
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

/// The scale at which the constants of a term have the precision asked for, whatever its result.
pub(super) fn constant_scale(term: &FormTerm, bits: u8) -> i32 {
    let constants = term.constants();
    // Each factor is all there is of its element: the least counts. Of weights the greatest does.
    let counts = match term {
        FormTerm::Scale { .. } | FormTerm::Product { .. } => least(constants),
        FormTerm::Contract { .. } | FormTerm::Correlate { .. } => greatest(constants),
    };
    exact_scale(constants).unwrap_or_else(|| scale_within(counts, bits))
}

/// The scale that the constants of a term ask of what it reads: [`constant_scale`], but no more than
/// `FACTOR` bits for the factor of a product of activations, whose operands pay for each of them.
pub(super) fn reserved_scale(term: &FormTerm, settings: &Settings) -> i32 {
    let whole = constant_scale(term, settings.weight_bits);
    let scale = match term {
        FormTerm::Product { factor, .. } => {
            exact_scale(&[*factor]).unwrap_or_else(|| whole.min(scale_within(factor.abs(), FACTOR)))
        }
        _ => whole,
    };
    // Constants that are all 0 would be exact at any scale.
    scale.clamp(-EXTREME, EXTREME)
}

/// The scale below which the factor of a product of activations is lost: they are as fine as they
/// are, while a constant beside one activation may be rounded to fewer bits.
fn least_scale(term: &FormTerm, drafts: &[Draft]) -> Option<i32> {
    let needed = match term {
        FormTerm::Product { factor, .. } => [*factor],
        FormTerm::Scale { view, factor } if is_half(&drafts[view.tensor.0]) => [least(factor)],
        _ => return None,
    };
    Some(exact_scale(&needed).unwrap_or_else(|| scale_within(least(&needed), LEAST)))
}

/// Whether it is one of two squares whose difference is a product.
fn is_half(draft: &Draft) -> bool {
    matches!(draft.precision, Precision::Units(..))
}

/// The scale at which each channel of a product has `bits` bits on its own, so the scale of
/// its least channel; that at which all weights are integers if this is enough.
fn product_scale(term: &FormTerm, x: i32, operand: &Choice, bits: u8) -> i32 {
    let weights = term.constants();
    let channels = term.grid().map_or(1, |grid| grid.channels());
    let mut channel = vec![Channel::default(); channels];
    for (i, w) in weights.iter().enumerate() {
        let channel = &mut channel[term.channel_of_weight(i)];
        channel.largest = channel.largest.max(w.abs());
        channel.sum += w.abs();
    }
    // Below half a unit of the result for any operand a channel has no say either.
    let reach = libm::ldexp(1.0, i32::from(operand.bits.get()) - 1 - operand.y + x);
    let counts = |channel: &&Channel| channel.sum * reach >= 0.5;
    let scale = |channel: &Channel| scale_within(channel.largest, bits);
    let needed = channel.iter().filter(counts).map(scale).max();
    let needed = needed.unwrap_or_else(|| scale_within(greatest(weights), bits));
    exact_scale(weights).map_or(needed, |exact| exact.min(needed))
}

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    largest: f64,
    sum: f64,
}

/// Least width of the factor of a product of activations.
const LEAST: u8 = 5;

/// Width of the factor of a product of activations that its operands leave room for: it is right
/// to 1 in 250 then, whatever the width of weights.
const FACTOR: u8 = 8;

/// Width of the constants of what is rounded to steps, so that the shift alone limits them.
const STEP_BITS: u8 = 24;

/// Widest constant that is asked for, in bits: beside the others it stays within an `i32`.
const WIDEST: u8 = 28;

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
