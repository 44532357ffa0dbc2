//! Sizes: how many groups and rows a machine of `2^k` rows has.

use super::RowProgram;
use crate::machine::{self, Profile};
use halo2_proofs::{halo2curves::bn256::Fr, plonk::ConstraintSystem};

/// Usable rows of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    fold: usize,
    groups: usize,
    rows: usize,
}

/// A row program that does not fit its machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row program needs {needed} {what}, the machine {profile} at k = {k} has {available}")]
pub struct GeometryError {
    /// What there are too few of.
    pub what: &'static str,
    /// How many the program needs.
    pub needed: usize,
    /// How many the machine has.
    pub available: usize,
    /// Shape of the machine.
    pub profile: Profile,
    /// Its `k`.
    pub k: u32,
}

impl Geometry {
    /// Smallest and largest `k` of a machine.
    pub const K_RANGE: std::ops::RangeInclusive<u32> = 5..=26;

    /// Rows of the machine `profile` at `k`.
    pub fn new(profile: Profile, k: u32) -> Self {
        let n = 1usize << k.min(*Self::K_RANGE.end());
        let usable = n.saturating_sub(blinding_rows(profile));
        let groups = usable / profile.fold();
        Self { fold: profile.fold(), groups, rows: groups * profile.fold() }
    }

    /// Rows of a group.
    pub fn fold(&self) -> usize {
        self.fold
    }

    /// Complete groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Rows of complete groups: those the gates are on.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Checks that `rows` fits the machine it names, so that nothing later can index out of it.
    ///
    /// # Errors
    /// [`GeometryError`] naming what there is too little of.
    pub fn check(rows: &RowProgram) -> Result<Self, GeometryError> {
        let RowProgram { profile, k, .. } = *rows;
        let fail =
            |what, needed, available| Err(GeometryError { what, needed, available, profile, k });
        if !Self::K_RANGE.contains(&k) {
            return fail("as k", k as usize, *Self::K_RANGE.end() as usize);
        }
        let geometry = Self::new(profile, k);
        if rows.groups.len() > geometry.groups {
            return fail("groups", rows.groups.len(), geometry.groups);
        }
        if rows.vector.len() > geometry.rows {
            return fail("vector rows", rows.vector.len(), geometry.rows);
        }
        let table_rows = rows.tables.len().div_ceil(profile.tables());
        if table_rows > geometry.rows {
            return fail("table rows", table_rows, geometry.rows);
        }
        if rows.words > rows.groups.len() {
            return fail("groups with a public word", rows.words, rows.groups.len());
        }
        Ok(geometry)
    }
}

/// Rows at the end that halo2 keeps for blinding.
fn blinding_rows(profile: Profile) -> usize {
    let mut cs = ConstraintSystem::<Fr>::default();
    machine::configure(&mut cs, profile);
    cs.blinding_factors() + 1
}
