//! Commitments of key generation.

use group::Curve;
use halo2curves::bn256::{G1, G1Affine};
use rayon::prelude::*;
use zkml_core::proving::{MsmBackend, MsmError, Scalars};

use crate::plonk::values::Values;

/// Commitments to columns of values, in one batch. Columns of small integers are given to the
/// backend as such.
pub(super) fn commit_columns<'a>(
    lagrange: &[G1Affine],
    backend: &dyn MsmBackend,
    columns: impl Iterator<Item = &'a Values>,
) -> Result<Vec<G1Affine>, MsmError> {
    let columns: Vec<&Values> = columns.collect();
    let wide: Vec<Vec<i64>> = columns
        .par_iter()
        .map(|column| match column {
            Values::Small(integers) => integers.iter().map(|value| (*value).into()).collect(),
            Values::Full(_) => Vec::new(),
        })
        .collect();
    let scalars: Vec<Scalars<'_>> = columns
        .iter()
        .zip(&wide)
        .map(|(column, values)| match column {
            Values::Small(_) => Scalars::Small { values, tail: &[] },
            Values::Full(elements) => Scalars::Full(elements),
        })
        .collect();
    let points = backend.msm(lagrange, &scalars)?;
    let mut affine = vec![G1Affine::default(); points.len()];
    G1::batch_normalize(&points, &mut affine);
    Ok(affine)
}
