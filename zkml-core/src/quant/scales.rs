//! Chooses widths, scales and shifts of all steps.

use super::{
    QuantError, Settings, TensorSettings,
    form::Form,
    fuse::{Draft, DraftStep, Precision},
    range::{Range, limit_pooled},
    settings::Keys,
    slack::Slack,
};
use crate::{
    ir::{Activation, Graph},
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
    /// Integers that later steps may read.
    pub(super) range: Range,
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
        .map(|draft| Wanted::new(draft, &keys, settings))
        .collect::<Result<Vec<_>, _>>()?;
    let wanted = share_scales(drafts, limit_pooled(drafts, wanted), settings);

    let mut chosen = Chosen { choices: Vec::new(), slack: Vec::new() };
    for (draft, wanted) in drafts.iter().zip(wanted) {
        let (choice, slack) = chosen.next(draft, wanted, &keys, settings)?;
        chosen.choices.push(choice);
        chosen.slack.push(slack);
    }
    choose_shifts(&mut chosen.choices, &chosen.slack, settings);
    Ok(chosen.choices)
}

/// Choices for the drafts so far.
struct Chosen {
    choices: Vec<Choice>,
    /// None where there is nothing to shift.
    slack: Vec<Option<Slack>>,
}

impl Chosen {
    fn next(
        &self,
        draft: &Draft,
        wanted: Wanted,
        keys: &Keys,
        settings: &Settings,
    ) -> Result<(Choice, Option<Slack>), QuantError> {
        let (form, function) = match &draft.step {
            DraftStep::Input(_) => return Ok((Choice::unshifted(wanted.bits, wanted.x), None)),
            DraftStep::Copy(view) => {
                let operand = &self.choices[view.tensor.0];
                let choice = Choice::unshifted(wanted.bits, operand.y);
                return Ok((Choice { range: operand.range, ..choice }, None));
            }
            DraftStep::Linear(form, function) => (form, function),
        };
        match draft.precision {
            Precision::Difference(least) => {
                let operand = &self.choices[least.tensor.0];
                let range = operand.range.with_holes(least.holes);
                let bits = range.width_of_differences(operand.bits, &draft.origin)?;
                Ok((Choice::unshifted(bits, operand.y), None))
            }
            Precision::Maximum(least) if !wanted.fixed => {
                let operand = &self.choices[least.tensor.0];
                let range = operand.range.with_holes(least.holes);
                let bits = match wanted.width {
                    Width::Fixed => wanted.bits,
                    Width::Default => range.width(operand.bits),
                };
                let wanted = Wanted { bits, x: operand.y, ..wanted };
                let choice = Choice::unshifted(bits, operand.y);
                match function {
                    None => Ok((Choice { range, ..choice }, None)),
                    Some(f) => {
                        let y = y_scale(f, &wanted, operand.y, draft, keys, settings);
                        let range = Range::of_function(f, bits, (operand.y, y), &draft.origin)?;
                        Ok((Choice { y, range, ..choice }, None))
                    }
                }
            }
            Precision::Maximum(_) | Precision::Own => {
                self.own(draft, (form, function.as_ref()), wanted, keys, settings)
            }
        }
    }

    fn own(
        &self,
        draft: &Draft,
        (form, function): (&Form, Option<&Activation>),
        wanted: Wanted,
        keys: &Keys,
        settings: &Settings,
    ) -> Result<(Choice, Option<Slack>), QuantError> {
        let slack = Slack::new(form, wanted.x, &self.choices, settings);
        let x = if wanted.fixed { wanted.x } else { wanted.x.min(slack.highest) };
        let mut choice = Choice::unshifted(wanted.bits, x);
        if let Some(f) = function {
            choice.y = y_scale(f, &wanted, x, draft, keys, settings);
            choice.range = Range::of_function(f, wanted.bits, (x, choice.y), &draft.origin)?;
        }
        Ok((choice, Some(slack)))
    }
}

impl Choice {
    fn unshifted(bits: Bits, scale: i32) -> Self {
        Self { bits, x: scale, y: scale, shift: 0, range: Range::of_bits(bits) }
    }
}

/// Width and scale that the range of a tensor asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) bits: Bits,
    pub(super) width: Width,
    x: i32,
    fixed: bool,
    range: (f64, f64),
    room: f64,
}

/// Whether settings ask for this width of this tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Fixed,
    Default,
}

impl Wanted {
    fn new(draft: &Draft, keys: &Keys, settings: &Settings) -> Result<Self, QuantError> {
        let tensor = settings.of(keys, draft.x)?;
        let bits = width(tensor.bits.unwrap_or(settings.default_bits))?;
        let width = if tensor.bits.is_some() { Width::Fixed } else { Width::Default };
        // A tensor that was always zero gets the range of [-1, 1].
        let (min, max) = match (tensor.min, tensor.max) {
            (0.0, 0.0) => (-1.0, 1.0),
            range => range,
        };
        let room = 1.0 + settings.headroom;
        let wanted =
            Self { bits, width, x: 0, fixed: tensor.scale.is_some(), range: (min, max), room };
        let x = tensor.scale.unwrap_or_else(|| wanted.finest());
        Ok(Self { x, ..wanted })
    }

    /// The same at another width.
    pub(super) fn with_bits(self, bits: Bits) -> Self {
        let wanted = Self { bits, ..self };
        Self { x: if self.fixed { self.x } else { wanted.finest() }, ..wanted }
    }

    /// The largest scale at which the range fits the width.
    fn finest(&self) -> i32 {
        finest(|scale| {
            let at = |v: f64| libm::floor(libm::ldexp(v * self.room, scale) + 0.5);
            let (min, max) = self.range;
            at(max) <= self.bits.max() as f64 && at(min) >= self.bits.min() as f64
        })
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
pub(super) const EXTREME: i32 = 100;

/// The largest scale that fits; `fits` is monotone.
pub(super) fn finest(fits: impl Fn(i32) -> bool) -> i32 {
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

/// Scale of the values of `f` of arguments of scale `x`.
fn y_scale(
    f: &Activation,
    wanted: &Wanted,
    x: i32,
    draft: &Draft,
    keys: &Keys,
    settings: &Settings,
) -> i32 {
    value_scale(f, wanted.bits, x, settings.tensors.get(keys.of(draft.y)))
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

/// One shift for as many steps as possible: the largest that some step needs.
fn choose_shifts(choices: &mut [Choice], slack: &[Option<Slack>], settings: &Settings) {
    let limit = i32::from(settings.max_shift.min(Program::MAX_SHIFT));
    let need = |choice: &Choice, slack: &Slack| (slack.needed - choice.x).clamp(0, limit);
    let mut shifted: Vec<(&mut Choice, &Slack)> =
        choices.iter_mut().zip(slack).filter_map(|(c, s)| Some((c, s.as_ref()?))).collect();
    let common = shifted.iter().map(|(c, s)| need(c, s)).max().unwrap_or(0);
    for (choice, slack) in &mut shifted {
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
