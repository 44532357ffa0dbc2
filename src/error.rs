//! One error for all that can go wrong, and what kind of trouble it is.

use crate::proof::ProofError;
#[cfg(feature = "prover")]
use verifier_contracts::ContractError;
#[cfg(feature = "prover")]
use zkml_circuits::{
    model::{CompileError, ModelProveError},
    plonk::{KeyError, ProveError},
};
use zkml_circuits::{
    model::{ModelKeyError, RejectedProof},
    plonk::KeyFormatError,
};
#[cfg(feature = "prover")]
use zkml_core::{
    exec::ExecError,
    io::DataError,
    onnx::{ExternalError, ImportError, TensorError},
    proving::{DeviceFault, MsmError, MsmOptionsError, SrsError},
    quant::QuantError,
};

/// Anything that can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ONNX file.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Quantisation.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Quant(#[from] QuantError),
    /// Running the model.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// Input data.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Data(#[from] DataError),
    /// Laying the program out in the machine.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Keys.
    #[error(transparent)]
    Key(#[from] ModelKeyError),
    /// Proving.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Prove(#[from] ModelProveError),
    /// The proof was checked and does not hold.
    #[error("proof rejected: {0}")]
    Rejected(#[from] RejectedProof),
    /// The proof file is none, or belongs to another key.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The structured reference string.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// The backend of multi-scalar multiplications.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Msm(#[from] MsmError),
    /// The options of that backend.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    MsmOptions(#[from] MsmOptionsError),
    /// The Solidity verifier.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// No samples were given to calibrate on.
    #[cfg(feature = "prover")]
    #[error("no samples to calibrate on")]
    NoSamples,
    /// Neither settings nor samples say the ranges of the model's tensors.
    #[cfg(feature = "prover")]
    #[error("the model is not calibrated: give settings, or samples to calibrate on")]
    NotCalibrated,
}

/// What kind of trouble an [`Error`] is; the CLI's exit codes follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Checked, and negative: a proof that does not hold, a target not met.
    Negative,
    /// Options that do not fit together.
    Configuration,
    /// An unsupported or invalid model, input, key or proof file.
    Invalid,
    /// Input/output or resources.
    Resource,
}

impl Error {
    /// What kind of trouble it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Rejected(_) => ErrorClass::Negative,
            Self::Proof(error) if error.is_rejection() => ErrorClass::Negative,
            Self::Key(ModelKeyError::SrsTooSmall { .. }) => ErrorClass::Configuration,
            Self::Key(ModelKeyError::Io(_) | ModelKeyError::Plonk(KeyFormatError::Io(_))) => {
                ErrorClass::Resource
            }
            #[cfg(feature = "prover")]
            error => error.class_of_prover(),
            #[cfg(not(feature = "prover"))]
            Self::Proof(_) | Self::Key(_) => ErrorClass::Invalid,
        }
    }

    /// What a device of multi-scalar multiplications failed at, wherever in setup or proving.
    #[cfg(feature = "prover")]
    pub fn device_fault(&self) -> Option<&DeviceFault> {
        match self {
            Self::Msm(MsmError::Device { fault, .. })
            | Self::Key(ModelKeyError::Generate(KeyError::Msm(MsmError::Device {
                fault, ..
            })))
            | Self::Prove(ModelProveError::Prove(ProveError::Msm(MsmError::Device {
                fault,
                ..
            }))) => Some(fault),
            _ => None,
        }
    }

    /// Of errors that verifiers do not meet.
    #[cfg(feature = "prover")]
    fn class_of_prover(&self) -> ErrorClass {
        match self.device_fault() {
            Some(DeviceFault::NotBuilt) => return ErrorClass::Configuration,
            Some(_) => return ErrorClass::Resource,
            None => {}
        }
        match self {
            Self::MsmOptions(_) => ErrorClass::Configuration,
            Self::Quant(QuantError::TargetMissed { .. }) => ErrorClass::Negative,
            Self::NoSamples | Self::NotCalibrated => ErrorClass::Configuration,
            Self::Srs(SrsError::TooSmall { .. }) => ErrorClass::Configuration,
            Self::Import(
                ImportError::Io { .. }
                | ImportError::NotAFile { .. }
                | ImportError::Tensor {
                    source:
                        TensorError::External(ExternalError::Io { .. } | ExternalError::NotAFile { .. }),
                    ..
                },
            )
            | Self::Srs(SrsError::Io { .. } | SrsError::Randomness { .. })
            | Self::Data(DataError::Read { .. }) => ErrorClass::Resource,
            // A proof that no honest encoder can put into a call.
            Self::Contract(ContractError::Calldata { .. }) => ErrorClass::Negative,
            Self::Contract(ContractError::MissingArtifact { .. }) => ErrorClass::Configuration,
            _ => ErrorClass::Invalid,
        }
    }
}
