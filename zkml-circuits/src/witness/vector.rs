//! The vector unit, run by run.

use super::{Drawn, junk::Junk, signed, units::Units};
use crate::plan::{Carry, Geometry, RowProgram, Source, VectorRow};
use ff::Field;
use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;

/// Rows that one task takes.
const CHUNK: usize = 1 << 10;

/// `Z` of the vector rows; `A` and `B` are units, or `Z` of other rows.
pub(super) struct Vectors {
    z: Vec<Fr>,
}

impl Vectors {
    /// A run refers only to runs above it, so runs are computed from the first row on, each from
    /// its last row to its first.
    pub(super) fn new(
        rows: &RowProgram,
        geometry: Geometry,
        units: &Units,
        junk: &Junk,
        drawn: &Drawn,
    ) -> Self {
        let mut vectors = Self { z: vec![Fr::ZERO; rows.vector.len().min(geometry.rows())] };
        let mut start = 0;
        for run in rows.vector.split_inclusive(|row| row.carry == Carry::None) {
            for (index, row) in run.iter().enumerate().rev() {
                let at = start + index;
                let [a, b] = [row.a, row.b].map(|source| vectors.read(source, units));
                let after = vectors.z.get(at + 1).copied().unwrap_or(Fr::ZERO);
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
                    z += signed(row.junk) * junk.get(at);
                }
                vectors.z[at] = z;
            }
            start += run.len();
        }
        vectors
    }

    pub(super) fn write_z(&self, to: &mut [Fr]) {
        let (first, rest) = to.split_at_mut(self.z.len());
        first.copy_from_slice(&self.z);
        rest.fill(Fr::ZERO);
    }

    /// Writes what rows read as an operand.
    pub(super) fn write_operands(
        &self,
        rows: &[VectorRow],
        units: &Units,
        operand: impl Fn(&VectorRow) -> Option<Source> + Sync,
        to: &mut [Fr],
    ) {
        let (first, rest) = to.split_at_mut(self.z.len());
        first
            .par_iter_mut()
            .zip(rows)
            .with_min_len(CHUNK)
            .for_each(|(to, row)| *to = self.read(operand(row), units));
        rest.fill(Fr::ZERO);
    }

    fn read(&self, source: Option<Source>, units: &Units) -> Fr {
        match source {
            None => Fr::ZERO,
            Some(Source::Unit(at)) => units.get(at),
            Some(Source::Z(row)) => self.z.get(row).copied().unwrap_or(Fr::ZERO),
        }
    }
}
