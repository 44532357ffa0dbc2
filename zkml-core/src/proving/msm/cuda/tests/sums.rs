//! Every kind of column, spread, length, width and list of bases.

use group::prime::PrimeCurveAffine;
use halo2curves::bn256::G1Affine;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::super::emulator::Emulator;
use super::super::engine::Engine;
use super::{
    SPREADS, Spread, awkward_bases, bases, check_all_kinds, elements, engine, integers, msm,
};
use crate::proving::{CpuMsm, MsmBackend, MsmError, Scalars};

#[test]
fn every_kind_and_spread_and_lengths_around_edges() {
    let engine = engine();
    for count in [0, 1, 2, 3, 31, 32, 33, 127, 129] {
        for spread in SPREADS {
            check_all_kinds(&engine, &bases(count, 1), spread, count as u64);
        }
    }
    for spread in [Spread::Random, Spread::Same, Spread::Extremes] {
        check_all_kinds(&engine, &bases(1000, 2), spread, 5);
    }
}

#[test]
fn repeated_opposite_and_identity_bases() {
    let engine = engine();
    for (count, seed) in [(2, 1), (33, 2), (200, 3)] {
        for spread in SPREADS {
            check_all_kinds(&engine, &awkward_bases(count, seed), spread, seed);
        }
    }
    let base = bases(1, 4)[0];
    let opposites: Vec<G1Affine> =
        (0..200).map(|row| if row % 2 == 0 { base } else { -base }).collect();
    for bases in [vec![base; 200], opposites, vec![G1Affine::identity(); 200]] {
        for spread in [Spread::Ones, Spread::Signs, Spread::Random] {
            check_all_kinds(&engine, &bases, spread, 6);
        }
    }
}

#[test]
fn every_width_of_windows() {
    for width in [1, 2, 3, 5, 8, 11] {
        let engine = engine().with_width(width);
        for bases in [bases(70, 7), awkward_bases(70, 8)] {
            for spread in [Spread::Random, Spread::Extremes] {
                check_all_kinds(&engine, &bases, spread, width.into());
            }
        }
    }
    // The windows of 16-bit columns, and wider ones.
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let bases = bases(40, 9);
    for width in [15, 16, 17, 18] {
        for spread in [Spread::Random, Spread::Extremes] {
            let values = integers(spread, 40, 15, &mut rng);
            let columns = [Scalars::Small { values: &values, tail: &[] }];
            let got = msm(&engine().with_width(width), &bases, &columns);
            assert_eq!(got, CpuMsm.msm(&bases, &columns), "{width} {spread:?}");
        }
    }
}

#[test]
fn columns_of_different_lengths_and_kinds_in_one_call() {
    let engine = engine();
    let bases = bases(300, 10);
    let mut rng = ChaCha20Rng::seed_from_u64(10);
    let full = elements(Spread::Random, 300, &mut rng);
    let small = integers(Spread::Random, 300, 15, &mut rng);
    let wide = integers(Spread::Random, 300, 40, &mut rng);
    let columns = [
        Scalars::Full(&full),
        Scalars::Full(&[]),
        Scalars::Small { values: &small[..100], tail: &full[..200] },
        Scalars::Small { values: &[], tail: &full[..5] },
        Scalars::Small { values: &wide, tail: &[] },
        Scalars::Full(&full[..7]),
        Scalars::Small { values: &small, tail: &[] },
        Scalars::Small { values: &[0; 50], tail: &[] },
    ];
    assert_eq!(msm(&engine, &bases, &columns), CpuMsm.msm(&bases, &columns));
    assert_eq!(msm(&engine, &bases, &[]), Ok(vec![]));
    let too_few = MsmError::TooFewBases { scalars: 300, bases: 299 };
    assert_eq!(msm(&engine, &bases[..299], &columns), Err(too_few));
    let bad = [columns[1], Scalars::Small { values: &[1, i64::MIN], tail: &[] }];
    let out_of_range = MsmError::ValueOutOfRange { column: 1, row: 1 };
    assert_eq!(msm(&engine, &bases, &bad), Err(out_of_range));
}

#[test]
fn few_field_elements_stay_on_the_cpu() {
    let engine = Engine::new(Emulator::new());
    let bases = bases(1100, 11);
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let full = elements(Spread::Random, 1100, &mut rng);
    let small = integers(Spread::Random, 60, 7, &mut rng);
    let columns = [
        Scalars::Small { values: &small, tail: &full[..6] },
        Scalars::Small { values: &small, tail: &full[7..13] },
        Scalars::Small { values: &small[..50], tail: &full[..6] },
        Scalars::Full(&full[..1023]),
    ];
    assert_eq!(msm(&engine, &bases, &columns), CpuMsm.msm(&bases, &columns));
    // Bases, and a byte pair for each small value.
    assert_eq!(engine.device().take_uploaded(), 1100 * 64 + 3 * 60 * 2);
    let columns = [Scalars::Full(&full[..1024])];
    assert_eq!(msm(&engine, &bases, &columns), CpuMsm.msm(&bases, &columns));
    assert_eq!(engine.device().take_uploaded(), 1024 * 32);
}

#[test]
fn bases_are_uploaded_once_and_told_apart_by_content() {
    let engine = engine();
    let mut points = bases(50, 12);
    let columns = [Scalars::Small { values: &[3; 50], tail: &[] }];
    let uploads = |points: &[G1Affine]| {
        assert_eq!(msm(&engine, points, &columns), CpuMsm.msm(points, &columns));
        (engine.device().take_uploaded() - 100) / 64
    };
    assert_eq!(uploads(&points), 50);
    assert_eq!(uploads(&points.clone()), 0);
    // The same address and length, other points.
    points.swap(3, 4);
    points[20] = G1Affine::identity();
    assert_eq!(uploads(&points), 50);
    assert_eq!(uploads(&points), 0);
    let others: Vec<Vec<G1Affine>> = (0..4).map(|seed| bases(50, 20 + seed)).collect();
    assert_eq!(others.iter().map(|points| uploads(points)).sum::<u64>(), 200);
    assert_eq!(others.iter().map(|points| uploads(points)).sum::<u64>(), 0);
    assert_eq!(uploads(&points), 50);
}
