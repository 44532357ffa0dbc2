//! Which form each tensor has: see [`super::image`].
//!
//! The form follows from the step that makes a tensor: a product says what its positions and
//! channels are, a sum has the positions of what it adds up. An input, or a sum of what has no
//! positions in common, takes the form in which a step reads it.

use super::image::Image;
use std::{collections::BTreeSet, rc::Rc};
use zkml_core::program::{Program, Step, StoredTensor, Term, View};

/// The form of every tensor.
pub(super) fn choose(program: &Program) -> Vec<Image> {
    let mut forms = Forms::new(program);
    for (id, tensor) in program.tensors.iter().enumerate() {
        let image = forms
            .produced(tensor)
            .or_else(|| forms.read_by_convolution(id))
            .or_else(|| forms.inherited_or_matrix(id))
            .or_else(|| forms.read_by_pairs(id))
            .or_else(|| match *tensor.shape.dims() {
                [b, c, h, w] => Some(Image::natural([b, c, h, w])),
                [.., c] if matches!(tensor.step, Step::Affine(_)) && tensor.shape.len() > c => {
                    Some(Image::matrix((1, 1, tensor.shape.len() / c), c, |at| at))
                }
                _ => None,
            });
        forms.images.push(image.unwrap_or_else(|| Image::vector(tensor.shape.len())));
        forms.positions.push(None);
    }
    forms.images
}

struct Forms<'a> {
    program: &'a Program,
    /// By tensor, the terms that read it.
    readers: Vec<Vec<&'a Term>>,
    images: Vec<Image>,
    /// By tensor, the position of each element, once it is asked for.
    positions: Vec<Option<Rc<Vec<u32>>>>,
}

impl<'a> Forms<'a> {
    fn new(program: &'a Program) -> Self {
        let mut readers = vec![Vec::new(); program.tensors.len()];
        for tensor in &program.tensors {
            let Step::Affine(affine) = &tensor.step else { continue };
            for term in &affine.terms {
                for view in term.views() {
                    readers[view.tensor.0].push(term);
                }
            }
        }
        Self { program, readers, images: Vec::new(), positions: Vec::new() }
    }

    /// The form that a product gives its result.
    fn produced(&self, tensor: &StoredTensor) -> Option<Image> {
        let Step::Affine(affine) = &tensor.step else { return None };
        affine.terms.iter().find_map(|term| match term {
            Term::Correlate { view, weight, window, .. } => {
                let (batch, outputs) = (view.shape.dims()[0], weight.shape().dims()[0]);
                Some(Image::natural([batch, outputs, window.height.output, window.width.output]))
            }
            Term::Contract { view, weight } => {
                let (rows, outputs) = (view.shape.dims()[0], weight.shape().dims()[1]);
                let places = self.places(view, rows).unwrap_or((1, 1, rows));
                Some(Image::matrix(places, outputs, |at| at))
            }
            Term::Product { left, right, .. } => {
                let &[batch, rows, columns] =
                    &[left.shape.dims()[0], left.shape.dims()[1], right.shape.dims()[2]];
                let places = self.places(left, batch * rows);
                // Of one row a batch, batches are the positions.
                let places = match rows {
                    1 => self.places(right, batch).or(places).unwrap_or((1, 1, batch)),
                    _ => places.unwrap_or((batch, 1, rows)),
                };
                Some(Image::matrix(places, columns, |at| at))
            }
            _ => None,
        })
    }

    /// Batch, height and width whose positions, in order, are the rows of a view.
    fn places(&self, view: &View, rows: usize) -> Option<(usize, usize, usize)> {
        rows_of(view, rows, &self.images[view.tensor.0])
    }

    /// The form in which the first convolution that reads all of the tensor reads it.
    fn read_by_convolution(&self, id: usize) -> Option<Image> {
        self.readers[id].iter().find_map(|term| match term {
            Term::Correlate { view, .. } if self.is_whole(view) => {
                let &[batch, channels, height, width] = view.shape.dims() else { return None };
                let index = view.index.clone();
                Some(Image { batch, channels, height, width, index })
            }
            _ => None,
        })
    }

    /// The form of what a sum adds up, unless a matrix product reads other positions.
    fn inherited_or_matrix(&mut self, id: usize) -> Option<Image> {
        let inherited = self.inherited(id);
        let matrix = self.readers[id].iter().find_map(|term| match term {
            Term::Contract { view, .. } if view.shape.dims()[0] > 1 && self.is_whole(view) => {
                Some(view)
            }
            _ => None,
        });
        let Some(view) = matrix else { return inherited };
        let &[rows, inner] = view.shape.dims() else { return inherited };
        inherited.filter(|image| rows_of(view, rows, image).is_some()).or_else(|| {
            let element = |at| view.element(at).unwrap_or(0);
            Some(Image::matrix((1, 1, rows), inner, element))
        })
    }

    fn is_whole(&self, view: &View) -> bool {
        view.is_permutation(self.program.tensors[view.tensor.0].shape.len())
    }

    /// The form with the positions of what a sum adds up: those terms that read no element twice
    /// and together are all of it.
    fn inherited(&mut self, id: usize) -> Option<Image> {
        /// No position.
        const NONE: u32 = u32::MAX;
        let program = self.program;
        let tensor = &program.tensors[id];
        let Step::Affine(affine) = &tensor.step else { return None };
        let length = tensor.shape.len();
        let views = || {
            affine.terms.iter().filter_map(|term| match term {
                Term::Scale { view, .. } => Some(view),
                _ => None,
            })
        };
        let same =
            |view: &&View| view.index.is_none() && self.images[view.tensor.0].len() == length;
        if let Some(view) = views().find(same) {
            return Some(self.images[view.tensor.0].clone());
        }
        let mut found: Option<(usize, usize, usize)> = None;
        let mut at = vec![NONE; length];
        let mut left = length;
        for view in views() {
            let image = &self.images[view.tensor.0];
            let places = (image.batch, image.height, image.width);
            if found.is_some_and(|found| found != places) || !reads_once(view, image.len()) {
                continue;
            }
            let positions = self.positions_of(view.tensor.0);
            for (e, at) in at.iter_mut().enumerate().filter(|(_, at)| **at == NONE) {
                if let Some(source) = view.element(e) {
                    *at = positions[source];
                    left -= 1;
                    found = Some(places);
                }
            }
            if left == 0 {
                return found.and_then(|places| by_positions(&at, places));
            }
        }
        None
    }

    fn positions_of(&mut self, tensor: usize) -> Rc<Vec<u32>> {
        let image = &self.images[tensor];
        let of = || {
            let mut positions = vec![0; image.len()];
            for (number, (b, h, w)) in (0..).zip(image.places()) {
                for c in 0..image.channels {
                    positions[image.element((b, c, h, w)) as usize] = number;
                }
            }
            Rc::new(positions)
        };
        Rc::clone(self.positions[tensor].get_or_insert_with(of))
    }

    /// The form in which the first product with another tensor that reads all of it reads it: runs
    /// over the rows of a left operand, the columns of a right one.
    fn read_by_pairs(&self, id: usize) -> Option<Image> {
        self.readers[id].iter().find_map(|term| {
            let Term::Product { left, right, .. } = term else { return None };
            let reads = |view: &View| view.tensor.0 == id && self.is_whole(view);
            if let (true, &[batch, rows, inner]) = (reads(left), left.shape.dims())
                && rows > 1
            {
                let element = |at| left.element(at).unwrap_or(0);
                return Some(Image::matrix((batch, 1, rows), inner, element));
            }
            let (true, &[batch, inner, columns]) = (reads(right), right.shape.dims()) else {
                return None;
            };
            let index = right.index.clone();
            (columns > 1).then_some(Image {
                batch,
                channels: inner,
                height: 1,
                width: columns,
                index,
            })
        })
    }
}

/// Whether a view reads no element twice.
fn reads_once(view: &View, stored: usize) -> bool {
    let Some(index) = &view.index else { return view.shape.len() == stored };
    let mut seen = vec![false; stored];
    let fresh = |at: &u32| !std::mem::replace(&mut seen[*at as usize], true);
    index.iter().filter(|at| **at != View::HOLE).all(fresh)
}

/// An image whose elements are at these of the positions, numbered in order, each at as many.
fn by_positions(at: &[u32], (batch, height, width): (usize, usize, usize)) -> Option<Image> {
    let count = batch * height * width;
    let mut elements: Vec<Vec<u32>> = vec![Vec::new(); count];
    for (element, position) in (0u32..).zip(at) {
        elements[*position as usize].push(element);
    }
    let channels = at.len().div_ceil(elements.iter().filter(|e| !e.is_empty()).count().max(1));
    if elements.iter().any(|e| !e.is_empty() && e.len() != channels) {
        return None;
    }
    let taken: Vec<usize> = (0..count).filter(|at| !elements[*at].is_empty()).collect();
    let places = if taken.len() == count {
        (batch, height, width)
    } else if height > 1 {
        return None;
    } else {
        let (rows, columns): (BTreeSet<_>, BTreeSet<_>) =
            taken.iter().map(|at| (at / width, at % width)).unzip();
        if rows.len() * columns.len() == taken.len() {
            (rows.len(), 1, columns.len())
        } else {
            (1, 1, taken.len())
        }
    };
    Some(Image::matrix(places, channels, |i| elements[taken[i / channels]][i % channels] as usize))
}

/// Batch, height and width whose positions, in order, are the rows of a view of an image.
fn rows_of(view: &View, rows: usize, image: &Image) -> Option<(usize, usize, usize)> {
    if rows != image.positions() || rows <= 1 {
        return None;
    }
    let inner = view.shape.len() / rows;
    let mut places = image.places().enumerate();
    places
        .all(|(i, (b, h, w))| {
            let first = view.element(i * inner);
            (0..image.channels).any(|c| Some(image.element((b, c, h, w)) as usize) == first)
        })
        .then_some((image.batch, image.height, image.width))
}
