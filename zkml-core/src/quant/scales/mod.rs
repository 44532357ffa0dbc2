//! Chooses widths, scales and shifts of all steps.

mod choice;
mod quantized;
mod shared;
mod slack;
mod value;
mod wanted;

pub(super) use choice::Choice;
pub(super) use wanted::{Wanted, Width};

use super::{
    QuantError, Settings,
    comparison::{Comparison, is_comparison, whole_range},
    form::{Form, Least},
    function::{Function, Lookup, is_quantizing},
    fuse::{Draft, DraftStep, Precision},
    range::{Range, limit_operands},
    settings::Keys,
};
use crate::{ir::Graph, program::TensorId};
use choice::looked_up;
use quantized::{beside_quantized, exact_form};
use shared::{choose_shifts, share_comparisons, share_contests, share_scales, shift_comparisons};
use slack::Slack;
use value::Readers;

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
        .zip(beside_quantized(drafts))
        .map(|(draft, fine)| Wanted::new(graph, draft, (&keys, settings), fine))
        .collect::<Result<Vec<_>, _>>()?;
    let wanted = share_scales(drafts, limit_operands(drafts, wanted, settings), settings);

    let context =
        Context { graph, drafts, keys, settings, readers: Readers::new(drafts, &wanted, settings) };
    let mut chosen = Chosen { choices: Vec::new(), slack: Vec::new() };
    for (id, (draft, wanted)) in drafts.iter().zip(&wanted).enumerate() {
        let (choice, slack) = chosen.next(TensorId(id), draft, wanted, &context)?;
        chosen.choices.push(choice);
        chosen.slack.push(slack);
    }
    share_contests(drafts, &mut chosen.choices);
    choose_shifts(drafts, &mut chosen.choices, &chosen.slack, settings)?;
    shift_comparisons(drafts, &mut chosen.choices);
    share_comparisons(drafts, &mut chosen.choices);
    Ok(chosen.choices)
}

/// What all choices depend on.
struct Context<'g> {
    graph: &'g Graph,
    drafts: &'g [Draft],
    keys: Keys,
    settings: &'g Settings,
    readers: Readers,
}

/// Choices for the drafts so far.
struct Chosen {
    choices: Vec<Choice>,
    /// None where there is nothing to shift.
    slack: Vec<Option<Slack>>,
}

type Chosing = Result<(Choice, Option<Slack>), QuantError>;

impl Chosen {
    fn next(&self, id: TensorId, draft: &Draft, wanted: &Wanted, context: &Context<'_>) -> Chosing {
        let (form, function) = match &draft.step {
            DraftStep::Input(_) => {
                let x = value::bounded(id, wanted, self, context);
                return Ok((Choice::unshifted(wanted.bits, x), None));
            }
            DraftStep::Copy(view) => {
                let operand = &self.choices[view.tensor.0];
                let choice = Choice::unshifted(wanted.bits, operand.y);
                return Ok((Choice { range: operand.range, ..choice }, None));
            }
            DraftStep::Linear(form, function) => (form, function.as_ref()),
        };
        match draft.precision {
            Precision::Difference(least) => {
                let (operand, range) = self.operand(least);
                let bits = range.width_of_differences(operand.bits, &draft.origin)?;
                let choice = Choice::unshifted(bits, operand.y);
                let lookup = function.map(|_| Lookup::of_width(bits, operand.y, operand.y));
                Ok((Choice { lookup, ..choice }, None))
            }
            Precision::Contest(least) => {
                let (operand, range) = self.operand(least);
                let span = range.span();
                let choice = looked_up(draft, (operand.y, operand.y), (-span, span), 0)?;
                Ok((Choice { range: Range::up_to(span), ..choice }, None))
            }
            Precision::Winner { least, live } => {
                let (operand, range) = self.operand(least);
                let range = if live { range.live() } else { range };
                let choice = Choice { range, ..Choice::unshifted(wanted.bits, operand.y) };
                let masked = operand.lookup.as_ref().filter(|lookup| {
                    function.is_some() && lookup.domain.contains(&(range.least as i32))
                });
                let (bits, lookup) = match masked {
                    Some(lookup) => (operand.bits, Some(lookup.clone())),
                    None => (range.width(wanted.bits), None),
                };
                Ok((Choice { bits, lookup, ..choice }, None))
            }
            Precision::Distance(least) => {
                let (operand, range) = self.operand(least);
                let (span, x) = (range.span(), operand.y);
                let lift = (span + 1) / 2;
                let y = value::decay_scale(id, self, context);
                let choice = looked_up(draft, (x, y), (-lift, span - lift), lift)?;
                Ok((Choice { range: Range::up_to(1 << y), ..choice }, None))
            }
            Precision::Units(left, right) => {
                let [left, right] = [left, right].map(|id| &self.choices[id.0]);
                // (a + b)^2 - (a - b)^2 = 4 a b.
                let y = left.y + right.y + 2;
                let range = left.range.sums_and_differences(right.range);
                let choice = looked_up(draft, (0, y), (range.least, range.greatest), 0)?;
                let most = range.least.abs().max(range.greatest.abs());
                Ok((Choice { range: Range::up_to(most * most), ..choice }, None))
            }
            Precision::Whole => {
                let Some(Function::OneHot { rows }) = function else {
                    return Ok((Choice::unshifted(wanted.bits, 0), None));
                };
                let last = *rows as i64 - 1;
                let choice = looked_up(draft, (0, 0), (-last, last), 0)?;
                Ok((Choice { range: Range::up_to(1), ..choice }, None))
            }
            Precision::Maximum(least) if !wanted.fixed => {
                self.maximum(id, draft, (least, function), wanted, context)
            }
            Precision::Maximum(_) | Precision::Own => {
                self.own(id, draft, (form, function), wanted, context)
            }
        }
    }

    fn operand(&self, least: Least) -> (&Choice, Range) {
        let operand = &self.choices[least.tensor.0];
        (operand, operand.range.with_holes(least.holes))
    }

    fn maximum(
        &self,
        id: TensorId,
        draft: &Draft,
        (least, function): (Least, Option<&Function>),
        wanted: &Wanted,
        context: &Context<'_>,
    ) -> Chosing {
        let (operand, range) = self.operand(least);
        let bits = match wanted.width {
            Width::Fixed => wanted.bits,
            // A masked operand has more bits than its values.
            Width::Default => range.width(Ord::min(operand.bits, wanted.bits)),
        };
        let choice = Choice { range, ..Choice::unshifted(bits, operand.y) };
        match function {
            None => Ok((choice, None)),
            Some(function) => {
                let wanted = wanted.of_maximum(bits, operand.y);
                let choice = self.function(id, draft, function, &wanted, context)?;
                Ok((choice, None))
            }
        }
    }

    fn own(
        &self,
        id: TensorId,
        draft: &Draft,
        (form, function): (&Form, Option<&Function>),
        wanted: &Wanted,
        context: &Context<'_>,
    ) -> Chosing {
        let settings = context.settings;
        if let Some(Function::Of(f)) = function
            && let Some(comparison) = Comparison::of((form, f), draft, &self.choices)?
        {
            let y = value::scale(f, id, draft, (wanted, comparison.domain), self, context);
            let choice = looked_up(draft, (0, y), comparison.domain, 0)?;
            let comparison = Some(comparison);
            return Ok((Choice { range: Range::up_to(1 << y.max(0)), comparison, ..choice }, None));
        }
        let exact = exact_form(form, &self.choices).filter(|_| draft.unit.is_some());
        let wanted = match exact {
            // The table rounds, in the middle to the even number.
            Some(x) if !wanted.fixed => &wanted.at(x),
            _ => wanted,
        };
        // What is read of a function has a scale of its own.
        let x = match function {
            Some(Function::Of(_)) => wanted.x,
            _ => value::bounded(id, wanted, self, context),
        };
        let slack = Slack::new((form, function), x, (context.drafts, &self.choices), settings);
        let x = if wanted.fixed { x } else { x.min(slack.highest) };
        let wanted = wanted.at(x);
        let choice = match function {
            None => Choice::unshifted(wanted.bits, x),
            Some(function) => {
                let choice = self.function(id, draft, function, &wanted, context)?;
                let whole = context.graph.get(draft.x).integer
                    && draft.unit.is_none()
                    && (is_comparison_of(function) || is_quantizing(function));
                match whole_range(form, &self.choices).filter(|_| whole) {
                    Some(range) => {
                        Choice { range: choice.range, ..looked_up(draft, (x, choice.y), range, 0)? }
                    }
                    None => choice,
                }
            }
        };
        Ok((choice, Some(slack)))
    }

    /// The choice for a function of an argument whose scale is known.
    fn function(
        &self,
        id: TensorId,
        draft: &Draft,
        function: &Function,
        wanted: &Wanted,
        context: &Context<'_>,
    ) -> Result<Choice, QuantError> {
        let (x, bits) = (wanted.x, wanted.bits);
        let choice = match function {
            Function::Mask { dropped, .. } => {
                let (first, last) = wanted.domain_units(None);
                let lift = last - first + 1;
                let mut choice = looked_up(draft, (x, x), (first - lift, last), lift)?;
                if let Some(lookup) = &mut choice.lookup {
                    // Without lift: the table reads `x` itself.
                    (lookup.live, lookup.lift) = (first, 0);
                }
                let range = Range::new(first, last).with(dropped.units(x, first));
                return Ok(Choice { range, ..choice });
            }
            Function::Of(f) => {
                let domain = wanted.domain_units(Some(f));
                // What is too large for a table is refused before every value is looked at.
                let choice = looked_up(draft, (x, x), domain, 0)?;
                let y = value::scale(f, id, draft, (wanted, domain), self, context);
                let choice = choice.with_values(y);
                match self.same_arguments(function, &choice, context) {
                    Some(y) => choice.with_values(y),
                    None => choice,
                }
            }
            _ => Choice::unshifted(bits, x),
        };
        let Some(lookup) = &choice.lookup else { return Ok(choice) };
        let range = Range::of_table(&function.table(lookup, &draft.origin)?);
        Ok(Choice { range, ..choice })
    }
}

impl Chosen {
    /// The scale of the values of an earlier table of the same function and arguments, if it is a
    /// little coarser than that of a choice: one table serves both.
    fn same_arguments(
        &self,
        function: &Function,
        choice: &Choice,
        context: &Context<'_>,
    ) -> Option<i32> {
        let lookup = choice.lookup.as_ref().filter(|_| !function.is_homogeneous())?;
        let earlier = self.choices.iter().zip(context.drafts).find_map(|(earlier, draft)| {
            let same = earlier.lookup.as_ref()?.with_values(lookup.to) == *lookup;
            (same && draft.function() == Some(function)).then_some(earlier.y)
        })?;
        // No finer: that might need a greater shift.
        let close = (0..=i32::from(context.settings.share_within)).contains(&(choice.y - earlier));
        close.then_some(earlier)
    }
}

/// Whether a function is a comparison with 0.
pub(super) fn is_comparison_of(function: &Function) -> bool {
    matches!(function, Function::Of(f) if is_comparison(f))
}

/// Scales of this magnitude are never exceeded, whatever the ranges.
pub(super) const EXTREME: i32 = 100;

/// The largest scale that fits; `fits` is monotone.
pub(super) fn finest(fits: impl Fn(i32) -> bool) -> i32 {
    (-EXTREME..=EXTREME).rev().find(|scale| fits(*scale)).unwrap_or(-EXTREME)
}
