//! The bytes of proofs: whatever makes the prover faster must leave them as they are.

use sha3::{Digest, Keccak256};
use zkml_circuits::plonk::{
    ProverObjective,
    testing::{Fixture, SampleParams},
};
use zkml_core::proving::CpuMsm;

/// First bytes of the hash of a seeded proof, whatever the prover saves.
fn digest(params: SampleParams) -> String {
    let mut fixture = Fixture::new(params);
    let proof = fixture.prove_with(&CpuMsm, 5, None);
    fixture.key = fixture.key.with_objective(ProverObjective::Memory);
    assert_eq!(fixture.prove_with(&CpuMsm, 5, None), proof, "{params:?}");
    hex::encode(&Keccak256::digest(proof)[..8])
}

#[test]
fn seeded_proofs_stay_the_same() {
    let default = SampleParams::default();
    let shapes = [
        (default, "56a74447ba9020f4"),
        (SampleParams { phases: 2, ..default }, "0c81add640bf9dbe"),
        (SampleParams { k: 6, table_bits: 4, words: 0, ..default }, "c3b0d181373ebb11"),
        (SampleParams { lanes: 6, k: 8, degree: 6, ..default }, "c8853f1ca86b828c"),
        (SampleParams { lanes: 9, degree: 9, ..default }, "99e4bcfec52f1da9"),
        (SampleParams { far_rotation: -11, ..default }, "da0e446e36de2bff"),
        (SampleParams { k: 11, lanes: 6, ..default }, "43ad19f2645512ae"),
    ];
    for (params, expected) in shapes {
        assert_eq!(digest(params), expected, "{params:?}");
    }
}
