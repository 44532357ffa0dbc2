//! One error for all that can go wrong, and what kind of trouble it is.

use crate::proof::ProofError;
use verifier_contracts::ContractError;
use zkml_circuits::{
    model::{CompileError, ModelKeyError, ModelProveError, RejectedProof},
    plonk::KeyFormatError,
};
use zkml_core::{
    exec::ExecError,
    io::DataError,
    onnx::{ExternalError, ImportError, TensorError},
    proving::SrsError,
    quant::QuantError,
};

/// Anything that can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ONNX file.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Quantisation.
    #[error(transparent)]
    Quant(#[from] QuantError),
    /// Running the model.
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// Input data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Laying the program out in the machine.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Keys.
    #[error(transparent)]
    Key(#[from] ModelKeyError),
    /// Proving.
    #[error(transparent)]
    Prove(#[from] ModelProveError),
    /// The proof was checked and does not hold.
    #[error("proof rejected: {0}")]
    Rejected(#[from] RejectedProof),
    /// The proof file is none, or belongs to another key.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The structured reference string.
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// The Solidity verifier.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// No samples were given to calibrate on.
    #[error("no samples to calibrate on")]
    NoSamples,
    /// Neither settings nor samples say the ranges of the model's tensors.
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
            Self::Quant(QuantError::TargetMissed { .. }) => ErrorClass::Negative,
            Self::NoSamples | Self::NotCalibrated => ErrorClass::Configuration,
            Self::Key(ModelKeyError::SrsTooSmall { .. }) => ErrorClass::Configuration,
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
            | Self::Key(ModelKeyError::Io(_) | ModelKeyError::Plonk(KeyFormatError::Io(_)))
            | Self::Srs(SrsError::Io { .. } | SrsError::Randomness { .. })
            | Self::Data(DataError::Read { .. }) => ErrorClass::Resource,
            // A proof that no honest encoder can put into a call.
            Self::Contract(ContractError::Calldata { .. }) => ErrorClass::Negative,
            Self::Contract(ContractError::MissingArtifact { .. }) => ErrorClass::Configuration,
            _ => ErrorClass::Invalid,
        }
    }
}
