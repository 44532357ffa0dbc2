//! Groups for weights and scalars, once all reads are known.
//!
//! Until then they are known by number. A group whose `U4` reads lanes has no weights, one whose
//! `U2` reads anything has no scalar; all others take them, the first ones first.

use super::Builder;
use crate::{
    machine::Unit,
    plan::rows::{Group, OperandRead, Source, UnitRef},
};
use std::collections::BTreeMap;

/// Groups of a machine are fewer; numbers of weights and scalars start here.
const FIRST: usize = 1 << 40;

/// Weight segment number `number`, still without groups.
pub(super) fn weights(number: usize) -> Source {
    Source::Unit(UnitRef::new(Unit::Feature, FIRST + number))
}

/// Scalar number `number`, still without a group: the number that stands for it, and its source.
pub(super) fn scalar(number: usize) -> (usize, Source) {
    (FIRST + number, Source::Unit(UnitRef::new(Unit::Operand, FIRST + number)))
}

impl Builder {
    /// Gives all weights and scalars their groups.
    pub(in crate::plan) fn finish(mut self) -> Self {
        self.reserve(self.idle);
        let weights = self.deal_weights();
        let scalars = self.deal_scalars();
        let settle = |source: &mut Source| {
            let Source::Unit(at) = source else { return };
            if let Some(number) = at.group.checked_sub(FIRST) {
                at.group = match at.unit {
                    Unit::Operand => scalars[number],
                    _ => weights[number],
                };
            }
        };
        for row in &mut self.vector {
            row.a.iter_mut().chain(&mut row.b).for_each(settle);
        }
        for (left, right) in &mut self.equations {
            settle(left);
            settle(right);
        }
        for (scalar, group) in self.scalars.iter_mut().zip(scalars) {
            scalar.group = group;
        }
        self
    }

    /// First group of each weight segment.
    fn deal_weights(&mut self) -> Vec<usize> {
        let lanes = self.profile.weight_lanes();
        // Runs of groups without a read, by length; the last one never ends.
        let mut free: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut start = 0;
        for (index, group) in self.groups.iter().enumerate() {
            if group.feature.is_some() {
                if start < index {
                    free.entry(index - start).or_default().push(start);
                }
                start = index + 1;
            }
        }
        // The first runs are taken first.
        free.values_mut().for_each(|starts| starts.reverse());
        let mut end = start;
        let segments = std::mem::take(&mut self.weights);
        let mut first = Vec::with_capacity(segments.len());
        for weights in segments {
            let count = weights.len().div_ceil(lanes);
            // The shortest run that is long enough.
            let run = free.range(count..).next().map(|(length, _)| *length);
            let group = run.and_then(|length| {
                let starts = free.get_mut(&length)?;
                let start = starts.pop()?;
                if starts.is_empty() {
                    free.remove(&length);
                }
                if length > count {
                    free.entry(length - count).or_default().push(start + count);
                }
                Some(start)
            });
            let group = group.unwrap_or_else(|| {
                end += count;
                end - count
            });
            self.reserve(group + count);
            for (offset, chunk) in weights.chunks(lanes).enumerate() {
                self.groups[group + offset].weights = chunk.to_vec();
                self.groups[group + offset].feature_next = offset + 1 != count;
            }
            first.push(group);
        }
        first
    }

    /// The group of each scalar.
    fn deal_scalars(&mut self) -> Vec<usize> {
        let mut group = 0;
        let mut groups = Vec::with_capacity(self.scalars.len());
        for _ in 0..self.scalars.len() {
            while self.groups.get(group).is_some_and(|g| g.operand.is_some()) {
                group += 1;
            }
            self.reserve(group + 1);
            self.groups[group].operand = Some(OperandRead::Scalar);
            groups.push(group);
        }
        groups
    }

    pub(super) fn reserve(&mut self, groups: usize) {
        if self.groups.len() < groups {
            self.groups.resize(groups, Group::default());
        }
    }
}
