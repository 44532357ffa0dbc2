//! Our prover against halo2-axiom's `create_proof`: the same two-phase circuit of about a machine's
//! shape (58 advice columns, 41 of them of small integers; 85 fixed ones), the same keys, public
//! words and transcript. Times are CPU seconds; the ratio is printed at the end.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p zkml-benches --bench create_proof` takes a quarter of an hour, as
//! criterion wants ten samples; `ZKML_BENCH_RUNS=3` takes the median of three runs without it, and
//! `ZKML_BENCH_K=12` is short.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use zkml::{
    circuits::plonk::{
        KeccakWrite,
        testing::{Fixture, Halo2Prover, SampleParams},
        verify,
    },
    core::proving::CpuMsm,
};

/// A number in the environment.
fn number(name: &str) -> Option<u32> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn shape() -> SampleParams {
    let k = number("ZKML_BENCH_K").unwrap_or(16);
    SampleParams { k, phases: 2, lanes: 39, table_bits: 10, ..SampleParams::default() }
}

/// Processor time of this process so far.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Measures `prove` in CPU time, and returns its median.
fn measure(criterion: &mut Criterion, name: &str, mut prove: impl FnMut()) -> Option<Duration> {
    let mut times = Vec::new();
    if let Some(runs) = number("ZKML_BENCH_RUNS") {
        for _ in 0..runs {
            let start = processor();
            prove();
            times.push(processor() - start);
        }
        times.sort();
        eprintln!("{name}: {times:.2?} of CPU time");
        return times.get(times.len() / 2).copied();
    }
    let mut group = criterion.benchmark_group("create_proof");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_millis(1));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let start = processor();
            (0..iterations).for_each(|_| prove());
            let taken = processor() - start;
            times.push(taken / u32::try_from(iterations).unwrap_or(u32::MAX));
            taken
        });
    });
    group.finish();
    times.sort();
    times.get(times.len() / 2).copied()
}

fn provers(criterion: &mut Criterion) {
    let fixture = Fixture::with_backend(shape(), &CpuMsm);
    let halo2 = Halo2Prover::new(&fixture);
    let key = fixture.key.verifying_key();
    let check = |proof: &[u8]| verify(key, &fixture.words, proof).expect("the statement holds");
    let mut proof = fixture.proof.clone();
    let ours = measure(criterion, "zkml", || proof = fixture.prove_with(&CpuMsm, 2, None));
    check(&proof);
    let theirs = measure(criterion, "halo2-axiom", || {
        let mut transcript = KeccakWrite::new(key.digest());
        halo2.prove(&mut transcript);
        proof = transcript.finish();
    });
    check(&proof);
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64().max(1e-9);
        eprintln!("halo2-axiom {theirs:.2?}, zkml {ours:.2?} of CPU time: {ratio:.2} times faster");
    }
}

criterion_group!(benches, provers);
criterion_main!(benches);
