//! Which table row each lookup of each group names.

use super::FirstPhase;
use crate::plan::{Geometry, RowProgram, TableRow};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Groups that one task takes.
const CHUNK: usize = 1 << 9;

/// No row: there are at most `2^28` of each of a few tables.
const NONE: u32 = u32::MAX;

/// Finds table rows.
pub(super) struct TableIndex {
    by_tag: BTreeMap<u32, Rows>,
}

/// The rows of one tag.
enum Rows {
    /// Output of input `first + i` and its row, [`NONE`] if it has none: inputs of a function are neighbours.
    Dense { first: i64, rows: Vec<(i32, u32)> },
    /// Row by input and output: whatever else a row program may hold.
    Sparse(HashMap<(i64, i64), u32>),
}

/// A lookup: `(tag, in, out)`.
pub(super) type Lookup = (u32, i64, i64);

impl TableIndex {
    pub(super) fn new(rows: &RowProgram) -> Self {
        let mut by_tag: BTreeMap<u32, Vec<(u32, &TableRow)>> = BTreeMap::new();
        for (index, row) in (0..).zip(&rows.tables) {
            by_tag.entry(row.tag).or_default().push((index, row));
        }
        Self { by_tag: by_tag.into_iter().map(|(tag, rows)| (tag, Rows::new(&rows))).collect() }
    }

    /// How often each table row is looked up. A tuple in no table counts nowhere, and the running
    /// sum will not close.
    pub(super) fn count(
        &self,
        rows: &RowProgram,
        geometry: Geometry,
        first: &FirstPhase,
    ) -> Vec<Vec<i64>> {
        let none = || vec![0u32; rows.tables.len()];
        let lookups = 2 * rows.profile.lanes();
        let groups = (0..geometry.groups()).into_par_iter().with_min_len(CHUNK);
        let counts = groups
            .fold(none, |mut counts, group| {
                for (row, _) in self.of_group(group, 0..lookups, rows, |cell| first.cell(cell)) {
                    if let Some(count) = row.and_then(|row| counts.get_mut(row as usize)) {
                        *count += 1;
                    }
                }
                counts
            })
            .reduce(none, |mut left, right| {
                left.iter_mut().zip(right).for_each(|(a, b)| *a += b);
                left
            });
        let mut columns = vec![vec![0; geometry.rows()]; rows.profile.tables()];
        for (index, count) in counts.into_iter().enumerate() {
            let (table, row) = rows.table_cell(index);
            columns[table][row] = i64::from(count);
        }
        columns
    }

    /// Lookups of a group, those of these numbers in the order of the helper gate, each with its table row
    /// if it has one. `cell` gives `x`, `r` and `y` of a cell.
    pub(super) fn of_group<'a>(
        &'a self,
        group: usize,
        numbers: Range<usize>,
        rows: &RowProgram,
        cell: impl Fn(usize) -> [i64; 3] + 'a,
    ) -> impl Iterator<Item = (Option<u32>, Lookup)> + 'a {
        let first = group * rows.profile.lanes();
        let (tag_r, tag_f) = rows.groups.get(group).map_or((0, 0), |g| (g.tag_r, g.tag_f));
        let [of_r, of_f] = [tag_r, tag_f].map(|tag| self.by_tag.get(&tag));
        numbers.map(move |number| {
            let [x, r, y] = cell(first + number / 2);
            match number % 2 {
                0 => (of_r.and_then(|rows| rows.find(r, 0)), (tag_r, r, 0)),
                _ => (of_f.and_then(|rows| rows.find(x, y)), (tag_f, x, y)),
            }
        })
    }
}

impl Rows {
    fn new(rows: &[(u32, &TableRow)]) -> Self {
        let inputs = || rows.iter().map(|(_, row)| i64::from(row.input));
        let (first, last) = (inputs().min().unwrap_or(0), inputs().max().unwrap_or(0));
        let sparse = || {
            let key = |row: &TableRow| (row.input.into(), row.output.into());
            Self::Sparse(rows.iter().map(|(index, row)| (key(row), *index)).collect())
        };
        // Four times the rows: no table of a plan has such gaps, and memory stays bounded.
        let Some(span) =
            usize::try_from(last - first + 1).ok().filter(|span| *span <= 4 * rows.len())
        else {
            return sparse();
        };
        let mut dense: Vec<(i32, u32)> = vec![(0, NONE); span];
        for (index, row) in rows {
            let slot = (i64::from(row.input) - first) as usize;
            let (output, there) = dense[slot];
            if there != NONE && output != row.output {
                return sparse();
            }
            dense[slot] = (row.output, *index);
        }
        Self::Dense { first, rows: dense }
    }

    fn find(&self, input: i64, output: i64) -> Option<u32> {
        match self {
            Self::Dense { first, rows } => {
                let slot = usize::try_from(input.checked_sub(*first)?).ok()?;
                let (expected, index) = *rows.get(slot)?;
                (index != NONE && i64::from(expected) == output).then_some(index)
            }
            Self::Sparse(rows) => rows.get(&(input, output)).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(entries: &[(i32, i32)]) -> Rows {
        let rows: Vec<TableRow> =
            entries.iter().map(|&(input, output)| TableRow { tag: 1, input, output }).collect();
        Rows::new(&(10..).zip(&rows).collect::<Vec<_>>())
    }

    #[test]
    fn functions_are_dense_and_anything_else_is_found_too() {
        let dense = rows(&[(-2, 5), (-1, 6), (0, 7), (3, 8)]);
        assert!(matches!(dense, Rows::Dense { .. }));
        let gaps = rows(&[(i32::MIN, 1), (i32::MAX, 2)]);
        assert!(matches!(gaps, Rows::Sparse(_)));
        let relation = rows(&[(0, 1), (0, 2), (1, 1)]);
        assert!(matches!(relation, Rows::Sparse(_)));
        assert_eq!(dense.find(-2, 5), Some(10));
        assert_eq!(dense.find(3, 8), Some(13));
        assert_eq!(gaps.find(i32::MAX.into(), 2), Some(11));
        assert_eq!(relation.find(0, 2), Some(11));
        for (input, output) in [(-2, 6), (1, 0), (4, 8), (-3, 5), (i64::MIN, 0), (i64::MAX, 0)] {
            assert_eq!(dense.find(input, output), None, "({input}, {output})");
            assert_eq!(gaps.find(input, output), None, "({input}, {output})");
        }
    }
}
