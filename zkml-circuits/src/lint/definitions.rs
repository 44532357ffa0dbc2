//! Accumulators of the integer program over the field: the specification the equations must meet.

use crate::witness::signed;
use ff::Field;
use halo2curves::bn256::Fr;
use zkml_core::program::{Affine, Program, Step, Term, View};

/// The step of a tensor, its operands' values at hand.
pub(super) struct Definitions<'a> {
    pub(super) tensor: usize,
    pub(super) affine: Option<&'a Affine>,
    /// By term: values of its views.
    operands: Vec<Vec<Vec<Fr>>>,
}

impl<'a> Definitions<'a> {
    /// The step of `tensor`; `value(t, e)` is what is read of element `e` of tensor `t`.
    pub(super) fn new(
        program: &'a Program,
        tensor: usize,
        value: impl Fn(usize, usize) -> Fr,
    ) -> Self {
        let affine = match program.tensors.get(tensor).map(|t| &t.step) {
            Some(Step::Affine(affine)) => Some(affine),
            _ => None,
        };
        let read = |view: &View| {
            let of = |i| view.element(i).map_or(Fr::ZERO, |e| value(view.tensor.0, e));
            (0..view.shape.len()).map(of).collect()
        };
        let terms = affine.map_or(&[][..], |affine| &affine.terms);
        let operands = terms.iter().map(|term| term.views().map(read).collect()).collect();
        Self { tensor, affine, operands }
    }

    /// `c` of an element: sum of terms and bias.
    pub(super) fn accumulator(&self, element: usize) -> Fr {
        let Some(affine) = self.affine else { return Fr::ZERO };
        let bias = affine.bias.as_ref().map_or(0, |bias| {
            let at = if bias.data().len() == 1 { 0 } else { element };
            bias.data().get(at).copied().unwrap_or(0)
        });
        let terms = affine.terms.iter().zip(&self.operands);
        terms.map(|(term, values)| summand(term, values, element)).sum::<Fr>() + signed(bias)
    }
}

/// A term's part of an element. `Program::check` has bounded every index.
fn summand(term: &Term, operands: &[Vec<Fr>], element: usize) -> Fr {
    let [values, rest @ ..] = operands else { return Fr::ZERO };
    match term {
        Term::Product { left, right, factor } => {
            let (&[_, rows, inner], &[.., columns]) = (left.shape.dims(), right.shape.dims())
            else {
                return Fr::ZERO;
            };
            let [right] = rest else { return Fr::ZERO };
            let (j, row) = (element % columns, element / columns);
            let left = &values[row * inner..(row + 1) * inner];
            let right = right[row / rows * inner * columns + j..].iter().step_by(columns);
            times(left.iter().zip(right).map(|(l, r)| *l * r).sum(), *factor)
        }
        Term::Contract { weight, .. } => {
            let &[inner, outputs] = weight.shape().dims() else { return Fr::ZERO };
            let (i, j) = (element / outputs, element % outputs);
            let weights = weight.data().iter().skip(j).step_by(outputs);
            let row = &values[i * inner..(i + 1) * inner];
            row.iter().zip(weights).map(|(v, w)| times(*v, *w)).sum()
        }
        Term::Scale { factor, .. } => {
            let at = if factor.data().len() == 1 { 0 } else { element };
            times(values[element], factor.data()[at])
        }
        Term::Correlate { view, weight, window, groups } => {
            let (&[_, channels, height, width], &[outputs, inner, kh, kw]) =
                (view.shape.dims(), weight.shape().dims())
            else {
                return Fr::ZERO;
            };
            let (rows, columns) = (window.height.output, window.width.output);
            let (row, column) = (element / columns % rows, element % columns);
            let plane = element / columns / rows;
            let (b, o) = (plane / outputs, plane % outputs);
            let first = o / (outputs / groups) * inner;
            let mut sum = Fr::ZERO;
            for ((i, j), (h, w)) in window.meets((row, column)) {
                for c in 0..inner {
                    let value = values[((b * channels + first + c) * height + h) * width + w];
                    sum += times(value, weight.data()[((o * inner + c) * kh + i) * kw + j]);
                }
            }
            sum
        }
        // A term the linter does not know adds nothing, so no equation meets it.
        _ => Fr::ZERO,
    }
}

fn times(value: Fr, factor: i32) -> Fr {
    if factor == 0 { Fr::ZERO } else { value * signed(i64::from(factor)) }
}
