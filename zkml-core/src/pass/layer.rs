//! Layers with constant weights, seen alike: a matrix product `[K, N]` with channels on the last
//! axis, or a correlation `[O, C / groups, Kh, Kw]` with channels on axis 1 of 4.

use super::constant::{column, combine, row_times, varies_along};
use crate::{
    ir::{Op, ValueId, Window},
    tensor::{Shape, ShapeError, Tensor},
};

/// A product or correlation of `x` with constant weights.
pub(super) struct Layer<'g> {
    pub(super) x: ValueId,
    pub(super) weights: &'g Tensor<f32>,
    pub(super) op: &'g Op,
}

impl Layer<'_> {
    /// `c`, flattened, if it varies along the channels of a value of shape `shape` only and does not
    /// broadcast it.
    pub(super) fn per_channel(&self, c: &Tensor<f32>, shape: &Shape) -> Option<Tensor<f32>> {
        let axis = match self.op {
            Op::Correlate { .. } => 1,
            _ => shape.rank().checked_sub(1)?,
        };
        if !varies_along(c, shape, axis) {
            return None;
        }
        Tensor::new(Shape::new(vec![c.shape().len()]).ok()?, c.data().to_vec()).ok()
    }

    /// The weights with each output channel times its element of `c`.
    pub(super) fn scale_outputs(&self, c: &Tensor<f32>) -> Result<Tensor<f32>, ShapeError> {
        let c = match self.op {
            Op::Correlate { .. } => {
                c.clone().reshaped(Shape::new(vec![c.shape().len(), 1, 1, 1])?)?
            }
            _ => c.clone(),
        };
        combine(self.weights, &c, |w, c| w * c)
    }

    /// The weights with each input channel times its element of `c`.
    pub(super) fn scale_inputs(&self, c: &Tensor<f32>) -> Result<Tensor<f32>, ShapeError> {
        match (self.op, self.weights.shape().dims()) {
            (Op::Correlate { groups, .. }, &[outputs, inner, ..]) => {
                let at = |i: usize| c.data()[channel((outputs, inner, *groups), i, c)];
                let factors = (0..outputs * inner).map(at).collect();
                let factors = Tensor::new(Shape::new(vec![outputs, inner, 1, 1])?, factors)?;
                combine(self.weights, &factors, |w, c| w * c)
            }
            _ => combine(self.weights, &column(c)?, |w, c| w * c),
        }
    }

    /// `c` in the shape of a bias of the layer.
    pub(super) fn bias(&self, c: Tensor<f32>) -> Result<Tensor<f32>, ShapeError> {
        match self.op {
            Op::Correlate { .. } => {
                let shape = Shape::new(vec![1, c.shape().len(), 1, 1])?;
                c.reshaped(shape)
            }
            _ => Ok(c),
        }
    }

    /// The bias that adding `b` to each input channel comes to, if all outputs have the same.
    pub(super) fn offset(&self, b: &Tensor<f32>) -> Option<Tensor<f32>> {
        let (Op::Correlate { window, groups }, &[outputs, inner, ..]) =
            (self.op, self.weights.shape().dims())
        else {
            let rows = self.weights.shape().dims().first().copied()?;
            let zeros = Tensor::new(Shape::new(vec![rows]).ok()?, vec![0.0; rows]).ok()?;
            return row_times(&combine(b, &zeros, |b, _| b).ok()?, self.weights).ok();
        };
        let Window { height, width } = window;
        if !(height.complete() && width.complete()) {
            return None;
        }
        let mut sums = vec![0f64; outputs];
        for (i, taps) in self.weights.data().chunks(window.taps().max(1)).enumerate() {
            let b = b.data()[channel((outputs, inner, *groups), i, b)];
            sums[i / inner] += f64::from(b) * taps.iter().map(|w| f64::from(*w)).sum::<f64>();
        }
        let shape = Shape::new(vec![outputs]).ok()?;
        let sums = Tensor::new(shape, sums.into_iter().map(|sum| sum as f32).collect()).ok()?;
        self.bias(sums).ok()
    }
}

/// Where in `c`, of one element or one for each channel, the input channel of pair `i` of output and
/// input channel is.
fn channel((outputs, inner, groups): (usize, usize, usize), i: usize, c: &Tensor<f32>) -> usize {
    if c.shape().len() == 1 {
        return 0;
    }
    let group = i / inner / (outputs / groups).max(1);
    group * inner + i % inner
}
