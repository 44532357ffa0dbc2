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
//! calibrated range of the difference: such a step has the scale of its operand, no shift, and a table
//! of every difference there can be. Nothing is lost but what rounding an input to its scale loses. The
//! same holds of sums of tensors whose factors all are `+a` or `-a`, at the finest of their scales, and
//! of sums of whole numbers, as far as a table holds them. Other arguments are rounded to their
//! calibrated range before they are compared.

use super::{
    QuantError,
    form::{Form, FormTerm},
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
        let Some(terms) = terms else { return Ok(None) };
        let [(_, first), others @ ..] = terms.as_slice() else { return Ok(None) };
        // What the factors of an element have in common: of several tensors, one number.
        let common = |e: usize| at(first, e).abs();
        let uniform = |factor: &[f64]| factor.iter().all(|f| f.abs() == common(0) && *f != 0.0);
        if !others.is_empty() && !terms.iter().all(|(_, factor)| uniform(factor)) {
            return Ok(None);
        }
        let scale = terms.iter().map(|(view, _)| choices[view.tensor.0].y).max().unwrap_or(0);
        let mut sums = Range::new(0, 0);
        let mut factors = Vec::with_capacity(terms.len());
        for (view, factor) in &terms {
            let Some(unit) = 1i32.checked_shl((scale - choices[view.tensor.0].y) as u32) else {
                return Ok(None);
            };
            let own: Vec<i32> = factor.iter().map(|f| unit.saturating_mul(sign(*f))).collect();
            let multiples = own.iter().map(|f| i64::from(*f)).collect();
            sums = sums.plus(range_of(view, choices), &multiples);
            factors.push(own);
        }
        let count = first.len().max(form.bias.len()).max(1);
        let bias: Vec<i64> = (0..count)
            .map(|e| match (common(e), at(&form.bias, e)) {
                (0.0, b) => rounded(f, sign(b).into(), sums),
                (a, b) => rounded(f, libm::ldexp(b / a, scale), sums),
            })
            .collect();
        let (least, greatest) = ends(&bias);
        let domain = (sums.least + least, sums.greatest + greatest);
        if Bits::WIDEST.contains(domain.0) && Bits::WIDEST.contains(domain.1) {
            return Ok(Some(Self { factors, bias, domain }));
        }
        let narrow = Bits::WIDEST.contains(sums.least) && Bits::WIDEST.contains(sums.greatest);
        if narrow && others.is_empty() {
            let (least, greatest) = domain;
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
    let holes = view.index.as_ref().is_some_and(|index| index.contains(&View::HOLE));
    choices[view.tensor.0].range.with_holes(holes)
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

/// Element `e` of a constant that has none, one for all elements, or one for each.
fn at(values: &[f64], e: usize) -> f64 {
    match values {
        [] => 0.0,
        [one] => *one,
        each => each[e],
    }
}
