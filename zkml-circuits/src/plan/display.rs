//! A plan in words: what stands where, and how much of the machine is used.

use super::{Geometry, OperandRead, Plan, TableKind};
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = &self.rows;
        let geometry = Geometry::new(rows.profile, rows.k);
        writeln!(f, "machine {}, k = {}, {} public words", rows.profile, rows.k, rows.words)?;
        let reads = |read| rows.groups.iter().filter(|g| g.operand == Some(read)).count();
        let features = rows.groups.iter().filter(|g| g.feature.is_some()).count();
        let weights: usize = rows.groups.iter().map(|g| g.weights.len()).sum();
        writeln!(
            f,
            "groups  {} of {}: {} lanes read x, {} y, {} ones; {} scalars; {weights} weights; \
             {features} read along features",
            rows.groups.len(),
            geometry.groups(),
            reads(OperandRead::X),
            reads(OperandRead::Y),
            reads(OperandRead::One),
            reads(OperandRead::Scalar),
        )?;
        writeln!(
            f,
            "vector  {} of {} rows, {} equations",
            rows.vector.len(),
            geometry.rows(),
            rows.equations.len()
        )?;
        for (kind, tag) in self.tags.iter() {
            match kind {
                TableKind::Remainder(shift) => {
                    writeln!(f, "tag {tag}   remainders below 2^{shift}")?
                }
                TableKind::Range(bits) => writeln!(f, "tag {tag}   range of {} bits", bits.get())?,
                TableKind::Function(table) => writeln!(f, "tag {tag}   function table {table}")?,
            }
        }
        for (index, layout) in self.layouts.iter().enumerate() {
            let elements = layout.cells(rows.profile.lanes()).count();
            let first = layout.segments.first().map_or(0, |s| s.group);
            let longest = layout.segments.iter().map(|s| s.slots.len()).max().unwrap_or(0);
            writeln!(
                f,
                "tensor {index}: {elements} elements in {} segments of up to {longest} positions, \
                 from group {first}",
                layout.segments.len(),
            )?;
        }
        Ok(())
    }
}
