//! What a key says of its SRS: a header that calls a known secret secure is refused on load.
//!
//! A header is bound into the key's digest by the key's maker, who may write what he likes: the forger
//! here rewrites header, binding and checksums, so that nothing but `[s]_2` contradicts him.

mod machine_common;
mod plonk_common;

use machine_common::{Subject, classifier};
use sha3::{Digest, Keccak256};
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, Compiled, ModelKeyError, ProvingKey, VerifyingKey},
    plan::Visibility,
};
use zkml_core::{
    progress::NoProgress,
    proving::{CpuMsm, Srs},
};

/// Offset of the binding in a plonk verifying key: magic, k, two counts, words, stride.
const BINDING: usize = 8 + 3 * 4 + 2 * 8;

fn summed(bytes: &mut [u8]) {
    let (content, checksum) = bytes.split_at_mut(bytes.len() - 32);
    checksum.copy_from_slice(&Keccak256::digest(content));
}

/// The header of a `model.vk`, and the plonk key below it.
fn split(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let header = u32::from_be_bytes(bytes[8..12].try_into().expect("four")) as usize;
    let (head, below) = bytes.split_at(12 + header);
    (head[12..].to_vec(), below.to_vec())
}

/// Binds `header` into the plonk verifying key `below`, as `Header::binding` does.
fn bind(header: &[u8], below: &mut [u8]) {
    let mut hash = Keccak256::new();
    hash.update(b"zkml-binding-v1");
    hash.update((header.len() as u64).to_be_bytes());
    hash.update(header);
    below[BINDING..BINDING + 32].copy_from_slice(&hash.finalize());
    summed(below);
}

/// The `model.vk` with the last byte of its header, `insecure`, set.
fn marked(key: &VerifyingKey, insecure: u8) -> Vec<u8> {
    let bytes = key.to_bytes();
    let (mut header, mut below) = split(&bytes);
    *header.last_mut().expect("not empty") = insecure;
    bind(&header, &mut below);
    [&bytes[..12], &header, &below].concat()
}

/// The `model.pk` with `insecure`, the last byte of the SRS's identity, set.
fn marked_proving(key: &ProvingKey, insecure: u8) -> Vec<u8> {
    let mut bytes = key.to_bytes();
    let compiled = u64::from_be_bytes(bytes[8..16].try_into().expect("eight")) as usize;
    let below = 16 + compiled + 33;
    bytes[below - 1] = insecure;
    let (header, verifying) = split(&marked(key.verifying_key(), insecure));
    assert_eq!(header.last(), Some(&insecure));
    let at = below + 8 + 8;
    bytes[at..at + verifying.len()].copy_from_slice(&verifying);
    summed(&mut bytes[below..]);
    bytes
}

/// Keys of one model above the development string, and above one whose secret is not known by name.
fn keys() -> [ProvingKey; 2] {
    let subject = Subject::new(classifier(1, 0), Profile::standard()[3], Visibility::Public);
    let compiled = subject.key.compiled();
    let other = Srs::generate_insecure(compiled.k(), rand_core::OsRng).expect("small");
    let other = ProvingKey::generate(compiled, &other, &CpuMsm, &NoProgress).expect("keys");
    [subject.key.clone(), other]
}

/// The constant that verifiers compare with is the string that `Srs::development` makes, at any size.
#[test]
fn the_development_string_is_recognised() {
    let [development, other] = keys();
    assert!(development.verifying_key().plonk().is_development());
    assert!(!other.verifying_key().plonk().is_development());
    let config =
        CompileConfig { profile: Some(Profile::standard()[0]), ..CompileConfig::default() };
    let compiled = Compiled::new(classifier(2, 0), &config).expect("compiles");
    let srs = Srs::development(compiled.k() + 1).expect("small");
    let key = ProvingKey::generate(&compiled, &srs, &CpuMsm, &NoProgress).expect("keys");
    assert!(key.verifying_key().plonk().is_development());
    assert!(key.verifying_key().srs().insecure);
}

#[test]
fn a_header_that_calls_a_known_secret_secure_is_refused() {
    let [development, other] = keys();
    let key = development.verifying_key();
    assert_eq!(marked(key, 1), key.to_bytes(), "the forger binds as key generation does");
    let forged = VerifyingKey::from_bytes(&marked(key, 0));
    let Err(error @ ModelKeyError::DevelopmentSrs { .. }) = forged else { panic!("{forged:?}") };
    assert!(error.to_string().contains("secret is public"), "{error}");
    // The forgery as such is sound: above a string that is not known, all of it is accepted. So nothing
    // but the comparison with the development string refuses the one above; and a header's word on a
    // ceremony is its maker's, which is why `verify-vk` asks for the SRS.
    let key = other.verifying_key();
    assert!(key.srs().insecure, "made in this process");
    let forged = VerifyingKey::from_bytes(&marked(key, 0)).expect("consistent in itself");
    assert!(!forged.srs().insecure);
    assert_ne!(forged.digest(), key.digest(), "proofs do not travel between the two");
}

#[test]
fn a_proving_key_that_calls_a_known_secret_secure_is_refused() {
    let [development, other] = keys();
    assert_eq!(marked_proving(&development, 1), development.to_bytes());
    let forged = ProvingKey::from_bytes(&marked_proving(&development, 0));
    assert!(matches!(forged, Err(ModelKeyError::DevelopmentSrs { .. })), "{forged:?}");
    let forged = ProvingKey::from_bytes(&marked_proving(&other, 0)).expect("consistent in itself");
    assert!(!forged.verifying_key().srs().insecure);
}
