//! The channels of a form with products: what constants its weights absorb, and which forms lie
//! in the same order.

use super::{Form, FormTerm};

/// How the elements of a product lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quant) enum Grid {
    /// `[I, J]`: a column is a channel.
    Matrix(usize, usize),
    /// `[B, O, H', W']`.
    Planes([usize; 4]),
    /// `[B, I, J]`, a product of two activations: all of it is one channel.
    Batches([usize; 3]),
}

impl Grid {
    /// Number of channels: the columns of a matrix, the output channels of a convolution.
    pub(in crate::quant) fn channels(self) -> usize {
        match self {
            Self::Matrix(_, columns) => columns,
            Self::Planes([_, outputs, ..]) => outputs,
            Self::Batches(_) => 1,
        }
    }

    /// Channel of element `e`.
    pub(in crate::quant) fn channel(self, e: usize) -> usize {
        match self {
            Self::Matrix(_, columns) => e % columns,
            Self::Planes([_, outputs, rows, columns]) => e / (rows * columns) % outputs,
            Self::Batches(_) => 0,
        }
    }

    /// The constant by channel, if it depends on nothing else.
    pub(super) fn by_channel(self, constant: &[f64]) -> Option<Vec<f64>> {
        if let [one] = constant {
            return Some(vec![*one; self.channels()]);
        }
        let mut values: Vec<Option<f64>> = vec![None; self.channels()];
        let agrees = |(e, c): (usize, &f64)| {
            let value = values[self.channel(e)].get_or_insert(*c);
            *value == *c
        };
        let agree = constant.iter().enumerate().all(agrees);
        agree.then(|| values.into_iter().map(|value| value.unwrap_or(1.0)).collect())
    }
}

impl FormTerm {
    /// How the elements of a product lie; none for a multiple.
    pub(in crate::quant) fn grid(&self) -> Option<Grid> {
        match self {
            Self::Contract { view, weight } => {
                Some(Grid::Matrix(view.shape.dims()[0], weight.shape().dims()[1]))
            }
            Self::Correlate { view, weight, window, .. } => {
                let (batch, outputs) = (view.shape.dims()[0], weight.shape().dims()[0]);
                Some(Grid::Planes([batch, outputs, window.height.output, window.width.output]))
            }
            Self::Product { left, right, .. } => {
                let (left, right) = (left.shape.dims(), right.shape.dims());
                Some(Grid::Batches([left[0], left[1], right[2]]))
            }
            Self::Scale { .. } => None,
        }
    }

    /// Channel of constant number `i` of a product.
    pub(in crate::quant) fn channel_of_weight(&self, i: usize) -> usize {
        match self {
            Self::Contract { weight, .. } => i % weight.shape().dims()[1],
            Self::Correlate { weight, .. } => i / (weight.data().len() / weight.shape().dims()[0]),
            Self::Scale { .. } | Self::Product { .. } => 0,
        }
    }
}

impl Form {
    /// How the elements of its products lie, the same for all of them.
    pub(super) fn grid(&self) -> Option<Grid> {
        self.terms.iter().find_map(FormTerm::grid)
    }
}
