//! What is wrong with a data file.

use crate::tensor::Shape;

/// What is wrong with a data file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The extension says nothing.
    #[error("{file}: expected a name ending in .json, .npy or .npz")]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// More data than is ever accepted.
    #[error("{file}: more than {limit} {unit}")]
    TooLarge {
        /// The file (and member).
        file: String,
        /// The limit.
        limit: u64,
        /// Its unit.
        unit: &'static str,
    },
    /// The file is damaged or not of its format.
    #[error("{file}: not a valid {format} file: {what}")]
    Malformed {
        /// The file (and member).
        file: String,
        /// The format.
        format: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A valid file with a type of elements that is not read.
    #[error("{file}: elements of type `{got}` are not supported; expected {expected}")]
    ElementType {
        /// The file (and member).
        file: String,
        /// Types that are read.
        expected: &'static str,
        /// The type found.
        got: String,
    },
    /// A name that is no input of the model.
    #[error("{file}: `{name}` is not an input of the model; its inputs are {expected}")]
    UnknownInput {
        /// The file.
        file: String,
        /// The name found.
        name: String,
        /// The model's inputs.
        expected: String,
    },
    /// An input of the model that is not in the file.
    #[error("{file}: no value for input `{name}`")]
    MissingInput {
        /// The file.
        file: String,
        /// The input.
        name: String,
    },
    /// One array without a name for a model with several inputs.
    #[error("{file}: one array without a name, but the model has the inputs {expected}")]
    Unnamed {
        /// The file.
        file: String,
        /// The model's inputs.
        expected: String,
    },
    /// An array of another shape than its input.
    #[error("{file}: input `{name}` has shape {expected}{hint}, got {got}")]
    Shape {
        /// The file.
        file: String,
        /// The input.
        name: String,
        /// Shape in the model.
        expected: Shape,
        /// What else would be accepted.
        hint: &'static str,
        /// Shape in the file.
        got: Shape,
    },
    /// Inputs with different numbers of samples.
    #[error("{file}: input `{name}` has {got} samples, others have {expected}")]
    Samples {
        /// The file.
        file: String,
        /// The input.
        name: String,
        /// Samples of the first input.
        expected: usize,
        /// Samples of this one.
        got: usize,
    },
    /// A fraction for an input of whole numbers.
    #[error(
        "{file}: input `{name}` takes whole numbers (its ONNX type is integer or bool), but element {element} is {got}"
    )]
    NotWhole {
        /// The file.
        file: String,
        /// The input.
        name: String,
        /// Row-major index of the element.
        element: usize,
        /// The element.
        got: f32,
    },
    /// A text that is no list of token ids.
    #[error("{file}: tokens: {what}")]
    Tokens {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// Labels that are no class numbers, or not one for each row.
    #[error("{file}: labels: {what}")]
    Labels {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// Something could not be written.
    #[error("cannot write {format}: {what}")]
    Write {
        /// The format.
        format: &'static str,
        /// Why.
        what: String,
    },
}
