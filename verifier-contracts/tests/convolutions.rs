//! Convolutions in the EVM: equations with junk and units that read with base `lambda^2`, on the
//! wide machines and on the folded ones. Three verifiers see every proof (the contract, the light
//! verifier and halo2-axiom's) and must agree.
//!
//! *Source.* The programs and lies are those of the attacks on the machine (`machine_common`).
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

#[path = "../../zkml-circuits/tests/machine_common/mod.rs"]
mod machine_common;
#[path = "../../zkml-circuits/tests/plonk_common/mod.rs"]
mod plonk_common;

use ff::Field;
use halo2curves::bn256::Fr;
use machine_common::{Lie, SECOND, Subject, Tampered, Verdict, strided};
use zkml_circuits::{
    machine::Profile, plan::Visibility, plonk::PhaseWitness, testing::random_windows,
    witness::FirstPhase,
};
use zkml_verifier_contracts::{
    Fork, MAX_CODE, abi, artifacts,
    evm::{self, Evm},
    g2_words, gas, generate, key_code,
};

/// `strided` in every standard machine.
fn subjects() -> impl Iterator<Item = Subject> {
    let machines = Profile::standard().into_iter();
    machines.map(|profile| Subject::new(strided(), profile, Visibility::Public))
}

/// Vector rows that read junk.
fn junk_rows(subject: &Subject) -> Vec<usize> {
    let rows = subject.plan().rows.vector.iter().enumerate();
    rows.filter(|(_, row)| row.junk != 0).map(|(at, _)| at).collect()
}

/// The three verifiers of a model.
struct Verifiers<'a> {
    subject: &'a Subject,
    evm: Evm,
}

impl<'a> Verifiers<'a> {
    fn new(subject: &'a Subject) -> Self {
        let key = subject.key.verifying_key().plonk();
        let artifact = artifacts::find(&generate(key.protocol()).unwrap()).unwrap();
        let (code, s_g2) = (key_code(key).unwrap(), g2_words(&key.s_g2()));
        let evm = Evm::deploy(Fork::Osaka, &artifact.creation_code, &code, &s_g2).unwrap();
        Self { subject, evm }
    }

    /// Proves `words` from `witness`, true or not; the verdict of all three.
    fn verdict(&mut self, words: &[Fr], witness: &mut dyn PhaseWitness) -> Verdict {
        let proof = self.subject.prove(words, witness);
        // Our verifier's and the referee's, which this compares.
        let rust = self.subject.verdict_on(words, &proof);
        let contract = self.evm.call(&abi::encode_verify(&proof, words).unwrap()).unwrap().verdict;
        let expected = match rust {
            Verdict::Accepted => evm::Verdict::Accepted { output: Vec::new() },
            Verdict::Rejected => evm::Verdict::Rejected { error: "InvalidProof()".into() },
        };
        assert_eq!(contract, expected, "{}", self.subject.key.verifying_key().profile());
        rust
    }

    /// As [`Self::verdict`], of a first phase and the most consistent words and columns after it.
    fn verdict_of(&mut self, first: FirstPhase) -> Verdict {
        let (words, mut witness) = self.subject.consistent(first);
        self.verdict(&words, &mut witness)
    }
}

#[test]
fn convolutions_verify_within_the_gas_predicted() {
    let random = [(3, 0), (8, 3)].map(|(seed, machine)| {
        Subject::new(random_windows(seed, 3), Profile::standard()[machine], Visibility::Private)
    });
    let mut squared = 0;
    for subject in subjects().chain(random) {
        let key = subject.key.verifying_key().plonk();
        let profile = subject.key.verifying_key().profile();
        assert!(!junk_rows(&subject).is_empty(), "{profile}: pads and strides leave junk");
        squared += subject.plan().rows.groups.iter().filter(|g| g.operand_squared).count();
        let proof = subject.prove(&subject.words, &mut subject.honest());
        assert_eq!(subject.verdict_on(&subject.words, &proof), Verdict::Accepted);
        for fork in Fork::ALL {
            let (outcome, deployment) = evm::verify(key, &subject.words, &proof, fork).unwrap();
            assert!(outcome.verdict.is_accepted(), "{profile} {fork}: {:?}", outcome.verdict);
            assert!(deployment.runtime_bytes <= usize::from(MAX_CODE), "{deployment:?}");
            let predicted = gas::predict_for(key, fork).unwrap().total();
            let ratio = predicted as f64 / outcome.transaction_gas as f64;
            eprintln!("{profile} {fork}: gas {}, predicted {predicted}", outcome.transaction_gas);
            assert!((ratio - 1.0).abs() < 0.03, "{profile} {fork}: {ratio}");
        }
    }
    assert!(squared > 0, "no unit reads with base lambda^2");
}

/// Junk is read by equations, so a changed value breaks one whatever the prover derives from it; and
/// what no equation reads is free, so it is not the change as such that is noticed.
#[test]
fn changed_junk_is_rejected() {
    for subject in subjects() {
        let used = junk_rows(&subject);
        let unused = (0..subject.geometry().rows()).find(|row| !used.contains(row)).unwrap();
        let mut verifiers = Verifiers::new(&subject);
        let with = |row: usize| {
            let mut first = subject.first();
            first.j = vec![Fr::ZERO; row + 1];
            first.j[row] = Fr::ONE;
            first
        };
        let ends = [0, used.len() / 2, used.len() - 1].map(|at| used[at]);
        for row in ends {
            assert_eq!(verifiers.verdict_of(with(row)), Verdict::Rejected, "junk of row {row}");
        }
        assert_eq!(verifiers.verdict_of(with(unused)), Verdict::Accepted, "row {unused}");

        // Everything else as if the junk had not been changed.
        let mut honest = |change: fn(&mut Vec<Fr>, usize)| {
            let inner = subject.honest();
            let column = inner.columns().junk.index();
            let change = |values: &mut Vec<Fr>| change(values, used[0]);
            verifiers.verdict(&subject.words, &mut Tampered { inner, column, change })
        };
        assert_eq!(honest(|_, _| ()), Verdict::Accepted);
        assert_eq!(honest(|values, row| values[row] += Fr::ONE), Verdict::Rejected);
        assert_eq!(honest(|values, _| values.fill(Fr::ZERO)), Verdict::Rejected);
    }
}

/// A wrong output of a convolution of stride 2, public words and junk computed to suit it.
#[test]
fn forged_outputs_are_rejected() {
    for subject in subjects() {
        let program = subject.key.compiled().program();
        let lie = [1, -1]
            .into_iter()
            .find_map(|dx| Lie::step(program, &subject.trace, SECOND, 4, dx))
            .unwrap();
        let forged = lie.carried(program, &subject.trace).unwrap();
        let first = subject.first_of(&forged);
        let (words, _) = subject.consistent(first.clone());
        assert_ne!(words, subject.words, "a forged output");
        assert_eq!(Verifiers::new(&subject).verdict_of(first), Verdict::Rejected);
    }
}
