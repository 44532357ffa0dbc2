//! The sample circuit, proven, with its compiled verifier.
#![allow(dead_code, unreachable_pub, missing_debug_implementations, clippy::unwrap_used)]

use halo2curves::bn256::Fr;
use zkml_circuits::plonk::{
    VerifyingKey,
    testing::{Fixture, SampleParams},
    verify,
};
use zkml_verifier_contracts::{
    Fork, abi, artifacts,
    evm::{Evm, Outcome},
    g2_words, generate, key_code,
};

pub struct Setup {
    pub fixture: Fixture,
    pub creation_code: Vec<u8>,
    pub key_code: Vec<u8>,
    pub s_g2: [[u8; 32]; 4],
}

impl Setup {
    pub fn new(params: SampleParams) -> Self {
        let fixture = Fixture::new(params);
        let key = fixture.key.verifying_key();
        let verifier = generate(key.protocol()).unwrap();
        let creation_code = artifacts::find(&verifier).unwrap().creation_code;
        let key_code = key_code(key).unwrap();
        let s_g2 = g2_words(&key.s_g2());
        Self { fixture, creation_code, key_code, s_g2 }
    }

    pub fn key(&self) -> &VerifyingKey {
        self.fixture.key.verifying_key()
    }

    pub fn deploy(&self, fork: Fork) -> Evm {
        Evm::deploy(fork, &self.creation_code, &self.key_code, &self.s_g2).unwrap()
    }

    pub fn calldata(&self) -> Vec<u8> {
        abi::encode_verify(&self.fixture.proof, &self.fixture.words).unwrap()
    }

    /// The contract's outcome, which must agree with the light verifier's.
    pub fn both(&self, evm: &mut Evm, proof: &[u8], words: &[Fr]) -> Outcome {
        let calldata = abi::encode_verify(proof, words).unwrap();
        let outcome = evm.call(&calldata).unwrap();
        let light = verify(self.key(), words, proof);
        assert_eq!(
            outcome.verdict.is_accepted(),
            light.is_ok(),
            "contract: {:?}, light verifier: {light:?}",
            outcome.verdict
        );
        outcome
    }
}
