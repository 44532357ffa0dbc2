//! The vector unit, run by run.

use super::{Drawn, signed, units::Units};
use crate::plan::{Carry, Geometry, RowProgram, Source};
use ff::Field;
use halo2_proofs::halo2curves::bn256::Fr;

/// Columns of the vector unit.
pub(super) struct Vectors {
    pub(super) a: Vec<Fr>,
    pub(super) b: Vec<Fr>,
    pub(super) z: Vec<Fr>,
}

impl Vectors {
    /// A run refers only to runs above it, so runs are computed from the first row on, each from
    /// its last row to its first.
    pub(super) fn new(
        rows: &RowProgram,
        geometry: Geometry,
        units: &Units,
        junk: &[Fr],
        drawn: &Drawn,
    ) -> Self {
        let zero = || vec![Fr::ZERO; geometry.rows()];
        let mut columns = Self { a: zero(), b: zero(), z: zero() };
        let mut start = 0;
        for run in rows.vector.split_inclusive(|row| row.carry == Carry::None) {
            for (index, row) in run.iter().enumerate().rev() {
                let at = start + index;
                let a = row.a.map_or(Fr::ZERO, |source| columns.read(source, units));
                let b = row.b.map_or(Fr::ZERO, |source| columns.read(source, units));
                let after = columns.z.get(at + 1).copied().unwrap_or(Fr::ZERO);
                let mut z = match row.carry {
                    Carry::None => Fr::ZERO,
                    Carry::One => after,
                    Carry::Rho => drawn.rho * after,
                    Carry::Lambda => drawn.lambda * after,
                };
                if row.product {
                    z += a * b;
                }
                if row.linear != 0 {
                    z += signed(row.linear) * a;
                }
                if row.junk != 0 {
                    z += signed(row.junk) * junk.get(at).copied().unwrap_or(Fr::ZERO);
                }
                (columns.a[at], columns.b[at], columns.z[at]) = (a, b, z);
            }
            start += run.len();
        }
        columns
    }

    fn read(&self, source: Source, units: &Units) -> Fr {
        match source {
            Source::Unit(at) => units.get(at),
            Source::Z(row) => self.z.get(row).copied().unwrap_or(Fr::ZERO),
        }
    }
}
