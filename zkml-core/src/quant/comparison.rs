//! Comparisons: functions that jump at 0, of integers and not of rounded differences.
//!
//! ```text
//! a X + b > 0,    a X + b >= 0,    a X + b = 0        X an integer of scale s; a, b real, a not 0
//! ```
//!
//! hold or not as they do for the real number `X 2^-s` that the integer stands for. Divided by
//! `|a| 2^-s` they compare the integer `A`, which is `X` or `-X`, with `r = b 2^s / |a|`:
//!
//! ```text
//! A + r > 0    if and only if    A + ceil(r) > 0
//! A + r >= 0   if and only if    A + floor(r) >= 0
//! A + r = 0    if and only if    A + r = 0 and r is whole
//! ```
//!
//! So `x <= t` is `X <= floor(t 2^s)`, at `t` itself and one unit to each side of it, whatever the
//! calibrated range of the difference: such a step has the scale of its operand, which may be another
//! for each element, and a table for every difference there can be. Where these are many, the table is
//! one of their quotients by a power of two, which have the same signs:
//!
//! ```text
//! D > 0    if and only if    ceil(D / 2^s) > 0
//! D >= 0   if and only if    floor(D / 2^s) >= 0
//! ```
//!
//! The shift rounds half up, so that a constant beside `D` makes it either. Nothing is lost but what
//! rounding an input to its scale loses. The same holds of sums of tensors whose factors all are `+a` or
//! `-a`, at the finest of their scales, and of sums of whole numbers, as far as a table holds them. Other
//! arguments are rounded to their calibrated range before they are compared.

use super::{
    QuantError,
    form::{Form, FormTerm, at},
    fuse::Draft,
    range::Range,
    scales::Choice,
};
use crate::{
    ir::Activation,
    program::{Bits, View},
};
use std::collections::BTreeSet;

/// `sum of factors times tensors + bias`, compared with 0. Each is a number for all elements or one
/// for each.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// By term.
    pub(super) factors: Vec<Vec<i32>>,
    pub(super) bias: Vec<i64>,
    /// Least and greatest sum.
    pub(super) domain: (i64, i64),
}

/// Whether the function is a comparison with 0.
pub(super) fn is_comparison(f: &Activation) -> bool {
    matches!(f, Activation::IsZero | Activation::IsPositive | Activation::IsNonNegative)
}

/// The tensors of a form and their factors, if it has no products.
pub(super) fn multiples(form: &Form) -> Option<Vec<(&View, &[f64])>> {
    fn multiple(term: &FormTerm) -> Option<(&View, &[f64])> {
        match term {
            FormTerm::Scale { view, factor } => Some((view, factor)),
            _ => None,
        }
    }
    form.terms.iter().map(multiple).collect()
}

impl Comparison {
    /// The comparison of integers that `f` of `form` is, if it is one and fits a table.
    pub(super) fn of(
        (form, f): (&Form, &Activation),
        draft: &Draft,
        choices: &[Choice],
    ) -> Result<Option<Self>, QuantError> {
        let terms = multiples(form).filter(|_| is_comparison(f) && form.floors.is_empty());
        let Some(terms) = terms.filter(|terms| !terms.is_empty()) else { return Ok(None) };
        let operands: Vec<Operand<'_>> = terms
            .iter()
            .map(|(view, factor)| {
                let choice = &choices[view.tensor.0];
                Operand { view, factor, range: choice.range, scale: choice.y }
            })
            .collect();
        let comparison = if operands.len() == 1 || are_disjoint(draft, &operands) {
            Some(Self::of_each(f, form, draft, &operands))
        } else {
            Self::of_sums(f, form, &operands)
        };
        let Some(comparison) = comparison else { return Ok(None) };
        let (least, greatest) = comparison.domain;
        if Bits::WIDEST.contains(least) && Bits::WIDEST.contains(greatest) {
            return Ok(Some(comparison));
        }
        let narrow = |operand: &Operand<'_>| {
            Bits::WIDEST.contains(operand.range.least)
                && Bits::WIDEST.contains(operand.range.greatest)
        };
        if let [only] = operands.as_slice()
            && narrow(only)
        {
            let origin = draft.origin.clone();
            let what = format!(
                "a comparison of integers that differ by {least} to {greatest}, which exceed {} \
                 bits; give the operand fewer bits",
                Bits::MAX
            );
            return Err(QuantError::Unsupported { origin, what });
        }
        Ok(None)
    }

    /// Of elements each of which reads one operand at most, at its scale.
    fn of_each(f: &Activation, form: &Form, draft: &Draft, operands: &[Operand<'_>]) -> Self {
        let uniform = form.bias.len() <= 1
            && matches!(operands, [Operand { factor: [_], view, .. }] if !view.has_holes());
        let count = if uniform { 1 } else { draft.shape.len() };
        let mut factors = vec![vec![0; count]; operands.len()];
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        let mut biases = Vec::with_capacity(count);
        #[allow(clippy::needless_range_loop, reason = "one of several lists, by element")]
        for e in 0..count {
            let b = at(&form.bias, e);
            let read = operands.iter().position(|operand| operand.reads(e));
            let (sums, r) = match read.map(|i| (i, &operands[i])) {
                None => (Range::new(0, 0), sign(b).into()),
                Some((i, operand)) => {
                    let a = at(operand.factor, e);
                    factors[i][e] = sign(a);
                    let sums =
                        Range::new(0, 0).plus(operand.range, &BTreeSet::from([sign(a).into()]));
                    (sums, libm::ldexp(b / a.abs(), operand.scale))
                }
            };
            let bias = rounded(f, r, sums);
            least = least.min(sums.least + bias);
            greatest = greatest.max(sums.greatest + bias);
            biases.push(bias);
        }
        Self { factors, bias: biases, domain: (least, greatest) }
    }

    /// Of sums of operands whose factors are all of one magnitude, at the finest of their scales.
    fn of_sums(f: &Activation, form: &Form, operands: &[Operand<'_>]) -> Option<Self> {
        let a = at(operands[0].factor, 0).abs();
        let uniform = |operand: &Operand<'_>| operand.factor.iter().all(|f| f.abs() == a);
        if a == 0.0 || !operands.iter().all(uniform) {
            return None;
        }
        let scale = operands.iter().map(|operand| operand.scale).max()?;
        let mut sums = Range::new(0, 0);
        let mut factors = Vec::with_capacity(operands.len());
        for operand in operands {
            let unit = 1i32.checked_shl((scale - operand.scale) as u32).filter(|unit| *unit > 0)?;
            let own: Vec<i32> = operand.factor.iter().map(|f| unit * sign(*f)).collect();
            let range = operand.range.with_holes(operand.view.has_holes());
            let multiples = own.iter().map(|f| i64::from(*f)).collect();
            sums = sums.plus(range, &multiples);
            factors.push(own);
        }
        let bias = |e| rounded(f, libm::ldexp(at(&form.bias, e) / a, scale), sums);
        let bias: Vec<i64> = (0..form.bias.len().max(1)).map(bias).collect();
        let (least, greatest) = ends(&bias);
        Some(Self { factors, bias, domain: (sums.least + least, sums.greatest + greatest) })
    }
}

/// A tensor that a comparison reads.
struct Operand<'f> {
    view: &'f View,
    factor: &'f [f64],
    range: Range,
    scale: i32,
}

impl Operand<'_> {
    /// Whether it has a part in element `e`.
    fn reads(&self, e: usize) -> bool {
        self.view.element(e).is_some() && at(self.factor, e) != 0.0
    }
}

/// Whether no element reads two operands.
fn are_disjoint(draft: &Draft, operands: &[Operand<'_>]) -> bool {
    let reads = |e| operands.iter().filter(|operand| operand.reads(e)).count();
    (0..draft.shape.len()).all(|e| reads(e) <= 1)
}

/// The quotient of `D` by `2^shift` that keeps what `f` says, as the constant that makes of rounding half
/// up what is meant; none if there is none.
pub(super) fn quotient(f: &Activation, shift: u8) -> Option<i64> {
    let half = (1i64 << shift) >> 1;
    match f {
        Activation::IsNonNegative => Some(-half),
        Activation::IsPositive => Some((half - 1).max(0)),
        _ => None,
    }
}

/// Least and greatest value of a form of whole numbers, if it has no product of two tensors and a
/// table holds it.
pub(super) fn whole_range(form: &Form, choices: &[Choice]) -> Option<(i64, i64)> {
    let mut sums = Range::new(0, 0);
    for term in &form.terms {
        let view = term.views().next()?;
        let operand = range_of(view, choices);
        match term {
            FormTerm::Product { .. } => return None,
            FormTerm::Scale { factor, .. } => {
                sums = sums.plus(operand, &factor.iter().map(|f| *f as i64).collect());
            }
            FormTerm::Contract { .. } | FormTerm::Correlate { .. } => {
                // A tap may meet a pad instead.
                let operand = operand.with_holes(matches!(term, FormTerm::Correlate { .. }));
                let channels = term.grid().map_or(1, |grid| grid.channels());
                let mut by_channel = vec![Range::new(0, 0); channels];
                for (i, w) in term.constants().iter().enumerate() {
                    let sum = &mut by_channel[term.channel_of_weight(i)];
                    *sum = sum.plus(operand, &BTreeSet::from([*w as i64]));
                }
                let least = by_channel.iter().map(|sum| sum.least).min()?;
                let greatest = by_channel.iter().map(|sum| sum.greatest).max()?;
                sums = Range::new(
                    sums.least.saturating_add(least),
                    sums.greatest.saturating_add(greatest),
                );
            }
        }
    }
    let bias: Vec<i64> = form.bias.iter().map(|b| *b as i64).collect();
    let (least, greatest) = if bias.is_empty() { (0, 0) } else { ends(&bias) };
    let range = (sums.least.saturating_add(least), sums.greatest.saturating_add(greatest));
    (Bits::WIDEST.contains(range.0) && Bits::WIDEST.contains(range.1)).then_some(range)
}

impl Range {
    /// Of a sum with one of these multiples of another number.
    fn plus(self, other: Self, factors: &BTreeSet<i64>) -> Self {
        let products = || {
            factors.iter().flat_map(|f| [other.least, other.greatest].map(|x| x.saturating_mul(*f)))
        };
        let (least, greatest) = (products().min().unwrap_or(0), products().max().unwrap_or(0));
        Self::new(self.least.saturating_add(least), self.greatest.saturating_add(greatest))
    }
}

fn range_of(view: &View, choices: &[Choice]) -> Range {
    choices[view.tensor.0].range.with_holes(view.has_holes())
}

/// The integer that stands for `r` beside a sum, and no further from 0 than leaves the sum's sign
/// the same everywhere.
fn rounded(f: &Activation, r: f64, sums: Range) -> i64 {
    let (never, always) = (-sums.greatest - 1, -sums.least + 1);
    // Saturating conversions.
    let whole = match f {
        Activation::IsPositive => libm::ceil(r) as i64,
        Activation::IsNonNegative => libm::floor(r) as i64,
        _ if r == libm::floor(r) => r as i64,
        _ => always,
    };
    whole.clamp(never, always)
}

fn ends(values: &[i64]) -> (i64, i64) {
    let start = (i64::MAX, i64::MIN);
    values.iter().fold(start, |(least, greatest), v| (least.min(*v), greatest.max(*v)))
}

fn sign(value: f64) -> i32 {
    i32::from(value > 0.0) - i32::from(value < 0.0)
}
