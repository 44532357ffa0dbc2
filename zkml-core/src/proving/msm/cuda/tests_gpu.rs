//! What needs NVIDIA's compiler, and what needs a GPU. Without them a test says on stderr that it was skipped; with `ZKML_REQUIRE_GPU=1` it
//! fails.

use std::io::Write;

use ff::Field;
use halo2curves::bn256::{Fr, G1Affine};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::{CudaMsm, DeviceFault, MsmBackend, MsmError, MsmOptions, Scalars, kernels, nvrtc};
use crate::proving::CpuMsm;

/// Past the capture of test output: a skipped test must be seen.
fn skip(test: &str, why: &str) {
    assert!(
        std::env::var_os("ZKML_REQUIRE_GPU").is_none_or(|value| value != "1"),
        "{test} may not be skipped with ZKML_REQUIRE_GPU=1: {why}"
    );
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

fn gpu(test: &str) -> Option<CudaMsm> {
    match CudaMsm::new(&MsmOptions::from_env().expect("valid variables")) {
        Ok(gpu) => Some(gpu),
        Err(MsmError::Device { fault: DeviceFault::Unavailable(why), .. }) => {
            skip(test, &why);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn nvrtc_compiles_the_kernels() {
    if !nvrtc::is_present() {
        return skip("nvrtc_compiles_the_kernels", "NVRTC (libnvrtc) is not there");
    }
    assert!(nvrtc::version().is_some_and(|version| version >= (12, 0)));
    for architecture in ["sm_75", "sm_90"] {
        let cubin = nvrtc::compile(kernels::SOURCE, architecture).unwrap();
        assert!(cubin.starts_with(b"\x7fELF"));
        for name in kernels::NAMES {
            let name = name.to_bytes();
            assert!(cubin.windows(name.len()).any(|bytes| bytes == name), "{name:?}");
        }
    }
    let error = nvrtc::compile("this is no source", "sm_90").unwrap_err().to_string();
    assert!(error.contains("NVRTC_ERROR_COMPILATION"), "{error}");
    let error = nvrtc::compile(kernels::SOURCE, "sm_1").unwrap_err().to_string();
    assert!(error.contains("sm_1"), "{error}");
}

#[test]
fn without_a_driver_there_is_an_error_and_no_panic() {
    match CudaMsm::new(&MsmOptions { device: 1 << 10, ..MsmOptions::default() }) {
        Err(MsmError::Device { backend, fault: DeviceFault::Unavailable(_) }) => {
            assert_eq!(backend, "cuda");
        }
        other => panic!("{other:?}"),
    }
}

/// All kinds and lengths on the GPU.
#[test]
fn the_gpu_agrees_with_the_cpu() {
    let Some(gpu) = gpu("the_gpu_agrees_with_the_cpu") else { return };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let largest = 1 << 16;
    let points: Vec<G1Affine> = (0..64).map(|_| G1Affine::random(&mut rng)).collect();
    let mut bases: Vec<G1Affine> = points.iter().copied().cycle().take(largest).collect();
    for (row, base) in bases.iter_mut().enumerate() {
        match row % 67 {
            0 => *base = -*base,
            1 => *base = G1Affine::default(),
            _ => *base = points[rng.next_u32() as usize % 64],
        }
    }
    for count in [1, 31, 33, 400, 5000, largest] {
        let random = |bits: u32| -> Vec<i64> {
            let mut rng = ChaCha20Rng::seed_from_u64(bits.into());
            (0..count).map(|_| rng.next_u64() as i64 >> (63 - bits)).collect()
        };
        let small = [0, 7, 15, 31, 61].map(random);
        let constant = vec![-12345; count];
        let full: Vec<Fr> = (0..count).map(|_| Fr::random(&mut rng)).collect();
        let same = vec![full[0]; count];
        let mut columns: Vec<Scalars<'_>> =
            small.iter().map(|values| Scalars::Small { values, tail: &[] }).collect();
        columns.push(Scalars::Small { values: &constant, tail: &[] });
        columns.push(Scalars::Small { values: &constant[..count / 2], tail: &full[..count / 2] });
        columns.extend([Scalars::Full(&full), Scalars::Full(&same)]);
        assert_eq!(gpu.msm(&bases, &columns), CpuMsm.msm(&bases, &columns), "{count} rows");
    }
    let times = gpu.profile(&bases, &[Scalars::Small { values: &[1; 500], tail: &[] }]).unwrap();
    assert!(times.iter().any(|time| time.kernel == "zkml_accumulate" && time.launches == 1));
}

#[test]
fn threads_take_turns() {
    let Some(gpu) = gpu("threads_take_turns") else { return };
    let bases: Vec<G1Affine> =
        (1..3001u64).map(|i| (G1Affine::generator() * Fr::from(i)).into()).collect();
    std::thread::scope(|scope| {
        for thread in 1..5 {
            let (gpu, bases) = (&gpu, &bases);
            scope.spawn(move || {
                let values: Vec<i64> = (0..3000).map(|row| row * thread % 251 - 125).collect();
                let columns = [Scalars::Small { values: &values, tail: &[] }];
                for _ in 0..20 {
                    assert_eq!(gpu.msm(bases, &columns), CpuMsm.msm(bases, &columns));
                }
            });
        }
    });
}
