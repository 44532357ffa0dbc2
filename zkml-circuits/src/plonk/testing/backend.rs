//! The plainest backend.

use ff::Field;
use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    msm::msm_best,
};
use zkml_core::proving::{MsmBackend, MsmError, Scalars};

/// halo2curves' multi-scalar multiplication, blind to small scalars.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReferenceMsm;

impl MsmBackend for ReferenceMsm {
    fn name(&self) -> &str {
        "reference"
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        columns
            .iter()
            .map(|column| {
                let scalars = match column {
                    Scalars::Full(values) => values.to_vec(),
                    Scalars::Small { values, tail } => {
                        values.iter().map(|v| integer(*v)).chain(tail.iter().copied()).collect()
                    }
                };
                let bases = bases
                    .get(..scalars.len())
                    .ok_or(MsmError::TooFewBases { scalars: scalars.len(), bases: bases.len() })?;
                Ok(msm_best(&scalars, bases))
            })
            .collect()
    }
}

/// A signed integer as a field element.
pub(super) fn integer(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { Fr::ZERO - magnitude } else { magnitude }
}
