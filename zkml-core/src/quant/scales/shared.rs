//! What steps share, so that the circuit has few tables: scales of functions, and the shift.

use super::{Choice, Slack, Wanted, is_comparison_of};
use crate::{
    exec::integer::requantize,
    program::{Bits, Program},
    quant::{
        QuantError, Settings,
        comparison::quotient,
        function::{Function, is_quantizing},
        fuse::{Draft, Precision},
    },
};
use std::collections::BTreeMap;

/// Lets drafts of one function and width use one scale where theirs are close: one table then
/// serves them all. Functions with `f(t x) = t f(x)` have one table at every scale anyway.
pub(super) fn share_scales(
    drafts: &[Draft],
    mut wanted: Vec<Wanted>,
    settings: &Settings,
) -> Vec<Wanted> {
    let mut groups: BTreeMap<(String, Bits), Vec<usize>> = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        if let Some(function) = draft.function()
            && !function.is_homogeneous()
            && !wanted[i].fixed
            && matches!(draft.precision, Precision::Own | Precision::Maximum(_))
        {
            groups.entry((function.key(), wanted[i].bits)).or_default().push(i);
        }
    }
    for mut group in groups.into_values() {
        group.sort_by_key(|i| (wanted[*i].x, *i));
        let mut shared: Vec<Vec<usize>> = Vec::new();
        for i in group {
            match shared.last_mut() {
                Some(close)
                    if wanted[i].x - wanted[close[0]].x <= i32::from(settings.share_within) =>
                {
                    close.push(i);
                }
                _ => shared.push(vec![i]),
            }
        }
        for close in shared {
            let mut common = wanted[close[0]];
            for i in &close {
                common.widen(&wanted[*i]);
            }
            for i in close {
                wanted[i].x = common.x;
                wanted[i].widen(&common);
            }
        }
    }
    wanted
}

/// One table for the differences of all trees of maxima, whatever their operands hold.
pub(super) fn share_contests(drafts: &[Draft], choices: &mut [Choice]) {
    let contest = |draft: &Draft| matches!(draft.precision, Precision::Contest(_));
    let mut contests: Vec<&mut Choice> = Vec::new();
    for (draft, choice) in drafts.iter().zip(choices) {
        if contest(draft) {
            contests.push(choice);
        }
    }
    let last = |choice: &&mut Choice| Some(*choice.lookup.as_ref()?.domain.end());
    let Some(last) = contests.iter().filter_map(last).max() else { return };
    for choice in contests {
        if let Some(lookup) = &mut choice.lookup {
            lookup.domain = -last..=last;
            choice.bits = lookup.bits(1).unwrap_or(choice.bits);
        }
    }
}

/// More differences than this are compared by their quotients.
const MANY: i64 = 1 << 9;

/// Divides wide comparisons by the shift that there is anyway, or if there is none, by one that makes
/// both tables small.
pub(super) fn shift_comparisons(drafts: &[Draft], choices: &mut [Choice]) {
    let common = choices.iter().map(|choice| choice.shift).max().unwrap_or(0);
    for (draft, choice) in drafts.iter().zip(choices) {
        let (Some(Function::Of(f)), Some(comparison)) = (draft.function(), &choice.comparison)
        else {
            continue;
        };
        let (first, last) = comparison.domain;
        let bits = choice.bits.get();
        let shift = if common > 0 { common } else { bits.div_ceil(2) };
        if let (Some(lookup), Some(bias)) = (&mut choice.lookup, quotient(f, shift))
            && last - first >= MANY
        {
            // As the machine rounds; the ends have 16 bits.
            let at = |difference: i64| requantize(difference + bias, shift).0 as i32;
            (lookup.domain, lookup.live) = (at(first)..=at(last), at(first).into());
            choice.bits = lookup.bits(1).unwrap_or(choice.bits);
            choice.shift = shift;
        }
    }
}

/// One table for all comparisons by one function of integers, whatever they differ by.
pub(super) fn share_comparisons(drafts: &[Draft], choices: &mut [Choice]) {
    let mut tables: BTreeMap<(String, i32), Vec<&mut Choice>> = BTreeMap::new();
    for (draft, choice) in drafts.iter().zip(choices) {
        if let Some(function) = draft.function().filter(|function| is_comparison_of(function))
            && choice.x == 0
        {
            tables.entry((function.key(), choice.y)).or_default().push(choice);
        }
    }
    for table in tables.into_values() {
        let lookups = || table.iter().filter_map(|choice| choice.lookup.as_ref());
        let first = lookups().map(|lookup| *lookup.domain.start()).min();
        let last = lookups().map(|lookup| *lookup.domain.end()).max();
        let (Some(first), Some(last)) = (first, last) else { continue };
        for choice in table {
            if let Some(lookup) = &mut choice.lookup {
                (lookup.domain, lookup.live) = (first..=last, first.into());
                choice.bits = lookup.bits(1).unwrap_or(choice.bits);
            }
        }
    }
}

/// One shift for as many steps as possible: the largest that some step needs.
///
/// Constants lose bits where that exceeds `max_shift`; products of activations have none to lose,
/// so that they may need more.
pub(super) fn choose_shifts(
    drafts: &[Draft],
    choices: &mut [Choice],
    slack: &[Option<Slack>],
    settings: &Settings,
) -> Result<(), QuantError> {
    let need = |draft: &Draft, choice: &Choice, slack: &Slack| {
        let limit = match draft.function() {
            Some(function) if is_quantizing(function) => settings.step_shift(),
            _ => settings.max_shift.min(Program::MAX_SHIFT),
        };
        (slack.needed - choice.x).clamp(0, limit.into()).max(slack.least - choice.x)
    };
    for ((draft, choice), slack) in drafts.iter().zip(choices.iter()).zip(slack) {
        if let Some(slack) = slack
            && need(draft, choice, slack) > i32::from(Program::MAX_SHIFT)
        {
            return Err(QuantError::Unsupported {
                origin: draft.origin.clone(),
                what: format!(
                    "a product {} bits finer than its result, at most {} are supported; give its \
                     operands fewer bits",
                    need(draft, choice, slack),
                    Program::MAX_SHIFT
                ),
            });
        }
    }
    let steps = drafts.iter().zip(choices.iter_mut()).zip(slack);
    let mut shifted: Vec<(&Draft, &mut Choice, &Slack)> =
        steps.filter_map(|((d, c), s)| Some((d, c, s.as_ref()?))).collect();
    let common = shifted.iter().map(|(d, c, s)| need(d, c, s)).max().unwrap_or(0);
    for (draft, choice, slack) in &mut shifted {
        let needed = need(draft, choice, slack);
        let shift = match needed {
            0 => 0,
            _ if common <= slack.highest - choice.x => common,
            _ => needed,
        };
        // 0 to 16 by the limit.
        choice.shift = shift as u8;
    }
    Ok(())
}
