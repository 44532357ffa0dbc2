//! What is honest: the sample circuit and small models, with keys and proofs, each a function of nothing else.

use halo2curves::bn256::Fr;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, Compiled, ModelProof, ProvingKey},
    plan::Visibility,
    plonk::{
        VerifyingKey, scalar_from_bytes, scalar_to_bytes,
        testing::{Fixture, SampleParams},
    },
    testing::{mlp, random_inputs},
};
use zkml_core::{
    progress::NoProgress,
    proving::{CpuMsm, Srs},
};
use zkml_verifier_contracts::{Fork, artifacts, evm::Evm, g2_words, generate, key_code};

/// A model with keys, and a proof.
#[derive(Debug)]
pub struct Model {
    /// Its keys.
    pub key: ProvingKey,
    /// The string that they were made with.
    pub srs: Srs,
    /// A statement.
    pub words: Vec<Fr>,
    /// A proof of it.
    pub proof: Vec<u8>,
}

impl Model {
    /// A perceptron of weights from `seed`, in the machine with the fewest columns, above the development string
    /// or above one of its own.
    ///
    /// # Panics
    /// Never: perceptrons have keys and proofs.
    #[must_use]
    pub fn new(seed: u64, development: bool) -> Self {
        let program = mlp(1, seed);
        let config = CompileConfig {
            profile: Some(Profile::standard()[3]),
            input_visibility: Visibility::Public,
            ..CompileConfig::default()
        };
        let inputs = random_inputs(&program, seed);
        let compiled = Compiled::new(program, &config).expect("compiles");
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let srs = if development {
            Srs::development(compiled.k())
        } else {
            Srs::generate_insecure(compiled.k(), &mut rng)
        };
        let srs = srs.expect("a small k");
        let key = ProvingKey::generate(&compiled, &srs, &CpuMsm, &NoProgress).expect("keys");
        let made = key.prove(&srs, &CpuMsm, &inputs, &mut rng, &NoProgress);
        let ModelProof { words, proof } = made.expect("inputs in range");
        Self { key, srs, words, proof }
    }
}

/// A key with honest proofs of one statement.
#[derive(Debug)]
pub struct Subject {
    /// The key.
    pub key: VerifyingKey,
    /// The statement.
    pub words: Vec<Fr>,
    /// Proofs of it.
    pub proofs: Vec<Vec<u8>>,
}

impl Subject {
    /// The sample circuit, proven twice.
    #[must_use]
    pub fn sample() -> Self {
        Self::of(&Fixture::new(SampleParams::default()))
    }

    /// A fixture, proven twice.
    #[must_use]
    pub fn of(fixture: &Fixture) -> Self {
        let proofs = vec![fixture.proof.clone(), fixture.prove(2, None)];
        Self { key: fixture.key.verifying_key().clone(), words: fixture.words.clone(), proofs }
    }

    /// A model.
    #[must_use]
    pub fn model() -> Self {
        let Model { key, words, proof, .. } = Model::new(3, true);
        Self { key: key.verifying_key().plonk().clone(), words, proofs: vec![proof] }
    }

    /// Whether a proof of these words is one of the honest ones.
    #[must_use]
    pub fn is_honest(&self, words: &[Fr], proof: &[u8]) -> bool {
        words == self.words && self.proofs.iter().any(|honest| honest == proof)
    }

    /// The verifier of the key, deployed.
    ///
    /// # Panics
    /// When no bytecode ships for the key.
    #[must_use]
    pub fn deploy(&self, fork: Fork) -> Evm {
        let verifier = generate(self.key.protocol()).expect("a protocol of ours");
        let code = artifacts::find(&verifier).expect("shipped").creation_code;
        let key = key_code(&self.key).expect("a key of ours");
        Evm::deploy(fork, &code, &key, &g2_words(&self.key.s_g2())).expect("it deploys")
    }
}

/// Public words as bytes.
#[must_use]
pub fn words_to_bytes(words: &[Fr]) -> Vec<u8> {
    words.iter().flat_map(scalar_to_bytes).collect()
}

/// Bytes as public words, unless one is not canonical or incomplete.
#[must_use]
pub fn words_from_bytes(bytes: &[u8]) -> Option<Vec<Fr>> {
    let (words, rest) = bytes.as_chunks::<32>();
    let words = words.iter().map(scalar_from_bytes).collect();
    if rest.is_empty() { words } else { None }
}
