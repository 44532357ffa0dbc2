//! Every stored tensor as images: batch, channel, row, column.
//!
//! A channel's positions (batch, row, column) are the `lambda` axis of equations, its channels the
//! `rho` axis. A matrix `[I, J]` is one batch of `J` channels with `I` columns; a vector is `J`
//! channels of one position. Which form a tensor has: see [`super::forms`].

use zkml_core::{
    ir::Window,
    program::{Term, View},
    tensor::Tensor,
};

/// A tensor of `batch * channels * height * width` elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Stored element at `(b, c, h, w)` in row-major order; the identity if absent.
    pub(super) index: Option<Vec<u32>>,
}

impl Image {
    pub(super) fn natural(dims: [usize; 4]) -> Self {
        let [batch, channels, height, width] = dims;
        Self { batch, channels, height, width, index: None }
    }

    /// An image of the same axes whose elements are of no interest.
    pub(super) fn shape(&self) -> Self {
        Self::natural([self.batch, self.channels, self.height, self.width])
    }

    /// `channels` of one position.
    pub(super) fn vector(channels: usize) -> Self {
        Self::natural([1, channels, 1, 1])
    }

    /// `[rows, channels]`, row-major, as images of `rows = batch * height * width`.
    pub(super) fn matrix(
        (batch, height, width): (usize, usize, usize),
        channels: usize,
        element: impl Fn(usize) -> usize,
    ) -> Self {
        let plane = height * width;
        let mut index = Vec::with_capacity(batch * channels * plane);
        for b in 0..batch {
            for c in 0..channels {
                index.extend((0..plane).map(|at| element((b * plane + at) * channels + c) as u32));
            }
        }
        Self { batch, channels, height, width, index: Some(index) }
    }

    /// Every position of a channel: image, row, column.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let (batch, height, width) = (self.batch, self.height, self.width);
        (0..batch).flat_map(move |b| grid(height, width).map(move |(h, w)| (b, h, w)))
    }

    /// Number of positions of a channel.
    pub(super) fn positions(&self) -> usize {
        self.batch * self.height * self.width
    }

    pub(super) fn len(&self) -> usize {
        self.positions() * self.channels
    }

    /// The stored element at a place.
    pub(super) fn element(&self, (b, c, h, w): (usize, usize, usize, usize)) -> u32 {
        let at = ((b * self.channels + c) * self.height + h) * self.width + w;
        // Elements of a tensor are fewer than 2^28.
        self.index.as_ref().map_or(at as u32, |index| index[at])
    }
}

/// A product with constant weights: a convolution, or a matrix product as one of a single tap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product<'a> {
    pub(super) view: &'a View,
    weight: &'a Tensor<i32>,
    pub(super) window: Window,
    pub(super) groups: usize,
    /// Batch and channels of the operand, channels of the result.
    pub(super) batch: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    matrix: bool,
}

impl<'a> Product<'a> {
    /// The product of a term; of a matrix product, with the positions of `out`.
    pub(super) fn of(term: &'a Term, out: &Image) -> Option<Self> {
        match term {
            Term::Contract { view, weight } => {
                let &[inputs, outputs] = weight.shape().dims() else { return None };
                let window = Window::identity(out.height, out.width);
                let batch = out.batch;
                Some(Self { view, weight, window, groups: 1, batch, inputs, outputs, matrix: true })
            }
            Term::Correlate { view, weight, window, groups } => {
                let (&[batch, inputs, ..], &[outputs, ..]) =
                    (view.shape.dims(), weight.shape().dims())
                else {
                    return None;
                };
                let (window, groups) = (*window, *groups);
                Some(Self { view, weight, window, groups, batch, inputs, outputs, matrix: false })
            }
            _ => None,
        }
    }

    /// The stored element of the operand at a place.
    pub(super) fn element(&self, (b, c, h, w): (usize, usize, usize, usize)) -> Option<u32> {
        let (height, width) = (self.window.height.input, self.window.width.input);
        let at = if self.matrix {
            ((b * height + h) * width + w) * self.inputs + c
        } else {
            ((b * self.inputs + c) * height + h) * width + w
        };
        self.view.element(at).map(|e| e as u32)
    }

    /// Whether output `o` reads operand channel `c`.
    pub(super) fn reads(&self, o: usize, c: usize) -> bool {
        o / (self.outputs / self.groups) == c / (self.inputs / self.groups)
    }

    /// The weight from channel `c` to output `o` of its group at tap `(i, j)`.
    pub(super) fn weight(&self, o: usize, c: usize, (i, j): (usize, usize)) -> i64 {
        let inner = self.inputs / self.groups;
        let at = if self.matrix {
            c * self.outputs + o
        } else {
            ((o * inner + c % inner) * self.window.height.kernel + i) * self.window.width.kernel + j
        };
        i64::from(self.weight.data()[at])
    }

    /// Each output reads one channel alone.
    pub(super) fn is_depthwise(&self) -> bool {
        !self.matrix && self.groups == self.inputs
    }
}

/// Every row and column of a plane, row by row.
pub(super) fn grid(
    rows: usize,
    columns: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}
