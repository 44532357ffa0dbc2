//! The bytes of proofs: whatever makes the prover faster must leave them as they are.

use sha3::{Digest, Keccak256};
use zkml_circuits::plonk::{
    ProverObjective,
    testing::{Fixture, SampleParams},
    verify,
};
use zkml_core::proving::CpuMsm;
#[cfg(feature = "cuda-emulator")]
use zkml_core::proving::{AutoMsm, EmulatedMsm, MsmError};
#[cfg(feature = "cuda")]
use zkml_core::proving::{CudaMsm, MsmBackend, MsmOptions};

/// First bytes of the hash of a seeded proof, whatever the prover saves.
fn digest(params: SampleParams) -> String {
    let mut fixture = Fixture::new(params);
    let proof = fixture.prove_with(&CpuMsm, 5, None);
    verify(fixture.key.verifying_key(), &fixture.words, &proof).expect("an honest proof");
    fixture.key = fixture.key.with_objective(ProverObjective::Memory);
    for (parts, keeps) in [(1, false), (1, true), (2, false), (4, false), (4, true)] {
        fixture.key = fixture.key.with_parts(parts).keeping_computed(keeps);
        let given = fixture.prove_with(&CpuMsm, 5, None);
        let computed = fixture.prove_witness(&CpuMsm, 5, &mut fixture.witness().computing());
        assert!(given == proof, "{params:?}, {parts} parts: another proof");
        assert!(computed == proof, "{params:?}, {parts} parts: another proof, kept: {keeps}");
    }
    hex::encode(&Keccak256::digest(proof)[..8])
}

/// Circuits, and the digests of their proofs.
fn shapes() -> [(SampleParams, &'static str); 8] {
    let default = SampleParams::default();
    [
        (default, "f748356aba943c49"),
        (SampleParams { phases: 2, ..default }, "c4c87701ccd15e5b"),
        (SampleParams { k: 6, table_bits: 4, words: 0, ..default }, "eb2ff55cb14d3fa6"),
        (SampleParams { lanes: 6, k: 8, degree: 6, ..default }, "a890a2eda05a2d7a"),
        (SampleParams { lanes: 9, degree: 9, ..default }, "1f5bd5a82664b3fb"),
        (SampleParams { far_rotation: -11, ..default }, "341db3d6aa012d10"),
        // A fixed column of field elements.
        (SampleParams { weight: 1 << 40, ..default }, "1708a2b04e241846"),
        (SampleParams { k: 11, lanes: 6, ..default }, "7f5776a85e4564ba"),
    ]
}

#[test]
fn seeded_proofs_stay_the_same() {
    for (params, expected) in shapes() {
        assert_eq!(digest(params), expected, "{params:?}");
    }
}

/// Whether key and proof made with `backend` are those of the CPU.
#[cfg(feature = "cuda")]
fn check_backend(backend: &dyn MsmBackend, params: SampleParams) {
    let expected = Fixture::with_backend(params, &CpuMsm);
    let fixture = Fixture::with_backend(params, backend);
    let digests = [&fixture, &expected].map(|fixture| fixture.key.verifying_key().digest());
    assert_eq!(digests[0], digests[1], "{params:?}");
    assert!(fixture.proof == expected.proof, "{params:?}");
}

/// The kernels of GPUs, for all columns and for none but the long ones.
#[cfg(feature = "cuda-emulator")]
#[test]
fn proofs_do_not_depend_on_the_backend() {
    // The largest would take as long as all others.
    for (params, _) in shapes().into_iter().filter(|(params, _)| params.k < 11) {
        check_backend(&EmulatedMsm::new(), params);
    }
    let (params, _) = shapes()[0];
    let mut options = MsmOptions::default();
    options.min_log2 = params.k;
    let open = |_: &MsmOptions| -> Result<Box<dyn MsmBackend + Send + Sync>, MsmError> {
        Ok(Box::new(EmulatedMsm::new()))
    };
    let auto = AutoMsm::with_device(options, open, |line| panic!("{line}")).expect("a device");
    check_backend(&auto, params);
    assert_eq!(auto.report().backend, "cuda (emulated)");
    assert!(auto.report().device_columns > 10);
}

/// A GPU. Skipped without one, which is an error with `ZKML_REQUIRE_GPU=1`.
#[cfg(feature = "cuda")]
#[test]
fn proofs_by_a_gpu_are_those_of_the_cpu() {
    use std::io::Write;

    let options = MsmOptions::from_env().expect("valid variables");
    match CudaMsm::new(&options) {
        Ok(gpu) => shapes().iter().for_each(|(params, _)| check_backend(&gpu, *params)),
        Err(error) => {
            let required = std::env::var_os("ZKML_REQUIRE_GPU").is_some_and(|value| value == "1");
            assert!(!required, "{error}");
            // Past the capture of test output.
            let line = "SKIPPED proofs_by_a_gpu_are_those_of_the_cpu";
            let _ = writeln!(std::io::stderr(), "{line}: {error}");
        }
    }
}
