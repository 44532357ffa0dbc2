//! Arithmetic on constants for the passes, in double precision, rounded once.

use crate::tensor::{Shape, ShapeError, Tensor};

/// Element-wise with broadcasting.
pub(super) fn combine(
    a: &Tensor<f32>,
    b: &Tensor<f32>,
    f: impl Fn(f64, f64) -> f64,
) -> Result<Tensor<f32>, ShapeError> {
    let shape = a.shape().broadcast(b.shape())?;
    let (from_a, from_b) = (a.shape().broadcast_map(&shape)?, b.shape().broadcast_map(&shape)?);
    let data = from_a
        .iter()
        .zip(&from_b)
        .map(|(&i, &j)| f(a.data()[i as usize].into(), b.data()[j as usize].into()) as f32)
        .collect();
    Tensor::new(shape, data)
}

/// Does a constant vary along one axis of `shape` only, and not broadcast it?
pub(super) fn varies_along(constant: &Tensor<f32>, shape: &Shape, axis: usize) -> bool {
    let Some(offset) = shape.rank().checked_sub(constant.shape().rank()) else { return false };
    let mut dims = constant.shape().dims().iter().enumerate();
    dims.all(|(i, dim)| *dim == 1 || i + offset == axis && shape.dims().get(axis) == Some(dim))
}

/// `tensor` with its elements in a column `[len, 1]`.
pub(super) fn column(tensor: &Tensor<f32>) -> Result<Tensor<f32>, ShapeError> {
    Tensor::new(Shape::new(vec![tensor.shape().len(), 1])?, tensor.data().to_vec())
}

/// The row vector `row` (`[K]` elements) times the matrix `[K, N]`, as `[N]`.
pub(super) fn row_times(
    row: &Tensor<f32>,
    matrix: &Tensor<f32>,
) -> Result<Tensor<f32>, ShapeError> {
    let columns = matrix.shape().dims().last().copied().unwrap_or(1);
    let mut sums = vec![0f64; columns];
    if columns > 0 {
        for (factor, weights) in row.data().iter().zip(matrix.data().chunks_exact(columns)) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += f64::from(*factor) * f64::from(*weight);
            }
        }
    }
    Tensor::new(Shape::new(vec![columns])?, sums.into_iter().map(|sum| sum as f32).collect())
}

/// All finite?
pub(super) fn is_finite(tensor: &Tensor<f32>) -> bool {
    tensor.data().iter().all(|value| value.is_finite())
}
