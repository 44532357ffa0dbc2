//! Allocates groups, weights, scalars and vector rows of a row program.

use super::{
    layout::{Layout, Slots},
    rows::{Carry, Group, OperandRead, RowProgram, Source, UnitRef, VectorRow},
};
use crate::machine::{Profile, Unit};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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
#[derive(Debug)]
pub(super) struct Builder {
    profile: Profile,
    pub(super) groups: Vec<Group>,
    pub(super) vector: Vec<VectorRow>,
    pub(super) equations: Vec<(Source, Source)>,
    pub(super) scalars: Vec<Scalar>,
    layouts: Vec<Layout>,
    has_table: Vec<bool>,
    /// First group never used by a lane, a scalar or a run of ones.
    idle: usize,
    /// First group without weights.
    weight_end: usize,
    /// Groups whose `U2` no tensor needs, in descending order.
    spare: Vec<usize>,
    scalar_at: HashMap<(usize, u32), Source>,
    segment_at: HashMap<(usize, usize), Source>,
    tied: HashMap<(usize, usize), ()>,
    ones_at: HashMap<Vec<bool>, Source>,
    polynomial_at: HashMap<(usize, Slots), Source>,
}

impl Builder {
    /// Starts from tensors laid out in `groups`. `consumed` says which tensors some step reads.
    pub(super) fn new(
        profile: Profile,
        groups: Vec<Group>,
        layouts: Vec<Layout>,
        has_table: Vec<bool>,
        consumed: &[bool],
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
        Self {
            profile,
            idle: groups.len(),
            groups,
            vector: Vec::new(),
            equations: Vec::new(),
            scalars: Vec::new(),
            layouts,
            has_table,
            weight_end: 0,
            spare,
            scalar_at: HashMap::new(),
            segment_at: HashMap::new(),
            tied: HashMap::new(),
            ones_at: HashMap::new(),
            polynomial_at: HashMap::new(),
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

    /// `sum_i lambda^i [live_i]`, read over idle lanes.
    pub(super) fn ones(&mut self, live: Vec<bool>) -> Source {
        if let Some(source) = self.ones_at.get(&live) {
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
        }
        let source = Source::Unit(UnitRef::new(Unit::Operand, first));
        self.ones_at.insert(live, source);
        source
    }

    /// `sum_i lambda^i v_i` for the elements `slots` of `tensor`: a read of the stored segment if
    /// there is such a one, a run over scalars otherwise.
    pub(super) fn polynomial(&mut self, tensor: TensorId, slots: &Slots) -> Source {
        let key = (tensor.0, slots.clone());
        if let Some(source) = self.polynomial_at.get(&key) {
            return *source;
        }
        let stored = self.layouts[tensor.0]
            .segments
            .iter()
            .position(|segment| trimmed(&segment.slots) == trimmed(slots));
        let source = match stored {
            Some(segment) => self.segment(tensor, segment),
            None => {
                let values: Vec<_> = slots
                    .iter()
                    .map(|slot| slot.map(|element| (self.scalar(tensor, element), 1)))
                    .collect();
                self.horner(Carry::Lambda, &values)
            }
        };
        self.polynomial_at.insert(key, source);
        source
    }

    /// A scalar copy of one stored element.
    pub(super) fn scalar(&mut self, tensor: TensorId, element: u32) -> Source {
        if let Some(source) = self.scalar_at.get(&(tensor.0, element)) {
            return *source;
        }
        let segment = self.layouts[tensor.0]
            .segments
            .iter()
            .position(|segment| segment.slots.contains(&Some(element)))
            .expect("the layout of a tensor holds each of its elements");
        self.tie(tensor, segment);
        self.scalar_at[&(tensor.0, element)]
    }

    /// Gives every element of a stored segment a scalar, and ties them to it.
    fn tie(&mut self, tensor: TensorId, segment: usize) {
        if self.tied.insert((tensor.0, segment), ()).is_some() {
            return;
        }
        let slots = self.layouts[tensor.0].segments[segment].slots.clone();
        let read = self.segment(tensor, segment);
        let mut values = Vec::with_capacity(slots.len());
        for slot in slots {
            let Some(element) = slot else {
                values.push(None);
                continue;
            };
            let group = self.spare.pop().unwrap_or_else(|| {
                self.idle += 1;
                self.idle - 1
            });
            self.reserve(group + 1);
            self.groups[group].operand = Some(OperandRead::Scalar);
            let source = Source::Unit(UnitRef::new(Unit::Operand, group));
            self.scalars.push(Scalar { group, tensor, element });
            self.scalar_at.insert((tensor.0, element), source);
            values.push(Some((source, 1)));
        }
        let scalars = self.horner(Carry::Lambda, &values);
        self.equations.push((scalars, read));
    }

    /// `U2` over a stored segment.
    fn segment(&mut self, tensor: TensorId, segment: usize) -> Source {
        if let Some(source) = self.segment_at.get(&(tensor.0, segment)) {
            return *source;
        }
        let Some(stored) = self.layouts[tensor.0].segments.get(segment) else {
            unreachable!("segments are found by their position");
        };
        let count = stored.slots.len().div_ceil(self.profile.lanes());
        let read = if self.has_table[tensor.0] { OperandRead::Y } else { OperandRead::X };
        let first = stored.group;
        for offset in 0..count {
            let group = &mut self.groups[first + offset];
            group.operand = Some(read);
            group.operand_next = offset + 1 != count;
        }
        let source = Source::Unit(UnitRef::new(Unit::Operand, first));
        self.segment_at.insert((tensor.0, segment), source);
        source
    }

    fn reserve(&mut self, groups: usize) {
        if self.groups.len() < groups {
            self.groups.resize(groups, Group::default());
        }
    }

    /// The finished row program.
    pub(super) fn finish(
        self,
        k: u32,
        tables: Vec<super::TableRow>,
        words: usize,
    ) -> (RowProgram, Vec<Layout>, Vec<Scalar>) {
        let rows = RowProgram {
            profile: self.profile,
            k,
            groups: self.groups,
            vector: self.vector,
            tables,
            equations: self.equations,
            words,
        };
        (rows, self.layouts, self.scalars)
    }
}

fn trimmed(slots: &[Option<u32>]) -> &[Option<u32>] {
    let end = slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    slots.get(..end).unwrap_or_default()
}
