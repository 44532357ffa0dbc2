//! Every stored tensor as images: batch, channel, row, column.
//!
//! A channel's positions (batch, row, column) are the `lambda` axis of equations, its channels the
//! `rho` axis. A matrix `[I, J]` is one batch of `J` channels with `I` columns; a vector is `J`
//! channels of one position. The form follows from the step that makes a tensor, or, for an input
//! or a sum, from the first step that reads it.

use zkml_core::{
    ir::Window,
    program::{Program, Step, StoredTensor, Term, View},
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
    index: Option<Vec<u32>>,
}

impl Image {
    fn natural(dims: [usize; 4]) -> Self {
        let [batch, channels, height, width] = dims;
        Self { batch, channels, height, width, index: None }
    }

    /// `channels` of one position.
    fn vector(channels: usize) -> Self {
        Self::natural([1, channels, 1, 1])
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

    fn len(&self) -> usize {
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

/// The form of every tensor.
pub(super) fn choose(program: &Program) -> Vec<Image> {
    let mut images: Vec<Image> = Vec::with_capacity(program.tensors.len());
    for (id, tensor) in program.tensors.iter().enumerate() {
        let image = produced(tensor, &images)
            .or_else(|| demanded(program, id))
            .or_else(|| inherited(tensor, &images))
            .or_else(|| match *tensor.shape.dims() {
                [b, c, h, w] => Some(Image::natural([b, c, h, w])),
                _ => None,
            });
        images.push(image.unwrap_or_else(|| Image::vector(tensor.shape.len())));
    }
    images
}

/// The form that a product gives its result.
fn produced(tensor: &StoredTensor, earlier: &[Image]) -> Option<Image> {
    let Step::Affine(affine) = &tensor.step else { return None };
    affine.terms.iter().find_map(|term| match term {
        Term::Correlate { view, weight, window, .. } => {
            let (batch, outputs) = (view.shape.dims()[0], weight.shape().dims()[0]);
            Some(Image::natural([batch, outputs, window.height.output, window.width.output]))
        }
        Term::Contract { view, weight } => {
            let (rows, outputs) = (view.shape.dims()[0], weight.shape().dims()[1]);
            let (b, h, w) = rows_of(view, &earlier[view.tensor.0]).unwrap_or((1, 1, rows));
            Some(matrix(b, outputs, (h, w), |at| at))
        }
        _ => None,
    })
}

/// Batch, height and width whose positions, in order, are the rows of a matrix view of an image.
fn rows_of(view: &View, image: &Image) -> Option<(usize, usize, usize)> {
    let &[rows, inner] = view.shape.dims() else { return None };
    let positions = (image.batch, image.height, image.width);
    if rows != image.positions() || rows == 1 {
        return None;
    }
    let mut places = image.places();
    (0..rows)
        .all(|i| {
            let place = places.next();
            let first = view.element(i * inner);
            place.is_some_and(|(b, h, w)| {
                (0..image.channels).any(|c| Some(image.element((b, c, h, w)) as usize) == first)
            })
        })
        .then_some(positions)
}

/// `[rows, channels]`, row-major, as images of `rows = batch * height * width`.
fn matrix(
    batch: usize,
    channels: usize,
    (height, width): (usize, usize),
    element: impl Fn(usize) -> usize,
) -> Image {
    let mut index = Vec::with_capacity(batch * channels * height * width);
    for b in 0..batch {
        for c in 0..channels {
            for position in 0..height * width {
                index.push(element((b * height * width + position) * channels + c) as u32);
            }
        }
    }
    Image { batch, channels, height, width, index: Some(index) }
}

/// The form in which the first product that reads all of the tensor reads it, convolutions first.
fn demanded(program: &Program, id: usize) -> Option<Image> {
    let length = program.tensors[id].shape.len();
    let terms = || {
        program.tensors[id + 1..].iter().flat_map(|tensor| match &tensor.step {
            Step::Affine(affine) => affine.terms.as_slice(),
            _ => &[],
        })
    };
    let reads = |view: &View| view.tensor.0 == id && view.is_permutation(length);
    let convolution = terms().find_map(|term| match term {
        Term::Correlate { view, .. } if reads(view) => {
            let &[batch, channels, height, width] = view.shape.dims() else { return None };
            let index = view.index.clone();
            Some(Image { batch, channels, height, width, index })
        }
        _ => None,
    });
    convolution.or_else(|| {
        terms().find_map(|term| match term {
            Term::Contract { view, .. } if reads(view) => {
                let &[rows, inner] = view.shape.dims() else { return None };
                let element = |at| view.element(at).unwrap_or(0);
                (rows > 1).then(|| matrix(1, inner, (1, rows), element))
            }
            _ => None,
        })
    })
}

/// The form of the first operand of as many elements in the same order.
fn inherited(tensor: &StoredTensor, earlier: &[Image]) -> Option<Image> {
    let Step::Affine(affine) = &tensor.step else { return None };
    affine.terms.iter().flat_map(Term::views).find_map(|view| {
        let source = earlier.get(view.tensor.0)?;
        let whole = view.index.is_none() && source.len() == tensor.shape.len();
        whole.then(|| source.clone())
    })
}

/// Every row and column of a plane, row by row.
pub(super) fn grid(
    rows: usize,
    columns: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}
