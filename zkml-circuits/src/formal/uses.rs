//! What values are made of, and how often each is used: so that none is kept longer than it is needed.
//! A sum over the rows of an image is a chain of runs, each of which holds all before it; together they
//! would take memory with the square of the image.

use super::FormalError;
use crate::plan::{Carry, Geometry, RowProgram, Source};
use std::collections::BTreeMap;

/// Uses of each source, of units before those of rows, in order.
#[derive(Default)]
pub(super) struct Uses(BTreeMap<Source, u32>);

impl Uses {
    /// Uses by `roots` and all that they are made of. Nothing in a loop: a run may use what is above it.
    pub(super) fn of(
        rows: &RowProgram,
        geometry: Geometry,
        starts: &[usize],
        roots: &[Source],
    ) -> Result<Self, FormalError> {
        let mut uses = Self::default();
        // Last in, first out, so from the last.
        let mut pending: Vec<(Source, usize)> =
            roots.iter().rev().map(|root| (*root, rows.vector.len())).collect();
        while let Some((source, end)) = pending.pop() {
            if let Source::Z(row) = source {
                if row >= rows.vector.len() {
                    return Err(FormalError::Dangling(source));
                }
                if row >= end {
                    return Err(FormalError::Cycle(source));
                }
            }
            let count = uses.0.entry(source).or_default();
            *count = count.saturating_add(1);
            if let (Source::Z(row), 1) = (source, *count) {
                let from = pending.len();
                push(rows, geometry, starts, row, &mut pending)?;
                pending[from..].reverse();
            }
        }
        Ok(uses)
    }

    /// The vector rows, each after all that it is made of.
    pub(super) fn rows(&self) -> Vec<usize> {
        let row = |source: &Source| match source {
            Source::Z(row) => Some(*row),
            Source::Unit(_) => None,
        };
        self.0.keys().filter_map(row).collect()
    }

    /// Notes a use; whether it was the last.
    pub(super) fn take(&mut self, source: Source) -> bool {
        self.0.get_mut(&source).is_none_or(|left| {
            *left = left.saturating_sub(1);
            *left == 0
        })
    }
}

/// The operands of a run from `first` on, with the row before which they must stand.
fn push(
    rows: &RowProgram,
    geometry: Geometry,
    starts: &[usize],
    first: usize,
    pending: &mut Vec<(Source, usize)>,
) -> Result<(), FormalError> {
    let start = starts.get(first).copied().unwrap_or(first);
    for index in first.. {
        if index >= geometry.rows() {
            // The cell after the last row is outside every gate: free.
            return Err(FormalError::Dangling(Source::Z(index)));
        }
        // Rows the program does not mention are 0.
        let Some(row) = rows.vector.get(index) else { break };
        if row.a.is_none() && (row.linear != 0 || row.product) || row.b.is_none() && row.product {
            return Err(FormalError::FreeOperand(index));
        }
        pending.extend(row.a.map(|a| (a, start)));
        pending.extend(row.b.filter(|_| row.product).map(|b| (b, start)));
        if row.carry == Carry::None {
            break;
        }
    }
    Ok(())
}
