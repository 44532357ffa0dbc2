//! Calldata to the contract, in every fork: it accepts exactly the canonical encodings of what the Rust verifier
//! accepts, and of that only what is honest.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use std::{cell::RefCell, sync::LazyLock};
use zkml_circuits::plonk::verify;
use zkml_contracts_fuzz::{
    honest::Subject,
    script::{self, apply},
};
use zkml_verifier_contracts::{
    Fork,
    abi::{TRY_VERIFY, VERIFY, decode_verify, encode_call, selector},
    evm::{Evm, Verdict},
};

/// A sibling of `verify` that leaves the pairing to the caller, so that it only refuses what is malformed.
const ACCUMULATE: &str = "accumulate(bytes,uint256[])";

/// The first words of calldata follow the selector.
const SELECTOR: usize = 4;

static SUBJECTS: LazyLock<[Subject; 2]> = LazyLock::new(|| [Subject::sample(), Subject::model()]);

thread_local! {
    static CONTRACTS: RefCell<Vec<[Evm; 3]>> = RefCell::new(
        SUBJECTS.iter().map(|subject| Fork::ALL.map(|fork| subject.deploy(fork))).collect()
    );
}

fuzz_target!(init: begin(), |data: &[u8]| {
    let mut script = Unstructured::new(data);
    let _ = check(&mut script);
});

fn check(script: &mut Unstructured) -> arbitrary::Result<()> {
    let at = usize::from(script.ratio(1, 3)?);
    let subject = &SUBJECTS[at];
    let function = *script.choose(&[VERIFY, VERIFY, TRY_VERIFY, ACCUMULATE])?;
    let files: Vec<Vec<u8>> = subject
        .proofs
        .iter()
        .map(|proof| encode_call(function, proof, &subject.words).expect("whole words"))
        .collect();
    let fork = script.choose_index(Fork::ALL.len())?;
    let mut calldata = script.choose(&files)?.clone();
    let others: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    // A script that ends changes nothing more.
    let _ = apply(&mut calldata, SELECTOR, &others, script);
    let verdict = CONTRACTS
        .with_borrow_mut(|contracts| contracts[at][fork].call(&calldata))
        .expect("a valid transaction")
        .verdict;

    let found = calldata.get(..SELECTOR).unwrap_or_default();
    let is_verify = found == selector(VERIFY);
    let is_accumulate = found == selector(ACCUMULATE);
    if !is_verify && !is_accumulate && found != selector(TRY_VERIFY) {
        // Other functions give constants; there is no fallback.
        assert!(found.len() == SELECTOR || !verdict.is_accepted(), "{verdict:?}");
        return Ok(());
    }
    let mut canonical = calldata.clone();
    canonical[..SELECTOR].copy_from_slice(&selector(VERIFY));
    let decoded = decode_verify(&canonical).ok();
    let holds = decoded.as_ref().is_some_and(|(proof, words)| {
        let holds = verify(&subject.key, words, proof).is_ok();
        assert_eq!(holds, subject.is_honest(words, proof));
        holds
    });
    match verdict {
        Verdict::Accepted { output } if is_verify => {
            assert!(holds && output.is_empty(), "accepted, {output:?}");
        }
        Verdict::Accepted { output } if is_accumulate => {
            assert!(decoded.is_some() && output.len() == 4 * 32, "{output:?}");
        }
        Verdict::Accepted { output } => {
            let mut answer = [0; 32];
            answer[31] = u8::from(holds);
            assert_eq!(output, answer);
        }
        Verdict::Rejected { error } => assert!(!holds, "rejected: {error}"),
    }
    Ok(())
}

fn begin() {
    script::begin();
    for (at, subject) in SUBJECTS.iter().enumerate() {
        for proof in &subject.proofs {
            let calldata = encode_call(VERIFY, proof, &subject.words).expect("whole words");
            for fork in 0..Fork::ALL.len() {
                let outcome = CONTRACTS.with_borrow_mut(|c| c[at][fork].call(&calldata));
                assert!(outcome.expect("a valid transaction").verdict.is_accepted());
            }
        }
    }
}
