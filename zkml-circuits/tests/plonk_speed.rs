//! A circuit of the size of a small model's, with its times printed.

use std::time::Instant;

use zkml_circuits::plonk::{
    testing::{Fixture, SampleParams},
    verify,
};

#[test]
fn a_circuit_of_k_12_proves_and_verifies() {
    let params = SampleParams::large();
    let setup = Instant::now();
    let fixture = Fixture::new(params);
    let protocol = fixture.key.verifying_key().protocol();
    assert!(protocol.advice_phase.len() >= 25 && protocol.num_fixed >= 35);
    eprintln!("setup and first proof: {:?}", setup.elapsed());
    let start = Instant::now();
    let proof = fixture.prove(3, None);
    eprintln!(
        "prove: {:?}, {} advice and {} fixed columns, {} bytes",
        start.elapsed(),
        protocol.advice_phase.len(),
        protocol.num_fixed,
        proof.len()
    );
    let start = Instant::now();
    assert_eq!(verify(fixture.key.verifying_key(), &fixture.words, &proof), Ok(()));
    eprintln!("verify: {:?}", start.elapsed());
}
