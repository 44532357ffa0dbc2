//! Planning, proving and verifying an example model, keys made beforehand.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use zkml::{
    NoProgress, Srs,
    circuits::{
        lint::lint,
        plan::{Plan, Visibility},
    },
};
use zkml_benches::example;

fn digits(c: &mut Criterion) {
    let (program, input) = example("mlp_digits").expect("the example model");
    let compiled = program.compiled();
    let mut group = c.benchmark_group("mlp_digits");
    group.sample_size(10);
    group.bench_function("plan", |b| {
        b.iter(|| Plan::new(compiled.program(), compiled.profile(), Visibility::Public));
    });
    group.bench_function("lint", |b| b.iter(|| lint(compiled.program(), compiled.plan())));
    let srs = Srs::development(program.k()).expect("a small k");
    group.bench_function("setup", |b| b.iter(|| program.setup_with(&srs, &NoProgress)));
    let keys = program.setup(&srs).expect("keys");
    group.bench_function("prove", |b| b.iter(|| keys.proving_key().prove(&input)));
    let proof = keys.proving_key().prove(&input).expect("a proof");
    group.bench_function("verify", |b| b.iter(|| keys.verifying_key().verify(&proof)));
    group.finish();
}

criterion_group!(benches, digits);
criterion_main!(benches);
