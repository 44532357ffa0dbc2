//! Sums of forms, and their multiples.

use super::{
    Floor, FormTerm, Pending, Unit,
    spread::{product, sum},
};
use crate::{
    program::View,
    tensor::{Shape, Tensor},
};

impl Pending {
    /// Adds a constant, one element for each of the value.
    pub(in crate::quant) fn add_constant(mut self, constant: &[f64]) -> Self {
        let added = self.to_stored_order(constant);
        self.form.bias = sum(std::mem::take(&mut self.form.bias), added);
        Self { maximum: None, ..self }
    }

    /// Adds multiples of a unit: one for all elements, or one for each of the value.
    pub(in crate::quant) fn add_floor(mut self, unit: Unit, factor: &[f64]) -> Self {
        if factor.iter().any(|f| *f != 0.0) {
            let factor = self.to_stored_order(factor);
            self.form.floors.push(Floor { unit, factor });
        }
        Self { maximum: None, ..self }
    }

    /// Multiplies by a constant, one element for each of the value; gives the form back unchanged
    /// when a product in it cannot absorb the constant, which must depend on its channel only:
    /// the column of a matrix, the output channel of a convolution.
    pub(in crate::quant) fn multiply(mut self, constant: &[f64]) -> Result<Self, Box<Self>> {
        let factor = self.to_stored_order(constant);
        let channels = match self.form.grid().map(|grid| grid.by_channel(&factor)) {
            Some(None) => return Err(Box::new(self)),
            Some(Some(channels)) => channels,
            None => Vec::new(),
        };
        for term in &mut self.form.terms {
            match term {
                FormTerm::Scale { factor: own, .. } => {
                    *own = product(std::mem::take(own), &factor);
                }
                FormTerm::Product { factor, .. } => *factor = snapped(*factor * channels[0]),
                FormTerm::Contract { .. } | FormTerm::Correlate { .. } => {
                    term.multiply_channels(&channels);
                }
            }
        }
        self.form.bias = product(std::mem::take(&mut self.form.bias), &factor);
        for floor in &mut self.form.floors {
            floor.factor = product(std::mem::take(&mut floor.factor), &factor);
        }
        Ok(Self { maximum: None, ..self })
    }

    /// Minus the value.
    pub(in crate::quant) fn negated(self) -> Self {
        self.multiply(&[-1.0]).expect("every term absorbs one factor for all elements")
    }

    /// Whether the products of both, if any, lie in the same order, so that one step adds them.
    pub(in crate::quant) fn aligned(&self, other: &Self) -> bool {
        self.order == other.order && self.form.grid() == other.form.grid()
    }

    /// Adds `other`, a value of the same shape that is aligned or has no product.
    pub(in crate::quant) fn add(mut self, other: Self) -> Self {
        let other = if !other.has_product() || !self.aligned(&other) {
            // A form without products can be computed in any order: in that of `self`.
            other.in_order_of(&self).form
        } else {
            other.form
        };
        let shape = self.form.shape.clone();
        self.form.terms.extend(other.terms.into_iter().map(|term| reshape_term(term, &shape)));
        self.form.bias = sum(std::mem::take(&mut self.form.bias), other.bias);
        self.form.floors.extend(other.floors);
        Self { maximum: None, ..self }
    }

    /// This value, without products, its form in the stored order of `target`.
    fn in_order_of(self, target: &Self) -> Self {
        if target.order == self.order {
            return self;
        }
        // Stored element f of the target is element value_of[f] of both values.
        let mut value_of: Vec<u32> = (0..self.shape.len() as u32).collect();
        if let Some(order) = &target.order {
            for (e, &f) in order.iter().enumerate() {
                value_of[f as usize] = e as u32;
            }
        }
        self.gathered(target.form.shape.clone(), &value_of, 0.0)
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

impl FormTerm {
    /// Multiplies the weights of a product by a factor for each channel.
    fn multiply_channels(&mut self, factors: &[f64]) {
        let data = |term: &Self| {
            let scaled = |(i, w): (usize, &f64)| w * factors[term.channel_of_weight(i)];
            term.constants().iter().enumerate().map(scaled).collect()
        };
        let scaled = data(self);
        if let Self::Contract { weight, .. } | Self::Correlate { weight, .. } = self {
            *weight =
                Tensor::new(weight.shape().clone(), scaled).expect("as many weights as before");
        }
    }
}

/// The power of two that a product of factors was meant to be, if it is all but one.
fn snapped(factor: f64) -> f64 {
    let (fraction, exponent) = libm::frexp(factor.abs());
    let power = libm::ldexp(1.0, if fraction < 0.75 { exponent - 1 } else { exponent });
    if (factor.abs() - power).abs() < power * 1e-9 { power.copysign(factor) } else { factor }
}

fn reshape_term(term: FormTerm, shape: &Shape) -> FormTerm {
    match term {
        FormTerm::Scale { view, factor } => {
            FormTerm::Scale { view: View { shape: shape.clone(), ..view }, factor }
        }
        product => product,
    }
}
