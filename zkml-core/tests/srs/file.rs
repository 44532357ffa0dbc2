//! Our own format, damaged and forged.

use std::path::PathBuf;

use ff::PrimeField;
use halo2curves::bn256::{Fq, G2Affine};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha3::{Digest, Keccak256};
use zkml_core::proving::{InsecureOrigin, PointFault, Provenance, Srs, SrsError};

use crate::points::{modulus, outside_the_subgroup};

const K: u32 = 3;
const N: usize = 1 << K;
/// Offsets in a file without a ceremony.
const VERSION: usize = 8;
const SIZE: usize = 12;
const KIND: usize = 16;
const NAME_LENGTH: usize = 49;
const G2: usize = 51;
const S_G2: usize = G2 + 128;
const MONOMIAL: usize = G2 + 256;
const LAGRANGE: usize = MONOMIAL + 64 * (N + 1);
const CHECKSUM: usize = LAGRANGE + 64 * N;

/// A file to damage.
struct Fixture {
    directory: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Fixture {
    fn new(srs: &Srs) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("good.srs");
        srs.save(&path).unwrap();
        let bytes = std::fs::read(path).unwrap();
        Self { directory, bytes }
    }

    fn development() -> Self {
        Self::new(&Srs::development(K).unwrap())
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("hostile.srs")
    }

    fn load(&self, bytes: &[u8]) -> Result<Srs, SrsError> {
        std::fs::write(self.path(), bytes).unwrap();
        Srs::load(&self.path())
    }

    /// Loads the file with `bytes` at `offset` and a checksum that fits.
    fn forged(&self, offset: usize, bytes: &[u8]) -> SrsError {
        let mut file = self.bytes.clone();
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
        self.refused(&with_checksum(file))
    }

    /// The error of loading, which must name the file.
    fn refused(&self, bytes: &[u8]) -> SrsError {
        let error = self.load(bytes).unwrap_err();
        assert!(error.to_string().contains("hostile.srs"), "{error}");
        error
    }
}

fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - 32;
    let checksum = Keccak256::digest(&file[..end]);
    file[end..].copy_from_slice(&checksum);
    file
}

fn assert_point(error: SrsError, what: &str, index: usize, fault: PointFault) {
    match error {
        SrsError::Point { what: w, index: i, fault: f, .. } => {
            assert_eq!((w, i, f), (what, index, fault));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn the_layout_is_as_documented() {
    let fixture = Fixture::development();
    assert_eq!(&fixture.bytes[..8], b"zkml-srs");
    assert_eq!(fixture.bytes.len(), CHECKSUM + 32);
    // The first power is the generator (1, 2).
    assert_eq!(fixture.bytes[MONOMIAL + 31], 1);
    assert_eq!(fixture.bytes[MONOMIAL + 63], 2);
    assert_eq!(with_checksum(fixture.bytes.clone()), fixture.bytes);
    assert_eq!(fixture.load(&fixture.bytes).unwrap(), Srs::development(K).unwrap());
}

#[test]
fn a_local_string_keeps_its_provenance() {
    let rng = ChaCha20Rng::seed_from_u64(1);
    let srs = Srs::generate_insecure(K, rng).unwrap();
    assert_eq!(srs.provenance(), &Provenance::Insecure(InsecureOrigin::LocalRandomness));
    assert_ne!(srs.id(), Srs::development(K).unwrap().id());
    let fixture = Fixture::new(&srs);
    assert_eq!(fixture.load(&fixture.bytes).unwrap(), srs);
}

#[test]
fn truncated_and_extended_files() {
    let fixture = Fixture::development();
    for length in 0..fixture.bytes.len() {
        let error = fixture.refused(&fixture.bytes[..length]);
        assert!(matches!(error, SrsError::Truncated { .. } | SrsError::Length { .. }), "{error}");
    }
    for extra in [1, 32, 64, 5000] {
        let mut longer = fixture.bytes.clone();
        longer.resize(longer.len() + extra, 0);
        let error = fixture.refused(&longer);
        assert!(matches!(error, SrsError::Length { .. }), "{error}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let fixture = Fixture::development();
    for position in 0..fixture.bytes.len() {
        let mut flipped = fixture.bytes.clone();
        flipped[position] ^= 1 << (position % 8);
        fixture.refused(&flipped);
    }
    let mut flipped = fixture.bytes.clone();
    flipped[CHECKSUM] ^= 1;
    assert!(matches!(fixture.refused(&flipped), SrsError::Checksum { .. }));
}

#[test]
fn headers_of_other_things() {
    let fixture = Fixture::development();
    assert!(matches!(fixture.forged(0, b"zkml-key"), SrsError::Header { .. }));
    assert!(matches!(fixture.forged(VERSION, &[2, 0, 0, 0]), SrsError::Header { .. }));
    assert!(matches!(fixture.forged(KIND, &[3]), SrsError::Header { .. }));
    assert!(matches!(fixture.forged(KIND + 1, &[1]), SrsError::Header { .. }));
    assert!(matches!(fixture.forged(NAME_LENGTH, &[1, 0]), SrsError::Length { .. }));
    assert!(matches!(fixture.forged(NAME_LENGTH, &[0, 1]), SrsError::Header { .. }));
    assert!(matches!(fixture.refused(&[0; 4096]), SrsError::Header { .. }));
    assert!(matches!(Srs::load(&fixture.directory.path().join("none")), Err(SrsError::Io { .. })));
    assert!(Srs::load(fixture.directory.path()).is_err());
}

#[test]
fn sizes_that_the_file_does_not_have() {
    let fixture = Fixture::development();
    for k in [0, 29, 64, u32::MAX] {
        let error = fixture.forged(SIZE, &k.to_le_bytes());
        assert!(matches!(error, SrsError::SizeOutOfRange { .. }), "{error}");
    }
    // 34 GB were they believed.
    for k in [1, 2, 4, 28u32] {
        let error = fixture.forged(SIZE, &k.to_le_bytes());
        assert!(matches!(error, SrsError::Length { .. }), "{error}");
    }
}

#[test]
fn points_that_are_none() {
    let fixture = Fixture::development();
    for (base, what, index) in [
        (MONOMIAL, "powers in G1", 5),
        (MONOMIAL, "powers in G1", N),
        (LAGRANGE, "Lagrange basis", 0),
    ] {
        let offset = base + 64 * index;
        let point = &fixture.bytes[offset..offset + 64];
        assert_point(fixture.forged(offset, &[0; 64]), what, index, PointFault::Identity);
        assert_point(fixture.forged(offset, &modulus()), what, index, PointFault::NotCanonical);
        assert_point(fixture.forged(offset, &[255; 64]), what, index, PointFault::NotCanonical);
        // The same point with x + q: the same residue, another encoding.
        let shifted = plus_modulus(&point[..32]);
        assert_point(fixture.forged(offset, &shifted), what, index, PointFault::NotCanonical);
        let swapped = [&point[32..], &point[..32]].concat();
        assert_point(fixture.forged(offset, &swapped), what, index, PointFault::NotOnCurve);
    }
    for (offset, index) in [(G2, 0), (S_G2, 1)] {
        let what = "points in G2";
        assert_point(fixture.forged(offset, &[0; 128]), what, index, PointFault::Identity);
        assert_point(fixture.forged(offset, &modulus()), what, index, PointFault::NotCanonical);
        assert_point(
            fixture.forged(offset + 31, &[fixture.bytes[offset + 31] ^ 1]),
            what,
            index,
            PointFault::NotOnCurve,
        );
        let outside = g2_bytes(&outside_the_subgroup());
        assert_point(fixture.forged(offset, &outside), what, index, PointFault::NotInSubgroup);
    }
    let s_g2 = fixture.bytes[S_G2..S_G2 + 128].to_vec();
    assert_point(fixture.forged(G2, &s_g2), "points in G2", 0, PointFault::NotGenerator);
}

#[test]
fn points_of_another_string() {
    let fixture = Fixture::development();
    let bytes = &fixture.bytes;
    let point = |offset: usize| bytes[offset..offset + 64].to_vec();
    let negated = |offset: usize| {
        let mut point = point(offset);
        let y = Fq::from_repr(std::array::from_fn(|i| point[63 - i])).unwrap();
        let mut repr = (-y).to_repr();
        repr.reverse();
        point[32..].copy_from_slice(&repr);
        point
    };
    let inconsistent = |error: SrsError, words: &str| match error {
        SrsError::Inconsistent { what, .. } => assert!(what.contains(words), "{what}"),
        other => panic!("{other}"),
    };
    assert_point(
        fixture.forged(MONOMIAL, &point(MONOMIAL + 64)),
        "powers in G1",
        0,
        PointFault::NotGenerator,
    );
    for index in 1..=N {
        inconsistent(
            fixture.forged(MONOMIAL + 64 * index, &negated(MONOMIAL + 64 * index)),
            "pairing",
        );
    }
    for index in 0..N {
        inconsistent(
            fixture.forged(LAGRANGE + 64 * index, &negated(LAGRANGE + 64 * index)),
            "Lagrange",
        );
    }
    let swap = |offset: usize| [point(offset + 64), point(offset)].concat();
    inconsistent(fixture.forged(MONOMIAL + 64, &swap(MONOMIAL + 64)), "pairing");
    inconsistent(fixture.forged(LAGRANGE, &swap(LAGRANGE)), "Lagrange");
    // All powers of one string, [s]_2 of another.
    let other = Srs::generate_insecure(K, ChaCha20Rng::seed_from_u64(2)).unwrap();
    inconsistent(fixture.forged(S_G2, &g2_bytes(&other.s_g2())), "development");
    let local = Fixture::new(&other);
    let third = Srs::generate_insecure(K, ChaCha20Rng::seed_from_u64(3)).unwrap();
    inconsistent(local.forged(S_G2, &g2_bytes(&third.s_g2())), "pairing");
}

#[test]
fn a_provenance_that_the_points_contradict() {
    let development = Fixture::development();
    for kind in [1, 2] {
        let error = development.forged(KIND, &[kind]);
        assert!(error.to_string().contains("its secret is public"), "{error}");
    }
    let local = Srs::generate_insecure(K, ChaCha20Rng::seed_from_u64(4)).unwrap();
    let error = Fixture::new(&local).forged(KIND, &[0]);
    assert!(error.to_string().contains("claims the development seed"), "{error}");
}

#[test]
fn a_failed_save_leaves_the_file_there() {
    let srs = Srs::development(1).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let taken = directory.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    assert!(matches!(srs.save(&taken), Err(SrsError::Io { .. })));
    assert!(matches!(srs.save(&directory.path().join("no/where")), Err(SrsError::Io { .. })));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

fn g2_bytes(point: &G2Affine) -> Vec<u8> {
    [point.x.c1, point.x.c0, point.y.c1, point.y.c0]
        .iter()
        .flat_map(|coordinate| coordinate.to_repr().into_iter().rev())
        .collect()
}

/// `number + q`, big-endian.
fn plus_modulus(number: &[u8]) -> Vec<u8> {
    let mut sum = number.to_vec();
    let mut carry = 0u16;
    for (byte, modulus) in sum.iter_mut().zip(modulus()).rev() {
        carry += u16::from(*byte) + u16::from(modulus);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0, "2 q fits 256 bits");
    sum
}
