//! Allocates groups, weights, scalars and vector rows of a row program.

mod alignment;
mod deal;
mod plane;
mod polynomials;
mod reads;

pub(super) use alignment::{Held, Local, Service, along_lambda, along_rho};
pub(super) use plane::{Plane, Summand, Value};
pub(super) use reads::{Piece, Want};

use super::{
    claims::Claim,
    layout::{Layout, Segment},
    rows::{Base, Carry, Group, LaneRead, OperandRead, Source, UnitRef, VectorRow},
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

/// A row program under construction. Lane groups come first, then groups whose lanes are idle.
/// Weights and scalars get their groups at the end ([`Builder::finish`]), around the reads.
#[derive(Debug)]
pub(super) struct Builder {
    profile: Profile,
    pub(super) groups: Vec<Group>,
    pub(super) vector: Vec<VectorRow>,
    pub(super) equations: Vec<(Source, Source)>,
    pub(super) claims: Vec<Claim>,
    pub(super) scalars: Vec<Scalar>,
    pub(super) layouts: Vec<Layout>,
    /// By tensor: segment and slot of each element.
    places: Vec<Vec<(u32, u32)>>,
    /// By tensor and segment: how many slots hold an element.
    counts: Vec<Vec<usize>>,
    has_table: Vec<bool>,
    /// First group never used by a lane or a run of ones.
    idle: usize,
    /// Weight segments, each once, still without groups.
    weights: Vec<Vec<i64>>,
    weights_at: HashMap<Vec<i64>, Source>,
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
    /// Starts from tensors laid out in `groups`.
    pub(super) fn new(
        profile: Profile,
        groups: Vec<Group>,
        layouts: Vec<Layout>,
        has_table: Vec<bool>,
        lengths: &[usize],
    ) -> Self {
        let count = |segment: &Segment| segment.slots.iter().flatten().count();
        let counts = layouts.iter().map(|l| l.segments.iter().map(count).collect()).collect();
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
            counts,
            has_table,
            weights: Vec::new(),
            weights_at: HashMap::new(),
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

    /// `sum_e rho^e weights[e]` over a weight segment, or `None` if it is 0.
    pub(super) fn weights(&mut self, mut weights: Vec<i64>) -> Option<Source> {
        while weights.last() == Some(&0) {
            weights.pop();
        }
        if weights.is_empty() {
            return None;
        }
        if let Some(source) = self.weights_at.get(&weights) {
            return Some(*source);
        }
        let source = deal::weights(self.weights.len());
        self.weights_at.insert(weights.clone(), source);
        self.weights.push(weights);
        Some(source)
    }

    /// `rho^exponent`.
    fn rho_power(&mut self, exponent: u32) -> Source {
        let mut weights = vec![0; exponent as usize];
        weights.push(1);
        self.weights(weights).expect("1 is not 0")
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

    /// A segment, for reads of it.
    fn held(&self, tensor: TensorId, segment: usize) -> Held<'_> {
        let slots = &self.layouts[tensor.0].segments[segment].slots;
        Held { slots, count: self.counts[tensor.0][segment] }
    }

    /// The segments of a stored tensor.
    pub(super) fn segments(&self, tensor: TensorId) -> &[Segment] {
        &self.layouts[tensor.0].segments
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
                let (group, source) = deal::scalar(self.scalars.len());
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

    /// `U4` over a stored segment.
    fn feature(&mut self, tensor: TensorId, segment: usize) -> Source {
        let (first, count) = self.extent(tensor, segment);
        let read = if self.has_table[tensor.0] { LaneRead::Y } else { LaneRead::X };
        for offset in 0..count {
            let group = &mut self.groups[first + offset];
            group.feature = Some(read);
            group.feature_next = offset + 1 != count;
        }
        Source::Unit(UnitRef::new(Unit::Feature, first))
    }

    /// First group and number of groups of a segment.
    fn extent(&self, tensor: TensorId, segment: usize) -> (usize, usize) {
        let stored = &self.layouts[tensor.0].segments[segment];
        (stored.group, stored.slots.len().div_ceil(self.profile.lanes()))
    }
}

/// The row that adds the product of two sources.
pub(super) fn multiply(a: Source, b: Source) -> VectorRow {
    VectorRow { carry: Carry::One, a: Some(a), b: Some(b), product: true, ..VectorRow::default() }
}
