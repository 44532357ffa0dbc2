//! Why a graph cannot be quantised.

use super::Target;
use crate::{
    exec::ExecError,
    ir::Origin,
    program::{BoundError, ProgramError, TableError},
};

/// Why a graph cannot be quantised.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantError {
    /// An operation the integer program cannot express.
    #[error("{origin}: {what}")]
    Unsupported {
        /// The node.
        origin: Origin,
        /// What is not supported, and what would be.
        what: String,
    },
    /// An output that is the same for every input.
    #[error("output `{name}` does not depend on any input: nothing to prove")]
    ConstantOutput {
        /// ONNX name of the output.
        name: String,
    },
    /// The settings do not know a tensor of the model.
    #[error("settings: no range for tensor `{name}`; calibrate again with this model")]
    MissingRange {
        /// ONNX name of the tensor.
        name: String,
    },
    /// A setting is out of its range.
    #[error("settings: {key} is {got}, expected {expected}")]
    Setting {
        /// The setting.
        key: String,
        /// What is accepted.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A weight, bias or folded constant is infinite or not a number.
    #[error("{origin}: a constant is not a finite number")]
    ConstantNotFinite {
        /// The node.
        origin: Origin,
    },
    /// No samples to calibrate on.
    #[error("calibration needs at least one sample")]
    NoSamples,
    /// The model has no inputs or no outputs.
    #[error("the model has no {what}")]
    Empty {
        /// "inputs" or "outputs".
        what: &'static str,
    },
    /// A function does not fit its table.
    #[error("{origin}: {source}")]
    Table {
        /// The node.
        origin: Origin,
        /// What does not fit.
        source: TableError,
    },
    /// An accumulator may overflow.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// A sample does not run.
    #[error("sample {sample}: {source}")]
    Sample {
        /// Index of the sample.
        sample: usize,
        /// Why.
        source: ExecError,
    },
    /// No setting up to the widest meets the target.
    #[error("no precision up to 16 bits reaches {target}: the best is {best}")]
    TargetMissed {
        /// What was asked for.
        target: Target,
        /// What the best settings reach, in the target's measure.
        best: f64,
    },
    /// The compiler produced a malformed program: a bug.
    #[error("bug in the quantiser: {0}")]
    Program(#[from] ProgramError),
}
