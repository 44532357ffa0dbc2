//! Models in the standard machines: one shipped bytecode per machine, every verdict as the light
//! verifier's.
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

use ff::Field;
use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, Compiled, ModelProof, ProvingKey},
    plan::Visibility,
    testing::{mlp, random_inputs, random_program},
};
use zkml_core::{
    program::Program,
    progress::NoProgress,
    proving::{CpuMsm, Srs},
};
use zkml_verifier_contracts::{
    Fork, MAX_CODE, abi, artifacts,
    evm::{self, Evm, Verdict},
    g2_words, gas, generate, key_code,
};

struct Model {
    key: ProvingKey,
    words: Vec<Fr>,
    proof: Vec<u8>,
}

impl Model {
    fn new(program: Program, profile: Profile, input_visibility: Visibility) -> Self {
        let config =
            CompileConfig { profile: Some(profile), input_visibility, ..CompileConfig::default() };
        let inputs = random_inputs(&program, 5);
        let compiled = Compiled::new(program, &config).unwrap();
        let srs = Srs::development(compiled.k()).unwrap();
        let key = ProvingKey::generate(&compiled, &srs, &CpuMsm, &NoProgress).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let ModelProof { words, proof } =
            key.prove(&srs, &CpuMsm, &inputs, &mut rng, &NoProgress).unwrap();
        Self { key, words, proof }
    }
}

#[test]
fn models_of_all_standard_machines_verify() {
    for profile in Profile::standard() {
        let models = [
            Model::new(mlp(1, 3), profile, Visibility::Public),
            Model::new(random_program(4, 5), profile, Visibility::Private),
        ];
        for model in &models {
            let key = model.key.verifying_key().plonk();
            for fork in Fork::ALL {
                let (outcome, deployment) =
                    evm::verify(key, &model.words, &model.proof, fork).unwrap();
                assert_eq!(outcome.verdict, Verdict::Accepted { output: Vec::new() }, "{profile}");
                assert!(deployment.runtime_bytes <= usize::from(MAX_CODE), "{deployment:?}");
                let predicted = gas::predict_for(key, fork).unwrap();
                let ratio = predicted.total() as f64 / outcome.transaction_gas as f64;
                assert!((ratio - 1.0).abs() < 0.03, "{profile}, {fork}: {ratio}");
                assert_eq!(outcome.precompiles.multiplications, predicted.multiplications);
                eprintln!(
                    "{profile} {fork}: k {} words {} proof {} bytes, gas {} (predicted {}), runtime {} bytes, key {} bytes",
                    key.k(),
                    model.words.len(),
                    model.proof.len(),
                    outcome.transaction_gas,
                    predicted.total(),
                    deployment.runtime_bytes,
                    deployment.key_bytes,
                );
            }
        }
        let [one, two] = &models;
        let [first, second] = [one, two].map(|m| {
            artifacts::find(&generate(m.key.verifying_key().plonk().protocol()).unwrap()).unwrap()
        });
        assert_eq!(first, second, "one bytecode for all models of {profile}");
    }
}

#[test]
fn tampered_proofs_of_models_are_rejected() {
    for profile in Profile::standard() {
        let model = Model::new(mlp(2, 7), profile, Visibility::Public);
        let key = model.key.verifying_key().plonk();
        let creation_code =
            artifacts::find(&generate(key.protocol()).unwrap()).unwrap().creation_code;
        let (code, s_g2) = (key_code(key).unwrap(), g2_words(&key.s_g2()));
        let mut evm = Evm::deploy(Fork::Osaka, &creation_code, &code, &s_g2).unwrap();
        let mut rejects = |words: &[Fr], proof: &[u8], what: &str| {
            let calldata = abi::encode_verify(proof, words).unwrap();
            let verdict = evm.call(&calldata).unwrap().verdict;
            let light = model.key.verifying_key().verify(words, proof);
            assert!(light.is_err(), "{profile}, {what}: the light verifier accepts");
            assert!(!verdict.is_accepted(), "{profile}, {what}: the contract accepts");
        };
        for at in (0..model.proof.len()).step_by(32) {
            let mut proof = model.proof.clone();
            proof[at + 31 - at / 32 % 32] ^= 1 << (at / 32 % 8);
            rejects(&model.words, &proof, &format!("word {at}"));
        }
        for i in 0..model.words.len() {
            let mut words = model.words.clone();
            words[i] += Fr::ONE;
            rejects(&words, &model.proof, &format!("public word {i}"));
        }
    }
}
