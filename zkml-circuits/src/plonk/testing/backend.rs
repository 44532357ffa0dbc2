//! The plainest backend.

use halo2curves::{
    bn256::{G1, G1Affine},
    msm::msm_best,
};
use zkml_core::proving::{MsmBackend, MsmError, Scalars, vector::from_integer};

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
                    Scalars::Small { values, tail } => values
                        .iter()
                        .map(|v| from_integer(*v))
                        .chain(tail.iter().copied())
                        .collect(),
                };
                let bases = bases
                    .get(..scalars.len())
                    .ok_or(MsmError::TooFewBases { scalars: scalars.len(), bases: bases.len() })?;
                Ok(msm_best(&scalars, bases))
            })
            .collect()
    }
}
