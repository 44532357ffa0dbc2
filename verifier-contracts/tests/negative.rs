//! What is not the honest statement is rejected, by the contract as by the light verifier.
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

mod common;

use common::Setup;
use ff::{Field, PrimeField};
use halo2curves::bn256::{Fq, Fr};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkml_circuits::plonk::{
    KeccakWrite,
    testing::{Fixture, SampleParams, Tamper, prove_from},
};
use zkml_verifier_contracts::{
    ContractError, Fork, abi,
    evm::{Evm, Verdict},
    key_code,
    layout::Layout,
};

fn setup() -> (Setup, Evm) {
    let setup = Setup::new(SampleParams::default());
    let evm = setup.deploy(Fork::Osaka);
    (setup, evm)
}

fn rejected(error: &str) -> Verdict {
    Verdict::Rejected { error: error.to_owned() }
}

/// `a + b` of big-endian words, if it fits.
fn plus(a: &[u8], b: [u8; 32]) -> Option<Vec<u8>> {
    let mut sum = vec![0; 32];
    let mut carry = 0;
    for i in (0..32).rev() {
        carry += u16::from(a[i]) + u16::from(b[i]);
        sum[i] = (carry & 0xff) as u8;
        carry >>= 8;
    }
    (carry == 0).then_some(sum)
}

/// `p`, big-endian.
fn modulus<F: PrimeField<Repr: Into<[u8; 32]>>>() -> [u8; 32] {
    let mut bytes: [u8; 32] = (-F::ONE).to_repr().into();
    bytes.reverse();
    bytes[31] += 1; // p - 1 is even
    bytes
}

#[test]
fn every_changed_proof_word_is_rejected() {
    let (setup, mut evm) = setup();
    let (proof, words) = (&setup.fixture.proof, &setup.fixture.words);
    let layout = Layout::new(setup.key().protocol()).unwrap().proof;
    for at in (0..proof.len()).step_by(32) {
        let is_scalar = (layout.first_eval()..layout.opening_h).contains(&at);
        let malformed = rejected(if is_scalar { "InvalidScalar()" } else { "InvalidPoint()" });
        let mut changed = proof.clone();
        for bit in [0, 7, at / 32 % 8] {
            changed[at + 31 - at / 32 % 32] ^= 1 << bit;
            let verdict = setup.both(&mut evm, &changed, words).verdict;
            assert!(!verdict.is_accepted(), "word {at}, bit {bit}");
            assert!(is_scalar || verdict == malformed, "word {at}: {verdict:?}");
            changed.copy_from_slice(proof);
        }
        for modulus in [modulus::<Fr>(), modulus::<Fq>()] {
            let Some(sum) = plus(&proof[at..at + 32], modulus) else { continue };
            changed[at..at + 32].copy_from_slice(&sum);
            assert_eq!(setup.both(&mut evm, &changed, words).verdict, malformed, "word {at}");
            changed.copy_from_slice(proof);
        }
    }
}

#[test]
fn moved_points_and_identities_are_rejected() {
    let (setup, mut evm) = setup();
    let (proof, words) = (&setup.fixture.proof, &setup.fixture.words);
    let layout = Layout::new(setup.key().protocol()).unwrap().proof;
    let mut points: Vec<usize> = (0..layout.first_eval()).step_by(64).collect();
    points.extend([layout.opening_h, layout.opening_w]);
    for pair in points.windows(2) {
        let mut swapped = proof.clone();
        swapped[pair[0]..pair[0] + 64].copy_from_slice(&proof[pair[1]..pair[1] + 64]);
        swapped[pair[1]..pair[1] + 64].copy_from_slice(&proof[pair[0]..pair[0] + 64]);
        let verdict = setup.both(&mut evm, &swapped, words).verdict;
        assert_eq!(verdict, rejected("InvalidProof()"), "points at {pair:?}");
    }
    for at in points {
        let mut changed = proof.clone();
        changed[at..at + 64].fill(0);
        let verdict = setup.both(&mut evm, &changed, words).verdict;
        assert_eq!(verdict, rejected("InvalidPoint()"), "identity at {at}");
        // The negative point is on the curve too.
        let negative = minus(modulus::<Fq>(), &proof[at + 32..at + 64]);
        changed.copy_from_slice(proof);
        changed[at + 32..at + 64].copy_from_slice(&negative);
        let verdict = setup.both(&mut evm, &changed, words).verdict;
        assert_eq!(verdict, rejected("InvalidProof()"), "negated point at {at}");
    }
    let evals: Vec<usize> = (layout.first_eval()..layout.opening_h).step_by(32).collect();
    for at in evals {
        let mut changed = proof.clone();
        changed[at..at + 32].fill(0);
        let verdict = setup.both(&mut evm, &changed, words).verdict;
        let same = changed == *proof;
        assert_eq!(verdict.is_accepted(), same, "evaluation at {at} made zero");
    }
}

/// `a - b` of big-endian words, `a >= b`.
fn minus(a: [u8; 32], b: &[u8]) -> Vec<u8> {
    let mut difference = vec![0; 32];
    let mut borrow = 0;
    for i in (0..32).rev() {
        let digit = i16::from(a[i]) - i16::from(b[i]) - borrow;
        borrow = i16::from(digit < 0);
        difference[i] = (digit & 0xff) as u8;
    }
    difference
}

#[test]
fn wrong_public_words_are_rejected() {
    let (setup, mut evm) = setup();
    let (proof, words) = (&setup.fixture.proof, &setup.fixture.words);
    for i in 0..words.len() {
        for change in [Fr::ONE, -Fr::ONE, Fr::from(1 << 16)] {
            let mut changed = words.clone();
            changed[i] += change;
            let verdict = setup.both(&mut evm, proof, &changed).verdict;
            assert_eq!(verdict, rejected("InvalidProof()"), "word {i}");
        }
        // The same residue, not canonical.
        let mut calldata = setup.calldata();
        let at = calldata.len() - 32 * (words.len() - i);
        let sum = plus(&calldata[at..at + 32], modulus::<Fr>()).unwrap();
        calldata[at..at + 32].copy_from_slice(&sum);
        let verdict = evm.call(&calldata).unwrap().verdict;
        assert_eq!(verdict, rejected(&format!("InvalidInstance({i})")));
        assert!(abi::decode_verify(&calldata).is_err());
        calldata[at..at + 32].fill(0xff);
        let verdict = evm.call(&calldata).unwrap().verdict;
        assert_eq!(verdict, rejected(&format!("InvalidInstance({i})")));
    }
    let mut swapped = words.clone();
    swapped.swap(0, 1);
    assert_ne!(&swapped, words);
    assert!(!setup.both(&mut evm, proof, &swapped).verdict.is_accepted());
    let longer = [words.as_slice(), &[Fr::ZERO]].concat();
    for count in [&words[1..], &words[..words.len() - 1], &[], &longer] {
        let verdict = setup.both(&mut evm, proof, count).verdict;
        assert_eq!(verdict, rejected("BadLength()"), "{} words", count.len());
    }
}

#[test]
fn wrong_lengths_are_rejected() {
    let (setup, mut evm) = setup();
    let (proof, words) = (&setup.fixture.proof, &setup.fixture.words);
    for length in [0, 32, 64, proof.len() - 64, proof.len() - 32] {
        let verdict = setup.both(&mut evm, &proof[..length], words).verdict;
        assert_eq!(verdict, rejected("BadLength()"), "proof of {length} bytes");
    }
    let longer = [proof.as_slice(), &[0; 32]].concat();
    assert_eq!(setup.both(&mut evm, &longer, words).verdict, rejected("BadLength()"));

    let calldata = setup.calldata();
    for length in (0..calldata.len()).step_by(7) {
        assert!(!evm.call(&calldata[..length]).unwrap().verdict.is_accepted(), "{length} bytes");
    }
    for extra in [1, 31, 32, 64] {
        let extended = [calldata.as_slice(), &vec![0; extra]].concat();
        let verdict = evm.call(&extended).unwrap().verdict;
        assert_eq!(verdict, rejected("BadLength()"), "{extra} more bytes");
    }
}

/// Encodings that Solidity decodes to the honest proof and words, but that are not the canonical
/// one: what a caller sees in them must not differ from what is checked.
#[test]
fn only_the_canonical_encoding_is_accepted() {
    let (setup, mut evm) = setup();
    let calldata = setup.calldata();
    let proof_length = setup.fixture.proof.len();
    let (selector, rest) = calldata.split_at(4);
    let (proof_part, words_part) = rest[64..].split_at(32 + proof_length);
    let word = |n: usize| {
        let mut word = [0; 32];
        word[24..].copy_from_slice(&(n as u64).to_be_bytes());
        word
    };
    let build = |heads: [usize; 2], parts: &[&[u8]]| {
        [selector, &word(heads[0]), &word(heads[1]), &parts.concat()].concat()
    };
    let straight = build([0x40, 0x60 + proof_length], &[proof_part, words_part]);
    assert_eq!(straight, calldata);
    assert!(evm.call(&straight).unwrap().verdict.is_accepted());

    let gap = [0; 32];
    let tricks = [
        ("words first", build([0x40 + words_part.len(), 0x40], &[words_part, proof_part])),
        ("gap first", build([0x60, 0x80 + proof_length], &[&gap, proof_part, words_part])),
        ("gap between", build([0x40, 0x80 + proof_length], &[proof_part, &gap, words_part])),
        (
            "honest content behind other content",
            build(
                [0x40, 0x60 + proof_length + words_part.len()],
                &[proof_part, &vec![0; words_part.len()], words_part],
            ),
        ),
        (
            "two sets of words, the second meant",
            build(
                [0x40, 0x60 + proof_length + words_part.len()],
                &[proof_part, words_part, words_part],
            ),
        ),
        ("proof's offset high", {
            let mut data = calldata.clone();
            data[4] = 1;
            data
        }),
        ("words' offset into the proof", {
            let mut data = calldata.clone();
            data[36..68].copy_from_slice(&word(0x60));
            data
        }),
    ];
    for (what, data) in tricks {
        assert!(!evm.call(&data).unwrap().verdict.is_accepted(), "{what}");
        assert!(abi::decode_verify(&data).is_err(), "{what}");
    }
    for at in (0..100).chain(100 + proof_length..132 + proof_length) {
        let mut data = calldata.clone();
        data[at] ^= 0x20;
        assert!(!evm.call(&data).unwrap().verdict.is_accepted(), "byte {at}");
    }
}

#[test]
fn try_verify_says_false_or_reverts() {
    let (setup, mut evm) = setup();
    let mut words = setup.fixture.words.clone();
    words[0] += Fr::ONE;
    let calldata = abi::encode_call(abi::TRY_VERIFY, &setup.fixture.proof, &words).unwrap();
    let verdict = evm.call(&calldata).unwrap().verdict;
    assert_eq!(verdict, Verdict::Accepted { output: vec![0; 32] });
}

/// One changed cell in columns of every phase and kind.
fn tampers() -> Vec<Tamper> {
    let columns = setup().0.fixture.circuit;
    let count = columns.params.lanes + 4 + columns.params.lanes / 3 + 2;
    let out = columns.params.lanes + 3;
    let row = |column| if column == out { 0 } else { 4 };
    (0..count).map(|column| Tamper { column, row: row(column), delta: 1 }).collect()
}

#[test]
fn dishonest_witnesses_are_rejected() {
    let (setup, mut evm) = setup();
    for tamper in tampers() {
        let proof = setup.fixture.prove(5, Some(tamper));
        let verdict = setup.both(&mut evm, &proof, &setup.fixture.words).verdict;
        assert_eq!(verdict, rejected("InvalidProof()"), "{tamper:?}");
    }
}

#[test]
fn another_models_key_rejects_the_proof() {
    let (setup, _) = setup();
    let other = Fixture::new(SampleParams { weight: 4, ..SampleParams::default() });
    let key = other.key.verifying_key();
    assert_eq!(key.protocol(), setup.key().protocol());
    let other_code = key_code(key).unwrap();
    assert_ne!(other_code, setup.key_code);
    let mut evm = Evm::deploy(Fork::Osaka, &setup.creation_code, &other_code, &setup.s_g2).unwrap();
    let verdict = evm.call(&setup.calldata()).unwrap().verdict;
    assert_eq!(verdict, rejected("InvalidProof()"));
    let honest = abi::encode_verify(&other.proof, &other.words).unwrap();
    assert!(evm.call(&honest).unwrap().verdict.is_accepted(), "one bytecode for both models");
}

#[test]
fn the_constructor_checks_what_it_is_given() {
    let (setup, _) = setup();
    let deploy = |code: &[u8], hash: [u8; 32], s_g2: &[[u8; 32]; 4]| match Evm::deploy_expecting(
        Fork::Osaka,
        &setup.creation_code,
        code,
        hash,
        s_g2,
    ) {
        Ok(_) => "deployed".to_owned(),
        Err(ContractError::Deployment { error }) => error,
        Err(e) => panic!("{e}"),
    };
    let hash = zkml_verifier_contracts::keccak;
    let good = &setup.key_code;
    assert_eq!(deploy(good, hash(good), &setup.s_g2), "deployed");
    assert_eq!(deploy(good, [0; 32], &setup.s_g2), "BadVerifyingKey()");
    assert_eq!(deploy(good, hash(&good[1..]), &setup.s_g2), "BadVerifyingKey()");
    let short = &good[..good.len() - 1];
    assert_eq!(deploy(short, hash(short), &setup.s_g2), "BadVerifyingKey()");
    let long = [good.as_slice(), &[0]].concat();
    assert_eq!(deploy(&long, hash(&long), &setup.s_g2), "BadVerifyingKey()");
    for (word, value) in [(2, 0), (2, 2), (2, 29), (2, 255), (3, 255), (4, 0), (4, 255), (4, 50)] {
        let mut code = good.clone();
        code[1 + 32 * word + 31] = value;
        let error = deploy(&code, hash(&code), &setup.s_g2);
        assert_eq!(error, "BadVerifyingKey()", "word {word} = {value}");
    }
    for word in [2, 3, 4] {
        let mut code = good.clone();
        code[1 + 32 * word] = 0x80;
        assert_eq!(deploy(&code, hash(&code), &setup.s_g2), "BadVerifyingKey()", "word {word}");
    }
    assert_eq!(deploy(good, hash(good), &[[0; 32]; 4]), "BadSrs()");
    for i in 0..4 {
        let mut s_g2 = setup.s_g2;
        s_g2[i][31] ^= 1;
        assert_eq!(deploy(good, hash(good), &s_g2), "BadSrs()", "coordinate {i}");
        s_g2[i] = modulus::<Fq>();
        assert_eq!(deploy(good, hash(good), &s_g2), "BadSrs()", "coordinate {i} = q");
    }
}

#[test]
fn a_key_with_any_word_zeroed_rejects_the_proof() {
    let (setup, _) = setup();
    let calldata = setup.calldata();
    for at in (1..setup.key_code.len()).step_by(32) {
        let mut code = setup.key_code.clone();
        code[at..at + 32].fill(0);
        if code == setup.key_code {
            continue; // the identity, an all-zero column's commitment
        }
        match Evm::deploy(Fork::Osaka, &setup.creation_code, &code, &setup.s_g2) {
            Ok(mut evm) => {
                let verdict = evm.call(&calldata).unwrap().verdict;
                assert!(!verdict.is_accepted(), "word {}", at / 32);
            }
            Err(ContractError::Deployment { error }) => assert_eq!(error, "BadVerifyingKey()"),
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn another_srs_rejects_the_proof() {
    let (setup, _) = setup();
    let g2 = zkml_verifier_contracts::g2_words(&setup.key().g2());
    let mut evm = Evm::deploy(Fork::Osaka, &setup.creation_code, &setup.key_code, &g2).unwrap();
    let verdict = evm.call(&setup.calldata()).unwrap().verdict;
    assert_eq!(verdict, rejected("InvalidProof()"));
}

/// The data contract of another model of the same machine, with the honest key's digest put into its word
/// 0. `vkDigest()` is that word, which nothing on chain recomputes: it names the honest model, while all
/// that proofs are checked against is the other one's. What tells the two apart is the code hash of the
/// data, `vk().codehash`, which the verifier holds in `vkCodehash()` and checks at every call: compare it with
/// that of a `vk.bin` made from a checked key, and the digest follows.
#[test]
fn a_foreign_digest_can_stand_in_a_data_contract() {
    let (setup, mut honest) = setup();
    let other = Fixture::new(SampleParams { weight: 4, ..SampleParams::default() });
    assert_eq!(other.key.verifying_key().protocol(), setup.key().protocol());
    let other_code = key_code(other.key.verifying_key()).unwrap();
    let mut forged_code = other_code.clone();
    forged_code[1..33].copy_from_slice(&setup.key().digest());
    let mut forged =
        Evm::deploy(Fork::Osaka, &setup.creation_code, &forged_code, &setup.s_g2).unwrap();
    let view = |evm: &mut Evm, name: &str| {
        let calldata = zkml_verifier_contracts::keccak(name.as_bytes())[..4].to_vec();
        match evm.call(&calldata).unwrap().verdict {
            Verdict::Accepted { output } => output,
            rejected @ Verdict::Rejected { .. } => panic!("{name}: {rejected:?}"),
        }
    };
    // The digest is as it should be, and so is everything else that the contract says of its key...
    for name in ["vkDigest()", "numInstances()", "srsG2()"] {
        assert_eq!(view(&mut forged, name), view(&mut honest, name), "{name}");
    }
    assert_eq!(view(&mut forged, "vkDigest()"), setup.key().digest());
    // ... but for the code hash, which is that of the blob, word 0 and all.
    let hash = |code: &[u8]| zkml_verifier_contracts::keccak(code).to_vec();
    assert_eq!(view(&mut honest, "vkCodehash()"), hash(&setup.key_code));
    assert_eq!(view(&mut forged, "vkCodehash()"), hash(&forged_code));
    assert_ne!(hash(&forged_code), hash(&setup.key_code));
    assert_ne!(hash(&forged_code), hash(&other_code));
    // The digest starts the transcript, so the proofs that exist are rejected. But whoever holds the other
    // key makes new ones, which count as proofs of the model that the digest names.
    for fixture in [&setup.fixture, &other] {
        let calldata = abi::encode_verify(&fixture.proof, &fixture.words).unwrap();
        let verdict = forged.call(&calldata).unwrap().verdict;
        assert_eq!(verdict, rejected("InvalidProof()"));
    }
    let proof = prove_from(
        KeccakWrite::new(setup.key().digest()),
        &other.key,
        &other.srs,
        &other.words,
        &mut other.witness(),
        &mut ChaCha20Rng::seed_from_u64(9),
    );
    let calldata = abi::encode_verify(&proof.unwrap(), &other.words).unwrap();
    assert!(forged.call(&calldata).unwrap().verdict.is_accepted(), "a digest alone proves nothing");
    assert_eq!(honest.call(&calldata).unwrap().verdict, rejected("InvalidProof()"));
    // A verifier that expects the honest code hash is not deployed over the forged data.
    let honest_hash = zkml_verifier_contracts::keccak(&setup.key_code);
    let code = &setup.creation_code;
    let refused =
        Evm::deploy_expecting(Fork::Osaka, code, &forged_code, honest_hash, &setup.s_g2).err();
    let Some(ContractError::Deployment { error }) = refused else { panic!("{refused:?}") };
    assert_eq!(error, "BadVerifyingKey()");
}
