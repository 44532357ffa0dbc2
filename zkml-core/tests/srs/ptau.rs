//! snarkjs's `.ptau`: two files it made (see `data/ptau/make.sh`), damaged in every way.

use std::path::{Path, PathBuf};

use ff::PrimeField;
use halo2curves::bn256::{Fq, Fq2, G1Affine, G2Affine};
use halo2curves::serde::SerdeObject;
use sha3::{Digest, Keccak256};
use zkml_core::proving::{PointFault, Provenance, Srs, SrsError, import_ptau, import_ptau_file};

use crate::points::{modulus, outside_the_subgroup};

const POWER: u32 = 4;
/// Offsets in the file as snarkjs writes it.
const SECTIONS: usize = 8;
const HEADER: usize = 24;
const FILE_POWER: usize = HEADER + 36;
const TAU_G1_LENGTH: usize = HEADER + 44 + 4;
const TAU_G1: usize = TAU_G1_LENGTH + 8;
const TAU_G2: usize = TAU_G1 + 31 * 64 + 12;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ptau").join(name)
}

fn plain() -> Vec<u8> {
    std::fs::read(data("power4.ptau")).unwrap()
}

fn import(bytes: &[u8], k: u32) -> Result<Srs, SrsError> {
    import_ptau(bytes, "hostile.ptau", k)
}

fn refused(bytes: &[u8]) -> SrsError {
    let error = import(bytes, POWER).unwrap_err();
    assert!(error.to_string().contains("hostile.ptau"), "{error}");
    error
}

/// Imports the file with `bytes` at `offset`.
fn forged(offset: usize, bytes: &[u8]) -> SrsError {
    let mut file = plain();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    refused(&file)
}

fn assert_point(error: SrsError, what: &str, index: usize, fault: PointFault) {
    match error {
        SrsError::Point { what: w, index: i, fault: f, .. } => {
            assert_eq!((w, i, f), (what, index, fault));
        }
        other => panic!("{other}"),
    }
}

/// What snarkjs's own libraries read in the file.
struct Expected(serde_json::Value);

impl Expected {
    fn load() -> Self {
        let text = std::fs::read_to_string(data("expected.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    fn g1(&self, section: &str) -> Vec<G1Affine> {
        let points = self.0[section].as_array().unwrap();
        points.iter().map(|p| G1Affine { x: decimal(&p[0]), y: decimal(&p[1]) }).collect()
    }

    fn s_g2(&self) -> G2Affine {
        let point = &self.0["tauG2"][1];
        let part = |i: usize| Fq2::new(decimal(&point[i][0]), decimal(&point[i][1]));
        G2Affine { x: part(0), y: part(1) }
    }
}

fn decimal(value: &serde_json::Value) -> Fq {
    Fq::from_str_vartime(value.as_str().unwrap()).unwrap()
}

#[test]
fn the_points_are_those_that_snarkjs_reads() {
    let expected = Expected::load();
    for (file, k) in [
        ("power4.ptau", 4),
        ("power4.ptau", 1),
        ("power4-prepared.ptau", 4),
        ("power4-prepared.ptau", 3),
    ] {
        let srs = import_ptau_file(&data(file), k).unwrap();
        assert_eq!(srs.k(), k);
        assert_eq!(srs.monomial(), &expected.g1("tauG1")[..=1 << k]);
        assert_eq!(srs.s_g2(), expected.s_g2());
        let Provenance::Ceremony(ceremony) = srs.provenance() else { panic!("a ceremony") };
        assert_eq!(ceremony.source, file);
        let hash: [u8; 32] = Keccak256::digest(std::fs::read(data(file)).unwrap()).into();
        assert_eq!(ceremony.keccak256, hash);
    }
}

/// snarkjs's root of unity is a power of 5, halo2's one of 7: the bases are permutations.
#[test]
fn the_lagrange_basis_is_that_of_snarkjs_in_another_order() {
    let srs = import_ptau_file(&data("power4-prepared.ptau"), POWER).unwrap();
    let sorted = |points: &[G1Affine]| {
        let mut bytes: Vec<_> = points.iter().map(|p| (p.x.to_repr(), p.y.to_repr())).collect();
        bytes.sort();
        bytes
    };
    assert_eq!(sorted(srs.lagrange()), sorted(&Expected::load().g1("lagrange")));
}

#[test]
fn an_imported_string_saves_loads_and_truncates() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ceremony.srs");
    let srs = import_ptau_file(&data("power4.ptau"), POWER).unwrap();
    srs.save(&path).unwrap();
    let loaded = Srs::load(&path).unwrap();
    assert_eq!(loaded, srs);
    assert_eq!(loaded.truncate(2).unwrap(), import_ptau_file(&data("power4.ptau"), 2).unwrap());
}

#[test]
fn sizes_that_the_file_does_not_hold() {
    assert!(matches!(import(&plain(), 5), Err(SrsError::TooSmall { wanted: 5, available: 4, .. })));
    for k in [0, 29, u32::MAX] {
        assert!(matches!(import(&plain(), k), Err(SrsError::SizeOutOfRange { .. })));
    }
    for power in [0, 29, 63, 64, u32::MAX] {
        assert!(matches!(forged(FILE_POWER, &power.to_le_bytes()), SrsError::Header { .. }));
    }
    // A larger power promises sections that are not there.
    let mut file = plain();
    file[FILE_POWER..FILE_POWER + 4].copy_from_slice(&28u32.to_le_bytes());
    file[FILE_POWER + 4..FILE_POWER + 8].copy_from_slice(&28u32.to_le_bytes());
    assert!(matches!(refused(&file), SrsError::Length { .. }));
    let length = ((2u64 << 28) - 1) * 64;
    file[TAU_G1_LENGTH..TAU_G1].copy_from_slice(&length.to_le_bytes());
    // 17 GB were they believed.
    assert!(import(&file, 28).is_err());
    assert!(import(&file, POWER).is_err());
}

#[test]
fn truncated_and_extended_files() {
    let file = plain();
    for length in 0..file.len() {
        let error = refused(&file[..length]);
        assert!(matches!(error, SrsError::Truncated { .. }), "{length}: {error}");
    }
    let mut longer = file;
    longer.push(0);
    assert!(matches!(refused(&longer), SrsError::Header { .. }));
}

/// A flip in the points taken is an error; elsewhere it at least changes the hash.
#[test]
fn flipped_bits() {
    let file = plain();
    let good = import(&file, POWER).unwrap();
    // All that is read, and samples of what is skipped.
    let unread = [TAU_G1 + 17 * 64..TAU_G2 - 12, TAU_G2 + 256..file.len()];
    for position in 0..file.len() {
        if unread.iter().any(|range| range.contains(&position)) && position % 61 != 0 {
            continue;
        }
        let mut flipped = file.clone();
        flipped[position] ^= 1 << (position % 8);
        let taken = (TAU_G1..TAU_G1 + 17 * 64).contains(&position)
            || (TAU_G2..TAU_G2 + 256).contains(&position);
        match import(&flipped, POWER) {
            Ok(srs) => {
                assert!(!taken, "byte {position}");
                assert_eq!(srs.monomial(), good.monomial());
                assert_ne!(srs.provenance(), good.provenance());
            }
            Err(error) => assert!(error.to_string().contains("hostile.ptau"), "{error}"),
        }
    }
}

#[test]
fn headers_of_other_things() {
    assert!(matches!(forged(0, b"zkey"), SrsError::Header { .. }));
    assert!(matches!(forged(4, &[2]), SrsError::Header { .. }));
    assert!(matches!(forged(SECTIONS, &u32::MAX.to_le_bytes()), SrsError::Header { .. }));
    // One section more than there is, and fewer than needed.
    assert!(matches!(forged(SECTIONS, &[8]), SrsError::Truncated { .. }));
    assert!(matches!(forged(SECTIONS, &[1]), SrsError::Header { .. }));
    // Another curve's modulus, another size of field element.
    assert!(matches!(forged(HEADER + 4, &[1]), SrsError::Header { .. }));
    assert!(matches!(forged(HEADER, &[48]), SrsError::Header { .. }));
    // Points before the header, twice the header.
    assert!(matches!(forged(12, &[9]), SrsError::Header { .. }));
    assert!(matches!(forged(TAU_G1_LENGTH - 4, &[1]), SrsError::Header { .. }));
    for length in [0, 63, 31 * 64 - 1, 31 * 64 + 1, u64::MAX] {
        let error = forged(TAU_G1_LENGTH, &length.to_le_bytes());
        assert!(matches!(error, SrsError::Length { .. }), "{error}");
    }
    assert!(matches!(forged(16, &u64::MAX.to_le_bytes()), SrsError::Length { .. }));
    // A section that is skipped, of a length that nobody has.
    let alpha_length = TAU_G2 + 16 * 128 + 4;
    assert!(matches!(forged(alpha_length, &u64::MAX.to_le_bytes()), SrsError::Truncated { .. }));
    assert!(matches!(import(&[], 4), Err(SrsError::Truncated { .. })));
    assert!(matches!(
        import_ptau_file(Path::new("/no/such/file.ptau"), 4),
        Err(SrsError::Io { .. })
    ));
}

#[test]
fn points_that_are_none() {
    let mut q = modulus();
    q.reverse();
    let file = plain();
    for index in [1, 16] {
        let offset = TAU_G1 + 64 * index;
        let point = &file[offset..offset + 64];
        assert_point(forged(offset, &[0; 64]), "tauG1", index, PointFault::Identity);
        assert_point(forged(offset, &q), "tauG1", index, PointFault::NotCanonical);
        assert_point(forged(offset, &[255; 64]), "tauG1", index, PointFault::NotCanonical);
        let swapped = [&point[32..], &point[..32]].concat();
        assert_point(forged(offset, &swapped), "tauG1", index, PointFault::NotOnCurve);
    }
    let outside: Vec<u8> = {
        let point = outside_the_subgroup();
        [point.x.c0, point.x.c1, point.y.c0, point.y.c1]
            .iter()
            .flat_map(SerdeObject::to_raw_bytes)
            .collect()
    };
    for index in [0, 1] {
        let offset = TAU_G2 + 128 * index;
        assert_point(forged(offset, &[0; 128]), "tauG2", index, PointFault::Identity);
        assert_point(forged(offset, &q), "tauG2", index, PointFault::NotCanonical);
        assert_point(forged(offset, &outside), "tauG2", index, PointFault::NotInSubgroup);
    }
    assert_point(
        forged(TAU_G2, &file[TAU_G2 + 128..TAU_G2 + 256]),
        "tauG2",
        0,
        PointFault::NotGenerator,
    );
}

#[test]
fn points_of_another_string() {
    let file = plain();
    let point = |index: usize| &file[TAU_G1 + 64 * index..TAU_G1 + 64 * (index + 1)];
    assert_point(forged(TAU_G1, point(1)), "powers in G1", 0, PointFault::NotGenerator);
    let swapped = [point(8), point(7)].concat();
    assert!(matches!(forged(TAU_G1 + 64 * 7, &swapped), SrsError::Inconsistent { .. }));
    assert!(matches!(forged(TAU_G1 + 64 * 16, point(15)), SrsError::Inconsistent { .. }));
    // [s^2]_2 in the place of [s]_2.
    let square = &file[TAU_G2 + 256..TAU_G2 + 384];
    assert!(matches!(forged(TAU_G2 + 128, square), SrsError::Inconsistent { .. }));
}
