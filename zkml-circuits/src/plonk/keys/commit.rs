//! Commitments of key generation.

use group::Curve;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;
use zkml_core::proving::{MsmBackend, MsmError, Scalars};

use crate::plonk::copies::Copies;
use crate::plonk::values::Values;

/// Commitments to columns of values and to the labels of permuted columns, in one batch. Columns of
/// small integers are given to the backend as such.
pub(super) fn commit_columns(
    lagrange: &[G1Affine],
    backend: &dyn MsmBackend,
    columns: &[Values],
    copies: &Copies,
) -> Result<Vec<G1Affine>, MsmError> {
    let labels: Vec<Vec<Fr>> = (0..copies.columns()).map(|column| copies.labels(column)).collect();
    let wide: Vec<Vec<i64>> = columns
        .par_iter()
        .map(|column| match column {
            Values::Small(integers) => integers.to_vec(),
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
        .chain(labels.iter().map(|labels| Scalars::Full(labels)))
        .collect();
    let points = backend.msm(lagrange, &scalars)?;
    let mut affine = vec![G1Affine::default(); points.len()];
    G1::batch_normalize(&points, &mut affine);
    Ok(affine)
}
