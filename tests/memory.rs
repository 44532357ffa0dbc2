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

/// Proofs after which keys, tables and threads are there.
const WARM: usize = 10;
/// What the allocator's arenas, one a thread, still gather afterwards: KiB.
const ARENAS: usize = 2048;

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

/// Resident memory after these many proofs, each in turn.
fn after(proofs: &[usize]) -> Vec<usize> {
    let (keys, input) = small_model();
    let vk = keys.verifying_key().to_bytes();
    let mut found = Vec::new();
    for i in 1..=proofs[proofs.len() - 1] {
        serve(&keys, &vk, &input);
        if proofs.contains(&i) {
            found.push(resident());
            eprintln!("{i} proofs: {} KiB", resident());
        }
    }
    found
}

/// One polynomial left behind by each proof (128 KiB) would be 9 MB.
#[test]
fn memory_stays_where_it_is_after_ten_proofs() {
    let [warm, last] = after(&[WARM, 80])[..] else { unreachable!("two readings") };
    let bound = warm + warm / 10 + ARENAS;
    assert!(last <= bound, "{warm} KiB after {WARM} proofs, {last} after 80");

    // The gauge moves. More than 32 MiB at once never come from what the allocator holds already.
    let held = vec![1u8; 40 << 20];
    assert!(resident() > last + (32 << 10), "{} KiB with 40 MiB more", resident());
    assert!(held.iter().all(|byte| *byte == 1));
}

/// The arenas fill within some hundred proofs, by a seventh or so; then nothing is added, which is
/// what tells them from a leak. `cargo test --release --test memory -- --ignored --nocapture`.
#[test]
#[ignore = "minutes"]
fn a_thousand_proofs_in_a_row() {
    let found = after(&[WARM, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    let [warm, half, last] = [found[0], found[5], found[10]];
    assert!(last <= warm + warm / 5, "{warm} KiB after {WARM} proofs, {last} after 1,000");
    assert!(last <= half + half / 50, "{half} KiB after 500 proofs, {last} after 1,000");
}
