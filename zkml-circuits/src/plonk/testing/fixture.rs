//! Keys, words and proof of the sample circuit, in one call.

use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkml_core::{
    progress::NoProgress,
    proving::{MsmBackend, Srs},
};

use super::{ReferenceMsm, SampleCircuit, SampleParams, SampleWitness, Tamper};
use crate::plonk::{KeyError, KeyOptions, PhaseWitness, ProvingKey, generate_keys, prove};

/// A proven statement of the sample circuit. Everything is a function of the parameters.
#[derive(Debug)]
pub struct Fixture {
    /// The circuit.
    pub circuit: SampleCircuit,
    /// The insecure development SRS.
    pub srs: Srs,
    /// Its keys.
    pub key: ProvingKey,
    /// Public words.
    pub words: Vec<Fr>,
    /// An honest proof.
    pub proof: Vec<u8>,
}

impl Fixture {
    /// The 32 bytes bound into the keys.
    pub const BINDING: [u8; 32] = [7; 32];

    /// Makes keys and an honest proof.
    ///
    /// # Panics
    /// When the parameters are not those of a circuit.
    #[must_use]
    pub fn new(params: SampleParams) -> Self {
        Self::with_backend(params, &ReferenceMsm)
    }

    /// As [`Self::new`], with another backend: the reference one is slow on large circuits.
    ///
    /// # Panics
    /// When the parameters are not those of a circuit, or the backend fails.
    #[must_use]
    pub fn with_backend(params: SampleParams, backend: &dyn MsmBackend) -> Self {
        let srs = Srs::development(params.k).expect("a supported size");
        let key = Self::keys_with(params, &srs, backend).expect("parameters of a circuit");
        let circuit = SampleCircuit { params, seed: 1 };
        let words = SampleWitness::new(params, circuit.seed).words();
        let mut fixture = Self { circuit, srs, key, words, proof: Vec::new() };
        fixture.proof = fixture.prove_with(backend, 1, None);
        fixture
    }

    /// Makes keys only.
    ///
    /// # Errors
    /// The generation's.
    pub fn keys(params: SampleParams, srs: &Srs) -> Result<ProvingKey, KeyError> {
        Self::keys_with(params, srs, &ReferenceMsm)
    }

    fn keys_with(
        params: SampleParams,
        srs: &Srs,
        backend: &dyn MsmBackend,
    ) -> Result<ProvingKey, KeyError> {
        let options = KeyOptions { instance: params.instance_layout(), binding: Self::BINDING };
        let circuit = SampleCircuit { params, seed: 1 };
        generate_keys(&circuit, srs, backend, &options, &NoProgress)
    }

    /// The honest witness.
    #[must_use]
    pub fn witness(&self) -> SampleWitness {
        SampleWitness::new(self.circuit.params, self.circuit.seed)
    }

    /// Another proof of the same statement, blinded from `seed`; with a `tamper`, a dishonest one.
    ///
    /// # Panics
    /// Never on the fixture's own parts.
    #[must_use]
    pub fn prove(&self, seed: u64, tamper: Option<Tamper>) -> Vec<u8> {
        self.prove_with(&ReferenceMsm, seed, tamper)
    }

    /// As [`Self::prove`], with another backend.
    ///
    /// # Panics
    /// When the backend fails.
    #[must_use]
    pub fn prove_with(
        &self,
        backend: &dyn MsmBackend,
        seed: u64,
        tamper: Option<Tamper>,
    ) -> Vec<u8> {
        let mut witness = self.witness();
        if let Some(tamper) = tamper {
            witness = witness.tampered(tamper);
        }
        self.prove_witness(backend, seed, &mut witness)
    }

    /// As [`Self::prove_with`], with a witness.
    ///
    /// # Panics
    /// When the backend fails, or the witness has not the columns of the circuit.
    #[must_use]
    pub fn prove_witness(
        &self,
        backend: &dyn MsmBackend,
        seed: u64,
        witness: &mut dyn PhaseWitness<'_>,
    ) -> Vec<u8> {
        prove(
            &self.key,
            &self.srs,
            backend,
            &self.words,
            witness,
            &mut ChaCha20Rng::seed_from_u64(seed),
            &NoProgress,
        )
        .expect("key, SRS, words and witness belong together")
    }
}
