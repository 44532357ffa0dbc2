//! Proofs one after the other in one process: memory does not grow with them. Linux only, as the
//! resident memory is read from /proc; elsewhere this file has no test. Nothing else may run in the
//! process, so it has one test, and a long one to be asked for.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use zkml::{
    CompileOptions, Keys, Model, Proof, Srs, Tensor, VerifyingKey,
    core::io::{Arrays, InputSpec, inputs, samples},
};

/// Proofs after which allocator and threads have what they keep.
const WARM: usize = 10;

/// Resident memory, KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn small_model() -> (Keys, Vec<Tensor<f32>>) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models/mlp_wine");
    let model = Model::from_onnx(directory.join("model.onnx")).unwrap();
    let specs = InputSpec::of_graph(model.graph());
    let read = |name: &str| Arrays::read(&directory.join(name)).unwrap();
    let calib = samples(read("calib.npy"), &specs, "calib.npy").unwrap();
    let program = model.compile(&CompileOptions::default().calibrate(&calib).unwrap()).unwrap();
    let keys = program.setup(&Srs::development(program.k()).unwrap()).unwrap();
    (keys, inputs(read("input.json"), &specs, "input.json").unwrap())
}

/// What a service does for each request: prove, write the file, read the key and the file, verify.
fn serve(keys: &Keys, vk: &[u8], input: &[Tensor<f32>]) {
    let file = keys.proving_key().prove(input).unwrap().to_json();
    let proof = Proof::from_json(file.as_bytes()).unwrap();
    VerifyingKey::from_bytes(vk).unwrap().verify(&proof).unwrap();
}

fn does_not_grow(proofs: usize) {
    let (keys, input) = small_model();
    let vk = keys.verifying_key().to_bytes();
    let mut warm = 0;
    for i in 1..=proofs {
        serve(&keys, &vk, &input);
        if i == WARM {
            warm = resident();
        }
        if i.is_power_of_two() || i % 100 == 0 || i == proofs {
            eprintln!("{i} proofs: {} KiB", resident());
        }
    }
    let last = resident();
    let bound = warm + warm / 10;
    assert!(last <= bound, "{warm} KiB after {WARM} proofs, {last} after {proofs}");

    // The gauge shows what a leak of one tenth would be.
    let leak = vec![1u8; (bound - last + warm / 10) * 1024];
    assert!(resident() > bound, "{} KiB with {} more", resident(), leak.len() / 1024);
    assert!(leak.iter().all(|byte| *byte == 1));
}

#[test]
fn memory_stays_where_it_is_after_ten_proofs() {
    does_not_grow(50);
}

/// `cargo test --release --test memory -- --ignored --nocapture`.
#[test]
#[ignore = "minutes"]
fn a_thousand_proofs_in_a_row() {
    does_not_grow(1000);
}
