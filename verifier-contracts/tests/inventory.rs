//! What the contract hashes is what prover and verifier hash, byte for byte: one transcript for all.
//!
//! `zkml-circuits/tests/plonk_inventory.rs` holds the Rust side to its checked-in list. Here the preimage
//! of each challenge, as the EVM finds it in memory, is compared with that of the same proof's log.
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

use ff::Field;
use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, Compiled, ProvingKey},
    plonk::KeccakWrite,
    plonk::testing::{TranscriptEvent, TranscriptLog, prove_from, verify_logged},
    testing::{mlp, random_inputs},
};
use zkml_core::{
    exec::integer::run,
    progress::NoProgress,
    proving::{CpuMsm, Srs},
};
use zkml_verifier_contracts::{Fork, abi, artifacts, evm::Evm, g2_words, generate, key_code};

/// Keys, and a proof with what its transcript hashed.
struct Logged {
    key: ProvingKey,
    words: Vec<Fr>,
    proof: Vec<u8>,
    hashed: Vec<Vec<u8>>,
}

impl Logged {
    fn new(profile: Profile) -> Self {
        let program = mlp(2, 3);
        let trace = run(&program, &random_inputs(&program, 5)).unwrap();
        let config = CompileConfig { profile: Some(profile), ..CompileConfig::default() };
        let compiled = Compiled::new(program, &config).unwrap();
        let srs = Srs::development(compiled.k()).unwrap();
        let key = ProvingKey::generate(&compiled, &srs, &CpuMsm, &NoProgress).unwrap();
        let words = key.statement(&trace).unwrap();
        let log = TranscriptLog::default();
        let mut rng = ChaCha20Rng::seed_from_u64(23);
        let transcript = KeccakWrite::logged(key.verifying_key().digest(), &log);
        let mut witness = key.witness(&trace).unwrap();
        let proof =
            prove_from(transcript, key.plonk(), &srs, &words, &mut witness, &mut rng).unwrap();
        drop(witness);
        Self { key, words, proof, hashed: preimages(&log) }
    }

    fn deploy(&self) -> Evm {
        let key = self.key.verifying_key().plonk();
        let code = artifacts::find(&generate(key.protocol()).unwrap()).unwrap().creation_code;
        Evm::deploy(Fork::Osaka, &code, &key_code(key).unwrap(), &g2_words(&key.s_g2())).unwrap()
    }
}

fn preimages(log: &TranscriptLog) -> Vec<Vec<u8>> {
    let of = |event| match event {
        TranscriptEvent::Squeeze { preimage, .. } => Some(preimage),
        _ => None,
    };
    log.events().into_iter().filter_map(of).collect()
}

#[test]
fn the_contract_hashes_what_the_prover_hashes() {
    for profile in Profile::standard() {
        let logged = Logged::new(profile);
        assert_eq!(logged.hashed.len(), 12, "challenges");
        let calldata = abi::encode_verify(&logged.proof, &logged.words).unwrap();
        let (outcome, hashed) = logged.deploy().call_hashed(&calldata).unwrap();
        assert!(outcome.verdict.is_accepted(), "{profile}: {outcome:?}");
        assert_eq!(hashed.len(), logged.hashed.len(), "{profile}");
        for (challenge, (got, expected)) in hashed.iter().zip(&logged.hashed).enumerate() {
            assert_eq!(hex::encode(got), hex::encode(expected), "{profile}: challenge {challenge}");
        }
    }
}

/// And of statements and proofs that do not hold: the first word by 1, the last evaluation by 1.
#[test]
fn the_contract_hashes_what_the_light_verifier_hashes() {
    for profile in Profile::standard() {
        let logged = Logged::new(profile);
        let key = logged.key.verifying_key().plonk();
        let mut evm = logged.deploy();
        let mut words = logged.words.clone();
        words[0] += Fr::ONE;
        // Behind the evaluations stand the two points of the opening.
        let mut proof = logged.proof.clone();
        let last = proof.len() - 2 * 64 - 1;
        proof[last] ^= 1;
        for (words, proof) in [(&words, &logged.proof), (&logged.words, &proof)] {
            let log = TranscriptLog::default();
            assert!(verify_logged(key, words, proof, &log).is_err(), "{profile}");
            let calldata = abi::encode_verify(proof, words).unwrap();
            let (outcome, hashed) = evm.call_hashed(&calldata).unwrap();
            assert!(!outcome.verdict.is_accepted(), "{profile}");
            assert_eq!(hashed, preimages(&log), "{profile}");
            assert_ne!(hashed, logged.hashed, "{profile}");
        }
    }
}
