//! Allocates groups, weights, scalars and vector rows of a row program.

use super::{
    claims::Claim,
    layout::Layout,
    rows::{Base, Carry, Group, OperandRead, Source, UnitRef, VectorRow},
};
use crate::machine::{Profile, Unit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use zkml_core::program::TensorId;

/// A scalar cell `p`: a copy of one stored element, tied to it by an equation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scalar {
    /// The group whose `p` it is.
    pub group: usize,
    /// The tensor.
    pub tensor: TensorId,
    /// The stored element.
    pub element: u32,
}

/// A read of stored elements: `source` holds them at the exponents of their slots; times
/// `lambda^offset` they stand where they are wanted.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) source: Source,
    pub(super) offset: i64,
    /// Exponents of elements read along that nobody wants.
    pub(super) spill: Vec<i64>,
}

/// A row program under construction. Lane groups come first, then groups whose lanes are idle.
#[derive(Debug)]
pub(super) struct Builder {
    profile: Profile,
    pub(super) groups: Vec<Group>,
    pub(super) vector: Vec<VectorRow>,
    pub(super) equations: Vec<(Source, Source)>,
    pub(super) claims: Vec<Claim>,
    pub(super) scalars: Vec<Scalar>,
    layouts: Vec<Layout>,
    /// By tensor: segment and slot of each element.
    places: Vec<Vec<(u32, u32)>>,
    has_table: Vec<bool>,
    /// First group never used by a lane, a scalar or a run of ones.
    idle: usize,
    /// First group without weights.
    weight_end: usize,
    /// Groups whose `U2` no tensor needs, in descending order.
    spare: Vec<usize>,
    scalar_at: HashMap<(usize, u32), Source>,
    /// Segments read by `U2`: every second position or all, and where.
    segment_at: HashMap<(usize, usize), (bool, Source)>,
    tied: HashSet<(usize, usize)>,
    ones_at: HashMap<(bool, Vec<bool>), Source>,
    powers: BTreeMap<u32, Source>,
    kernels: HashMap<Vec<(u32, i64)>, Source>,
    indicators: HashMap<Vec<u32>, Source>,
}

impl Builder {
    /// Starts from tensors laid out in `groups`. `consumed` says which tensors some step reads.
    pub(super) fn new(
        profile: Profile,
        groups: Vec<Group>,
        layouts: Vec<Layout>,
        has_table: Vec<bool>,
        consumed: &[bool],
        lengths: &[usize],
    ) -> Self {
        let lanes = profile.lanes();
        let mut spare: Vec<usize> = layouts
            .iter()
            .zip(consumed)
            .filter(|(_, consumed)| !**consumed)
            .flat_map(|(layout, _)| layout.cells(lanes).map(|(_, group, _)| group))
            .collect();
        spare.sort_unstable_by(|a, b| b.cmp(a));
        spare.dedup();
        let places = layouts.iter().zip(lengths).map(|(l, length)| l.places(*length)).collect();
        Self {
            profile,
            idle: groups.len(),
            groups,
            vector: Vec::new(),
            equations: Vec::new(),
            claims: Vec::new(),
            scalars: Vec::new(),
            layouts,
            places,
            has_table,
            weight_end: 0,
            spare,
            scalar_at: HashMap::new(),
            segment_at: HashMap::new(),
            tied: HashSet::new(),
            ones_at: HashMap::new(),
            powers: BTreeMap::new(),
            kernels: HashMap::new(),
            indicators: HashMap::new(),
        }
    }

    /// Appends a run of vector rows; row `t` carries on row `t + 1` as `rows[t].carry` says, the
    /// last none. Its result is the first row's `Z`.
    pub(super) fn run(&mut self, mut rows: Vec<VectorRow>) -> Source {
        let first = self.vector.len();
        if let Some(last) = rows.last_mut() {
            last.carry = Carry::None;
        } else {
            rows.push(VectorRow::default());
        }
        self.vector.extend(rows);
        Source::Z(first)
    }

    /// The sum of rows that add up; of one row that is a source itself, the source.
    pub(super) fn sum(&mut self, rows: Vec<VectorRow>) -> Source {
        if let [VectorRow { a: Some(source), linear: 1, product: false, junk: 0, .. }] = rows[..] {
            return source;
        }
        self.run(rows)
    }

    /// `sum_i base^i factor_i source_i`; `None` skips a power.
    pub(super) fn horner(&mut self, carry: Carry, values: &[Option<(Source, i64)>]) -> Source {
        if let [Some((source, 1))] = values {
            return *source;
        }
        let rows = values
            .iter()
            .map(|value| VectorRow {
                carry,
                a: value.map(|(source, _)| source),
                linear: value.map_or(0, |(_, factor)| factor),
                ..VectorRow::default()
            })
            .collect();
        self.run(rows)
    }

    /// The row that adds `lambda^exponent factor source`.
    pub(super) fn shifted(&mut self, source: Source, exponent: u32, factor: i64) -> VectorRow {
        if exponent == 0 {
            return VectorRow {
                carry: Carry::One,
                a: Some(source),
                linear: factor,
                ..VectorRow::default()
            };
        }
        let source = if factor == 1 {
            source
        } else {
            self.run(vec![VectorRow { a: Some(source), linear: factor, ..VectorRow::default() }])
        };
        let power = self.power(exponent);
        multiply(source, power)
    }

    /// `lambda^exponent`, from smaller powers.
    pub(super) fn power(&mut self, exponent: u32) -> Source {
        if let Some(source) = self.powers.get(&exponent) {
            return *source;
        }
        let source = match exponent {
            0 => self.ones(vec![true], false),
            1 => {
                let one = self.power(0);
                self.horner(Carry::Lambda, &[None, Some((one, 1))])
            }
            _ => {
                // The largest power so far, if it is more than half; squares otherwise.
                let known = self.powers.range(exponent.div_ceil(2).max(1)..exponent).next_back();
                let part = known.map_or(exponent.div_ceil(2), |(known, _)| *known);
                let (a, b) = (self.power(part), self.power(exponent - part));
                self.run(vec![multiply(a, b)])
            }
        };
        self.powers.insert(exponent, source);
        source
    }

    /// `sum_t lambda^e_t k_t` of constants, `(e_t, k_t)` ascending.
    pub(super) fn kernel(&mut self, taps: Vec<(u32, i64)>) -> Source {
        if let Some(source) = self.kernels.get(&taps) {
            return *source;
        }
        let rows = taps
            .iter()
            .map(|(exponent, k)| VectorRow {
                carry: Carry::One,
                a: Some(self.power(*exponent)),
                linear: *k,
                ..VectorRow::default()
            })
            .collect();
        let source = self.sum(rows);
        self.kernels.insert(taps, source);
        source
    }

    /// `sum of lambda^e` over ascending exponents.
    pub(super) fn indicator(&mut self, exponents: &[u32]) -> Source {
        let Some(first) = exponents.first().copied() else { return self.run(Vec::new()) };
        let shape: Vec<u32> = exponents.iter().map(|e| e - first).collect();
        let source = match self.indicators.get(&shape) {
            Some(source) => *source,
            None => {
                let source = self.indicator_from_zero(&shape);
                self.indicators.insert(shape, source);
                source
            }
        };
        let row = self.shifted(source, first, 1);
        self.sum(vec![row])
    }

    fn indicator_from_zero(&mut self, shape: &[u32]) -> Source {
        // Runs of equal steps; an image has one a row, all alike.
        let step = shape.get(1).map_or(1, |second| *second).clamp(1, 2);
        let mut rows: Vec<(u32, usize)> = Vec::new();
        for exponent in shape {
            match rows.last_mut() {
                Some((start, length)) if *start + step * *length as u32 == *exponent => {
                    *length += 1
                }
                _ => rows.push((*exponent, 1)),
            }
        }
        let mut starts: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (start, length) in rows {
            starts.entry(length).or_default().push(start);
        }
        let mut sum = Vec::new();
        for (length, starts) in starts {
            let grid = self.kernel(starts.into_iter().map(|start| (start, 1)).collect());
            let row =
                if length == 1 { self.power(0) } else { self.ones(vec![true; length], step == 2) };
            sum.push(if length == 1 {
                VectorRow { carry: Carry::One, a: Some(grid), linear: 1, ..VectorRow::default() }
            } else {
                multiply(grid, row)
            });
        }
        self.sum(sum)
    }

    /// `sum_e lambda^e j_e` over junk cells at ascending exponents.
    pub(super) fn junk(&mut self, exponents: &[u32]) -> Source {
        /// Gaps up to this are filled row by row; a longer one takes a row and a power.
        const GAP: u32 = 4;
        let mut above: Option<(u32, Source)> = None;
        let mut end = exponents.len();
        while end > 0 {
            let mut start = end - 1;
            while start > 0 && exponents[start] - exponents[start - 1] <= GAP {
                start -= 1;
            }
            let mut rows = Vec::new();
            for (i, exponent) in exponents[start..end].iter().enumerate() {
                if i > 0 {
                    let gap = exponent - exponents[start + i - 1];
                    let filler = VectorRow { carry: Carry::Lambda, ..VectorRow::default() };
                    rows.extend(std::iter::repeat_n(filler, gap as usize - 1));
                }
                rows.push(VectorRow { carry: Carry::Lambda, junk: 1, ..VectorRow::default() });
            }
            if let (Some((exponent, source)), Some(last)) = (above, rows.last_mut()) {
                (last.a, last.b) = (Some(source), Some(self.power(exponent - exponents[end - 1])));
                last.product = true;
            }
            let source = self.run(rows);
            above = Some((exponents[start], source));
            end = start;
        }
        let Some((first, source)) = above else { return self.run(Vec::new()) };
        let row = self.shifted(source, first, 1);
        self.sum(vec![row])
    }

    /// `sum_e rho^e weights[e]` over a weight segment of its own, or `None` if it is 0.
    pub(super) fn weights(&mut self, mut weights: Vec<i64>) -> Option<Source> {
        while weights.last() == Some(&0) {
            weights.pop();
        }
        if weights.is_empty() {
            return None;
        }
        let first = self.weight_end;
        let chunks: Vec<_> = weights.chunks(self.profile.weight_lanes()).collect();
        let last = first + chunks.len() - 1;
        self.reserve(last + 1);
        for (group, chunk) in (first..).zip(chunks) {
            self.groups[group].weights = chunk.to_vec();
            self.groups[group].weight_next = group != last;
        }
        self.weight_end = last + 1;
        Some(Source::Unit(UnitRef::new(Unit::Weight, first)))
    }

    /// `sum_i base^i [live_i]`, base `lambda` or its square, read over idle lanes.
    fn ones(&mut self, live: Vec<bool>, squared: bool) -> Source {
        if let Some(source) = self.ones_at.get(&(squared, live.clone())) {
            return *source;
        }
        let lanes = self.profile.lanes();
        let count = live.len().div_ceil(lanes).max(1);
        let first = self.idle;
        self.idle += count;
        self.reserve(self.idle);
        for (offset, chunk) in live.chunks(lanes).enumerate() {
            let group = &mut self.groups[first + offset];
            group.mask = chunk.iter().enumerate().fold(0, |m, (l, on)| m | u32::from(*on) << l);
            group.operand = Some(OperandRead::One);
            group.operand_next = offset + 1 != count;
            group.operand_squared = squared;
        }
        let source = Source::Unit(UnitRef::new(Unit::Operand, first));
        self.ones_at.insert((squared, live), source);
        source
    }

    /// Reads of elements at the exponents where they are wanted: whole segments where their slots
    /// and the exponents go in step and what is read along is `harmless`, scalars otherwise.
    pub(super) fn pieces(
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

    /// `U1` over a stored segment.
    pub(super) fn output(&mut self, tensor: TensorId, segment: usize, base: Base) -> Source {
        let (first, count) = self.extent(tensor, segment);
        for offset in 0..count {
            let group = &mut self.groups[first + offset];
            group.output = Some(base);
            group.output_next = offset + 1 != count;
        }
        Source::Unit(UnitRef::new(Unit::Output, first))
    }

    /// A scalar copy of one stored element.
    fn scalar(&mut self, tensor: TensorId, element: u32) -> Source {
        if let Some(source) = self.scalar_at.get(&(tensor.0, element)) {
            return *source;
        }
        let (segment, _) = self.places[tensor.0][element as usize];
        self.tie(tensor, segment as usize);
        self.scalar_at[&(tensor.0, element)]
    }

    /// Gives every element of a stored segment a scalar, and ties them to it.
    fn tie(&mut self, tensor: TensorId, segment: usize) {
        if !self.tied.insert((tensor.0, segment)) {
            return;
        }
        let slots = self.layouts[tensor.0].segments[segment].slots.clone();
        let in_use = self.segment_at.get(&(tensor.0, segment)).map(|(squared, _)| *squared);
        let squared = in_use.unwrap_or(false);
        let read = self.segment(tensor, segment, squared);
        let (mut values, mut claim) = (Vec::with_capacity(slots.len()), Vec::new());
        for slot in slots {
            if let Some(element) = slot {
                let group = self.spare.pop().unwrap_or_else(|| {
                    self.idle += 1;
                    self.idle - 1
                });
                self.reserve(group + 1);
                self.groups[group].operand = Some(OperandRead::Scalar);
                let source = Source::Unit(UnitRef::new(Unit::Operand, group));
                claim.push((self.scalars.len(), values.len() as u32));
                self.scalars.push(Scalar { group, tensor, element });
                self.scalar_at.insert((tensor.0, element), source);
                values.push(Some((source, 1)));
            } else {
                values.push(None);
            }
            if squared {
                values.push(None);
            }
        }
        let scalars = self.horner(Carry::Lambda, &values);
        self.equations.push((scalars, read));
        self.claims.push(Claim::Tie(claim));
    }

    /// `U2` over a stored segment, with base `lambda^2` if `squared`.
    fn segment(&mut self, tensor: TensorId, segment: usize, squared: bool) -> Source {
        if let Some((_, source)) = self.segment_at.get(&(tensor.0, segment)) {
            return *source;
        }
        let (first, count) = self.extent(tensor, segment);
        let read = if self.has_table[tensor.0] { OperandRead::Y } else { OperandRead::X };
        for offset in 0..count {
            let group = &mut self.groups[first + offset];
            group.operand = Some(read);
            group.operand_next = offset + 1 != count;
            group.operand_squared = squared;
        }
        let source = Source::Unit(UnitRef::new(Unit::Operand, first));
        self.segment_at.insert((tensor.0, segment), (squared, source));
        source
    }

    /// First group and number of groups of a segment.
    fn extent(&self, tensor: TensorId, segment: usize) -> (usize, usize) {
        let stored = &self.layouts[tensor.0].segments[segment];
        (stored.group, stored.slots.len().div_ceil(self.profile.lanes()))
    }

    fn reserve(&mut self, groups: usize) {
        if self.groups.len() < groups {
            self.groups.resize(groups, Group::default());
        }
    }
}

/// The row that adds the product of two sources.
pub(super) fn multiply(a: Source, b: Source) -> VectorRow {
    VectorRow { carry: Carry::One, a: Some(a), b: Some(b), product: true, ..VectorRow::default() }
}
