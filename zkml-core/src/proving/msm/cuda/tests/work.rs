//! What threads do, counted.

use ff::Field;
use halo2curves::bn256::Fq;
use halo2curves::serde::SerdeObject;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::super::device::{Device, upload};
use super::super::emulator::{Emulator, Work};
use super::super::pipeline::coordinate;
use super::super::plan::{FOLD, LAST_MERGE, MERGE, Shape};
use super::{Spread, bases, engine, integers, msm};
use crate::proving::{CpuMsm, MsmBackend, Scalars};

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
