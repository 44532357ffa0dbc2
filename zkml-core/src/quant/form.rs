//! Linear forms: sums of constant multiples of stored tensors, not yet computed.

use crate::{
    ir::Origin,
    program::View,
    tensor::{Shape, Tensor},
};

/// One summand of a [`Form`], as [`crate::program::Term`] but real.
#[derive(Clone, Debug)]
pub(super) enum FormTerm {
    /// `[I, K]` view times `[K, J]` constant.
    Contract { view: View, weight: Tensor<f64> },
    /// View of the form's shape times one factor for all elements or one for each.
    Scale { view: View, factor: Vec<f64> },
}

impl FormTerm {
    pub(super) fn view(&self) -> &View {
        match self {
            Self::Contract { view, .. } | Self::Scale { view, .. } => view,
        }
    }

    /// The constants that multiply the view.
    pub(super) fn constants(&self) -> &[f64] {
        match self {
            Self::Contract { weight, .. } => weight.data(),
            Self::Scale { factor, .. } => factor,
        }
    }
}

/// `sum of terms + bias`, in the order in which it will be stored.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) shape: Shape,
    pub(super) terms: Vec<FormTerm>,
    /// One for all elements, one for each, or none.
    pub(super) bias: Vec<f64>,
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
}

impl Pending {
    /// A stored tensor as it is read.
    pub(super) fn of_view(view: View, origin: Origin) -> Self {
        let shape = view.shape.clone();
        let terms = vec![FormTerm::Scale { view, factor: vec![1.0] }];
        let form = Form { shape: shape.clone(), terms, bias: Vec::new() };
        Self { form, shape, order: None, origin }
    }

    /// The product of a view `[I, K]` with a constant `[K, J]`, as a value of shape `shape`.
    pub(super) fn of_product(
        view: View,
        weight: Tensor<f64>,
        shape: Shape,
        origin: Origin,
    ) -> Self {
        let form = Form {
            shape: shape.clone(),
            terms: vec![FormTerm::Contract { view, weight }],
            bias: Vec::new(),
        };
        Self { form, shape, order: None, origin }
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
        Self { shape, order: Some(order), ..self }
    }

    /// Adds a constant, one element for each of the value.
    pub(super) fn add_constant(mut self, constant: &[f64]) -> Self {
        let added = self.to_stored_order(constant);
        self.form.bias = sum(std::mem::take(&mut self.form.bias), added);
        self
    }

    /// Multiplies by a constant, one element for each of the value; gives the form back unchanged
    /// when a product in it cannot absorb the constant (it varies along the rows).
    pub(super) fn multiply(mut self, constant: &[f64]) -> Result<Self, Box<Self>> {
        let factor = self.to_stored_order(constant);
        let absorbs = |term: &FormTerm| match term {
            FormTerm::Scale { .. } => true,
            FormTerm::Contract { weight, .. } => {
                let columns = weight.shape().dims()[1];
                factor.len() == 1
                    || factor.chunks_exact(columns.max(1)).all(|row| row == &factor[..columns])
            }
        };
        if !self.form.terms.iter().all(absorbs) {
            return Err(Box::new(self));
        }
        for term in &mut self.form.terms {
            match term {
                FormTerm::Scale { factor: own, .. } => {
                    *own = product(std::mem::take(own), &factor);
                }
                FormTerm::Contract { weight, .. } => {
                    let columns = weight.shape().dims()[1];
                    let scale = factor[..columns.min(factor.len())].iter().cycle();
                    let data = weight.data().iter().zip(scale).map(|(w, f)| w * f).collect();
                    *weight = Tensor::new(weight.shape().clone(), data)
                        .expect("as many weights as before");
                }
            }
        }
        self.form.bias = product(std::mem::take(&mut self.form.bias), &factor);
        Ok(self)
    }

    /// Minus the value.
    pub(super) fn negated(self) -> Self {
        self.multiply(&[-1.0]).expect("every term absorbs one factor for all elements")
    }

    /// Whether some term is a matrix product.
    pub(super) fn has_product(&self) -> bool {
        self.form.terms.iter().any(|term| matches!(term, FormTerm::Contract { .. }))
    }

    /// Whether the products of both, if any, lie in the same order, so that one step adds them.
    pub(super) fn aligned(&self, other: &Self) -> bool {
        self.order == other.order && self.matrix() == other.matrix()
    }

    /// Adds `other`, a value of the same shape that is aligned or has no product.
    pub(super) fn add(mut self, other: Self) -> Self {
        if !other.has_product() || !self.aligned(&other) {
            // A form without products can be computed in any order: in that of `self`.
            let other = other.in_order_of(&self);
            self.form.terms.extend(other.terms);
            self.form.bias = sum(std::mem::take(&mut self.form.bias), other.bias);
        } else {
            let shape = self.form.shape.clone();
            let terms = other.form.terms.into_iter().map(|term| reshape_term(term, &shape));
            self.form.terms.extend(terms);
            self.form.bias = sum(std::mem::take(&mut self.form.bias), other.form.bias);
        }
        self
    }

    /// The value as `f_k view + b_k`, where `k` is the axis that a product sums over: the last
    /// one of a left operand, the last but one of a right operand. None if it is no such multiple
    /// of one stored tensor, or if the factors differ so much that weights times them would lose
    /// precision.
    pub(super) fn as_prefix(&self, right: bool) -> Option<(View, Prefix)> {
        let [FormTerm::Scale { view, factor }] = self.form.terms.as_slice() else { return None };
        let dims = self.shape.dims();
        let axis = if right { dims.len().saturating_sub(2) } else { dims.len().checked_sub(1)? };
        let by_axis = |constant: &[f64]| {
            let order = self.order.as_deref();
            along_axis(&self.shape, axis, |e| match constant {
                [] => 0.0,
                [one] => *one,
                each => each[order.map_or(e, |order| order[e] as usize)],
            })
        };
        let (factors, offsets) = (by_axis(factor)?, by_axis(&self.form.bias)?);
        let magnitudes = || factors.iter().map(|f| f.abs()).filter(|f| *f > 0.0);
        let least = magnitudes().fold(f64::INFINITY, f64::min);
        if magnitudes().any(|f| f > least * Prefix::MAX_RATIO) {
            return None;
        }
        let view = match &self.order {
            None => View { shape: self.shape.clone(), ..view.clone() },
            Some(order) => gather_view(view, self.shape.clone(), order),
        };
        Some((view, Prefix { factors, offsets }))
    }

    /// `(I, J)` of the products.
    fn matrix(&self) -> Option<(usize, usize)> {
        self.form.terms.iter().find_map(|term| match term {
            FormTerm::Contract { view, weight } => {
                Some((view.shape.dims()[0], weight.shape().dims()[1]))
            }
            FormTerm::Scale { .. } => None,
        })
    }

    /// The form of this value, without products, in the stored order of `target`.
    fn in_order_of(self, target: &Self) -> Form {
        // Stored element f of the target is element value_of[f] of both values.
        let mut value_of: Vec<u32> = (0..self.shape.len() as u32).collect();
        if let Some(order) = &target.order {
            for (e, &f) in order.iter().enumerate() {
                value_of[f as usize] = e as u32;
            }
        }
        let own = self.order.as_deref();
        let map: Vec<u32> =
            value_of.iter().map(|&e| own.map_or(e, |order| order[e as usize])).collect();
        let shape = target.form.shape.clone();
        let terms = self.form.terms.into_iter().map(|term| match term {
            FormTerm::Scale { view, factor } => FormTerm::Scale {
                view: gather_view(&view, shape.clone(), &map),
                factor: gather(&factor, &map),
            },
            contract => contract,
        });
        Form { terms: terms.collect(), bias: gather(&self.form.bias, &map), shape: shape.clone() }
    }

    /// A constant given by elements of the value, by elements of the form; one if all are equal.
    fn to_stored_order(&self, constant: &[f64]) -> Vec<f64> {
        if constant.iter().all(|c| *c == constant[0]) {
            return constant[..constant.len().min(1)].to_vec();
        }
        match &self.order {
            None => constant.to_vec(),
            Some(order) => {
                let mut stored = vec![0.0; constant.len()];
                for (&f, c) in order.iter().zip(constant) {
                    stored[f as usize] = *c;
                }
                stored
            }
        }
    }
}

/// Factors and offsets of an operand, by the axis that the product sums over.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    factors: Vec<f64>,
    offsets: Vec<f64>,
}

impl Prefix {
    /// Largest ratio of two factors.
    const MAX_RATIO: f64 = 16.0;

    /// Moves the factors into the weight, `[K, columns]`; gives the offsets' part of the product,
    /// one for each column.
    pub(super) fn absorb(&self, weight: &mut [f64], columns: usize) -> Vec<f64> {
        let mut bias = vec![0.0; columns];
        let rows = weight.chunks_exact_mut(columns.max(1));
        for (row, (factor, offset)) in rows.zip(self.factors.iter().zip(&self.offsets)) {
            for (w, bias) in row.iter_mut().zip(&mut bias) {
                *bias += offset * *w;
                *w *= factor;
            }
        }
        bias
    }
}

/// The constant as a function of one axis of `shape`, if it is one.
fn along_axis(shape: &Shape, axis: usize, constant: impl Fn(usize) -> f64) -> Option<Vec<f64>> {
    let (len, stride) = (*shape.dims().get(axis)?, *shape.strides().get(axis)?);
    let values: Vec<f64> = (0..len).map(|k| constant(k * stride)).collect();
    (0..shape.len()).all(|e| constant(e) == values[e / stride % len]).then_some(values)
}

/// The view whose element `e` is element `map[e]` of `view`.
pub(super) fn gather_view(view: &View, shape: Shape, map: &[u32]) -> View {
    // Elements of a tensor are fewer than 2^28.
    let index =
        map.iter().map(|&e| view.element(e as usize).map_or(View::HOLE, |at| at as u32)).collect();
    View { tensor: view.tensor, shape, index: Some(index) }
}

fn reshape_term(term: FormTerm, shape: &Shape) -> FormTerm {
    match term {
        FormTerm::Scale { view, factor } => {
            FormTerm::Scale { view: View { shape: shape.clone(), ..view }, factor }
        }
        contract => contract,
    }
}

fn gather(values: &[f64], map: &[u32]) -> Vec<f64> {
    if values.len() <= 1 {
        return values.to_vec();
    }
    map.iter().map(|&e| values[e as usize]).collect()
}

/// Element-wise sum of two constants, each none, one for all or one for each element.
fn sum(a: Vec<f64>, b: Vec<f64>) -> Vec<f64> {
    match (a.len(), b.len()) {
        (0, _) => b,
        (_, 0) => a,
        (1, _) => b.iter().map(|b| a[0] + b).collect(),
        (_, 1) => a.iter().map(|a| a + b[0]).collect(),
        _ => a.iter().zip(&b).map(|(a, b)| a + b).collect(),
    }
}

/// Element-wise product of a constant (none, one or each) and a factor (one or each).
fn product(a: Vec<f64>, factor: &[f64]) -> Vec<f64> {
    match (a.len(), factor.len()) {
        (0, _) => a,
        (1, _) => factor.iter().map(|f| a[0] * f).collect(),
        (_, 1) => a.iter().map(|a| a * factor[0]).collect(),
        _ => a.iter().zip(factor).map(|(a, f)| a * f).collect(),
    }
}
