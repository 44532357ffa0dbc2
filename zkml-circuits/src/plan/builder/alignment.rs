//! Which reads bring stored elements to the monomials where a step wants them.
//!
//! A segment is read whole: by `U2` its slots become consecutive powers of `lambda` (or every
//! second one), by `U4` consecutive powers of `rho`. So a read serves a group of wanted elements if
//! slots and exponents go in step and the other exponent is one for all. Elements that fit neither
//! are scalars: one vector row to tie each of the segment, one to use it.

use std::ops::RangeInclusive;

/// A stored element, by its slot in a segment, wanted times `factor` at `lambda^lambda rho^rho`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Local {
    pub(in crate::plan) slot: u32,
    pub(in crate::plan) lambda: i64,
    pub(in crate::plan) rho: u32,
    pub(in crate::plan) factor: i64,
}

/// A segment: its slots, and how many of them hold an element.
#[derive(Clone, Copy, Debug)]
pub(in crate::plan) struct Held<'a> {
    pub(in crate::plan) slots: &'a [Option<u32>],
    pub(in crate::plan) count: usize,
}

/// A whole read of a segment that brings slot 0 to `offset` and the next ones `step` further each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Aligned {
    pub(in crate::plan) step: i64,
    pub(in crate::plan) offset: i64,
    /// Exponents of elements read along that nobody wants.
    pub(in crate::plan) spill: Vec<i64>,
}

/// The read of a segment with one of `steps` that brings each wanted slot to its exponent, if there
/// is one. No slot is wanted twice.
fn align(held: Held<'_>, wanted: &[(u32, i64)], steps: RangeInclusive<i64>) -> Option<Aligned> {
    let (slot, exponent) = *wanted.first()?;
    let step = match wanted.iter().find(|(other, _)| *other != slot) {
        Some((other, at)) => (at - exponent) / (i64::from(*other) - i64::from(slot)),
        None => *steps.start(),
    };
    let fits = |(s, e): &(u32, i64)| e - exponent == step * (i64::from(*s) - i64::from(slot));
    if !steps.contains(&step) || !wanted.iter().all(fits) {
        return None;
    }
    let offset = exponent - step * i64::from(slot);
    let mut spill = Vec::new();
    if wanted.len() < held.count {
        let mut taken = vec![false; held.slots.len()];
        for (slot, _) in wanted {
            taken[*slot as usize] = true;
        }
        let others = (0i64..).zip(held.slots).zip(taken);
        let others = others.filter(|((_, element), taken)| element.is_some() && !taken);
        spill.extend(others.map(|((slot, _), _)| offset + step * slot));
    }
    Some(Aligned { step, offset, spill })
}

/// A read by `U2`: steps it may take, elements read along that junk may take away.
pub(in crate::plan) fn along_lambda(
    held: Held<'_>,
    wanted: &[(u32, i64)],
    in_use: Option<bool>,
    harmless: &dyn Fn(i64) -> bool,
) -> Option<Aligned> {
    /// A segment of which fewer than one in so many elements are wanted is not read, nor one
    /// of which a lone element is: a scalar is cheaper than the junk.
    const WASTE: usize = 8;
    let spilt = held.count.saturating_sub(wanted.len());
    if spilt > 0 && (wanted.len() <= 1 || wanted.len() * (WASTE - 1) < spilt) {
        return None;
    }
    let steps = match in_use {
        Some(squared) => 1 + i64::from(squared)..=1 + i64::from(squared),
        None => 1..=2,
    };
    align(held, wanted, steps).filter(|read| read.spill.iter().all(|e| harmless(*e)))
}

/// A read by `U4`: no junk has an exponent of `rho`, so nothing may be read along.
pub(in crate::plan) fn along_rho(held: Held<'_>, wanted: &[(u32, i64)]) -> Option<Aligned> {
    if wanted.len() < held.count {
        return None;
    }
    align(held, wanted, 1..=1).filter(|read| read.spill.is_empty() && read.offset >= 0)
}

/// How a segment serves the elements that one sum wants of it.
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct Service {
    /// Reads by `U2`, each with the exponent of `rho` and the factor.
    pub(in crate::plan) lambda: Vec<(Aligned, u32, i64)>,
    /// Reads by `U4`, each with the exponent of `lambda` and the factor.
    pub(in crate::plan) rho: Vec<(Aligned, i64, i64)>,
    /// What is left to scalars.
    pub(in crate::plan) scalars: Vec<Local>,
}

impl Service {
    /// The cheaper of reads by `U2` and by `U4`.
    pub(in crate::plan) fn of(
        held: Held<'_>,
        wanted: &mut [Local],
        in_use: Option<bool>,
        harmless: &dyn Fn(i64) -> bool,
    ) -> Self {
        wanted.sort_unstable_by_key(|w| (w.rho, w.factor, w.slot, w.lambda));
        let mut by_lambda = Self::default();
        // A segment is read in one base.
        let mut squared = in_use;
        for group in wanted.chunk_by(|a, b| (a.rho, a.factor) == (b.rho, b.factor)) {
            for layer in layers(group) {
                let places: Vec<_> = layer.iter().map(|w| (w.slot, w.lambda)).collect();
                match along_lambda(held, &places, squared, harmless) {
                    Some(read) => {
                        squared = Some(read.step == 2);
                        by_lambda.lambda.push((read, group[0].rho, group[0].factor));
                    }
                    None => by_lambda.scalars.extend(layer),
                }
            }
        }
        if by_lambda.scalars.is_empty() && by_lambda.lambda.len() == 1 {
            return by_lambda;
        }
        wanted.sort_unstable_by_key(|w| (w.lambda, w.factor, w.slot, w.rho));
        let mut by_rho = Self::default();
        for group in wanted.chunk_by(|a, b| (a.lambda, a.factor) == (b.lambda, b.factor)) {
            for layer in layers(group) {
                let places: Vec<_> = layer.iter().map(|w| (w.slot, i64::from(w.rho))).collect();
                match along_rho(held, &places) {
                    Some(read) => by_rho.rho.push((read, group[0].lambda, group[0].factor)),
                    None => by_rho.scalars.extend(layer),
                }
            }
        }
        if by_rho.cost(held) < by_lambda.cost(held) { by_rho } else { by_lambda }
    }

    /// Reads at different offsets: a polynomial of constants takes all at one.
    pub(in crate::plan) fn reads(&self) -> usize {
        let lambda = self.lambda.iter().map(|(read, ..)| read.offset);
        let mut offsets: Vec<i64> = lambda.chain(self.rho.iter().map(|(r, ..)| r.offset)).collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets.len()
    }

    /// Vector rows, roughly: for reads, for scalars, and for the ties of those.
    fn cost(&self, held: Held<'_>) -> usize {
        let ties = if self.scalars.is_empty() { 0 } else { 2 * held.count };
        self.reads() + self.scalars.len() + ties
    }
}

/// Elements sorted by slot, dealt to lists in which no slot occurs twice.
fn layers(sorted: &[Local]) -> Vec<Vec<Local>> {
    let mut layers: Vec<Vec<Local>> = Vec::new();
    for same in sorted.chunk_by(|a, b| a.slot == b.slot) {
        for (number, wanted) in same.iter().enumerate() {
            if layers.len() == number {
                layers.push(Vec::new());
            }
            layers[number].push(*wanted);
        }
    }
    layers
}
