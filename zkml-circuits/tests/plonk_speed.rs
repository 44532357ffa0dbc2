//! A circuit of the size of a small model's, with its times printed.

mod processor;

use processor::cpu_seconds;
use std::time::Instant;

use zkml_circuits::plonk::{
    testing::{Fixture, SampleParams},
    verify,
};
use zkml_core::proving::CpuMsm;

#[test]
fn a_circuit_of_k_12_proves_and_verifies() {
    let params = SampleParams::large();
    let setup = Instant::now();
    let fixture = Fixture::new(params);
    let protocol = fixture.key.verifying_key().protocol();
    assert!(protocol.advice_phase.len() >= 25 && protocol.num_fixed >= 35);
    eprintln!("setup and first proof: {:?}", setup.elapsed());
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let proof = fixture.prove_with(&CpuMsm, 3, None);
    eprintln!(
        "prove: {:?}, {:.2} CPU seconds, {} advice and {} fixed columns, {} bytes",
        start.elapsed(),
        cpu_seconds() - cpu,
        protocol.advice_phase.len(),
        protocol.num_fixed,
        proof.len()
    );
    // Backends differ in speed alone.
    assert_eq!(proof, fixture.prove(3, None));
    let start = Instant::now();
    assert_eq!(verify(fixture.key.verifying_key(), &fixture.words, &proof), Ok(()));
    eprintln!("verify: {:?}", start.elapsed());
}
