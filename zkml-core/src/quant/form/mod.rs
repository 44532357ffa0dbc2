//! Linear forms: sums of constant multiples of stored tensors, not yet computed.

mod algebra;
mod grid;
mod matrix;
mod prefix;
mod spread;

pub(super) use grid::Grid;
pub(super) use prefix::Prefix;
pub(super) use spread::at;

use crate::{
    ir::{Origin, Window},
    program::{TensorId, View},
    tensor::{Shape, Tensor},
};

/// One summand of a [`Form`], as [`crate::program::Term`] but real.
#[derive(Clone, Debug)]
pub(super) enum FormTerm {
    /// `[I, K]` view times `[K, J]` constant.
    Contract { view: View, weight: Tensor<f64> },
    /// View of the form's shape times one factor for all elements or one for each.
    Scale { view: View, factor: Vec<f64> },
    /// `[B, C, H, W]` view correlated with a `[O, C / groups, Kh, Kw]` constant.
    Correlate { view: View, weight: Tensor<f64>, window: Window, groups: usize },
    /// `[B, I, K]` view times `[B, K, J]` view times a constant.
    Product { left: View, right: View, factor: f64 },
}

impl FormTerm {
    /// The tensors it reads: one, or left and right.
    pub(super) fn views(&self) -> impl Iterator<Item = &View> {
        let (first, second) = match self {
            Self::Contract { view, .. }
            | Self::Scale { view, .. }
            | Self::Correlate { view, .. } => (view, None),
            Self::Product { left, right, .. } => (left, Some(right)),
        };
        std::iter::once(first).chain(second)
    }

    /// The constants that multiply what it reads.
    pub(super) fn constants(&self) -> &[f64] {
        match self {
            Self::Contract { weight, .. } | Self::Correlate { weight, .. } => weight.data(),
            Self::Scale { factor, .. } => factor,
            Self::Product { factor, .. } => std::slice::from_ref(factor),
        }
    }
}

/// The least integer that a tensor can hold, known once its encoding is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Least {
    pub(super) tensor: TensorId,
    /// Whether it is read through holes, which are 0.
    pub(super) holes: bool,
}

impl Least {
    /// Of what a view reads.
    pub(super) fn of(view: &View) -> Self {
        Self { tensor: view.tensor, holes: view.has_holes() }
    }
}

/// A number of units that is known once the encodings are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// The least value of a tensor: what a max pool reads outside its input.
    Least(Least),
    /// The least value of a masked tensor that is not the one of what is masked.
    Live(TensorId),
    /// What the step itself adds to its `x`, see [`crate::quant::function`].
    Lift,
}

/// A bias that is a multiple of a [`Unit`].
#[derive(Clone, Debug)]
pub(super) struct Floor {
    pub(super) unit: Unit,
    /// One for all elements, or one for each.
    pub(super) factor: Vec<f64>,
}

/// `sum of terms + bias + floors`, in the order in which it will be stored.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) shape: Shape,
    pub(super) terms: Vec<FormTerm>,
    /// One for all elements, one for each, or none.
    pub(super) bias: Vec<f64>,
    pub(super) floors: Vec<Floor>,
}

impl Form {
    /// The form of these terms.
    pub(super) fn new(shape: Shape, terms: Vec<FormTerm>) -> Self {
        Self { shape, terms, bias: Vec::new(), floors: Vec::new() }
    }

    /// Every constant in it.
    pub(super) fn constants(&self) -> impl Iterator<Item = f64> + '_ {
        let terms = self.terms.iter().flat_map(|term| term.constants());
        let floors = self.floors.iter().flat_map(|floor| &floor.factor);
        terms.chain(&self.bias).chain(floors).copied()
    }

    /// The form whose element `e` is element `map[e]` of this one, and `missing` at a hole; products
    /// are left as they are.
    fn gathered(self, shape: Shape, map: &[u32], missing: f64) -> Self {
        let term = |term| match term {
            FormTerm::Scale { view, factor } => FormTerm::Scale {
                view: gather_view(&view, shape.clone(), map),
                factor: if factor.len() == 1 { factor } else { spread::gather(&factor, map, 0.0) },
            },
            product => product,
        };
        let terms = self.terms.into_iter().map(term).collect();
        let floor =
            |floor: Floor| Floor { factor: spread::gather(&floor.factor, map, 0.0), ..floor };
        let floors = self.floors.into_iter().map(floor).collect();
        Self { terms, bias: spread::gather(&self.bias, map, missing), floors, shape: shape.clone() }
    }
}

/// A value of the graph as a linear form under a view.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) form: Form,
    /// Shape of the value.
    pub(super) shape: Shape,
    /// Element `e` of the value is element `order[e]` of the form, a permutation; `None` is the
    /// identity.
    pub(super) order: Option<Vec<u32>>,
    /// The node that computed it last.
    pub(super) origin: Origin,
    /// Whether the value is a maximum of elements of a tensor, and of which: at its scale the
    /// form is exact.
    pub(super) maximum: Option<Least>,
}

impl Pending {
    /// A form in the order in which it is stored.
    pub(super) fn new(form: Form, origin: Origin) -> Self {
        Self { shape: form.shape.clone(), form, order: None, origin, maximum: None }
    }

    /// A stored tensor as it is read.
    pub(super) fn of_view(view: View, origin: Origin) -> Self {
        let shape = view.shape.clone();
        Self::new(Form::new(shape, vec![FormTerm::Scale { view, factor: vec![1.0] }]), origin)
    }

    /// The same elements under another shape of as many.
    pub(super) fn reshaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The value whose element `e` is element `map[e]` of this one, `map` a permutation.
    pub(super) fn permuted(self, shape: Shape, map: &[u32]) -> Self {
        let order = match self.order {
            None => map.to_vec(),
            Some(order) => map.iter().map(|&e| order[e as usize]).collect(),
        };
        let order = Some(order).filter(|order| !is_identity(order));
        Self { shape, order, ..self }
    }

    /// The value whose element `e` is element `map[e]` of this one, which has no product, and
    /// `missing` at a hole.
    pub(super) fn gathered(self, shape: Shape, map: &[u32], missing: f64) -> Self {
        let through = |e: &u32| match &self.order {
            Some(order) if *e != View::HOLE => order[*e as usize],
            _ => *e,
        };
        let map: Vec<u32> = map.iter().map(through).collect();
        let form = self.form.gathered(shape.clone(), &map, missing);
        Self { form, shape, order: None, origin: self.origin, maximum: None }
    }

    /// The stored tensor that the value is, if it is nothing else.
    pub(super) fn as_view(&self) -> Option<&View> {
        let Form { terms, bias, floors, .. } = &self.form;
        match (terms.as_slice(), bias.as_slice(), floors.as_slice(), &self.order) {
            ([FormTerm::Scale { view, factor }], [], [], None) if factor == &[1.0] => Some(view),
            _ => None,
        }
    }

    /// The same, the factor 0 where a term reads nothing: what it was there has no say in scales.
    pub(super) fn without_holes(mut self) -> Self {
        for term in &mut self.form.terms {
            if let FormTerm::Scale { view: View { index: Some(index), .. }, factor } = term
                && index.contains(&View::HOLE)
            {
                let of = |(e, at): (usize, &u32)| match *at {
                    View::HOLE => 0.0,
                    _ => spread::at(factor, e),
                };
                *factor = index.iter().enumerate().map(of).collect();
            }
        }
        self
    }

    /// Whether some term is a product with a matrix or a kernel.
    pub(super) fn has_product(&self) -> bool {
        self.form.grid().is_some()
    }
}

/// The view whose element `e` is element `map[e]` of `view`, and 0 at a hole.
pub(super) fn gather_view(view: &View, shape: Shape, map: &[u32]) -> View {
    let at = |&e: &u32| match e {
        View::HOLE => View::HOLE,
        // Elements of a tensor are fewer than 2^28.
        e => view.element(e as usize).map_or(View::HOLE, |at| at as u32),
    };
    View { tensor: view.tensor, shape, index: Some(map.iter().map(at).collect()) }
}

/// Whether a map is that of the identity.
pub(super) fn is_identity(map: &[u32]) -> bool {
    map.iter().enumerate().all(|(e, at)| e == *at as usize)
}
