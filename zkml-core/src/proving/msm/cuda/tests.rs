//! The pipeline on the emulator, against the CPU.

use ff::Field;
use group::prime::PrimeCurveAffine;
use halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use halo2curves::serde::SerdeObject;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;

use super::device::{Device, upload};
use super::emulator::{Emulator, Work};
use super::engine::Engine;
use super::pipeline::coordinate;
use super::plan::{FOLD, LAST_MERGE, MERGE, Shape};
use super::{DeviceFault, MsmBackend, MsmError, Scalars};
use crate::proving::CpuMsm;
use crate::proving::vector::from_integer;

fn engine() -> Engine<Emulator> {
    Engine::new(Emulator::new()).with_everything_on_the_device()
}

fn fault(fault: DeviceFault) -> MsmError {
    MsmError::Device { backend: "emulator".into(), fault }
}

fn msm(
    engine: &Engine<Emulator>,
    bases: &[G1Affine],
    columns: &[Scalars<'_>],
) -> Result<Vec<G1>, MsmError> {
    engine.msm(bases, columns, fault)
}

/// Multiples of the generator.
fn bases(count: usize, seed: u64) -> Vec<G1Affine> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let scalar = Fr::from(rng.next_u64());
    let generator = G1Affine::generator();
    let mut at = generator * scalar;
    let points: Vec<G1> = (0..count)
        .map(|_| {
            at += generator;
            at
        })
        .collect();
    let mut affine = vec![G1Affine::identity(); count];
    group::Curve::batch_normalize(&points, &mut affine);
    affine
}

/// Few different points, their opposites and identities next to each other.
fn awkward_bases(count: usize, seed: u64) -> Vec<G1Affine> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let pool = bases(3, seed);
    let one = |rng: &mut ChaCha20Rng| match (rng.next_u32() % 4, pool[rng.next_u32() as usize % 3])
    {
        (0, base) => -base,
        (1, _) => G1Affine::identity(),
        (_, base) => base,
    };
    (0..count).map(|_| one(&mut rng)).collect()
}

/// How the values of a column are spread; `bits` is the width of the kind.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Zeros,
    Ones,
    Bits,
    Signs,
    Same,
    Two,
    Sparse,
    Random,
    Extremes,
}

const SPREADS: [Spread; 9] = [
    Spread::Zeros,
    Spread::Ones,
    Spread::Bits,
    Spread::Signs,
    Spread::Same,
    Spread::Two,
    Spread::Sparse,
    Spread::Random,
    Spread::Extremes,
];

/// Values between `-2^bits` and `2^bits - 1`.
fn integers(spread: Spread, count: usize, bits: u32, rng: &mut ChaCha20Rng) -> Vec<i64> {
    let limit = 1i64 << bits;
    let same = (limit - 1) / 3 * 2;
    let one = |row: usize| {
        let random = rng.next_u64() as i64;
        match spread {
            Spread::Zeros => 0,
            Spread::Ones => 1,
            Spread::Bits => random & 1,
            Spread::Signs => random % 2 * 2 + 1,
            Spread::Same => same,
            Spread::Two => [same, -same - 1][row % 2],
            Spread::Sparse => {
                if random % 10 == 0 {
                    random >> (63 - bits)
                } else {
                    0
                }
            }
            Spread::Random => random >> (63 - bits),
            Spread::Extremes => [limit - 1, -limit][random as usize & 1],
        }
    };
    (0..count).map(one).collect()
}

fn elements(spread: Spread, count: usize, rng: &mut ChaCha20Rng) -> Vec<Fr> {
    let same = Fr::random(&mut *rng);
    let half = (Fr::ZERO - Fr::ONE) * Fr::from(2).invert().unwrap();
    let one = |row: usize| match spread {
        Spread::Zeros => Fr::ZERO,
        Spread::Ones => Fr::ONE,
        Spread::Bits => Fr::from(rng.next_u64() & 1),
        Spread::Signs => from_integer(rng.next_u64() as i64 % 2 * 2 + 1),
        Spread::Same => same,
        Spread::Two => [same, -same][row % 2],
        Spread::Sparse => from_integer(rng.next_u64() as i8 as i64 / 100),
        Spread::Random => Fr::random(&mut *rng),
        // (p - 1) / 2 is the largest that counts as positive.
        Spread::Extremes => [-Fr::ONE, half, half + Fr::ONE][rng.next_u32() as usize % 3],
    };
    (0..count).map(one).collect()
}

/// Small values of three widths with short tails, and field elements, of `count` rows each.
fn check_all_kinds(engine: &Engine<Emulator>, bases: &[G1Affine], spread: Spread, seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let count = bases.len();
    let tail = elements(spread, count.min(3), &mut rng);
    let small = [7, 15, 31, 61].map(|bits| integers(spread, count - tail.len(), bits, &mut rng));
    let full = [spread, Spread::Random].map(|spread| elements(spread, count, &mut rng));
    let mut columns: Vec<Scalars<'_>> = full.iter().map(|full| Scalars::Full(full)).collect();
    columns.extend(small.iter().map(|values| Scalars::Small { values, tail: &tail }));
    columns.push(Scalars::Small { values: &small[1], tail: &[] });
    let got = msm(engine, bases, &columns);
    assert_eq!(got, CpuMsm.msm(bases, &columns), "{spread:?}, {count} rows");
}

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

/// The least additions and atomics that bound what each kernel's threads did.
fn most(work: &[Work], kernel: &str) -> (u64, u64) {
    let of_kernel = work.iter().filter(|work| work.kernel.to_str() == Ok(kernel));
    of_kernel.fold((0, 0), |(additions, atomics), work| {
        (additions.max(work.additions), atomics.max(work.atomics))
    })
}

#[test]
fn no_thread_and_no_counter_has_more_to_do_for_skewed_columns() {
    let count = 4000;
    let points = bases(count, 13);
    let spreads = [Spread::Random, Spread::Same, Spread::Two, Spread::Ones, Spread::Extremes];
    // As many digits in each column, and windows alike: what differs is where they fall.
    for (width, bits) in [(8, 7), (4, 15)] {
        let engine = engine().with_width(width);
        let mut of_random = None;
        for spread in spreads {
            let mut rng = ChaCha20Rng::seed_from_u64(14);
            let mut values = integers(spread, count, bits, &mut rng);
            // No zeros, and the same magnitude.
            values.iter_mut().filter(|value| **value == 0).for_each(|value| *value = 1);
            values[0] = -(1 << bits);
            let columns = [Scalars::Small { values: &values, tail: &[] }; 2];
            assert_eq!(msm(&engine, &points, &columns), CpuMsm.msm(&points, &columns));
            let work = engine.device().take_work();
            let windows = if bits == 7 { 1 } else { 4 };
            let entries = Shape::entries_per_thread(2 * windows * count as u64, 2);
            let accumulate = most(&work, "zkml_accumulate").0;
            assert!(accumulate <= entries, "{spread:?}: {accumulate}");
            assert!(most(&work, "zkml_merge").0 <= MERGE.max(LAST_MERGE), "{spread:?}");
            // Two for each of at most 16 buckets, one for each bit of the first one's number, one.
            assert!(most(&work, "zkml_weigh").0 <= 2 * 16 + 32 + 1, "{spread:?}");
            assert!(most(&work, "zkml_fold").0 <= FOLD.into(), "{spread:?}");
            // Rows that may meet in one counter: `2^(width - 1)`, and one more where columns meet.
            let meet = (1 << (width - 1)) + 1;
            for kernel in ["zkml_count", "zkml_scatter"] {
                assert!(most(&work, kernel).1 <= meet, "{spread:?} {kernel}");
            }
            if let Spread::Random = spread {
                of_random = Some(accumulate);
            } else if bits == 7 {
                assert_eq!(Some(accumulate), of_random, "{spread:?}");
            }
        }
    }
}

#[test]
fn products_and_additions_of_the_ceilings() {
    let device = Emulator::new();
    let mut rng = ChaCha20Rng::seed_from_u64(15);
    let mut values: Vec<Fq> = (0..124).map(|_| Fq::random(&mut rng)).collect();
    values.extend([Fq::ZERO, Fq::ONE, -Fq::ONE, Fq::from(2)]);
    let bytes: Vec<u8> = values.iter().flat_map(SerdeObject::to_raw_bytes).collect();
    let io = upload(&device, &bytes).unwrap();
    #[allow(unsafe_code, reason = "a launch")]
    // SAFETY: one element for each thread of one block.
    unsafe { device.launch(c"zkml_ceiling_products", 128, &mut [device.address(&io), 3]) }.unwrap();
    let mut out = vec![0; bytes.len()];
    device.read(&io, &mut out).unwrap();
    for (value, bytes) in values.iter().zip(out.chunks_exact(32)) {
        let (mut a, mut b) = (*value, *value);
        for _ in 0..3 {
            a *= b;
            b *= a;
        }
        assert_eq!(coordinate(bytes), Some(a + b));
    }
    let ceilings = engine().ceilings(&bases(10, 16), 8).unwrap();
    assert!(ceilings.products > 0.0 && ceilings.additions > 0.0);
}

#[test]
fn a_device_is_checked_when_it_is_opened() {
    assert_eq!(engine().check(), Ok(()));
}

#[test]
fn little_memory_makes_small_batches_and_none_is_an_error() {
    let points = bases(2000, 17);
    let mut rng = ChaCha20Rng::seed_from_u64(17);
    let full: Vec<Vec<Fr>> = (0..3).map(|_| elements(Spread::Random, 2000, &mut rng)).collect();
    let small = integers(Spread::Random, 2000, 15, &mut rng);
    let mut columns: Vec<Scalars<'_>> = full.iter().map(|full| Scalars::Full(full)).collect();
    columns.push(Scalars::Small { values: &small, tail: &full[0][..0] });
    let expected = CpuMsm.msm(&points, &columns);
    let launches = |engine: &Engine<Emulator>| {
        let work = engine.device().take_work();
        work.iter().filter(|work| work.kernel == c"zkml_count").count()
    };
    let mut counts = Vec::new();
    for memory in [1 << 30, 6 << 20, 3 << 20] {
        let engine = engine();
        engine.device().set_memory(memory, memory);
        assert_eq!(msm(&engine, &points, &columns), expected, "{memory}");
        counts.push(launches(&engine));
        // The bases alone are left.
        assert_eq!(engine.device().memory(), memory - 2000 * 64);
    }
    assert!(counts[0] < counts[1] && counts[1] < counts[2], "{counts:?}");

    // It says that it has more than it has: batches become smaller.
    let engine = engine();
    engine.device().set_memory(3 << 20, 1 << 30);
    assert_eq!(msm(&engine, &points, &columns), expected);
    for memory in [1000, 200_000] {
        engine.device().set_memory(memory, memory);
        let other = bases(2000, 18);
        assert_eq!(msm(&engine, &other, &columns), Err(fault(DeviceFault::OutOfMemory)));
    }
    engine.device().set_memory(1 << 30, 1 << 30);
    assert_eq!(msm(&engine, &points, &columns), expected);
}

#[test]
fn lists_that_are_not_needed_make_room() {
    let engine = engine();
    let lists: Vec<Vec<G1Affine>> = (0..3).map(|seed| bases(2000, 30 + seed)).collect();
    let columns = [Scalars::Small { values: &[1; 2000], tail: &[] }];
    // Two lists of 128 kB and a batch, but not three.
    engine.device().set_memory(450_000, 450_000);
    for points in lists.iter().chain(&lists) {
        assert_eq!(msm(&engine, points, &columns), CpuMsm.msm(points, &columns));
    }
}

#[test]
fn calls_from_threads_of_rayon_take_turns() {
    let (done, finished) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (engine, points) = (engine(), bases(500, 21));
        let values: Vec<Vec<i64>> = (1..40).map(|seed| vec![seed; 500]).collect();
        values.par_iter().for_each(|values| {
            let columns = [Scalars::Small { values, tail: &[] }; 3];
            assert_eq!(msm(&engine, &points, &columns), CpuMsm.msm(&points, &columns));
        });
        done.send(()).unwrap();
    });
    finished.recv_timeout(std::time::Duration::from_secs(300)).expect("no deadlock");
}

#[test]
fn a_launch_that_fails_is_an_error_that_says_so() {
    let points = bases(600, 19);
    let mut rng = ChaCha20Rng::seed_from_u64(19);
    let full = elements(Spread::Random, 600, &mut rng);
    let columns = [Scalars::Full(&full)];
    let engine = engine();
    for kernel in [c"zkml_count", c"zkml_scan_sums", c"zkml_scan_apply", c"zkml_scatter"]
        .into_iter()
        .chain([c"zkml_accumulate", c"zkml_merge", c"zkml_weigh", c"zkml_fold"])
    {
        engine.device().fail_at(Some(kernel));
        let error = msm(&engine, &points, &columns).unwrap_err();
        let MsmError::Device { fault: DeviceFault::Failed(text), .. } = &error else {
            panic!("{error}")
        };
        assert!(text.contains(kernel.to_str().unwrap()), "{text}");
    }
    engine.device().fail_at(None);
    assert_eq!(msm(&engine, &points, &columns), CpuMsm.msm(&points, &columns));
}
