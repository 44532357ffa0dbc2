//! Fourier transforms: values on the rows to coefficients and coefficients to values on a coset, as
//! halo2curves and as we do them.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p zkml-benches --bench fft` for the work of one core.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use halo2curves::fft::best_fft;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkml::core::proving::Fft;

fn fft(criterion: &mut Criterion) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut group = criterion.benchmark_group("fft");
    group.sample_size(20);
    for k in [12, 14, 16, 18] {
        let values: Vec<Fr> = (0..1 << k).map(|_| Fr::random(&mut rng)).collect();
        let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let fft = Fft::new(k);
        let coset = fft.coset(Fr::MULTIPLICATIVE_GENERATOR);
        group.bench_function(BenchmarkId::new("halo2curves, values", k), |bencher| {
            let transform = |mut values: Vec<Fr>| best_fft(&mut values, omega, k);
            bencher.iter_batched(|| values.clone(), transform, BatchSize::LargeInput);
        });
        group.bench_function(BenchmarkId::new("interpolate", k), |bencher| {
            bencher.iter(|| fft.interpolate(&values));
        });
        group.bench_function(BenchmarkId::new("coset", k), |bencher| {
            bencher.iter(|| coset.values(&values));
        });
    }
    group.finish();
}

criterion_group!(benches, fft);
criterion_main!(benches);
