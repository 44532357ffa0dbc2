//! Multiples of a stored tensor that the weights of a product absorb, such as a normalised input:
//! `(f x + b) * W = x * (f W) + b * W`.

use super::{FormTerm, Pending, gather_view, spread};
use crate::{program::View, tensor::Shape};

/// Factors of an operand along one axis, and what is added to it.
#[derive(Clone, Debug)]
pub(in crate::quant) struct Prefix {
    /// One for each position on the axis.
    pub(in crate::quant) factors: Vec<f64>,
    /// One for each element of the operand, or none.
    pub(in crate::quant) offsets: Vec<f64>,
}

impl Prefix {
    /// Largest ratio of two factors.
    const MAX_RATIO: f64 = 16.0;

    /// The offsets as a function of one axis, if they are one.
    pub(in crate::quant) fn offsets_along(&self, shape: &Shape, axis: usize) -> Option<Vec<f64>> {
        along_axis(shape, axis, |e| spread::at(&self.offsets, e))
    }
}

impl Pending {
    /// The value as `f_k view + b`, where `k` is the position on `axis`. None if it is no such
    /// multiple of one stored tensor, or if the factors differ so much that weights times them
    /// would lose precision.
    pub(in crate::quant) fn as_prefix(&self, axis: usize) -> Option<(View, Prefix)> {
        let ([FormTerm::Scale { view, factor }], []) =
            (self.form.terms.as_slice(), self.form.floors.as_slice())
        else {
            return None;
        };
        let stored = |e: usize| self.order.as_ref().map_or(e, |order| order[e] as usize);
        let factors = along_axis(&self.shape, axis, |e| spread::at(factor, stored(e)))?;
        let offsets = match self.form.bias.as_slice() {
            [] => Vec::new(),
            bias => (0..self.shape.len()).map(|e| spread::at(bias, stored(e))).collect(),
        };
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
}

/// The constant as a function of one axis of `shape`, if it is one.
fn along_axis(shape: &Shape, axis: usize, constant: impl Fn(usize) -> f64) -> Option<Vec<f64>> {
    let (len, stride) = (*shape.dims().get(axis)?, *shape.strides().get(axis)?);
    let values: Vec<f64> = (0..len).map(|k| constant(k * stride)).collect();
    (0..shape.len()).all(|e| constant(e) == values[e / stride % len]).then_some(values)
}
