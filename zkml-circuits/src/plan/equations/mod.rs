//! The equation of each computed tensor, as vector rows.
//!
//! With `c = 2^s x + r - 2^(s-1)` at the monomial `lambda^e rho^o` that position and channel have,
//!
//! ```text
//! sum_o rho^o Y_o(lambda) = sum_c X_c(lambda) K_c(lambda, rho) + sum_o rho^o f_o V_o(lambda)
//!                           + sum lambda^e rho^o (bias + 2^(s-1)) - J(lambda)
//! ```
//!
//! left: `U1` reads of the stored segments; right: a product for each operand channel, reads for each
//! summand, constants. A product of two tensors adds `sum_b lambda^b sum_k L_bk(lambda) R_bk(rho)`. `K_c = sum_t lambda^t sum_o rho^o w` over the taps `t` of a window; a
//! matrix product has one tap. Products also land where no output lives: on pads, on rows and
//! columns that a stride skips. There `J`, one junk cell an exponent for all channels, takes them
//! away. No junk stands at an exponent of a live output, whatever its channel.

pub(super) mod pairs;
mod parts;
pub(super) mod products;
pub(super) mod sums;

use self::parts::{Part, exponent};
use super::{
    builder::{Builder, Plane, Summand, Value},
    claims::{Claim, Monomial},
    frame::Frame,
    layout::Arrangement,
    rows::Base,
    storage::{Storage, products},
};
use std::collections::{BTreeMap, BTreeSet};
use zkml_core::program::{Affine, Program, Step, StoredTensor, TensorId, Term};

/// Adds the equations of every computed tensor.
pub(super) fn build(builder: &mut Builder, program: &Program, storages: &[Storage]) {
    for (t, tensor) in program.tensors.iter().enumerate() {
        if let Step::Affine(affine) = &tensor.step {
            let storage = &storages[t];
            let frame = frame(affine, storage, storages);
            let step = StepBuilder {
                tensor: TensorId(t),
                stored: tensor,
                storage,
                at: monomials(storage, &frame),
                live: storage.image.places().map(|at| frame.output(at)).collect(),
                frame,
            };
            step.build(builder, affine);
        }
    }
}

/// The frame of a step: that of the storage of a tensor it deals with, if there is one.
pub(super) fn frame(affine: &Affine, out: &Storage, storages: &[Storage]) -> Frame {
    let stride = |storage: &Storage| match storage.kind {
        Arrangement::Frame(stride) if storage.image.height > 1 => Some(stride),
        _ => None,
    };
    let products = products(affine, &out.image);
    let operands = affine.terms.iter().flat_map(Term::views).map(|view| &storages[view.tensor.0]);
    let wanted = std::iter::once(out).chain(operands).find_map(stride);
    let least = wanted.unwrap_or(out.image.width as i64);
    Frame::find(&products, &out.image, least)
        .or_else(|| Frame::find(&products, &out.image, 1))
        .unwrap_or_else(|| Frame::new(&products, &out.image, least))
}

/// Exponents of `lambda`, not yet shifted, and of `rho`, by stored element.
pub(super) fn monomials(storage: &Storage, frame: &Frame) -> Vec<(i64, u32)> {
    let image = &storage.image;
    let mut at = vec![(0, 0); image.positions() * image.channels];
    for (b, h, w) in image.places() {
        let lambda = frame.output((b, h, w));
        for c in 0..image.channels {
            at[image.element((b, c, h, w)) as usize] = (lambda, storage.channel(c) as u32);
        }
    }
    at
}

struct StepBuilder<'a> {
    tensor: TensorId,
    stored: &'a StoredTensor,
    storage: &'a Storage,
    frame: Frame,
    /// [`monomials`] of its elements.
    at: Vec<(i64, u32)>,
    /// Exponents of its positions.
    live: BTreeSet<i64>,
}

impl StepBuilder<'_> {
    fn build(&self, builder: &mut Builder, affine: &Affine) {
        let mut touched = BTreeSet::new();
        let mut parts = Vec::new();
        let products = products(affine, &self.storage.image);
        let mut products = products.iter();
        for term in &affine.terms {
            parts.push(match term {
                Term::Scale { view, factor } => {
                    self.scale(builder, view, factor.data(), &mut touched)
                }
                Term::Product { left, right, factor } => {
                    self.pairs(builder, (left, right), i64::from(*factor), &mut touched)
                }
                _ => match products.next() {
                    Some(product) => self.product(builder, product, &mut touched),
                    None => continue,
                },
            });
        }
        let left = self.outputs(builder);
        let shift = left
            .least()
            .into_iter()
            .chain(self.live.first().copied())
            .chain(touched.first().copied())
            .chain(parts.iter().filter_map(Part::least))
            .min()
            .map_or(0, |least| -least.min(0));
        let mut right = Plane::default();
        for part in parts {
            part.emit(builder, shift, &mut right);
        }
        self.constants(builder, affine, shift, &mut right);
        let free: Vec<u32> = touched.difference(&self.live).map(|e| exponent(e + shift)).collect();
        if !free.is_empty() {
            let value = Value::Linear(builder.junk(&free), -1);
            right.summands.push(Summand { lambda: 0, rho: 0, value });
        }
        let right = right.source(builder, 0);
        let left = left.source(builder, shift);
        builder.equations.push((left, right));
        builder.claims.push(self.claim(shift));
    }

    fn claim(&self, shift: i64) -> Claim {
        let monomial =
            |(lambda, rho): &(i64, u32)| Monomial { lambda: exponent(lambda + shift), rho: *rho };
        let elements = (0..).zip(self.at.iter().map(monomial)).collect();
        Claim::Step { tensor: self.tensor, elements }
    }

    /// Reads of the step's own cells.
    fn outputs(&self, builder: &mut Builder) -> Plane {
        let mut reads = Plane::default();
        for number in 0..builder.segments(self.tensor).len() {
            let slots = &builder.segments(self.tensor)[number].slots;
            let mut live =
                (0i64..).zip(slots).filter_map(|(i, e)| Some((i, self.at[(*e)? as usize])));
            let Some((slot, (lambda, rho))) = live.next() else { continue };
            let (base, lambda, rho) = match (self.storage.kind, live.next()) {
                // The first channel of a segment stands at its first slot.
                (Arrangement::Channels { .. }, _) => (Base::Rho, lambda, rho - slot as u32),
                (_, None) => (Base::Lambda, lambda - slot, rho),
                (_, Some((other, (next, _)))) => match (next - lambda) / (other - slot) {
                    2 => (Base::LambdaSquared, lambda - 2 * slot, rho),
                    _ => (Base::Lambda, lambda - slot, rho),
                },
            };
            let value = Value::Linear(builder.output(self.tensor, number, base), 1);
            reads.summands.push(Summand { lambda, rho, value });
        }
        reads
    }

    /// Bias and rounding constant, over exactly the monomials the left side reads.
    fn constants(&self, builder: &mut Builder, affine: &Affine, shift: i64, sum: &mut Plane) {
        let half = if affine.shift == 0 { 0 } else { 1i64 << (affine.shift - 1) };
        let bias = affine.bias.as_ref().map_or(&[0][..], |bias| bias.data());
        let whole = bias.len() == self.stored.shape.len();
        if bias.iter().all(|bias| bias + half == 0) {
            return;
        }
        let image = &self.storage.image;
        let width = self.storage.channel(image.channels.max(1) - 1) + 1;
        // Positions by the constants of their channels: one polynomial for all that are alike.
        let mut classes: BTreeMap<Vec<i64>, Vec<i64>> = BTreeMap::new();
        for (b, h, w) in image.places() {
            let mut constants = vec![0; width];
            for c in 0..image.channels {
                let element = image.element((b, c, h, w)) as usize;
                constants[self.storage.channel(c)] = bias[if whole { element } else { 0 }] + half;
            }
            let at = self.frame.output((b, h, w)) + shift;
            classes.entry(constants).or_default().push(at);
        }
        for (constants, mut exponents) in classes {
            exponents.sort_unstable();
            let Some(weights) = builder.weights(constants) else { continue };
            let lambda = exponents[0];
            let value = match exponents[..] {
                [_] => Value::Linear(weights, 1),
                _ => {
                    let shape: Vec<u32> = exponents.iter().map(|e| exponent(e - lambda)).collect();
                    Value::Times(builder.indicator(&shape), weights)
                }
            };
            sum.summands.push(Summand { lambda, rho: 0, value });
        }
    }
}
