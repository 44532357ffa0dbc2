//! Prove machine-learning inference in zero knowledge and verify the proof anywhere, on Ethereum
//! too.
//!
//! An ONNX model is compiled to an exact integer program ([`core::program`]) and laid out in a
//! halo2 machine ([`circuits`]); keys, proofs and Solidity verifiers follow.
//!
//! ```no_run
//! # fn main() -> Result<(), zkml::Error> {
//! # let samples: Vec<Vec<zkml::Tensor<f32>>> = Vec::new();
//! # let inputs: Vec<zkml::Tensor<f32>> = Vec::new();
//! let model = zkml::Model::from_onnx("model.onnx")?;
//! let program = model.compile(&zkml::CompileOptions::default().calibrate(&samples)?)?;
//! let keys = program.setup(&zkml::Srs::development(program.k())?)?;
//! let proof = keys.proving_key().prove(&inputs)?;
//! keys.verifying_key().verify(&proof)?;
//! let sol = zkml::solidity::export(keys.verifying_key())?;
//! # let _ = sol;
//! # Ok(())
//! # }
//! ```
//!
//! Multi-scalar multiplications run on the CPU. With the feature `cuda` and [`AutoMsm`] as the backend of [`Program::setup_on`] and
//! [`ProvingKey::prove_on`], an NVIDIA GPU does them where there is one.
//!
//! Without the feature `prover` there are [`VerifyingKey`] and [`Proof`] alone, which build for wasm32.
//!
//! Nothing here prints; long calls report to a [`Progress`]. Errors are [`Error`], whose
//! [`Error::class`] says what kind of trouble it is.

mod error;
#[cfg(feature = "prover")]
mod keys;
#[cfg(feature = "prover")]
mod model;
mod proof;
#[cfg(feature = "prover")]
pub mod solidity;
mod verifying;

pub use error::{Error, ErrorClass};
#[cfg(feature = "prover")]
pub use keys::{Keys, ProvingKey};
#[cfg(feature = "prover")]
pub use model::{CompileOptions, Model, Program};
pub use proof::{Proof, ProofError, Timings, Values};
pub use verifying::VerifyingKey;

pub use zkml_circuits::{self as circuits, machine::Profile, statement::Visibility};
#[cfg(feature = "prover")]
pub use zkml_circuits::{
    plan::{Cost, Objective},
    plonk::ProverObjective,
};
#[cfg(feature = "cuda")]
pub use zkml_core::proving::CudaMsm;
#[cfg(feature = "prover")]
pub use zkml_core::proving::{
    AutoMsm, CpuMsm, MsmBackend, MsmChoice, MsmError, MsmOptions, MsmOptionsError, MsmReport, Srs,
};
pub use zkml_core::{
    self as core,
    progress::{NoProgress, Progress},
    tensor::{Shape, Tensor},
};
