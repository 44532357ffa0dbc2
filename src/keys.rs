//! Keys of a program, and what a prover does with them.

use crate::{
    Error, Program, VerifyingKey,
    proof::{Proof, Timings},
};
use rand_core::OsRng;
use std::{io, time::Instant};
use zkml_circuits::{
    model::{self, Compiled, ModelKeyError},
    plonk::ProverObjective,
};
use zkml_core::{
    exec::integer::quantize_inputs,
    progress::{NoProgress, Progress},
    proving::{CpuMsm, MsmBackend, Srs},
    tensor::Tensor,
};

/// The keys of a program.
#[derive(Clone, Debug)]
pub struct Keys {
    proving: ProvingKey,
    verifying: VerifyingKey,
}

impl Keys {
    pub(crate) fn generate(
        compiled: &Compiled,
        srs: &Srs,
        backend: &dyn MsmBackend,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let srs = cut(srs, compiled.k())?;
        let key = model::ProvingKey::generate(compiled, &srs, backend, progress)?;
        Ok(Self::of(key, srs))
    }

    fn of(key: model::ProvingKey, srs: Srs) -> Self {
        let verifying = VerifyingKey::of(key.verifying_key().clone());
        Self { proving: ProvingKey { key, srs }, verifying }
    }

    /// Reads a `model.pk` file; `srs` is the one the keys were made with, or a larger one of the
    /// same ceremony.
    ///
    /// # Errors
    /// [`Error::Key`] when the file is damaged or the SRS is too small.
    pub fn from_bytes(bytes: &[u8], srs: &Srs) -> Result<Self, Error> {
        Self::with_srs(model::ProvingKey::from_bytes(bytes)?, srs)
    }

    /// Reads a `model.pk` file from a source of `length` bytes, as [`Self::from_bytes`] does. If it
    /// holds the model of `program`, which is known already, that is not laid out again.
    ///
    /// # Errors
    /// As [`Self::from_bytes`].
    pub fn read(
        from: impl io::Read,
        length: u64,
        program: &Program,
        srs: &Srs,
    ) -> Result<Self, Error> {
        Self::with_srs(model::ProvingKey::read(from, length, Some(program.compiled()))?, srs)
    }

    /// A proving key that was read, with its SRS or a larger one of the same ceremony.
    ///
    /// # Errors
    /// [`Error::Key`] when the SRS is too small.
    pub fn with_srs(key: model::ProvingKey, srs: &Srs) -> Result<Self, Error> {
        let srs = cut(srs, key.compiled().k())?;
        Ok(Self::of(key, srs))
    }

    /// The keys whose proofs are made with `objective`: the same proofs, in less memory or in less
    /// time.
    #[must_use]
    pub fn with_objective(self, objective: ProverObjective) -> Self {
        let Self { proving: ProvingKey { key, srs }, verifying } = self;
        Self { proving: ProvingKey { key: key.with_objective(objective), srs }, verifying }
    }

    /// Makes proofs.
    pub fn proving_key(&self) -> &ProvingKey {
        &self.proving
    }

    /// Checks proofs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }
}

/// Makes proofs of one compiled model.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    key: model::ProvingKey,
    srs: Srs,
}

impl ProvingKey {
    /// Runs the model on real inputs (in the model's order) and proves the run.
    ///
    /// # Errors
    /// [`Error::Execution`] for an input or activation out of range, naming the node.
    pub fn prove(&self, inputs: &[Tensor<f32>]) -> Result<Proof, Error> {
        self.prove_with(inputs, &NoProgress)
    }

    /// [`Self::prove`], reporting to `progress`.
    ///
    /// # Errors
    /// As [`Self::prove`].
    pub fn prove_with(
        &self,
        inputs: &[Tensor<f32>],
        progress: &dyn Progress,
    ) -> Result<Proof, Error> {
        self.prove_on(inputs, &CpuMsm, progress)
    }

    /// [`Self::prove_with`], with another backend than the CPU, such as [`AutoMsm`](crate::AutoMsm). The proof does not depend on it.
    ///
    /// # Errors
    /// As [`Self::prove`], or the backend's.
    pub fn prove_on(
        &self,
        inputs: &[Tensor<f32>],
        backend: &dyn MsmBackend,
        progress: &dyn Progress,
    ) -> Result<Proof, Error> {
        let integers = quantize_inputs(self.key.compiled().program(), inputs)?;
        let start = Instant::now();
        let made = self.key.prove(&self.srs, backend, &integers, &mut OsRng, progress)?;
        let timings = Timings { prove_seconds: start.elapsed().as_secs_f64() };
        Ok(Proof::new(self.key.verifying_key(), made, timings)?)
    }

    /// The layer below.
    pub fn inner(&self) -> &model::ProvingKey {
        &self.key
    }

    /// The `model.pk` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.key.to_bytes()
    }
}

fn cut(srs: &Srs, k: u32) -> Result<Srs, Error> {
    match srs.k().cmp(&k) {
        std::cmp::Ordering::Less => {
            Err(ModelKeyError::SrsTooSmall { expected: k, got: srs.k() }.into())
        }
        std::cmp::Ordering::Equal => Ok(srs.clone()),
        std::cmp::Ordering::Greater => Ok(srs.truncate(k)?),
    }
}
