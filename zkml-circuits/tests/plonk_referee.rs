//! Our verifier against halo2-axiom's unmodified `verify_proof`: one verdict on every proof.

mod plonk_common;

use std::collections::HashSet;

use ff::{Field, PrimeField};
use halo2curves::bn256::{Fq, Fr};
use plonk_common::{both, honest};
use zkml_circuits::plonk::{
    TranscriptError, VerifyError,
    testing::{Fixture, SampleParams, Tamper},
    verify,
};

fn two_phases() -> SampleParams {
    SampleParams { phases: 2, ..SampleParams::default() }
}

#[test]
fn honest_proofs_are_accepted() {
    assert_eq!(both(honest(), &honest().words, &honest().proof), Ok(()));
    for params in [
        two_phases(),
        SampleParams { lanes: 6, k: 8, degree: 6, words: 0, ..SampleParams::default() },
        SampleParams { lanes: 6, words: 1, degree: 9, ..SampleParams::default() },
    ] {
        let fixture = Fixture::new(params);
        assert_eq!(both(&fixture, &fixture.words, &fixture.proof), Ok(()), "{params:?}");
    }
}

#[test]
fn a_changed_bit_in_any_word_is_rejected() {
    let fixture = honest();
    for word in 0..fixture.proof.len() / 32 {
        let mut proof = fixture.proof.clone();
        proof[32 * word + 31] ^= 1;
        assert!(both(fixture, &fixture.words, &proof).is_err(), "word {word}");
        let mut proof = fixture.proof.clone();
        proof[32 * word + word % 32] ^= 0x80;
        assert!(both(fixture, &fixture.words, &proof).is_err(), "word {word}");
    }
}

/// Adds a modulus to a big-endian word; `None` when the sum needs a 257th bit.
fn plus(word: &[u8], modulus: &str) -> Option<Vec<u8>> {
    let modulus = hex::decode(modulus.trim_start_matches("0x")).expect("hexadecimal");
    let mut carry = 0;
    let mut sum = vec![0; 32];
    for i in (0..32).rev() {
        let digit = u16::from(word[i]) + u16::from(modulus[i]) + carry;
        sum[i] = digit as u8;
        carry = digit >> 8;
    }
    (carry == 0).then_some(sum)
}

#[test]
fn words_plus_r_or_q_are_rejected_as_not_canonical() {
    let fixture = honest();
    for word in 0..fixture.proof.len() / 32 {
        let bytes = 32 * word..32 * word + 32;
        for modulus in [Fr::MODULUS, Fq::MODULUS] {
            let mut proof = fixture.proof.clone();
            let sum = plus(&proof[bytes.clone()], modulus).expect("the moduli have 254 bits");
            proof[bytes.clone()].copy_from_slice(&sum);
            let verdict = both(fixture, &fixture.words, &proof);
            assert!(
                matches!(
                    verdict,
                    Err(VerifyError::Transcript(
                        TranscriptError::Scalar { .. } | TranscriptError::Coordinate { .. }
                    ))
                ) || modulus == Fr::MODULUS && verdict.is_err(),
                "word {word}: {verdict:?}"
            );
        }
    }
}

#[test]
fn proofs_of_another_length_are_rejected() {
    let fixture = honest();
    let whole = fixture.proof.len();
    for len in (0..whole).step_by(32).chain([1, whole - 1]) {
        let verdict = both(fixture, &fixture.words, &fixture.proof[..len]);
        assert_eq!(verdict, Err(VerifyError::Length { expected: whole, got: len }));
    }
    for extra in [1, 32, 64] {
        let mut proof = fixture.proof.clone();
        proof.resize(whole + extra, 0);
        let verdict = both(fixture, &fixture.words, &proof);
        assert_eq!(verdict, Err(VerifyError::Length { expected: whole, got: whole + extra }));
    }
}

#[test]
fn swapped_words_are_rejected() {
    let fixture = honest();
    let words: Vec<&[u8]> = fixture.proof.chunks(32).collect();
    for distance in [1, 2, 7] {
        for i in 0..words.len() - distance {
            if words[i] != words[i + distance] {
                let mut swapped = words.clone();
                swapped.swap(i, i + distance);
                let verdict = both(fixture, &fixture.words, &swapped.concat());
                assert!(verdict.is_err(), "words {i} and {}", i + distance);
            }
        }
    }
}

#[test]
fn other_public_words_are_rejected() {
    let fixture = honest();
    let expected = fixture.words.len();
    for i in 0..expected {
        for change in [Fr::ONE, -Fr::ONE, -fixture.words[i].double()] {
            if change != Fr::ZERO {
                let mut words = fixture.words.clone();
                words[i] += change;
                assert_eq!(both(fixture, &words, &fixture.proof), Err(VerifyError::Invalid));
            }
        }
    }
    let mut more = fixture.words.clone();
    more.push(Fr::ZERO);
    for words in [&more, &fixture.words[..expected - 1].to_vec(), &Vec::new()] {
        let verdict = both(fixture, words, &fixture.proof);
        assert_eq!(verdict, Err(VerifyError::Words { expected, got: words.len() }));
    }
    let mut reversed = fixture.words.clone();
    reversed.reverse();
    assert_eq!(both(fixture, &reversed, &fixture.proof), Err(VerifyError::Invalid));
}

#[test]
fn another_key_rejects() {
    let fixture = honest();
    let other = Fixture::new(SampleParams { weight: 4, ..SampleParams::default() });
    assert_eq!(both(&other, &fixture.words, &fixture.proof), Err(VerifyError::Invalid));
    assert_eq!(both(fixture, &other.words, &other.proof), Err(VerifyError::Invalid));
}

#[test]
fn a_dishonest_cell_in_any_column_is_rejected() {
    let fixture = honest();
    let protocol = fixture.key.verifying_key().protocol();
    let out = fixture.circuit.params.lanes + 3; // constrained in row 0 alone
    for column in 0..protocol.advice_phase.len() {
        let row = if column == out { 0 } else { 4 };
        let proof = fixture.prove(1, Some(Tamper { column, row, delta: 1 }));
        let verdict = both(fixture, &fixture.words, &proof);
        assert_eq!(verdict, Err(VerifyError::Invalid), "column {column}");
    }
}

#[test]
fn two_proofs_of_one_statement_share_nothing() {
    let fixture = honest();
    let (first, second) = (&fixture.proof, fixture.prove(2, None));
    assert_eq!(verify(fixture.key.verifying_key(), &fixture.words, &second), Ok(()));
    let words: HashSet<&[u8]> = first.chunks(32).collect();
    let shared: Vec<&[u8]> = second.chunks(32).filter(|w| words.contains(w)).collect();
    // The fixed column of zeros is zero everywhere.
    assert_eq!(shared, [[0; 32].as_slice()]);
    // With the same seed the proof is the same: `rng` is the only source of randomness.
    assert_eq!(*first, fixture.prove(1, None));
}
