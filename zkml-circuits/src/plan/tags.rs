//! Lookup tables of a program: which tags exist, and every row of every table.

use super::rows::TableRow;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zkml_core::program::{Bits, Program, Step, StoredTensor};

/// Tag of the null table, the single row `(0, 0, 0)`: looking it up forces cells to 0.
pub const NULL_TAG: u32 = 0;

/// What a tag stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TableKind {
    /// `[0, 2^s)`, value 0: remainders of shift `s`. Exact: a scaled range check would accept
    /// fractions.
    Remainder(u8),
    /// The signed range of `bits`, value 0.
    Range(Bits),
    /// Table number `.0` of the program.
    Function(usize),
}

/// Tags of a program's tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    tags: BTreeMap<TableKind, u32>,
}

impl Tags {
    /// Gives each table that some tensor of `program` needs a tag of its own, in a fixed order.
    pub fn new(program: &Program) -> Self {
        let mut tags: BTreeMap<TableKind, u32> = BTreeMap::new();
        for tensor in &program.tensors {
            let (remainder, function) = kinds(tensor);
            tags.extend(remainder.into_iter().chain([function]).map(|kind| (kind, 0)));
        }
        for (tag, slot) in (NULL_TAG + 1..).zip(tags.values_mut()) {
            *slot = tag;
        }
        Self { tags }
    }

    /// Tags that a tensor's lanes look up: of its remainders, of its values.
    pub fn of(&self, tensor: &StoredTensor) -> (u32, u32) {
        let (remainder, function) = kinds(tensor);
        (remainder.map_or(NULL_TAG, |kind| self.tag(kind)), self.tag(function))
    }

    fn tag(&self, kind: TableKind) -> u32 {
        self.tags.get(&kind).copied().unwrap_or(NULL_TAG)
    }

    /// All tables with their tags.
    pub fn iter(&self) -> impl Iterator<Item = (TableKind, u32)> + '_ {
        self.tags.iter().map(|(kind, tag)| (*kind, *tag))
    }

    /// Every row of every table, null row first.
    pub fn rows(&self, program: &Program) -> Vec<TableRow> {
        let mut rows = vec![TableRow { tag: NULL_TAG, input: 0, output: 0 }];
        for (kind, tag) in &self.tags {
            let row = |input: i64, output: i32| TableRow {
                tag: *tag,
                // At most 17 bits.
                input: input as i32,
                output,
            };
            match kind {
                TableKind::Remainder(shift) => {
                    rows.extend((0..1i64 << shift).map(|r| row(r, 0)));
                }
                TableKind::Range(bits) => {
                    let bits = *bits;
                    rows.extend((bits.min()..=bits.max()).map(|x| row(x, 0)));
                }
                TableKind::Function(index) => {
                    if let Some(table) = program.tables.get(*index) {
                        let arguments = table.domain();
                        rows.extend(arguments.zip(&table.values).map(|(x, y)| row(x, *y)));
                    }
                }
            }
        }
        rows
    }
}

/// Tables of a tensor's remainders (none without a shift) and values.
fn kinds(tensor: &StoredTensor) -> (Option<TableKind>, TableKind) {
    match &tensor.step {
        Step::Affine(affine) => (
            (affine.shift > 0).then_some(TableKind::Remainder(affine.shift)),
            affine.table.map_or(TableKind::Range(tensor.bits), |t| TableKind::Function(t.0)),
        ),
        _ => (None, TableKind::Range(tensor.bits)),
    }
}
