//! Commitments, all through the backend, a batch at a time.

use group::Curve;
use halo2curves::bn256::{Fr, G1, G1Affine};
use zkml_core::proving::{MsmBackend, MsmError, Scalars, Srs};

use super::ProveError;
use crate::plonk::transcript::KeccakWrite;

pub(super) struct Committer<'a> {
    pub(super) srs: &'a Srs,
    pub(super) backend: &'a dyn MsmBackend,
}

impl Committer<'_> {
    /// Commits to columns of values and writes the points.
    pub(super) fn write_values(
        &self,
        columns: &[Scalars<'_>],
        transcript: &mut KeccakWrite,
    ) -> Result<(), ProveError> {
        self.write(self.srs.lagrange(), columns, transcript)
    }

    /// As [`Self::write_values`], for field elements.
    pub(super) fn write_lagrange(
        &self,
        columns: &[Vec<Fr>],
        transcript: &mut KeccakWrite,
    ) -> Result<(), ProveError> {
        self.write(self.srs.lagrange(), &full(columns), transcript)
    }

    /// Commits to polynomials by their coefficients, `n + 1` at most, and writes the points.
    pub(super) fn write_monomial(
        &self,
        polynomials: &[Vec<Fr>],
        transcript: &mut KeccakWrite,
    ) -> Result<(), ProveError> {
        self.write(self.srs.monomial(), &full(polynomials), transcript)
    }

    fn write(
        &self,
        bases: &[G1Affine],
        columns: &[Scalars<'_>],
        transcript: &mut KeccakWrite,
    ) -> Result<(), ProveError> {
        if columns.is_empty() {
            return Ok(());
        }
        for point in self.commit(bases, columns)? {
            transcript.point(&point)?;
        }
        Ok(())
    }

    fn commit(
        &self,
        bases: &[G1Affine],
        columns: &[Scalars<'_>],
    ) -> Result<Vec<G1Affine>, MsmError> {
        let points = self.backend.msm(bases, columns)?;
        let mut affine = vec![G1Affine::default(); points.len()];
        G1::batch_normalize(&points, &mut affine);
        Ok(affine)
    }
}

fn full(columns: &[Vec<Fr>]) -> Vec<Scalars<'_>> {
    columns.iter().map(|c| Scalars::Full(c)).collect()
}
