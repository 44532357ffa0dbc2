//! The backend against double-and-add and against halo2curves.

use ff::Field;
use group::Group;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::msm::msm_best;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::cpu::sums;
use super::trees::Arithmetic;
use super::*;
use crate::proving::vector::from_integer as field;

fn naive(scalars: &[Fr], bases: &[G1Affine]) -> G1 {
    scalars.iter().zip(bases).map(|(scalar, base)| base * scalar).sum()
}

fn random_bases(count: usize, rng: &mut ChaCha20Rng) -> Vec<G1Affine> {
    (0..count).map(|_| G1Affine::random(&mut *rng)).collect()
}

fn random_scalars(count: usize, rng: &mut ChaCha20Rng) -> Vec<Fr> {
    (0..count).map(|_| Fr::random(&mut *rng)).collect()
}

/// Bases with repetitions, opposites and identities next to each other.
fn awkward_bases(count: usize, rng: &mut ChaCha20Rng) -> Vec<G1Affine> {
    let pool = random_bases(3, rng);
    (0..count)
        .map(|_| {
            let base = pool[rng.next_u32() as usize % pool.len()];
            match rng.next_u32() % 4 {
                0 => -base,
                1 => G1Affine::identity(),
                _ => base,
            }
        })
        .collect()
}

/// The sum, by the fastest additions and by scalar ones.
fn one(bases: &[G1Affine], column: Scalars<'_>) -> G1 {
    let sum = CpuMsm.msm(bases, &[column]).unwrap()[0];
    assert_eq!(sums(bases, &[column], Arithmetic::scalar()).unwrap()[0], sum);
    sum
}

fn check_small(values: &[i64], tail: &[Fr], bases: &[G1Affine]) {
    let scalars: Vec<Fr> = values.iter().copied().map(field).chain(tail.iter().copied()).collect();
    let expected = naive(&scalars, bases);
    assert_eq!(one(bases, Scalars::Small { values, tail }), expected);
    assert_eq!(one(bases, Scalars::Full(&scalars)), expected);
}

#[test]
fn tiny_columns() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for count in 0..40 {
        let bases = random_bases(count, &mut rng);
        let scalars = random_scalars(count, &mut rng);
        assert_eq!(one(&bases, Scalars::Full(&scalars)), naive(&scalars, &bases), "{count}");
        let values: Vec<i64> = (0..count).map(|_| rng.next_u32() as i8 as i64).collect();
        check_small(&values, &[], &bases);
        let split = count / 2;
        check_small(&values[..split], &scalars[split..], &bases);
    }
}

#[test]
fn agrees_with_halo2curves_on_large_columns() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let count = 5003;
    let bases = random_bases(count, &mut rng);
    let scalars = random_scalars(count, &mut rng);
    assert_eq!(one(&bases, Scalars::Full(&scalars)), msm_best(&scalars, &bases));
    for bits in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 61, 62] {
        let values: Vec<i64> =
            (0..count - 6).map(|_| rng.next_u64() as i64 >> (63 - bits)).collect();
        let tail = &scalars[..6];
        let full: Vec<Fr> = values.iter().copied().map(field).chain(tail.iter().copied()).collect();
        let got = one(&bases, Scalars::Small { values: &values, tail });
        assert_eq!(got, msm_best(&full, &bases), "{bits} bits");
    }
}

#[test]
fn constant_and_sparse_columns() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let bases = random_bases(300, &mut rng);
    for value in [0, 1, -1, 127, -128, 128, 32767, -32768, 1 << 40] {
        check_small(&[value; 300], &[], &bases);
    }
    let mut sparse = [0; 300];
    sparse[17] = -5;
    sparse[299] = 1 << 61;
    check_small(&sparse, &[], &bases);
    let mut scalars = vec![Fr::ZERO; 300];
    assert_eq!(one(&bases, Scalars::Full(&scalars)), G1::identity());
    scalars[250] = -Fr::ONE;
    assert_eq!(one(&bases, Scalars::Full(&scalars)), naive(&scalars, &bases));
}

#[test]
fn repeated_opposite_and_identity_bases() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    for count in [2, 3, 25, 64, 501] {
        let bases = awkward_bases(count, &mut rng);
        let values: Vec<i64> = (0..count).map(|_| i64::from(rng.next_u32() % 5) - 2).collect();
        check_small(&values, &[], &bases);
        check_small(&vec![1; count], &[], &bases);
        let scalars = random_scalars(count, &mut rng);
        assert_eq!(one(&bases, Scalars::Full(&scalars)), naive(&scalars, &bases));
        let identities = vec![G1Affine::identity(); count];
        assert_eq!(one(&identities, Scalars::Full(&scalars)), G1::identity());
        check_small(&values, &[], &identities);
    }
    let base = random_bases(1, &mut rng)[0];
    check_small(&[7; 200], &[], &[base; 200]);
    let opposites: Vec<G1Affine> =
        (0..200).map(|row| if row % 2 == 0 { base } else { -base }).collect();
    check_small(&[7; 200], &[], &opposites);
}

#[test]
fn the_range_of_small_values_is_enforced() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let bases = random_bases(4, &mut rng);
    let limit = MAX_SMALL as i64;
    check_small(&[limit, -limit, limit - 1, 1 - limit], &[], &bases);
    for value in [i64::MIN, i64::MIN + 1, i64::MAX, limit + 1, -limit - 1] {
        let good = Scalars::Small { values: &[1], tail: &[] };
        let bad = Scalars::Small { values: &[1, value], tail: &[Fr::ONE] };
        assert_eq!(
            CpuMsm.msm(&bases, &[good, bad]),
            Err(MsmError::ValueOutOfRange { column: 1, row: 1 })
        );
    }
}

/// More columns of field elements than one batch takes, with one thread and with many, and integers
/// between them.
#[test]
fn columns_are_summed_in_batches() {
    let mut rng = ChaCha20Rng::seed_from_u64(15);
    let bases = random_bases(50, &mut rng);
    let scalars: Vec<Vec<Fr>> = (0..9).map(|i| random_scalars(50 - i, &mut rng)).collect();
    let (values, large) = ([3, -7, 1 << 20], [1, 2, i64::MIN]);
    let small = |values| Scalars::Small { values, tail: &scalars[0][..2] };
    let mut columns = vec![small(&values)];
    for scalars in &scalars {
        columns.extend([Scalars::Full(scalars), small(&values)]);
    }
    let expected: Vec<G1> = columns.iter().map(|column| one(&bases, *column)).collect();
    assert_eq!(expected[3], naive(&scalars[1], &bases));
    let mut bad = columns.clone();
    bad[14] = small(&large);
    for threads in [1, 2, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            assert_eq!(CpuMsm.msm(&bases, &columns).unwrap(), expected, "{threads} threads");
            let error = MsmError::ValueOutOfRange { column: 14, row: 2 };
            assert_eq!(CpuMsm.msm(&bases, &bad), Err(error), "{threads} threads");
        });
    }
}

#[test]
fn columns_of_different_lengths_share_their_bases() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let bases = random_bases(100, &mut rng);
    let scalars = random_scalars(100, &mut rng);
    let values: Vec<i64> = (0..60).map(|_| rng.next_u32() as i16 as i64).collect();
    let columns = [
        Scalars::Full(&scalars),
        Scalars::Small { values: &values, tail: &scalars[..6] },
        Scalars::Full(&scalars[..1]),
        Scalars::Small { values: &[], tail: &[] },
        Scalars::Full(&[]),
    ];
    let sums = CpuMsm.msm(&bases, &columns).unwrap();
    let fields: Vec<Fr> =
        values.iter().copied().map(field).chain(scalars[..6].iter().copied()).collect();
    assert_eq!(sums[0], naive(&scalars, &bases));
    assert_eq!(sums[1], naive(&fields, &bases));
    assert_eq!(sums[2], naive(&scalars[..1], &bases));
    assert_eq!(sums[3..], [G1::identity(), G1::identity()]);
    assert_eq!(CpuMsm.msm(&bases, &[]), Ok(vec![]));
    assert_eq!(
        CpuMsm.msm(&bases[..99], &columns),
        Err(MsmError::TooFewBases { scalars: 100, bases: 99 })
    );
}

#[test]
fn blinding_rows_of_many_columns() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    for (count, rows) in [(1, 6), (13, 6), (50, 3), (130, 9)] {
        for mut bases in [random_bases(12, &mut rng), awkward_bases(12, &mut rng)] {
            bases[10] = bases[4];
            let tails: Vec<Vec<Fr>> =
                (0..count).map(|column| edges(rows - column % 2, column, &mut rng)).collect();
            let columns: Vec<Scalars<'_>> =
                tails.iter().map(|tail| Scalars::Small { values: &[0, -1, 2], tail }).collect();
            let got = CpuMsm.msm(&bases, &columns).unwrap();
            assert_eq!(sums(&bases, &columns, Arithmetic::scalar()).unwrap(), got);
            let values = naive(&[-Fr::ONE, Fr::from(2)], &bases[1..]);
            for (sum, tail) in got.iter().zip(&tails) {
                assert_eq!(*sum, values + naive(tail, &bases[3..]), "{count} columns");
            }
        }
    }
}

/// Random scalars, the first of them an end of the field in some columns.
fn edges(rows: usize, column: usize, rng: &mut ChaCha20Rng) -> Vec<Fr> {
    let mut scalars = random_scalars(rows, rng);
    match column % 4 {
        1 => scalars[0] = -Fr::ONE,
        2 => scalars[0] = Fr::ONE,
        3 => scalars[0] = Fr::ZERO - Fr::from(column as u64),
        _ => {}
    }
    scalars
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_mixture(
        seed in any::<u64>(),
        rows in prop::collection::vec((any::<i64>(), 0u32..64), 0..120),
        tail in 0usize..40,
        awkward in any::<bool>(),
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let values: Vec<i64> = rows.iter().map(|(value, shift)| (value >> 1) >> shift).collect();
        let count = values.len() + tail;
        let bases = if awkward {
            awkward_bases(count, &mut rng)
        } else {
            random_bases(count, &mut rng)
        };
        check_small(&values, &random_scalars(tail, &mut rng), &bases);
    }
}
