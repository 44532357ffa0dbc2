//! Kernels of what attention and embeddings are made of: maxima along an axis, shifted exponentials,
//! masks and rows of tables.

use super::ExecError;
use crate::{
    ir::{Op, Origin},
    tensor::{Shape, ShapeError, Tensor},
};

/// ReduceMax, ExpShifted, Mask and Embed on real numbers.
pub(super) fn apply(op: &Op, operands: &[&Tensor<f32>]) -> Result<Tensor<f32>, ShapeError> {
    let x = operands[0];
    match op {
        Op::ReduceMax { axis } => reduce_max(x, *axis),
        Op::ExpShifted { axis } => exp_shifted(x, operands.get(1).copied(), *axis),
        Op::Mask { value } => {
            let keep = kept(Some(operands[1]), x.shape())?;
            let data = x.data().iter().zip(keep).map(|(x, keep)| if keep { *x } else { *value });
            Tensor::new(x.shape().clone(), data.collect())
        }
        Op::Embed => embed(x, operands[1]),
        _ => unreachable!("`float::apply` handles every other operation"),
    }
}

/// Checks that every id is a row of `table`.
pub(super) fn check_ids(
    ids: &Tensor<f32>,
    table: &Tensor<f32>,
    origin: &Origin,
) -> Result<(), ExecError> {
    let count = rows(table);
    match ids.data().iter().position(|id| row(*id, count).is_none()) {
        Some(element) => Err(ExecError::IdOutOfRange {
            origin: origin.clone(),
            element,
            value: ids.data()[element],
            most: count.saturating_sub(1),
        }),
        None => Ok(()),
    }
}

fn reduce_max(x: &Tensor<f32>, axis: usize) -> Result<Tensor<f32>, ShapeError> {
    let lines = Lines::new(x.shape(), axis)?;
    let mut dims = x.shape().dims().to_vec();
    dims[axis] = 1;
    let data = lines
        .starts()
        .map(|start| lines.along(start).map(|at| x.data()[at]).fold(f32::NEG_INFINITY, f32::max));
    Tensor::new(Shape::new(dims)?, data.collect())
}

fn exp_shifted(
    x: &Tensor<f32>,
    keep: Option<&Tensor<f32>>,
    axis: usize,
) -> Result<Tensor<f32>, ShapeError> {
    let lines = Lines::new(x.shape(), axis)?;
    let keep = kept(keep, x.shape())?;
    let mut data = vec![0f32; x.data().len()];
    for start in lines.starts() {
        let live = || lines.along(start).filter(|at| keep[*at]);
        let max = live().map(|at| x.data()[at]).fold(f32::NEG_INFINITY, f32::max);
        for at in live() {
            data[at] = libm::exp(f64::from(x.data()[at]) - f64::from(max)) as f32;
        }
    }
    Tensor::new(x.shape().clone(), data)
}

/// Which elements of a tensor of `shape` are kept: all without `keep`.
fn kept(keep: Option<&Tensor<f32>>, shape: &Shape) -> Result<Vec<bool>, ShapeError> {
    let Some(keep) = keep else { return Ok(vec![true; shape.len()]) };
    let map = keep.shape().broadcast_map(shape)?;
    Ok(map.into_iter().map(|at| keep.data()[at as usize] != 0.0).collect())
}

/// Rows of `table`; an id that names none gives a row that is not a number.
fn embed(ids: &Tensor<f32>, table: &Tensor<f32>) -> Result<Tensor<f32>, ShapeError> {
    let (count, width) = (rows(table), table.shape().dims().last().copied().unwrap_or(0));
    let shape = Shape::new([ids.shape().dims(), &[width]].concat())?;
    let mut data = Vec::with_capacity(shape.len());
    for id in ids.data() {
        match row(*id, count) {
            Some(row) => data.extend_from_slice(&table.data()[row * width..][..width]),
            None => data.extend(std::iter::repeat_n(f32::NAN, width)),
        }
    }
    Tensor::new(shape, data)
}

fn rows(table: &Tensor<f32>) -> usize {
    table.shape().dims().first().copied().unwrap_or(0)
}

fn row(id: f32, count: usize) -> Option<usize> {
    // A whole number of at most 2^28, exactly representable or found too large.
    let at = (id >= 0.0 && id.fract() == 0.0).then_some(id as usize)?;
    (at < count).then_some(at)
}

/// The lines of a tensor along one axis.
struct Lines {
    outer: usize,
    size: usize,
    inner: usize,
}

impl Lines {
    fn new(shape: &Shape, axis: usize) -> Result<Self, ShapeError> {
        let dims = shape.dims();
        let Some(size) = dims.get(axis) else {
            return Err(ShapeError::Permutation { perm: vec![axis], rank: dims.len() });
        };
        let product = |dims: &[usize]| dims.iter().product();
        Ok(Self { outer: product(&dims[..axis]), size: *size, inner: product(&dims[axis + 1..]) })
    }

    /// The first element of each line, in the order of the tensor without the axis.
    fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        let Self { size, inner, .. } = *self;
        (0..self.outer).flat_map(move |o| (0..inner).map(move |i| o * size * inner + i))
    }

    fn along(&self, start: usize) -> impl Iterator<Item = usize> + use<> {
        let inner = self.inner;
        (0..self.size).map(move |i| start + i * inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[usize], data: &[f32]) -> Tensor<f32> {
        Tensor::new(Shape::new(dims.to_vec()).expect("small"), data.to_vec()).expect("its length")
    }

    #[test]
    fn maxima_along_each_axis() {
        let x = tensor(&[2, 3], &[1., 5., -2., 4., 0., -1.]);
        let max = |axis| apply(&Op::ReduceMax { axis }, &[&x]).expect("an axis");
        assert_eq!(max(0), tensor(&[1, 3], &[4., 5., -1.]));
        assert_eq!(max(1), tensor(&[2, 1], &[5., 4.]));
        assert!(apply(&Op::ReduceMax { axis: 2 }, &[&x]).is_err());
    }

    #[test]
    fn exponentials_are_shifted_by_the_maximum_of_what_is_kept() {
        let x = tensor(&[2, 2], &[0., 2., 1., 1.]);
        let e = |v: f64| libm::exp(v) as f32;
        let y = apply(&Op::ExpShifted { axis: 1 }, &[&x]).expect("an axis");
        assert_eq!(y, tensor(&[2, 2], &[e(-2.), 1., 1., 1.]));
        let y = apply(&Op::ExpShifted { axis: 0 }, &[&x]).expect("an axis");
        assert_eq!(y, tensor(&[2, 2], &[e(-1.), 1., 1., e(-1.)]));
        let keep = tensor(&[2], &[1., 0.]);
        let y = apply(&Op::ExpShifted { axis: 1 }, &[&x, &keep]).expect("broadcasts");
        assert_eq!(y, tensor(&[2, 2], &[1., 0., 1., 0.]));
        let none = tensor(&[2, 1], &[0., 1.]);
        let y = apply(&Op::ExpShifted { axis: 1 }, &[&x, &none]).expect("broadcasts");
        assert_eq!(y, tensor(&[2, 2], &[0., 0., 1., 1.]));
    }

    #[test]
    fn masks_replace() {
        let x = tensor(&[2, 2], &[1., 2., 3., 4.]);
        let keep = tensor(&[2, 1], &[0., 1.]);
        let y = apply(&Op::Mask { value: -10. }, &[&x, &keep]).expect("broadcasts");
        assert_eq!(y, tensor(&[2, 2], &[-10., -10., 3., 4.]));
        assert!(apply(&Op::Mask { value: 0. }, &[&x, &tensor(&[3], &[0.; 3])]).is_err());
    }

    #[test]
    fn rows_of_tables() {
        let table = tensor(&[3, 2], &[0., 1., 2., 3., 4., 5.]);
        let y = apply(&Op::Embed, &[&tensor(&[1, 2], &[2., 0.]), &table]).expect("a table");
        assert_eq!(y, tensor(&[1, 2, 2], &[4., 5., 0., 1.]));
        let origin = Origin { node: "e".into(), op: "Gather".into(), opset: 13 };
        for id in [-1., 3., 0.5, f32::NAN] {
            let ids = tensor(&[2], &[1., id]);
            let error = check_ids(&ids, &table, &origin).expect_err("no row");
            assert!(matches!(error, ExecError::IdOutOfRange { element: 1, most: 2, .. }));
            let y = apply(&Op::Embed, &[&ids, &table]).expect("a table");
            assert!(y.data()[..2] == [2., 3.] && y.data()[2].is_nan());
        }
    }
}
