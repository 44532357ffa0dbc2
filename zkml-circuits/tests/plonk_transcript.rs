//! The transcript against known answers, and against bytes that are not a proof.

use ff::{Field, PrimeField};
use group::{Curve, prime::PrimeCurveAffine};
use halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use zkml_circuits::plonk::{
    KeccakRead, KeccakWrite, TranscriptError, point_to_bytes, scalar_to_bytes,
};

/// Printed by `tests/data/transcript_vectors.py`, which shares no code with us.
const CHALLENGES: [&str; 7] = [
    "2a190d73bd3e06986309a180dc3355ae8e3e1495630bb18daa542b7d0895bd2b",
    "0627ddbd4be89969462f37f7f45f4ae1fd205113cb8f0d615421f412b2aebe39",
    "202e0ffe03f46f93b75ba9fc9418b6fe6f4b7305bca969d6ebe4d7148a3dc275",
    "07297481d793b8371a307406718152f4919f0e3a24db9601302d97bf5e8b830f",
    "119f9b36bf8ab8c895dea5d2a69a160afb2d06509b0f999cba5c51cb94e04fa0",
    "230a096497a7470054ad3a22f853396d548d63acc275ca511da9c6bc9d5ed27f",
    "0ac3f5ce3c7176d2a9c47b6da8aa8e0435c4065638c7e55803c2a6fb8592c6b3",
];

fn digest() -> [u8; 32] {
    std::array::from_fn(|i| i as u8)
}

fn modulus(text: &str) -> [u8; 32] {
    let bytes = hex::decode(text.trim_start_matches("0x")).expect("a modulus in hexadecimal");
    bytes.try_into().expect("a modulus of 32 bytes")
}

#[test]
fn writer_and_reader_give_the_known_challenges() {
    let g = G1Affine::generator();
    let double = G1::from(g).to_affine() + g;
    let mut got = Vec::new();

    let mut writer = KeccakWrite::new(digest());
    got.push(writer.challenge());
    got.push(writer.challenge());
    writer.scalar(&Fr::from(5));
    writer.scalar(&-Fr::ONE);
    got.push(writer.challenge());
    writer.point(&g).unwrap();
    writer.point(&double.to_affine()).unwrap();
    writer.absorb_scalar(&Fr::ZERO);
    got.push(writer.challenge());
    got.push(writer.challenge());
    got.push(writer.challenge());
    for i in 0..40 {
        writer.scalar(&Fr::from(i));
    }
    got.push(writer.challenge());
    let proof = writer.finish();
    assert_eq!(proof.len(), 42 * 32 + 2 * 64);
    let hex: Vec<String> = got.iter().map(|c| hex::encode(scalar_to_bytes(c))).collect();
    assert_eq!(hex, CHALLENGES);

    let mut reader = KeccakRead::new(digest(), &proof);
    let mut read = vec![reader.challenge(), reader.challenge()];
    assert_eq!(reader.scalar().unwrap(), Fr::from(5));
    assert_eq!(reader.scalar().unwrap(), -Fr::ONE);
    read.push(reader.challenge());
    assert_eq!(reader.point().unwrap(), g);
    assert_eq!(reader.point().unwrap(), double.to_affine());
    reader.absorb_scalar(&Fr::ZERO);
    read.extend([reader.challenge(), reader.challenge(), reader.challenge()]);
    for i in 0..40 {
        assert_eq!(reader.scalar().unwrap(), Fr::from(i));
    }
    read.push(reader.challenge());
    assert_eq!(read, got);
    reader.finish().unwrap();
}

#[test]
fn scalars_must_be_canonical() {
    let r = modulus(Fr::MODULUS);
    let read = |bytes: &[u8]| KeccakRead::new(digest(), bytes).scalar();
    assert_eq!(read(&r), Err(TranscriptError::Scalar { offset: 0 }));
    assert_eq!(read(&[0xff; 32]), Err(TranscriptError::Scalar { offset: 0 }));
    let mut below = r;
    below[31] -= 1;
    assert_eq!(read(&below), Ok(-Fr::ONE));
    assert_eq!(read(&r[..31]), Err(TranscriptError::Truncated { offset: 0, expected: 32 }));
}

#[test]
fn points_must_be_canonical_finite_and_on_the_curve() {
    let read = |bytes: &[u8]| KeccakRead::new(digest(), bytes).point();
    let good = point_to_bytes(&G1Affine::generator()).unwrap();
    assert_eq!(read(&good), Ok(G1Affine::generator()));
    assert_eq!(read(&[0; 64]), Err(TranscriptError::Identity { offset: 0 }));
    assert_eq!(point_to_bytes(&G1Affine::identity()), None);

    let mut off = good;
    off[63] = 3;
    assert_eq!(read(&off), Err(TranscriptError::NotOnCurve { offset: 0 }));

    let q = modulus(Fq::MODULUS);
    for (coordinate, low) in [(0, 1), (32, 2)] {
        let mut bytes = good;
        bytes[coordinate..coordinate + 32].copy_from_slice(&q);
        bytes[coordinate + 31] += low; // q + 1 and q + 2 do not carry: q ends in 0x47
        assert_eq!(read(&bytes), Err(TranscriptError::Coordinate { offset: 0 }));
    }
    assert_eq!(read(&good[..63]), Err(TranscriptError::Truncated { offset: 0, expected: 64 }));
}

#[test]
fn bytes_after_the_proof_are_an_error() {
    let mut reader = KeccakRead::new(digest(), &[0; 35]);
    assert_eq!(reader.scalar(), Ok(Fr::ZERO));
    assert_eq!(reader.finish(), Err(TranscriptError::Trailing { offset: 32, extra: 3 }));
}

#[test]
fn the_identity_is_not_written() {
    let mut writer = KeccakWrite::new(digest());
    assert_eq!(writer.point(&G1Affine::identity()), Err(TranscriptError::Identity { offset: 0 }));
    assert!(writer.finish().is_empty());
}
