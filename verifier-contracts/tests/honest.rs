//! Honest proofs are accepted under the rules of every fork.
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

mod common;

use common::Setup;
use zkml_circuits::plonk::testing::SampleParams;
use zkml_verifier_contracts::{Fork, MAX_CODE, abi, evm::Verdict};

#[test]
fn honest_proofs_are_accepted() {
    for params in [SampleParams::default(), SampleParams::large()] {
        let setup = Setup::new(params);
        for fork in Fork::ALL {
            let mut evm = setup.deploy(fork);
            let deployment = evm.deployment();
            assert!(deployment.runtime_bytes <= usize::from(MAX_CODE), "{deployment:?}");
            let outcome = setup.both(&mut evm, &setup.fixture.proof, &setup.fixture.words);
            assert_eq!(outcome.verdict, Verdict::Accepted { output: Vec::new() });
            eprintln!("{fork}: {outcome:?} {deployment:?}");

            let other = setup.fixture.prove(99, None);
            assert_ne!(other, setup.fixture.proof);
            assert!(setup.both(&mut evm, &other, &setup.fixture.words).verdict.is_accepted());

            let (proof, words) = (&setup.fixture.proof, &setup.fixture.words);
            let calldata = abi::encode_call(abi::TRY_VERIFY, proof, words).unwrap();
            let verdict = evm.call(&calldata).unwrap().verdict;
            assert_eq!(verdict, Verdict::Accepted { output: word(1) });
        }
    }
}

fn word(value: u8) -> Vec<u8> {
    let mut word = vec![0; 32];
    word[31] = value;
    word
}
