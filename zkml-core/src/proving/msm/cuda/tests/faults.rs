//! Little memory, launches that fail, calls that meet.

use halo2curves::bn256::{Fr, G1Affine};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rayon::prelude::*;

use super::super::emulator::Emulator;
use super::super::engine::Engine;
use super::{Spread, bases, elements, engine, fault, integers, msm};
use crate::proving::{CpuMsm, DeviceFault, MsmBackend, MsmError, Scalars};

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
