//! Multi-scalar multiplication: arbitrary scalars, as halo2curves and as we do them, against small
//! signed ones.
//!
//! `cargo bench -p zkml-benches --bench msm`; with `RAYON_NUM_THREADS=1` for the work of one core.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ff::Field;
use halo2curves::bn256::Fr;
use halo2curves::msm::msm_best;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkml::core::proving::{CpuMsm, MsmBackend, Scalars, Srs};

fn msm(criterion: &mut Criterion) {
    let srs = Srs::development(16).expect("16 is a size");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut group = criterion.benchmark_group("msm");
    group.sample_size(10);
    for k in [12, 14, 16] {
        let n = 1 << k;
        let bases = &srs.lagrange()[..n];
        let scalars: Vec<Fr> = (0..n).map(|_| Fr::random(&mut rng)).collect();
        let bytes: Vec<i64> = (0..n).map(|_| i64::from(rng.next_u32() as i8)).collect();
        let words: Vec<i64> = (0..n).map(|_| i64::from(rng.next_u32() as i16)).collect();
        // A committed column ends in blinding rows.
        let blinded = Scalars::Small { values: &bytes[6..], tail: &scalars[..6] };
        let columns = [
            ("full", Scalars::Full(&scalars)),
            ("i8", Scalars::Small { values: &bytes, tail: &[] }),
            ("i8, blinded", blinded),
            ("i16", Scalars::Small { values: &words, tail: &[] }),
        ];
        group.bench_function(BenchmarkId::new("full, halo2curves", k), |bencher| {
            bencher.iter(|| msm_best(&scalars, bases));
        });
        for (name, column) in columns {
            group.bench_function(BenchmarkId::new(name, k), |bencher| {
                bencher.iter(|| CpuMsm.msm(bases, &[column]).expect("enough bases"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, msm);
criterion_main!(benches);
