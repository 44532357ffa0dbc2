//! Dense row-major tensors and index algebra.

mod shape;

#[cfg(feature = "prover")]
pub(crate) use shape::inverse_permutation;
pub use shape::{Shape, ShapeError};

/// A dense tensor, elements in row-major order.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Unchecked<T>", bound(deserialize = "T: serde::Deserialize<'de>"))]
pub struct Tensor<T> {
    shape: Shape,
    data: Vec<T>,
}

/// A tensor as read from a file, its length not yet checked.
#[derive(serde::Deserialize)]
struct Unchecked<T> {
    shape: Shape,
    data: Vec<T>,
}

impl<T> TryFrom<Unchecked<T>> for Tensor<T> {
    type Error = ShapeError;

    fn try_from(raw: Unchecked<T>) -> Result<Self, ShapeError> {
        Self::new(raw.shape, raw.data)
    }
}

impl<T> Tensor<T> {
    /// A tensor of `shape` holding `data` in row-major order.
    ///
    /// # Errors
    /// [`ShapeError::Length`] when the number of elements is not that of the shape.
    pub fn new(shape: Shape, data: Vec<T>) -> Result<Self, ShapeError> {
        if shape.len() != data.len() {
            let expected = shape.len();
            return Err(ShapeError::Length { shape, expected, got: data.len() });
        }
        Ok(Self { shape, data })
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// The elements, taken out.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// A scalar.
    pub fn scalar(value: T) -> Self {
        Self { shape: Shape::scalar(), data: vec![value] }
    }

    /// The same elements in row-major order under another shape.
    ///
    /// # Errors
    /// [`ShapeError::Length`] when the number of elements differs.
    pub fn reshaped(self, shape: Shape) -> Result<Self, ShapeError> {
        Self::new(shape, self.data)
    }

    /// The same shape with every element mapped.
    pub fn map<U>(&self, f: impl FnMut(&T) -> U) -> Tensor<U> {
        Tensor { shape: self.shape.clone(), data: self.data.iter().map(f).collect() }
    }
}
