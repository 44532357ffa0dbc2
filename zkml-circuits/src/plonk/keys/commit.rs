//! Commitments of key generation.

use group::Curve;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;
use zkml_core::proving::{MsmBackend, MsmError, Scalars};

/// Values up to this size count as small: far below the field's size, and never `i64::MIN`.
const SMALL_BITS: u32 = 32;

/// Commitments to columns of values, in one batch. Columns of small integers are given to the
/// backend as such.
pub(super) fn commit_columns(
    lagrange: &[G1Affine],
    backend: &dyn MsmBackend,
    columns: &[&Vec<Fr>],
) -> Result<Vec<G1Affine>, MsmError> {
    let small: Vec<Option<Vec<i64>>> = columns.par_iter().map(|c| as_integers(c)).collect();
    let scalars: Vec<Scalars<'_>> = columns
        .iter()
        .zip(&small)
        .map(|(column, small)| match small {
            Some(values) => Scalars::Small { values, tail: &[] },
            None => Scalars::Full(column),
        })
        .collect();
    let points = backend.msm(lagrange, &scalars)?;
    let mut affine = vec![G1Affine::default(); points.len()];
    G1::batch_normalize(&points, &mut affine);
    Ok(affine)
}

/// The column as signed integers, when all are small.
pub(super) fn as_integers(column: &[Fr]) -> Option<Vec<i64>> {
    column.iter().map(|v| small(v).or_else(|| small(&-v).map(|v| -v))).collect()
}

fn small(value: &Fr) -> Option<i64> {
    let bytes = value.to_bytes();
    let (low, high) = bytes.split_first_chunk::<8>()?;
    let low = u64::from_le_bytes(*low);
    (high.iter().all(|b| *b == 0) && low < 1 << SMALL_BITS).then_some(low as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_recognised() {
        let column = [Fr::from(7), -Fr::from(7), Fr::zero(), Fr::from((1 << 32) - 1)];
        assert_eq!(as_integers(&column), Some(vec![7, -7, 0, (1 << 32) - 1]));
        assert_eq!(as_integers(&[Fr::from(1 << 32)]), None);
        assert_eq!(as_integers(&[-Fr::from(1 << 32)]), None);
    }
}
