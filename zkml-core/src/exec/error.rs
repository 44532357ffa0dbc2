//! What can go wrong when a model runs.

use crate::{
    ir::Origin,
    program::{BoundError, ProgramError},
    tensor::Shape,
};

/// Why a run failed.
///
/// Messages name the offending value and its range: they go to the person who runs the model on
/// his own data.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The number of inputs is not the model's.
    #[error("expected {expected} inputs, got {got}")]
    InputCount {
        /// Inputs of the model.
        expected: usize,
        /// Inputs given.
        got: usize,
    },
    /// An input has another shape than the model's.
    #[error("input `{name}`: expected shape {expected}, got {got}")]
    InputShape {
        /// ONNX name of the input.
        name: String,
        /// Its shape in the model.
        expected: Shape,
        /// The shape given.
        got: Shape,
    },
    /// An input element is not a finite number.
    #[error("input `{name}`: element {element} is not a finite number")]
    InputNotFinite {
        /// ONNX name of the input.
        name: String,
        /// Row-major index of the element.
        element: usize,
    },
    /// An input element lies outside the calibrated range.
    #[error(
        "input `{name}`: element {element} is {value}, outside the calibrated range \
         [{min}, {max}]; calibrate on data that covers it"
    )]
    InputRange {
        /// ONNX name of the input.
        name: String,
        /// Row-major index of the element.
        element: usize,
        /// The value, real or integer as it was given.
        value: f64,
        /// Smallest value accepted, in the same unit.
        min: f64,
        /// Largest value accepted.
        max: f64,
    },
    /// A float activation is infinite or not a number.
    #[error("{origin}: element {element} of the result is {value}, not a finite number")]
    NotFinite {
        /// The node.
        origin: Origin,
        /// Row-major index of the element.
        element: usize,
        /// Infinity or NaN.
        value: f32,
    },
    /// An element of an input of whole numbers is none.
    #[error("input `{name}`: element {element} is {value}, expected a whole number")]
    InputNotWhole {
        /// ONNX name of the input.
        name: String,
        /// Row-major index of the element.
        element: usize,
        /// The value.
        value: f32,
    },
    /// An id names no row of the table it selects from.
    #[error("{origin}: id {element} is {value}, expected a whole number from 0 to {most}")]
    IdOutOfRange {
        /// The node.
        origin: Origin,
        /// Row-major index of the id.
        element: usize,
        /// The id.
        value: f32,
        /// Greatest id.
        most: usize,
    },
    /// An integer activation lies outside its calibrated range.
    #[error(
        "{origin}: element {element} is {value}, outside the calibrated range [{min}, {max}]; \
         calibrate on data that covers it, or raise the headroom"
    )]
    OutOfRange {
        /// The node.
        origin: Origin,
        /// Index of the element in stored order.
        element: usize,
        /// The re-quantised value `x`.
        value: i64,
        /// Smallest value of the range.
        min: i64,
        /// Largest value of the range.
        max: i64,
    },
    /// The program violates its invariants.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// An accumulator of the program may overflow.
    #[error(transparent)]
    Bound(#[from] BoundError),
}
