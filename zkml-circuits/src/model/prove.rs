//! Proofs of inference.

use super::{ModelKeyError, ProvingKey};
use crate::{
    plan::{Geometry, GeometryError, StatementError},
    plonk::{self, ProveError, ProverRng},
    witness::{FirstPhase, Witness},
};
use halo2curves::bn256::Fr;
use zkml_core::{
    exec::{
        ExecError,
        integer::{Trace, run},
    },
    progress::{Progress, stage},
    proving::{MsmBackend, Srs},
    tensor::Tensor,
};

/// The first stage that a prover announces, before those of [`plonk::stages`].
pub const RUN_STAGE: &str = "run the model";

/// A proof and the statement it proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelProof {
    /// Public words: inputs (if public), then outputs. See [`crate::plan::IoSchema`].
    pub words: Vec<Fr>,
    /// The proof.
    pub proof: Vec<u8>,
}

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelProveError {
    /// The model cannot be run on these inputs.
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// Packing the statement failed.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The plan does not fit its machine.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// Proving failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The SRS does not fit the key.
    #[error(transparent)]
    Key(#[from] ModelKeyError),
}

impl ProvingKey {
    /// Runs the model on integer inputs and proves the run. An SRS larger than the key's is cut
    /// to size. `rng` blinds: pass [`rand_core::OsRng`].
    ///
    /// # Errors
    /// [`ModelProveError`]: an input or activation out of range, naming the node; a wrong SRS.
    pub fn prove(
        &self,
        srs: &Srs,
        backend: &dyn MsmBackend,
        inputs: &[Tensor<i64>],
        rng: &mut impl ProverRng,
        progress: &dyn Progress,
    ) -> Result<ModelProof, ModelProveError> {
        let (trace, words) = stage(progress, RUN_STAGE, || {
            let trace = run(self.compiled.program(), inputs)?;
            let words = self.statement(&trace)?;
            Ok::<_, ModelProveError>((trace, words))
        })?;
        let mut witness = stage(progress, plonk::stages::witness(0), || self.witness(&trace))?;
        drop(trace);
        let cut;
        let srs = if srs.k() > self.compiled.k() {
            cut = srs.truncate(self.compiled.k()).map_err(ModelKeyError::from)?;
            &cut
        } else {
            srs
        };
        let proof = plonk::prove(&self.plonk, srs, backend, &words, &mut witness, rng, progress)?;
        Ok(ModelProof { words, proof })
    }

    /// The public words of a run.
    ///
    /// # Errors
    /// [`StatementError`] for a trace that is not of this model.
    pub fn statement(&self, trace: &Trace) -> Result<Vec<Fr>, StatementError> {
        let io = &self.compiled.plan().io;
        let mut values: Vec<Vec<i64>> = io
            .inputs
            .iter()
            .map(|input| {
                let cells = trace.tensors.get(input.tensor.0);
                cells.map_or_else(Vec::new, |c| c.values().iter().map(|v| (*v).into()).collect())
            })
            .collect();
        let outputs = trace.outputs(self.compiled.program());
        values.extend(outputs.into_iter().map(Tensor::into_data));
        io.pack(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// The honest witness of a run.
    ///
    /// # Errors
    /// [`GeometryError`] never for a key that was checked on load.
    pub fn witness(&self, trace: &Trace) -> Result<Witness<'_>, GeometryError> {
        let (program, plan) = (self.compiled.program(), self.compiled.plan());
        let geometry = Geometry::check(&plan.rows)?;
        let first = FirstPhase::new(program, plan, geometry, trace);
        Ok(Witness::new(&plan.rows, geometry, first))
    }
}
