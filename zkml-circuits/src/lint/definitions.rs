//! Definitions of the integer program over the field: what the equations must meet.
//!
//! A claim gives elements `e` of a step their monomials `lambda^i rho^q`, and says that at each
//! exponent `i` the equation is
//!
//! ```text
//! sum over e at i of rho^q_e D_e,      D_e = 2^s x_e + r_e - 2^(s-1) - c_e
//! ```
//!
//! with `c_e` the sum of the step's terms and bias. The products among them are summed by
//! [`super::products`], all else here, element by element.

use super::{
    products::{Grid, Place, Rows},
    sample::Powers,
};
use crate::{plan::Monomial, witness::signed};
use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use std::collections::BTreeMap;
use zkml_core::program::{Affine, StoredTensor, Term, View};

/// The step of a tensor at a sample of cells.
pub(super) struct Definitions<'a, V, C> {
    pub(super) stored: &'a StoredTensor,
    pub(super) affine: &'a Affine,
    pub(super) powers: &'a Powers,
    /// What steps read of element `.1` of tensor `.0`.
    pub(super) value: V,
    /// The cells `x, r` of an element of this tensor.
    pub(super) cells: C,
}

impl<V, C> Definitions<'_, V, C>
where
    V: Fn(usize, usize) -> Fr + Sync,
    C: Fn(usize) -> (Fr, Fr) + Sync,
{
    /// `sum rho^q_e D_e` by exponent of `lambda`, over elements that exist.
    pub(super) fn combined(&self, elements: &[(u32, Monomial)]) -> BTreeMap<usize, Fr> {
        let grid = Grid::of(self.affine, &self.stored.shape);
        let mut places: Vec<Place> = elements.iter().map(|(e, at)| grid.place(*e, *at)).collect();
        places.par_sort_unstable();
        let by_row: Vec<&[Place]> = places.chunk_by(Place::in_one_row).collect();
        let own = by_row.par_iter().map(|row| {
            let part = |place: &Place| self.powers.of(place.rho) * self.own(place.element as usize);
            (row[0].lambda, row.iter().map(part).sum())
        });
        let mut parts: Vec<(u32, Fr)> = own.collect();
        if grid.is_of_products() {
            let rows = Rows::new(&by_row, self.powers);
            let read = |view: &View, at: usize| self.read(view, at);
            for term in &self.affine.terms {
                let products = rows.sums(term, &grid, &read);
                parts.extend(products.into_iter().map(|(lambda, sum)| (lambda, -sum)));
            }
        }
        let mut combined = BTreeMap::new();
        for (lambda, part) in parts {
            *combined.entry(lambda as usize).or_insert(Fr::ZERO) += part;
        }
        combined
    }

    /// `D_e` but for products.
    fn own(&self, element: usize) -> Fr {
        let (x, r) = (self.cells)(element);
        let shift = self.affine.shift;
        let half = if shift == 0 { 0 } else { 1i64 << (shift - 1) };
        let bias = self.affine.bias.as_ref().map_or(0, |bias| constant(bias.data(), element));
        let scaled = |term: &Term| match term {
            Term::Scale { view, factor } => {
                times(self.read(view, element), constant(factor.data(), element))
            }
            _ => Fr::ZERO,
        };
        let scaled: Fr = self.affine.terms.iter().map(scaled).sum();
        Fr::from(1 << shift) * x + r - signed(half) - signed(bias) - scaled
    }

    fn read(&self, view: &View, at: usize) -> Fr {
        view.element(at).map_or(Fr::ZERO, |element| (self.value)(view.tensor.0, element))
    }
}

/// The element's constant, or the one for all.
fn constant<T: Copy + Default>(data: &[T], element: usize) -> T {
    let at = if data.len() == 1 { 0 } else { element };
    data.get(at).copied().unwrap_or_default()
}

/// A value times a small constant, many of which are 0 or 1.
pub(super) fn times(value: Fr, factor: i32) -> Fr {
    match factor {
        0 => Fr::ZERO,
        1 => value,
        -1 => -value,
        _ => value * signed(i64::from(factor)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Dice, random_products, random_program, random_windows};
    use zkml_core::program::{Program, Step};

    /// A term's part of an element, as `zkml_core::program` defines it.
    fn by_definition(term: &Term, read: &dyn Fn(&View, usize) -> Fr, element: usize) -> Fr {
        match term {
            Term::Scale { view, factor } => {
                times(read(view, element), constant(factor.data(), element))
            }
            Term::Contract { view, weight } => {
                let (inner, outputs) = (weight.shape().dims()[0], weight.shape().dims()[1]);
                let (i, j) = (element / outputs, element % outputs);
                let product = |k| times(read(view, i * inner + k), weight.data()[k * outputs + j]);
                (0..inner).map(product).sum()
            }
            Term::Product { left, right, factor } => {
                let (rows, inner) = (left.shape.dims()[1], left.shape.dims()[2]);
                let columns = right.shape.dims()[2];
                let (row, j) = (element / columns, element % columns);
                let product = |k| {
                    let at = (row / rows * inner + k) * columns + j;
                    read(left, row * inner + k) * read(right, at)
                };
                times((0..inner).map(product).sum(), *factor)
            }
            Term::Correlate { view, weight, window, groups } => {
                let (dims, kernel) = (view.shape.dims(), weight.shape().dims());
                let (rows, columns) = (window.height.output, window.width.output);
                let (row, column) = (element / columns % rows, element % columns);
                let plane = element / columns / rows;
                let (b, o) = (plane / kernel[0], plane % kernel[0]);
                let first = o / (kernel[0] / groups) * kernel[1];
                let mut sum = Fr::ZERO;
                for ((i, j), (h, w)) in window.meets((row, column)) {
                    for c in 0..kernel[1] {
                        let at = ((b * dims[1] + first + c) * dims[2] + h) * dims[3] + w;
                        let tap = ((o * kernel[1] + c) * kernel[2] + i) * kernel[3] + j;
                        sum += times(read(view, at), weight.data()[tap]);
                    }
                }
                sum
            }
            _ => panic!("an unknown term"),
        }
    }

    /// Monomials of any kind: one axis each, all on one axis, or scattered, some left out.
    fn monomials(dice: &mut Dice, program: &Program, tensor: usize) -> Vec<(u32, Monomial)> {
        let stored = &program.tensors[tensor];
        let (kind, modulus) = (dice.below(4), 1 + dice.below(stored.shape.len()) as u32);
        let mut at = |e: u32| match kind {
            0 => Monomial { lambda: e / modulus, rho: e % modulus },
            1 => Monomial { lambda: e % modulus, rho: e / modulus },
            2 => Monomial { lambda: e, rho: 0 },
            _ => Monomial { lambda: dice.below(9) as u32, rho: dice.below(1 << 20) as u32 },
        };
        (0..stored.shape.len() as u32)
            .rev()
            .map(|e| (e, at(e)))
            .filter(|(e, _)| e % 7 != 3)
            .collect()
    }

    #[test]
    fn sums_of_definitions_are_those_of_the_program() {
        let mut dice = Dice::new(3);
        for seed in 0..300 {
            let program = match seed % 3 {
                0 => random_program(seed, 4),
                1 => random_windows(seed, 2),
                _ => random_products(seed, 4),
            };
            let random = |t: usize, e: usize| Fr::from((t * 7919 + e * e * 31 + 5) as u64).square();
            let rho = random(99, seed as usize);
            let powers = Powers::new(rho);
            let read = |view: &View, at: usize| {
                view.element(at).map_or(Fr::ZERO, |e| random(view.tensor.0, e))
            };
            for (tensor, stored) in program.tensors.iter().enumerate() {
                let Step::Affine(affine) = &stored.step else { continue };
                let cells = |e: usize| (random(50, e), random(51, e));
                let elements = monomials(&mut dice, &program, tensor);
                let mut expected = BTreeMap::new();
                for (element, at) in &elements {
                    let e = *element as usize;
                    let terms = affine.terms.iter().map(|term| by_definition(term, &read, e));
                    let bias = affine.bias.as_ref().map_or(0, |bias| constant(bias.data(), e));
                    let half = (1i64 << affine.shift) >> 1;
                    let c = terms.sum::<Fr>() + signed(bias) + signed(half);
                    let d = Fr::from(1 << affine.shift) * cells(e).0 + cells(e).1 - c;
                    *expected.entry(at.lambda as usize).or_insert(Fr::ZERO) +=
                        rho.pow_vartime([u64::from(at.rho)]) * d;
                }
                let definitions =
                    Definitions { stored, affine, powers: &powers, value: random, cells };
                assert_eq!(definitions.combined(&elements), expected, "seed {seed}, {tensor}");
            }
        }
    }
}
