//! Reads of stored elements at the exponents where a step wants them.

use super::Builder;
use crate::plan::rows::Source;
use std::collections::{BTreeMap, HashSet};
use zkml_core::program::TensorId;

/// A read of stored elements: `source` holds them at the exponents of their slots; times
/// `lambda^offset` they stand where they are wanted.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Piece {
    pub(in crate::plan) source: Source,
    pub(in crate::plan) offset: i64,
    /// Exponents of elements read along that nobody wants.
    pub(in crate::plan) spill: Vec<i64>,
}

impl Builder {
    /// Reads of elements at the exponents where they are wanted: whole segments where their slots
    /// and the exponents go in step and what is read along is `harmless`, scalars otherwise.
    pub(in crate::plan) fn pieces(
        &mut self,
        tensor: TensorId,
        wanted: &[(u32, i64)],
        harmless: impl Fn(i64) -> bool,
    ) -> Vec<Piece> {
        let mut by_segment: BTreeMap<u32, Vec<(u32, i64, u32)>> = BTreeMap::new();
        for (element, exponent) in wanted {
            let (segment, slot) = self.places[tensor.0][*element as usize];
            by_segment.entry(segment).or_default().push((slot, *exponent, *element));
        }
        let mut pieces = Vec::new();
        for (segment, wanted) in by_segment {
            let segment = segment as usize;
            if let Some((squared, offset, spill)) = self.aligned(tensor, segment, &wanted)
                && spill.iter().all(|e| harmless(*e))
            {
                let source = self.segment(tensor, segment, squared);
                pieces.push(Piece { source, offset, spill });
                continue;
            }
            for (_, exponent, element) in wanted {
                let source = self.scalar(tensor, element);
                pieces.push(Piece { source, offset: exponent, spill: Vec::new() });
            }
        }
        pieces
    }

    /// Base and offset with which a segment puts its wanted slots at their exponents, and where
    /// it puts the others.
    fn aligned(
        &self,
        tensor: TensorId,
        segment: usize,
        wanted: &[(u32, i64, u32)],
    ) -> Option<(bool, i64, Vec<i64>)> {
        /// A segment of which fewer than one in so many elements are wanted is not read, nor one
        /// of which a lone element is: a scalar is cheaper than the junk.
        const WASTE: usize = 8;
        let slots = &self.layouts[tensor.0].segments[segment].slots;
        let (slot, exponent, _) = *wanted.first()?;
        let in_use = self.segment_at.get(&(tensor.0, segment)).map(|(squared, _)| *squared);
        let step = match wanted.iter().find(|(other, ..)| *other != slot) {
            Some((other, at, _)) => (at - exponent) / (i64::from(*other) - i64::from(slot)),
            None => 1 + i64::from(in_use.unwrap_or(false)),
        };
        let fits =
            wanted.iter().all(|(s, e, _)| e - exponent == step * (i64::from(*s) - i64::from(slot)));
        let squared = step == 2;
        if !fits || !(1..=2).contains(&step) || in_use.is_some_and(|used| used != squared) {
            return None;
        }
        let offset = exponent - step * i64::from(slot);
        let taken: HashSet<u32> = wanted.iter().map(|(slot, ..)| *slot).collect();
        let spill: Vec<i64> = (0u32..)
            .zip(slots)
            .filter(|(slot, element)| element.is_some() && !taken.contains(slot))
            .map(|(slot, _)| offset + step * i64::from(slot))
            .collect();
        let worth = spill.is_empty() || taken.len() > 1 && taken.len() * (WASTE - 1) >= spill.len();
        worth.then_some((squared, offset, spill))
    }
}
