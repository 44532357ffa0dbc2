//! Table rows against the program's tables.

use super::LintError;
use crate::plan::{NULL_TAG, Plan};
use std::collections::BTreeMap;
use zkml_core::program::{Program, Step, Table};

/// Checks that each tag in use has exactly the rows its tensors need, and tag 0 only the null row.
pub(super) fn check(program: &Program, plan: &Plan) -> Result<(), LintError> {
    let mut by_tag: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
    for row in &plan.rows.tables {
        by_tag.entry(row.tag).or_default().push((row.input.into(), row.output.into()));
    }
    let rows_of = |tag: u32| by_tag.get(&tag).map_or(&[][..], Vec::as_slice);
    if rows_of(NULL_TAG).iter().any(|row| *row != (0, 0)) || rows_of(NULL_TAG).is_empty() {
        return Err(LintError::Table { tag: NULL_TAG });
    }
    for tensor in &program.tensors {
        let (tag_r, tag_f) = plan.tags.of(tensor);
        let (shift, table) = match &tensor.step {
            Step::Affine(affine) => (affine.shift, affine.table),
            _ => (0, None),
        };
        if shift == 0 {
            if tag_r != NULL_TAG {
                return Err(LintError::Table { tag: tag_r });
            }
        } else if tag_r == NULL_TAG
            || !rows_of(tag_r).iter().copied().eq((0..1i64 << shift).map(|r| (r, 0)))
        {
            return Err(LintError::Table { tag: tag_r });
        }
        let table = table.and_then(|t| program.tables.get(t.0));
        let arguments = table.map_or(tensor.bits.min()..=tensor.bits.max(), Table::domain);
        let expected = arguments.map(|x| (x, table.map_or(Some(0), |t| t.get(x))));
        let got = rows_of(tag_f).iter().map(|(x, y)| (*x, Some(*y)));
        if tag_f == NULL_TAG || !got.eq(expected) {
            return Err(LintError::Table { tag: tag_f });
        }
    }
    Ok(())
}
