//! Honest proofs of small models, on every standard machine, before every verifier.

mod machine_common;
mod plonk_common;

use machine_common::{Subject, Verdict};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use zkml_circuits::{
    machine::Profile,
    model::{Compiled, ProvingKey, VerifyingKey, protocol},
    plan::Visibility,
    plonk::{PhaseWitness, ProveError, prove},
    testing::{mlp, random_program},
};
use zkml_core::{progress::NoProgress, proving::CpuMsm};

#[test]
fn honest_proofs_are_accepted() {
    for (batch, profile) in [1, 3, 1, 3, 3, 1].into_iter().zip(Profile::standard()) {
        for visibility in [Visibility::Public, Visibility::Private] {
            let subject = Subject::new(mlp(batch, 3), profile, visibility);
            let verdict = subject.verdict(&subject.words, &mut subject.honest());
            assert_eq!(verdict, Verdict::Accepted, "{profile}, batch {batch}, {visibility:?}");
        }
    }
}

/// Row by row, cheap enough for many shapes of program and machine.
#[test]
fn honest_witnesses_of_random_programs_satisfy_the_gates() {
    let shapes = [(1, 1, 1, 1), (3, 1, 4, 2), (6, 3, 6, 1), (12, 2, 8, 3)];
    let odd = shapes.map(|(w, r, g, t)| Profile::new(w, r, g, t).expect("a machine"));
    for (seed, profile) in (0u64..).zip(Profile::standard().into_iter().chain(odd)) {
        let subject = Subject::new(random_program(seed, 4), profile, Visibility::Public);
        assert!(subject.satisfied(&subject.words, &mut subject.honest()), "{seed}, {profile}");
    }
}

#[test]
fn the_constraint_system_depends_on_the_profile_only() {
    for profile in Profile::standard() {
        let one = Subject::new(mlp(1, 1), profile, Visibility::Public);
        let two = Subject::new(random_program(4, 5), profile, Visibility::Private);
        let [one, two] = [&one, &two].map(|s| s.key.verifying_key());
        assert_eq!(one.plonk().protocol(), two.plonk().protocol());
        assert_eq!(*one.plonk().protocol(), protocol(profile).expect("supported"));
        assert_ne!(one.digest(), two.digest());
    }
    let mut protocols: Vec<_> =
        Profile::standard().into_iter().map(|p| protocol(p).expect("supported")).collect();
    protocols.dedup();
    assert_eq!(protocols.len(), Profile::standard().len());
}

#[test]
fn keys_and_models_survive_their_files() {
    let subject = Subject::new(mlp(2, 3), Profile::standard()[2], Visibility::Public);
    let bytes = subject.key.to_bytes();
    let key = ProvingKey::from_bytes(&bytes).expect("its own bytes");
    assert_eq!(key.to_bytes(), bytes);
    let compiled = Compiled::from_bytes(&key.compiled().to_bytes()).expect("its own bytes");
    assert_eq!(compiled.digest(), subject.key.compiled().digest());
    let vk = subject.key.verifying_key();
    let vk_bytes = vk.to_bytes();
    let read = VerifyingKey::from_bytes(&vk_bytes).expect("its own bytes");
    assert_eq!(read.digest(), vk.digest());
    assert_eq!(read.io(), vk.io());
    let proof = subject.prove(&subject.words, &mut subject.honest());
    assert!(read.verify(&subject.words, &proof).is_ok());
}

/// Its cells are gone after a proof: a second one would be of zeros.
#[test]
fn a_witness_makes_one_proof() {
    let subject = Subject::new(mlp(1, 3), Profile::standard()[0], Visibility::Public);
    let mut witness = subject.honest();
    assert_eq!(subject.verdict(&subject.words, &mut witness), Verdict::Accepted);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (key, srs) = (subject.key.plonk(), &subject.srs);
    let again = prove(key, srs, &CpuMsm, &subject.words, &mut witness, &mut rng, &NoProgress);
    assert!(matches!(again, Err(ProveError::Witness(_))));
    for phase in 0..3 {
        assert!(matches!(witness.phase(phase, &[]), Err(ProveError::Witness(_))), "{phase}");
    }
}
