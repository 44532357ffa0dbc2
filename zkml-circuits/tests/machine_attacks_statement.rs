//! What a proof is about: nobody passes it off as one of another model, machine, visibility or
//! statement, no file makes a key of something else, and proofs hide what they do not state.

mod machine_common;
mod plonk_common;

use std::collections::BTreeSet;

use ff::Field;
use halo2curves::bn256::Fr;
use machine_common::{LOGITS, Subject, Verdict, classifier};
use rand_core::OsRng;
use sha3::{Digest, Keccak256};
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, CompileError, Compiled, ProvingKey, RejectedProof, VerifyingKey},
    plan::{LayoutPolicy, StatementError, Visibility},
    plonk::{POINT_BYTES, SCALAR_BYTES},
    testing::{Dice, encoding, mlp, random, random_inputs, shape},
};
use zkml_core::{
    program::{Affine, Program, ProgramBuilder, Scale, Step, Term},
    progress::NoProgress,
    proving::{CpuMsm, Srs},
    tensor::{Shape, Tensor},
};

fn folded() -> Profile {
    Profile::standard()[3]
}

fn subject(program: Program, profile: Profile, visibility: Visibility) -> Subject {
    Subject::new(program, profile, visibility)
}

/// The program with one weight of its last step changed.
fn neighbour(mut program: Program) -> Program {
    let Step::Affine(affine) = &mut program.tensors[LOGITS.0].step else {
        unreachable!("computed")
    };
    let Term::Contract { weight, .. } = &mut affine.terms[0] else { unreachable!("a contraction") };
    let mut data = weight.data().to_vec();
    data[0] += 1;
    *weight = Tensor::new(weight.shape().clone(), data).expect("as many");
    program
}

/// Everything the key's digest binds, changed in one place each.
#[test]
fn a_proof_holds_under_its_own_key_only() {
    let own = subject(classifier(1, 0), folded(), Visibility::Public);
    let proof = own.prove(&own.words, &mut own.honest());
    assert_eq!(own.verdict_on(&own.words, &proof), Verdict::Accepted);
    let mut scaled = classifier(1, 0);
    scaled.tensors[LOGITS.0].scale = Scale(3);
    let mut renamed = classifier(1, 0);
    renamed.outputs[0].name = "z".into();
    let program = || classifier(1, 0);
    let others = [
        ("another weight", subject(neighbour(program()), folded(), Visibility::Public)),
        ("another scale", subject(scaled, folded(), Visibility::Public)),
        ("another name of the output", subject(renamed, folded(), Visibility::Public)),
        ("private inputs", subject(program(), folded(), Visibility::Private)),
        ("another machine", subject(program(), Profile::standard()[0], Visibility::Public)),
        ("another shape", subject(classifier(2, 0), folded(), Visibility::Public)),
    ];
    let mut digests = BTreeSet::from([own.key.verifying_key().digest()]);
    let mut models = BTreeSet::from([own.key.compiled().digest()]);
    for (what, other) in &others {
        let key = other.key.verifying_key();
        assert!(digests.insert(key.digest()), "{what}");
        assert!(models.insert(other.key.compiled().digest()), "{what}");
        assert!(key.verify(&own.words, &proof).is_err(), "{what}: its words");
        assert!(key.verify(&other.words, &proof).is_err(), "{what}: the other's words");
        if other.words.len() == own.words.len() && key.profile() == folded() {
            assert_eq!(other.verdict_on(&own.words, &proof), Verdict::Rejected, "{what}");
        }
        // And the other way round.
        let theirs = other.prove(&other.words, &mut other.honest());
        assert!(key.verify(&other.words, &theirs).is_ok(), "{what}");
        assert!(own.key.verifying_key().verify(&own.words, &theirs).is_err(), "{what}");
    }
}

/// The same rows, another SRS: a proof is one of its SRS.
#[test]
fn a_key_is_bound_to_its_srs() {
    let program = classifier(1, 0);
    let config = CompileConfig { profile: Some(folded()), ..CompileConfig::default() };
    let compiled = Compiled::new(program, &config).expect("compiles");
    let srs = Srs::development(compiled.k()).expect("small");
    let larger = Srs::development(compiled.k() + 1).expect("small");
    let [one, two] = [&srs, &larger]
        .map(|srs| ProvingKey::generate(&compiled, srs, &CpuMsm, &NoProgress).expect("keys"));
    // A larger SRS of the same secret is cut to the same.
    assert_eq!(one.verifying_key().digest(), two.verifying_key().digest());
    assert!(one.verifying_key().srs().insecure);
}

/// ToB 12, finding 2.3: statements that are none are refused before the proof is looked at. (A word
/// plus the modulus cannot be said here: `Fr` has one representative. Where words arrive as bytes,
/// in contracts and files, those `>= r` are refused; see `verifier-contracts` and the facade.)
#[test]
fn words_that_are_no_statement_are_refused() {
    for profile in [Profile::standard()[0], folded()] {
        let subject = subject(classifier(1, 0), profile, Visibility::Public);
        let key = subject.key.verifying_key();
        let proof = subject.prove(&subject.words, &mut subject.honest());
        let refused = |words: &[Fr]| match key.verify(words, &proof) {
            Err(RejectedProof::Statement(error)) => error,
            other => panic!("{other:?}"),
        };
        let count = subject.words.len();
        for wrong in [0, count - 1, count + 1] {
            let mut words = subject.words.clone();
            words.resize(wrong, Fr::zero());
            assert_eq!(refused(&words), StatementError::Count { expected: count, got: wrong });
        }
        let mut word = 0;
        for tensor in key.io().tensors() {
            for digits in &tensor.digits {
                let digit = |lane: usize| Fr::from(2).pow([16 * lane as u64, 0, 0, 0]);
                let with = |change: Fr| {
                    let mut words = subject.words.clone();
                    words[word] += change;
                    refused(&words)
                };
                let mut changes = vec![
                    // Above the last digit, and negative: p - small.
                    digit(Profile::DIGITS),
                    digit(15),
                    -Fr::from(2).pow([200, 0, 0, 0]),
                    -subject.words[word] - Fr::one(),
                ];
                let range = Fr::from(1 << tensor.bits.get());
                for lane in 0..Profile::DIGITS {
                    match digits.get(lane).copied().flatten() {
                        // Beyond the tensor's range, within 16 bits.
                        Some(_) => changes.extend([digit(lane) * range, -(digit(lane) * range)]),
                        None => changes.push(digit(lane)),
                    }
                }
                for change in changes {
                    let got = with(change);
                    let expected = StatementError::Word { word, tensor: tensor.name.clone() };
                    assert_eq!(got, expected);
                }
                word += 1;
            }
        }
        assert_eq!(word, count);
    }
}

/// attacks.md 4.3 (unblinded columns): two proofs of one statement have no commitment and no
/// evaluation of a witness column in common, the empty junk column and multiplicities included.
#[test]
fn two_proofs_of_one_statement_share_nothing() {
    for profile in [Profile::standard()[0], folded()] {
        let subject = subject(classifier(1, 0), profile, Visibility::Private);
        let key = &subject.key;
        let inputs = random_inputs(key.compiled().program(), 5);
        let protocol = key.verifying_key().plonk().protocol();
        let points = (protocol.num_points() - 2) * POINT_BYTES;
        let (advice, fixed) = (protocol.advice_queries.len(), protocol.fixed_queries.len());
        let parts = |proof: &[u8]| {
            assert_eq!(proof.len(), protocol.proof_len());
            let (before, rest) = proof.split_at(points);
            let (evaluations, openings) = rest.split_at(protocol.num_evaluations() * SCALAR_BYTES);
            let points: Vec<Vec<u8>> = before
                .chunks(POINT_BYTES)
                .chain(openings.chunks(POINT_BYTES))
                .map(<[u8]>::to_vec)
                .collect();
            let evaluations: Vec<Vec<u8>> = evaluations
                .chunks(SCALAR_BYTES)
                .enumerate()
                .filter(|(at, _)| !(advice..advice + fixed).contains(at))
                .map(|(_, bytes)| bytes.to_vec())
                .collect();
            (points, evaluations)
        };
        let prove =
            || key.prove(&subject.srs, &CpuMsm, &inputs, &mut OsRng, &NoProgress).expect("a proof");
        let (one, two) = (prove(), prove());
        assert_eq!(one.words, two.words);
        let mut seen = BTreeSet::new();
        for proof in [&one, &two] {
            assert!(key.verifying_key().verify(&proof.words, &proof.proof).is_ok());
            let (points, evaluations) = parts(&proof.proof);
            // Within a proof as well: no two columns, equal or not, look the same.
            for part in points.into_iter().chain(evaluations) {
                assert!(seen.insert(part), "a commitment or evaluation occurs twice");
            }
        }
    }
}

/// Offsets at the head, the tail and, by seed, between.
fn offsets(length: usize, seed: u64) -> Vec<usize> {
    let mut dice = Dice::new(seed);
    let mut out: Vec<usize> =
        (0..length.min(24)).chain(length.saturating_sub(40)..length).collect();
    out.extend((0..40).map(|_| dice.below(length)));
    out.sort_unstable();
    out.dedup();
    out
}

/// With the checksum that a forger would put.
fn summed(bytes: &[u8]) -> Vec<u8> {
    let content = &bytes[..bytes.len() - 32];
    [content, Keccak256::digest(content).as_slice()].concat()
}

#[test]
fn compiled_models_from_hostile_files() {
    let config = CompileConfig { profile: Some(folded()), ..CompileConfig::default() };
    let compiled = Compiled::new(mlp(1, 3), &config).expect("compiles");
    let bytes = compiled.to_bytes();
    for cut in offsets(bytes.len(), 301) {
        assert!(Compiled::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        if cut >= 41 {
            assert!(Compiled::from_bytes(&summed(&bytes[..cut])).is_err(), "cut at {cut}, summed");
        }
    }
    let extended = [&bytes[..bytes.len() - 32], &[0; 33]].concat();
    assert!(matches!(Compiled::from_bytes(&summed(&extended)), Err(CompileError::Format(_))));
    let mut dice = Dice::new(302);
    for at in offsets(bytes.len(), 303) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << dice.below(8);
        assert!(matches!(Compiled::from_bytes(&changed), Err(CompileError::Format(_))), "{at}");
        // With the right checksum it may be another model, never this one.
        if let Ok(other) = Compiled::from_bytes(&summed(&changed))
            && at < bytes.len() - 32
        {
            assert_ne!(other.digest(), compiled.digest(), "flip in byte {at}");
        }
    }
}

/// Bodies in which small numbers stand for much memory.
#[test]
fn compiled_models_that_claim_to_be_huge() {
    let file = |body: &[u8]| summed(&[b"zkml-zkc\x03", body, &[0; 32]].concat());
    let head = postcard::to_allocvec(&(folded(), Visibility::Public, LayoutPolicy::Balanced))
        .expect("encodes");
    // A list of 2^62 and of 2^32 elements, and nothing after.
    for claim in [
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40].as_slice(),
        &[0x80, 0x80, 0x80, 0x80, 0x10],
    ] {
        let error = Compiled::from_bytes(&file(&[&head[..], claim].concat())).expect_err("short");
        assert!(matches!(error, CompileError::Format(_)), "{error}");
    }
    let whole = |program: &Program| {
        let body =
            postcard::to_allocvec(&(folded(), Visibility::Public, LayoutPolicy::Balanced, program));
        file(&body.expect("encodes"))
    };
    assert!(Compiled::from_bytes(&whole(&classifier(1, 0))).is_ok(), "the format");
    // Shapes without the data that they would need.
    let mut huge = classifier(1, 0);
    huge.tensors[0].shape = Shape::new(vec![1 << 14, 1 << 14]).expect("2^28");
    assert!(matches!(Compiled::from_bytes(&whole(&huge)), Err(CompileError::Length { .. })));
    // A program that is what it says, of 2^28 values a tensor, in a hundred bytes.
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1 << 14, 1 << 14]), encoding("x", 4));
    let double = Affine::new(vec![Term::Scale { view: b.whole(x), factor: Tensor::scalar(2) }]);
    let y = b.affine(shape(&[1 << 14, 1 << 14]), encoding("y", 6), double);
    let view = b.whole(y);
    b.output("y", view);
    let bytes = postcard::to_allocvec(&(
        folded(),
        Visibility::Public,
        LayoutPolicy::Balanced,
        b.finish().expect("valid"),
    ));
    let bytes = file(&bytes.expect("encodes"));
    assert!(bytes.len() < 200, "{}", bytes.len());
    assert!(matches!(Compiled::from_bytes(&bytes), Err(CompileError::Length { .. })));
}

#[test]
fn verifying_keys_from_hostile_files() {
    let subject = subject(classifier(1, 0), folded(), Visibility::Public);
    let key = subject.key.verifying_key();
    let bytes = key.to_bytes();
    let proof = subject.prove(&subject.words, &mut subject.honest());
    for cut in offsets(bytes.len(), 311) {
        assert!(VerifyingKey::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert!(VerifyingKey::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    for claim in [u32::MAX, 1 << 24, (1 << 24) + 1] {
        let mut changed = bytes.clone();
        changed[8..12].copy_from_slice(&claim.to_be_bytes());
        assert!(VerifyingKey::from_bytes(&changed).is_err(), "a header of {claim}");
    }
    // Each byte of the header: machine, scales, names, digits, model, SRS.
    let header = u32::from_be_bytes(bytes[8..12].try_into().expect("four")) as usize;
    let mut dice = Dice::new(312);
    for at in 0..12 + header {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << dice.below(8);
        assert!(VerifyingKey::from_bytes(&changed).is_err(), "header byte {at}");
    }
    // The key below: as it is, and with the checksum a forger would put.
    for at in offsets(bytes.len() - 12 - header, 313) {
        let at = 12 + header + at;
        let mut changed = bytes.clone();
        changed[at] ^= 1 << dice.below(8);
        assert!(VerifyingKey::from_bytes(&changed).is_err(), "byte {at}");
        let (head, below) = changed.split_at(12 + header);
        if let Ok(other) = VerifyingKey::from_bytes(&[head, &summed(below)].concat())
            && at < bytes.len() - 32
        {
            assert_ne!(other.digest(), key.digest(), "byte {at}");
            assert!(other.verify(&subject.words, &proof).is_err(), "byte {at}");
        }
    }
}

/// A header of one model before the key of another: refused on load, both ways.
#[test]
fn headers_do_not_travel() {
    let one = subject(classifier(1, 0), folded(), Visibility::Public);
    let two = subject(neighbour(classifier(1, 0)), folded(), Visibility::Public);
    let split = |subject: &Subject| {
        let bytes = subject.key.verifying_key().to_bytes();
        let header = u32::from_be_bytes(bytes[8..12].try_into().expect("four")) as usize;
        let (head, below) = bytes.split_at(12 + header);
        (head.to_vec(), below.to_vec())
    };
    let (a, b) = (split(&one), split(&two));
    assert!(VerifyingKey::from_bytes(&[&a.0[..], &a.1].concat()).is_ok());
    assert!(VerifyingKey::from_bytes(&[&a.0[..], &b.1].concat()).is_err());
    assert!(VerifyingKey::from_bytes(&[&b.0[..], &a.1].concat()).is_err());
    // Proving keys: the compiled model of one, the columns of the other.
    let split = |subject: &Subject| {
        let bytes = subject.key.to_bytes();
        let length = u64::from_be_bytes(bytes[8..16].try_into().expect("eight")) as usize;
        let (head, below) = bytes.split_at(16 + length);
        (head.to_vec(), below.to_vec())
    };
    let (a, b) = (split(&one), split(&two));
    assert!(ProvingKey::from_bytes(&[&a.0[..], &a.1].concat()).is_ok());
    assert!(ProvingKey::from_bytes(&[&a.0[..], &b.1].concat()).is_err());
    assert!(ProvingKey::from_bytes(&[&b.0[..], &a.1].concat()).is_err());
}

#[test]
fn proving_keys_from_hostile_files() {
    let subject = subject(classifier(1, 0), folded(), Visibility::Public);
    let bytes = subject.key.to_bytes();
    for cut in offsets(bytes.len(), 321) {
        assert!(ProvingKey::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert!(ProvingKey::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    for claim in [u64::MAX, 1 << 40, bytes.len() as u64] {
        let mut changed = bytes.clone();
        changed[8..16].copy_from_slice(&claim.to_be_bytes());
        assert!(ProvingKey::from_bytes(&changed).is_err(), "a model of {claim} bytes");
    }
    let mut dice = Dice::new(322);
    for at in offsets(bytes.len(), 323) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << dice.below(8);
        assert!(ProvingKey::from_bytes(&changed).is_err(), "byte {at}");
    }
    // Lengths within the key below.
    let compiled = u64::from_be_bytes(bytes[8..16].try_into().expect("eight")) as usize;
    let below = 16 + compiled + 33;
    assert_eq!(&bytes[below..below + 6], b"ZKMLPK");
    let mut changed = bytes.clone();
    changed[below + 8..below + 16].copy_from_slice(&u64::MAX.to_be_bytes());
    assert!(ProvingKey::from_bytes(&changed).is_err());
}

/// attacks.md 4.5: accumulators are bounded, not assumed small. One that may reach `2^62` is no
/// model, one a little below is.
#[test]
fn accumulators_out_of_bounds_are_refused() {
    for (bias, fits) in [(1i64 << 61, true), (1 << 62, false), (i64::MIN, false)] {
        let mut dice = Dice::new(331);
        let mut b = ProgramBuilder::new();
        let x = b.input("x", shape(&[1, 4]), encoding("x", 4));
        let step = Affine::new(vec![Term::Contract {
            view: b.whole(x),
            weight: random(&mut dice, &[4, 2], 7),
        }])
        .bias(Tensor::new(shape(&[1, 2]), vec![bias, 0]).expect("two"))
        .shift(16);
        let y = b.affine(shape(&[1, 2]), encoding("y", 8), step);
        let view = b.whole(y);
        b.output("y", view);
        let program = b.finish().expect("well formed");
        let compiled = Compiled::new(program, &CompileConfig::default());
        match compiled {
            Ok(_) => assert!(fits, "{bias}"),
            Err(error) => assert!(!fits && error.to_string().contains("2^62"), "{bias}: {error}"),
        }
    }
}
