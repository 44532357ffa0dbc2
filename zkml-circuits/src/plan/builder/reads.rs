//! Reads of stored elements at the monomials where a step wants them.

use super::{
    Builder,
    alignment::{Local, Service, along_lambda, along_rho},
    plane::{Summand, Value},
};
use crate::plan::rows::Source;
use std::collections::BTreeSet;
use zkml_core::program::TensorId;

/// A read of stored elements: `source` holds them at the exponents of their slots; times
/// `lambda^offset` (or `rho^offset`) they stand where they are wanted.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Piece {
    pub(in crate::plan) source: Source,
    pub(in crate::plan) offset: i64,
    /// Exponents of elements read along that nobody wants.
    pub(in crate::plan) spill: Vec<i64>,
}

/// A stored element wanted times `factor` at `lambda^lambda rho^rho`.
#[derive(Clone, Copy, Debug)]
pub(in crate::plan) struct Want {
    pub(in crate::plan) element: u32,
    pub(in crate::plan) lambda: i64,
    pub(in crate::plan) rho: u32,
    pub(in crate::plan) factor: i64,
}

/// Slot, exponent and element of a wanted read.
type Place = (u32, i64, u32);

impl Builder {
    /// Reads of elements at the exponents of `lambda` where they are wanted: whole segments where
    /// their slots and the exponents go in step and what is read along is `harmless`, scalars
    /// otherwise.
    pub(in crate::plan) fn pieces(
        &mut self,
        tensor: TensorId,
        wanted: &[(u32, i64)],
        harmless: &dyn Fn(i64) -> bool,
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (segment, wanted) in self.by_segment(tensor, wanted) {
            let in_use = self.segment_at.get(&(tensor.0, segment)).map(|(squared, _)| *squared);
            let held = self.held(tensor, segment);
            let places: Vec<_> =
                wanted.iter().map(|(slot, exponent, _)| (*slot, *exponent)).collect();
            match along_lambda(held, &places, in_use, harmless) {
                Some(read) => {
                    let source = self.segment(tensor, segment, read.step == 2);
                    pieces.push(Piece { source, offset: read.offset, spill: read.spill });
                }
                None => self.scalars(tensor, &wanted, &mut pieces),
            }
        }
        pieces
    }

    /// As [`Self::pieces`], at exponents of `rho`.
    pub(in crate::plan) fn features(
        &mut self,
        tensor: TensorId,
        wanted: &[(u32, i64)],
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (segment, wanted) in self.by_segment(tensor, wanted) {
            let held = self.held(tensor, segment);
            let places: Vec<_> =
                wanted.iter().map(|(slot, exponent, _)| (*slot, *exponent)).collect();
            match along_rho(held, &places) {
                Some(read) => {
                    let source = self.feature(tensor, segment);
                    pieces.push(Piece { source, offset: read.offset, spill: Vec::new() });
                }
                None => self.scalars(tensor, &wanted, &mut pieces),
            }
        }
        pieces
    }

    /// The sum of wanted elements, read either way. Exponents of `lambda` with elements that nobody
    /// wants go to `touched`.
    pub(in crate::plan) fn summands(
        &mut self,
        tensor: TensorId,
        wants: &[Want],
        harmless: &dyn Fn(i64) -> bool,
        touched: &mut BTreeSet<i64>,
    ) -> Vec<Summand> {
        let places = &self.places[tensor.0];
        let mut wanted: Vec<(u32, Local)> = wants
            .iter()
            .map(|want| {
                let (segment, slot) = places[want.element as usize];
                let Want { lambda, rho, factor, .. } = *want;
                (segment, Local { slot, lambda, rho, factor })
            })
            .collect();
        wanted.sort_by_key(|(segment, _)| *segment);
        let mut summands = Vec::new();
        for same in wanted.chunk_by(|a, b| a.0 == b.0) {
            let segment = same[0].0 as usize;
            let mut wanted: Vec<Local> = same.iter().map(|(_, want)| *want).collect();
            let in_use = self.segment_at.get(&(tensor.0, segment)).map(|(squared, _)| *squared);
            let held = self.held(tensor, segment);
            let service = Service::of(held, &mut wanted, in_use, harmless);
            for (read, rho, factor) in service.lambda {
                let source = self.segment(tensor, segment, read.step == 2);
                touched.extend(read.spill);
                let value = Value::Linear(source, factor);
                summands.push(Summand { lambda: read.offset, rho, value });
            }
            for (read, lambda, factor) in service.rho {
                let value = Value::Linear(self.feature(tensor, segment), factor);
                // Not negative, and less than the slots of a segment.
                summands.push(Summand { lambda, rho: read.offset as u32, value });
            }
            for want in &service.scalars {
                summands.push(self.lone(tensor, segment, want));
            }
        }
        summands
    }

    fn lone(&mut self, tensor: TensorId, segment: usize, want: &Local) -> Summand {
        let slots = &self.layouts[tensor.0].segments[segment].slots;
        let element = slots[want.slot as usize].expect("a wanted slot holds an element");
        let value = Value::Linear(self.scalar(tensor, element), want.factor);
        Summand { lambda: want.lambda, rho: want.rho, value }
    }

    /// Wanted elements as slot, exponent and element, segment by segment.
    fn by_segment(&self, tensor: TensorId, wanted: &[(u32, i64)]) -> Vec<(usize, Vec<Place>)> {
        let places = &self.places[tensor.0];
        let mut all: Vec<(u32, Place)> = wanted
            .iter()
            .map(|(element, exponent)| {
                let (segment, slot) = places[*element as usize];
                (segment, (slot, *exponent, *element))
            })
            .collect();
        all.sort_by_key(|(segment, _)| *segment);
        all.chunk_by(|a, b| a.0 == b.0)
            .map(|same| (same[0].0 as usize, same.iter().map(|(_, wanted)| *wanted).collect()))
            .collect()
    }

    fn scalars(&mut self, tensor: TensorId, wanted: &[Place], pieces: &mut Vec<Piece>) {
        for (_, exponent, element) in wanted {
            let source = self.scalar(tensor, *element);
            pieces.push(Piece { source, offset: *exponent, spill: Vec::new() });
        }
    }
}
