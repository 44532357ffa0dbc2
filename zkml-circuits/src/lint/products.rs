//! Products of a step, many at a time.
//!
//! A claim weighs the elements of a product by powers of `rho` and wants their sum. Of one row `i`,
//! at one exponent of `lambda`,
//!
//! ```text
//! sum_j t_j sum_k a_ik w_kj = sum_k a_ik (sum_j t_j w_kj)
//! ```
//!
//! and the inner sum, the *kernel* of the powers `t`, is the same for every row of the same powers:
//! for all of them, where the plan puts positions on `lambda` and channels on `rho`. So the linter
//! multiplies as often as there are operands and constants, and not as often as the model does.

use super::{definitions::times, sample::Powers};
use crate::plan::Monomial;
use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use zkml_core::{
    ir::Window,
    program::{Affine, Term, View},
    tensor::{Shape, Tensor},
};

/// An element of a step's result, by where it stands in an equation and in the step's products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) lambda: u32,
    row: u32,
    column: u32,
    pub(super) rho: u32,
    pub(super) element: u32,
}

impl Place {
    /// Whether both are of one row, at one exponent of `lambda`.
    pub(super) fn in_one_row(a: &Self, b: &Self) -> bool {
        (a.lambda, a.row) == (b.lambda, b.row)
    }
}

/// Rows and columns of a step's products.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grid {
    /// Element `row * columns + column` of matrices.
    Matrix { columns: u32 },
    /// Element `(b * channels + column) * plane + position` of row `b * plane + position`.
    Planes { channels: u32, plane: u32 },
    /// No products: one row of all.
    None,
}

impl Grid {
    /// The grid of a step's result, of which `Program::check` says that all products have it.
    pub(super) fn of(affine: &Affine, out: &Shape) -> Self {
        let len = out.len();
        let grid = |term: &Term| match term {
            Term::Contract { weight, .. } => matrix(weight.shape()),
            Term::Product { right, .. } => matrix(&right.shape),
            Term::Correlate { weight, window, .. } => {
                // No longer than a tensor, so below 2^28.
                let plane = window.height.output * window.width.output;
                let channels = weight.shape().dims().first().copied()?;
                (plane <= len && plane > 0 && channels > 0)
                    .then_some(Self::Planes { channels: channels as u32, plane: plane as u32 })
            }
            _ => None,
        };
        affine.terms.iter().find_map(grid).unwrap_or(Self::None)
    }

    pub(super) fn is_of_products(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Where an element stands.
    pub(super) fn place(self, element: u32, Monomial { lambda, rho }: Monomial) -> Place {
        let (row, column) = match self {
            Self::Matrix { columns } => (element / columns, element % columns),
            Self::Planes { channels, plane } => {
                let (at, position) = (element / plane, element % plane);
                (at / channels * plane + position, at % channels)
            }
            Self::None => (0, element),
        };
        Place { lambda, row, column, rho, element }
    }

    /// Image and position of a row of planes.
    fn position(self, row: usize) -> (usize, usize) {
        match self {
            Self::Planes { plane, .. } => (row / plane as usize, row % plane as usize),
            _ => (0, row),
        }
    }
}

/// Matrices of as many columns as a constant or a right operand.
fn matrix(shape: &Shape) -> Option<Grid> {
    let columns = shape.dims().last().copied().filter(|columns| *columns > 0)?;
    Some(Grid::Matrix { columns: columns as u32 })
}

/// Rows of a claim, by the powers that their columns have.
pub(super) struct Rows {
    combinations: Vec<Combination>,
}

/// Rows whose columns have the same powers.
struct Combination {
    /// Columns with their powers of `rho`.
    columns: Vec<(usize, Fr)>,
    /// In order.
    rows: RowsAt,
}

/// Columns with their exponents of `rho`.
type Signature = Vec<(u32, u32)>;

/// Rows with their exponents of `lambda`.
type RowsAt = Vec<(usize, u32)>;

/// Reads an element of a view.
type Read<'a> = dyn Fn(&View, usize) -> Fr + Sync + 'a;

impl Rows {
    /// Sorts rows of places by their columns and powers.
    pub(super) fn new(by_row: &[&[Place]], powers: &Powers) -> Self {
        let mut known: BTreeMap<Signature, RowsAt> = BTreeMap::new();
        for places in by_row {
            let signature = places.iter().map(|place| (place.column, place.rho)).collect();
            let row = (places[0].row as usize, places[0].lambda);
            known.entry(signature).or_default().push(row);
        }
        let combination = |(signature, mut rows): (Signature, RowsAt)| {
            rows.sort_unstable();
            let columns = signature.into_iter();
            let columns = columns.map(|(j, rho)| (j as usize, powers.of(rho))).collect();
            Combination { columns, rows }
        };
        Self { combinations: known.into_par_iter().map(combination).collect() }
    }

    /// Sums of a term's products over every row, with exponents of `lambda`; nothing for a term
    /// that is no product, or none this linter knows: then no equation meets it.
    pub(super) fn sums(&self, term: &Term, grid: &Grid, read: &Read<'_>) -> Vec<(u32, Fr)> {
        let sums = |combination: &Combination| match term {
            Term::Contract { view, weight } => combination.contract(view, weight, read),
            Term::Product { left, right, factor } => {
                combination.product((left, right, *factor), read)
            }
            Term::Correlate { view, weight, window, groups } => {
                combination.correlate((view, weight, window, *groups), *grid, read)
            }
            _ => Vec::new(),
        };
        self.combinations.par_iter().flat_map_iter(sums).collect()
    }
}

impl Combination {
    fn contract(&self, view: &View, weight: &Tensor<i32>, read: &Read<'_>) -> Vec<(u32, Fr)> {
        let &[inner, outputs] = weight.shape().dims() else { return Vec::new() };
        let weights = weight.data();
        let kernel = (0..inner).into_par_iter().map(|k| {
            self.columns.iter().map(|(j, power)| times(*power, weights[k * outputs + j])).sum()
        });
        dots(view, &self.rows, &kernel.collect::<Vec<_>>(), read)
    }

    fn product(
        &self,
        (left, right, factor): (&View, &View, i32),
        read: &Read<'_>,
    ) -> Vec<(u32, Fr)> {
        let (&[_, rows, inner], &[.., columns]) = (left.shape.dims(), right.shape.dims()) else {
            return Vec::new();
        };
        let batches = self.rows.chunk_by(|a, b| a.0 / rows == b.0 / rows);
        let sums = batches.flat_map(|in_batch| {
            let first = in_batch[0].0 / rows * inner;
            let kernel = (first..first + inner).into_par_iter().map(|k| {
                let each = self.columns.iter().map(|(j, p)| *p * read(right, k * columns + j));
                times(each.sum(), factor)
            });
            dots(left, in_batch, &kernel.collect::<Vec<_>>(), read)
        });
        sums.collect()
    }

    fn correlate(
        &self,
        (view, weight, window, groups): (&View, &Tensor<i32>, &Window, usize),
        grid: Grid,
        read: &Read<'_>,
    ) -> Vec<(u32, Fr)> {
        let (&[_, channels, height, width], &[outputs, inner, kh, kw]) =
            (view.shape.dims(), weight.shape().dims())
        else {
            return Vec::new();
        };
        // By channel and tap; channels of groups without a column stay 0.
        let (taps, each) = (kh * kw, outputs / groups);
        let mut kernel = vec![Fr::ZERO; channels * taps];
        let group = |o: usize| o / each * inner * taps;
        for (o, power) in &self.columns {
            let weights = weight.data()[o * inner * taps..].iter();
            for (sum, w) in kernel[group(*o)..][..inner * taps].iter_mut().zip(weights) {
                *sum += times(*power, *w);
            }
        }
        let touched: BTreeSet<usize> = self.columns.iter().map(|(o, _)| o / each).collect();
        let sum = |(row, lambda): &(usize, u32)| {
            let (b, position) = grid.position(*row);
            let at = (position / window.width.output, position % window.width.output);
            let mut sum = Fr::ZERO;
            for ((i, j), (h, w)) in window.meets(at) {
                for c in touched.iter().flat_map(|group| group * inner..(group + 1) * inner) {
                    let value = read(view, ((b * channels + c) * height + h) * width + w);
                    sum += value * kernel[c * taps + i * kw + j];
                }
            }
            (*lambda, sum)
        };
        self.rows.par_iter().map(sum).collect()
    }
}

/// The dot product of every row with a kernel.
fn dots(view: &View, rows: &[(usize, u32)], kernel: &[Fr], read: &Read<'_>) -> Vec<(u32, Fr)> {
    let inner = kernel.len();
    let dot = |(row, lambda): &(usize, u32)| {
        let values = (row * inner..(row + 1) * inner).map(|at| read(view, at));
        (*lambda, values.zip(kernel).map(|(value, sum)| value * sum).sum())
    };
    rows.par_iter().map(dot).collect()
}
