//! Keys: files, hostile files, digests, refused circuits.

mod plonk_common;

use std::collections::{BTreeMap, HashMap};

use halo2curves::bn256::Fr;
use plonk_common::honest;
use sha3::{Digest, Keccak256};
use zkml_circuits::plonk::{
    Column, ColumnKind, Expr, InstanceLayout, KeyError, KeyFormatError, KeyOptions, LayoutError,
    Protocol, ProtocolError, ProveError, ProvingKey, Query, VerifyingKey, generate_keys, prove,
    testing::{Fixture, ReferenceMsm, SampleCircuit, SampleParams},
    verify,
};
use zkml_core::{
    progress::NoProgress,
    proving::{CpuMsm, Srs},
};

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
    // A copy of a cell that there is not, in the last column.
    let k = honest().key.verifying_key().k();
    let (last, columns) = (bytes.len() - 32 - 4 * (1 << k), protocol().permutation.len());
    let with_last = |cell: u32| {
        let mut changed = bytes.clone();
        changed[last..last + 4].copy_from_slice(&cell.to_be_bytes());
        ProvingKey::from_bytes(&sealed(changed), protocol())
    };
    let cells = (columns as u32) << k;
    for cell in [cells, u32::MAX] {
        let verdict = with_last(cell);
        let column = columns - 1;
        assert!(
            matches!(verdict, Err(KeyFormatError::Cell { column: c, got, .. }) if (c, got) == (column, cell))
        );
    }
    // Another one is another key, whose proofs its own verifying key rejects.
    let key = with_last(cells - 1).expect("a key");
    let mut fixture = Fixture::new(SampleParams::default());
    let verdict = |fixture: &Fixture| {
        let proof = fixture.prove_with(&CpuMsm, 1, None);
        verify(fixture.key.verifying_key(), &fixture.words, &proof)
    };
    assert!(verdict(&fixture).is_ok());
    fixture.key = key;
    assert!(verdict(&fixture).is_err());
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

/// The expression with its node number `at` (prefix order) changed; `None` beyond the last.
fn changed(e: &Expr, at: &mut usize) -> Option<Expr> {
    use Expr::{Advice, Challenge, Constant, Fixed, Instance, Negated, Product, Scaled, Sum};
    let here = *at == 0;
    *at = at.wrapping_sub(1);
    let mut inner = |a: &Expr| changed(a, at).map(Box::new);
    Some(match e {
        Constant(c) if here => Constant(*c + Fr::one()),
        Fixed(i) if here => Advice(*i),
        Advice(i) if here => Advice(i + 1),
        Instance(i) if here => Fixed(*i),
        Challenge(i) if here => Challenge(i + 1),
        Negated(a) if here => *a.clone(),
        Sum(a, b) if here => Product(a.clone(), b.clone()),
        Product(a, b) if here => Product(b.clone(), a.clone()),
        Scaled(a, c) if here => Scaled(a.clone(), *c + Fr::one()),
        Negated(a) => Negated(inner(a)?),
        Scaled(a, c) => Scaled(inner(a)?, *c),
        Sum(a, b) => match inner(a) {
            Some(a) => Sum(a, b.clone()),
            None => Sum(a.clone(), inner(b)?),
        },
        Product(a, b) => match inner(a) {
            Some(a) => Product(a, b.clone()),
            None => Product(a.clone(), inner(b)?),
        },
        _ => return None,
    })
}

/// A list with one entry changed by each of `changes`, dropped, doubled, or traded with the next.
fn lists<T: Clone>(list: &[T], changes: &[fn(&mut T)]) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Vec<T>)| {
        let mut list = list.to_vec();
        change(&mut list);
        all.push(list);
    };
    for at in 0..list.len() {
        changes.iter().for_each(|change| with(&|list| change(&mut list[at])));
        with(&|list| drop(list.remove(at)));
        with(&|list| list.insert(at, list[at].clone()));
        if at + 1 < list.len() {
            with(&|list| list.swap(at, at + 1));
        }
    }
    all
}

/// Every public field of a protocol changed, in one place each.
fn other_protocols(of: &Protocol) -> Vec<(&'static str, Protocol)> {
    let mut all = Vec::new();
    let mut push = |what, change: &dyn Fn(&mut Protocol)| {
        let mut other = of.clone();
        change(&mut other);
        if other != *of {
            all.push((what, other));
        }
    };
    let phase: [fn(&mut u8); 2] = [|p| *p += 1, |p| *p = p.saturating_sub(1)];
    for list in lists(&of.advice_phase, &phase) {
        push("a column's phase", &|p| p.advice_phase.clone_from(&list));
    }
    for list in lists(&of.challenge_phase, &phase) {
        push("a challenge's phase", &|p| p.challenge_phase.clone_from(&list));
    }
    for step in [1, usize::MAX] {
        push("number of fixed columns", &|p| p.num_fixed = p.num_fixed.wrapping_add(step));
        push("number of instances", &|p| p.num_instance = p.num_instance.wrapping_add(step));
        push("degree", &|p| p.degree = p.degree.wrapping_add(step));
        push("blinding", &|p| p.blinding = p.blinding.wrapping_add(step));
    }
    let query: [fn(&mut Query); 3] = [|q| q.column += 1, |q| q.rotation += 1, |q| q.rotation -= 1];
    for list in lists(&of.advice_queries, &query) {
        push("an advice query", &|p| p.advice_queries.clone_from(&list));
    }
    for list in lists(&of.fixed_queries, &query) {
        push("a fixed query", &|p| p.fixed_queries.clone_from(&list));
    }
    for list in lists(&of.instance_queries, &query) {
        push("an instance query", &|p| p.instance_queries.clone_from(&list));
    }
    let column: [fn(&mut Column); 2] = [
        |c| c.index += 1,
        |c| {
            c.kind = match c.kind {
                ColumnKind::Advice => ColumnKind::Fixed,
                ColumnKind::Fixed => ColumnKind::Instance,
                ColumnKind::Instance => ColumnKind::Advice,
            }
        },
    ];
    for list in lists(&of.permutation, &column) {
        push("a column of the permutation", &|p| p.permutation.clone_from(&list));
    }
    for list in lists(&of.gates, &[]) {
        push("the gates", &|p| p.gates.clone_from(&list));
    }
    for (gate, expression) in of.gates.iter().enumerate() {
        let others = (0..).map_while(|node| changed(expression, &mut { node }));
        others.for_each(|other| push("a node of a gate", &|p| p.gates[gate] = other.clone()));
    }
    all
}

/// One file, read as a key of constraint systems that differ in one place: refused, or a key of another
/// digest, so that no proof passes from one to the other.
#[test]
fn the_digest_binds_each_field_of_the_protocol() {
    let key = honest().key.verifying_key();
    let bytes = key.to_bytes();
    let same = VerifyingKey::from_bytes(&bytes, &protocol().clone()).unwrap();
    assert_eq!(same.digest(), key.digest(), "of the same constraint system");
    let mut seen = HashMap::from([(key.digest(), protocol().clone())]);
    let mut read = BTreeMap::new();
    for (what, other) in other_protocols(protocol()) {
        let count = read.entry(what).or_insert((0, 0));
        match VerifyingKey::from_bytes(&bytes, &other) {
            Err(_) => count.1 += 1,
            Ok(key) => {
                count.0 += 1;
                let known = seen.entry(key.digest()).or_insert_with(|| other.clone());
                assert_eq!(*known, other, "{what}: two constraint systems of one digest");
            }
        }
    }
    // What the file does not count is told apart by the digest alone.
    for what in [
        "a column's phase",
        "a challenge's phase",
        "an advice query",
        "a fixed query",
        "an instance query",
        "a column of the permutation",
        "the gates",
        "a node of a gate",
        "degree",
        "blinding",
    ] {
        assert!(read[what].0 > 0, "{what}: {read:?}");
    }
    assert_eq!(read["number of fixed columns"], (0, 2), "a size that the file has");
}
