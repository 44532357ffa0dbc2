//! Keys: files, hostile files, digests, refused circuits.

mod plonk_common;

use halo2curves::bn256::Fr;
use plonk_common::honest;
use sha3::{Digest, Keccak256};
use zkml_circuits::plonk::{
    InstanceLayout, KeyError, KeyFormatError, KeyOptions, LayoutError, Protocol, ProtocolError,
    ProveError, ProvingKey, VerifyingKey, generate_keys, prove,
    testing::{Fixture, ReferenceMsm, SampleCircuit, SampleParams},
    verify,
};
use zkml_core::{progress::NoProgress, proving::Srs};

fn protocol() -> &'static Protocol {
    honest().key.verifying_key().protocol()
}

/// Makes the checksum right again.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - 32;
    let sum = Keccak256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&sum);
    bytes
}

/// With one byte changed and the checksum right.
fn with_byte(bytes: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = value;
    sealed(bytes)
}

#[test]
fn keys_survive_a_file() {
    let fixture = honest();
    let bytes = fixture.key.to_bytes();
    let key = ProvingKey::from_bytes(&bytes, protocol()).unwrap();
    assert_eq!(key.to_bytes(), bytes);

    let light = fixture.key.verifying_key().to_bytes();
    assert_eq!(light.len() as u64, fixture.key.verifying_key().byte_len());
    let light = VerifyingKey::from_bytes(&light, protocol()).unwrap();
    assert_eq!(light, *key.verifying_key());
    assert_eq!(light.digest(), fixture.key.verifying_key().digest());

    let proof = prove(
        &key,
        &fixture.srs,
        &ReferenceMsm,
        &fixture.words,
        &mut fixture.witness(),
        &mut rand_core::OsRng,
        &NoProgress,
    )
    .unwrap();
    assert_eq!(verify(&light, &fixture.words, &proof), Ok(()));
}

#[test]
fn damaged_verifying_keys_are_refused() {
    let key = honest().key.verifying_key();
    let bytes = key.to_bytes();
    for len in 0..bytes.len() {
        assert!(VerifyingKey::from_bytes(&bytes[..len], protocol()).is_err(), "length {len}");
    }
    let longer = [bytes.clone(), vec![0]].concat();
    assert!(VerifyingKey::from_bytes(&longer, protocol()).is_err());
    for i in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[i] ^= 1 << (i % 8);
        assert!(VerifyingKey::from_bytes(&flipped, protocol()).is_err(), "byte {i}");
        // With the checksum mended a key is refused, or is another key.
        if i < bytes.len() - 32
            && let Ok(other) = VerifyingKey::from_bytes(&sealed(flipped), protocol())
        {
            assert_ne!(other.digest(), key.digest(), "byte {i}");
            assert!(verify(&other, &honest().words, &honest().proof).is_err(), "byte {i}");
        }
    }
}

#[test]
fn hostile_counts_are_refused_before_anything_is_allocated() {
    let bytes = honest().key.verifying_key().to_bytes();
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        VerifyingKey::from_bytes(&sealed(bytes), protocol())
    };
    let huge = u32::MAX.to_be_bytes();
    assert!(matches!(with(0, b"PK"), Err(KeyFormatError::Magic { .. })));
    assert!(matches!(with(7, &[2]), Err(KeyFormatError::Magic { .. })));
    assert!(matches!(with(8, &huge), Err(KeyFormatError::Rows { got: u32::MAX, .. })));
    assert!(matches!(with(8, &2u32.to_be_bytes()), Err(KeyFormatError::Rows { got: 2, .. })));
    assert!(matches!(with(12, &huge), Err(KeyFormatError::Count { .. })));
    assert!(matches!(with(16, &huge), Err(KeyFormatError::Count { .. })));
    let words = with(20, &u64::MAX.to_be_bytes());
    assert!(matches!(words, Err(KeyFormatError::Layout(LayoutError::Rows { .. }))));
    let stride = with(28, &0u64.to_be_bytes());
    assert!(matches!(stride, Err(KeyFormatError::Layout(LayoutError::Stride))));
    let scalar = with(68, &[0xff; 32]);
    assert!(matches!(scalar, Err(KeyFormatError::Scalar { .. })));
    assert!(matches!(with(100, &[0xff; 32]), Err(KeyFormatError::Point { .. })));
    assert!(matches!(with(100, &[0; 128]), Err(KeyFormatError::Point { .. })));
    assert!(matches!(with(356, &[0xff; 32]), Err(KeyFormatError::Point { .. })));

    // A proving key that claims 2^28 rows.
    let proving = honest().key.to_bytes();
    let mut claimed = proving.clone();
    let light = sealed({
        let mut light = bytes.clone();
        light[8..12].copy_from_slice(&28u32.to_be_bytes());
        light
    });
    claimed[16..16 + light.len()].copy_from_slice(&light);
    let verdict = ProvingKey::from_bytes(&sealed(claimed), protocol());
    assert!(matches!(verdict, Err(KeyFormatError::Short { expected, .. }) if expected > 1 << 28));
    let mut claimed = proving;
    claimed[8..16].copy_from_slice(&u64::MAX.to_be_bytes());
    let verdict = ProvingKey::from_bytes(&sealed(claimed), protocol());
    assert!(matches!(verdict, Err(KeyFormatError::Short { expected: u64::MAX, .. })));
}

#[test]
fn damaged_proving_keys_are_refused() {
    let bytes = honest().key.to_bytes();
    let light = honest().key.verifying_key().byte_len() as usize;
    for len in (0..light + 64).step_by(61).chain((0..bytes.len()).step_by(2003)) {
        assert!(ProvingKey::from_bytes(&bytes[..len], protocol()).is_err(), "length {len}");
    }
    for i in (0..light + 16).step_by(97).chain((light + 16..bytes.len()).step_by(4001)) {
        let mut flipped = bytes.clone();
        flipped[i] ^= 1;
        assert!(ProvingKey::from_bytes(&flipped, protocol()).is_err(), "byte {i}");
    }
    let longer = sealed([&bytes[..], &[0]].concat());
    let verdict = ProvingKey::from_bytes(&longer, protocol());
    assert!(matches!(verdict, Err(KeyFormatError::Length { .. })));
    let verdict = ProvingKey::from_bytes(&with_byte(&bytes, light + 16, 3), protocol());
    assert!(matches!(verdict, Err(KeyFormatError::Width { index: 0, got: 3, .. })));
    // The last column is of field elements.
    let mut value = bytes.clone();
    let last = bytes.len() - 32 - 32 * (1 << honest().key.verifying_key().k());
    value[last..last + 32].fill(0xff);
    let verdict = ProvingKey::from_bytes(&sealed(value), protocol());
    assert!(matches!(verdict, Err(KeyFormatError::Scalar { index: 0, .. })));
}

#[test]
fn a_file_of_another_constraint_system_is_refused() {
    let bytes = honest().key.verifying_key().to_bytes();
    let params = SampleParams { lanes: 6, ..SampleParams::default() };
    let other = Protocol::of_circuit::<SampleCircuit>(params).unwrap();
    let verdict = VerifyingKey::from_bytes(&bytes, &other);
    assert!(matches!(verdict, Err(KeyFormatError::Count { .. })));
}

#[test]
fn the_digest_binds_everything() {
    let default = SampleParams::default();
    let digest = |params: SampleParams| {
        let srs = Srs::development(params.k).unwrap();
        Fixture::keys(params, &srs).unwrap().verifying_key().digest()
    };
    let mut digests = vec![
        digest(default),
        digest(SampleParams { phases: 2, ..default }),
        digest(SampleParams { k: 8, ..default }),
        digest(SampleParams { weight: 4, ..default }),
        digest(SampleParams { copy: false, ..default }),
        digest(SampleParams { stride: 2, ..default }),
        digest(SampleParams { words: 3, ..default }),
        digest(SampleParams { degree: 6, ..default }),
        digest(SampleParams { far_rotation: 3, ..default }),
    ];
    let srs = Srs::development(default.k).unwrap();
    let with = |instance, binding, srs: &Srs| {
        let circuit = SampleCircuit { params: default, seed: 1 };
        let options = KeyOptions { instance, binding };
        let key = generate_keys(&circuit, srs, &ReferenceMsm, &options, &NoProgress).unwrap();
        key.verifying_key().digest()
    };
    let layout = default.instance_layout();
    assert_eq!(digests[0], with(layout, Fixture::BINDING, &srs), "the seed is not in the key");
    // The layout alone, with the same copies.
    digests.push(with(InstanceLayout { words: 5, ..layout }, Fixture::BINDING, &srs));
    digests.push(with(InstanceLayout { stride: 4, ..layout }, Fixture::BINDING, &srs));
    digests.push(with(layout, [8; 32], &srs));
    let other = Srs::generate_insecure(default.k, rand_core::OsRng).unwrap();
    digests.push(with(layout, Fixture::BINDING, &other));
    for (i, a) in digests.iter().enumerate() {
        for (j, b) in digests.iter().enumerate().skip(i + 1) {
            assert_ne!(a, b, "keys {i} and {j}");
        }
    }
}

#[test]
fn circuits_outside_what_is_supported_are_refused() {
    let default = SampleParams::default();
    let srs = Srs::development(default.k).unwrap();
    let refused = |params| Fixture::keys(params, &srs).unwrap_err();
    let high = refused(SampleParams { high_degree: true, ..default });
    assert!(matches!(high, KeyError::Protocol(ProtocolError::Degree { expected: 5, got: 6, .. })));
    Fixture::keys(SampleParams { high_degree: true, degree: 6, ..default }, &srs).unwrap();
    // 128 rows: rotation 128 is 0, and 122 is where grand products end.
    for (far_rotation, same) in [(128, 0), (-128, 0), (130, 2), (122, -6)] {
        let error = refused(SampleParams { far_rotation, ..default });
        let KeyError::RotationCollision { first, second, rows: 128 } = error else {
            panic!("{far_rotation}: {error}")
        };
        assert!(
            [first, second].contains(&far_rotation) && [first, second].contains(&same),
            "{first} {second}"
        );
    }
    let long = refused(SampleParams { words: 40, stride: 4, ..default });
    assert!(matches!(long, KeyError::Layout(LayoutError::Rows { words: 40, stride: 4, .. })));
    let stride = refused(SampleParams { stride: 0, ..default });
    assert!(matches!(stride, KeyError::Layout(LayoutError::Stride)));
    let small = Srs::development(2).unwrap();
    let error = Fixture::keys(default, &small).unwrap_err();
    assert!(matches!(error, KeyError::Rows { min: 3, got: 2, .. }));
}

#[test]
fn another_srs_is_refused_by_the_prover() {
    let fixture = honest();
    let attempt = |srs: &Srs, words: &[Fr]| {
        let mut witness = fixture.witness();
        let rng = &mut rand_core::OsRng;
        prove(&fixture.key, srs, &ReferenceMsm, words, &mut witness, rng, &NoProgress)
    };
    let size = Srs::development(8).unwrap();
    let verdict = attempt(&size, &fixture.words);
    assert!(matches!(verdict, Err(ProveError::SrsSize { expected: 7, got: 8 })));
    let other = Srs::generate_insecure(7, rand_core::OsRng).unwrap();
    assert!(matches!(attempt(&other, &fixture.words), Err(ProveError::OtherSrs)));
    let verdict = attempt(&fixture.srs, &[]);
    assert!(matches!(verdict, Err(ProveError::Words { expected: 4, got: 0 })));
}
