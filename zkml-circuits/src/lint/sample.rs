//! Random cells and a random `rho`, drawn from a hash of all that is under test.
//!
//! Two polynomials in cells and `rho` that agree at a point drawn from `r = 2^253.6` values
//! each are equal, but for a probability of (their degree) / r. The point depends on program and
//! plan, so whoever looks for a plan that agrees by chance has to try `2^220` of them.

use super::LintError;
use crate::{
    formal::Cells,
    plan::{Geometry, Plan},
};
use ff::Field;
use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha3::{Digest, Keccak256};
use zkml_core::program::Program;

/// One random assignment.
pub(super) struct Sample {
    /// `x`, `r`, `y`: lane `l` of group `g` at `g W + l`.
    lanes: [Vec<Fr>; 3],
    /// Scalars by group.
    pub(super) scalars: Vec<Fr>,
    lanes_of_group: usize,
    pub(super) rho: Fr,
}

impl Sample {
    pub(super) fn new(
        program: &Program,
        plan: &Plan,
        geometry: Geometry,
    ) -> Result<Self, LintError> {
        let mut hash = Hasher(Keccak256::new_with_prefix(b"zkml-lint-v1"));
        postcard::to_io(program, &mut hash).map_err(|_| LintError::Encoding)?;
        postcard::to_io(plan, &mut hash).map_err(|_| LintError::Encoding)?;
        let mut rng = ChaCha20Rng::from_seed(hash.0.finalize().into());
        let mut many =
            |count: usize| -> Vec<Fr> { (0..count).map(|_| Fr::random(&mut rng)).collect() };
        let cells = plan.rows.groups.len() * plan.rows.profile.lanes();
        let lanes = [many(cells), many(cells), many(cells)];
        let scalars = many(geometry.groups());
        let rho = Fr::random(&mut rng);
        Ok(Self { lanes, scalars, lanes_of_group: plan.rows.profile.lanes(), rho })
    }

    /// A cell of role 0, 1, 2 (`x`, `r`, `y`).
    pub(super) fn cell(&self, role: usize, group: usize, lane: usize) -> Fr {
        let at = group * self.lanes_of_group + lane;
        self.lanes[role].get(at).copied().unwrap_or(Fr::ZERO)
    }
}

/// The sample's cells with scalars of their own.
pub(super) struct WithScalars<'a> {
    pub(super) sample: &'a Sample,
    pub(super) scalars: &'a [Fr],
}

impl Cells for WithScalars<'_> {
    fn lane(&self, role: usize, group: usize, lane: usize) -> Fr {
        self.sample.cell(role, group, lane)
    }

    fn scalar(&self, group: usize) -> Fr {
        self.scalars.get(group).copied().unwrap_or(Fr::ZERO)
    }
}

struct Hasher(Keccak256);

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
