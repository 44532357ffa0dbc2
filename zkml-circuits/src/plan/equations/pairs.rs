//! Products of two stored tensors: `sum_b lambda^b sum_k L_bk(lambda) R_bk(rho)`.
//!
//! The left operand runs over the positions of the result, the right one over its channels: a read
//! of `U2` for each `(b, k)`, a read of `U4`, and a vector row that multiplies them. What lies
//! otherwise is made up of scalars.

use super::{StepBuilder, parts::Part};
use crate::plan::builder::{Builder, Piece, Plane, Summand, Value};
use std::collections::BTreeSet;
use zkml_core::program::View;

/// A product of `[B, I, K]` and `[B, K, J]`, its outputs' monomials at hand.
pub(in crate::plan) struct Pairs<'a> {
    left: &'a View,
    right: &'a View,
    batch: usize,
    rows: usize,
    inner: usize,
    columns: usize,
    /// By output element.
    at: &'a [(i64, u32)],
}

impl<'a> Pairs<'a> {
    /// `None` if the shapes are none of such a product.
    pub(in crate::plan) fn new(
        (left, right): (&'a View, &'a View),
        at: &'a [(i64, u32)],
    ) -> Option<Self> {
        let (&[batch, rows, inner], &[_, _, columns]) = (left.shape.dims(), right.shape.dims())
        else {
            return None;
        };
        (batch * rows * columns == at.len()).then_some(Self {
            left,
            right,
            batch,
            rows,
            inner,
            columns,
            at,
        })
    }

    /// All `(b, k)`.
    pub(in crate::plan) fn all(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let inner = self.inner;
        (0..self.batch).flat_map(move |b| (0..inner).map(move |k| (b, k)))
    }

    /// Elements of the left operand with their exponents of `lambda`.
    pub(in crate::plan) fn left(&self, (b, k): (usize, usize)) -> Vec<(u32, i64)> {
        let of = |i: usize| {
            let row = b * self.rows + i;
            let element = self.left.element(row * self.inner + k)?;
            Some((element as u32, self.at[row * self.columns].0))
        };
        (0..self.rows).filter_map(of).collect()
    }

    /// Elements of the right operand with their exponents of `rho`.
    pub(in crate::plan) fn right(&self, (b, k): (usize, usize)) -> Vec<(u32, i64)> {
        let first = b * self.rows * self.columns;
        let of = |j: usize| {
            let element = self.right.element((b * self.inner + k) * self.columns + j)?;
            Some((element as u32, i64::from(self.at[first + j].1)))
        };
        (0..self.columns).filter_map(of).collect()
    }
}

impl StepBuilder<'_> {
    pub(super) fn pairs(
        &self,
        builder: &mut Builder,
        (left, right): (&View, &View),
        factor: i64,
        touched: &mut BTreeSet<i64>,
    ) -> Part {
        let Some(pairs) = Pairs::new((left, right), &self.at) else {
            return Part::Sum(Vec::new());
        };
        let harmless = |e: i64| !self.live.contains(&e);
        let mut summands = Vec::new();
        for pair in pairs.all() {
            let pieces = builder.pieces(left.tensor, &pairs.left(pair), &harmless);
            let features = builder.features(right.tensor, &pairs.right(pair));
            touched.extend(pieces.iter().flat_map(|piece| piece.spill.iter().copied()));
            let (rho, feature) = match features[..] {
                [] => continue,
                [ref feature] => (feature.offset as u32, feature.source),
                _ => (0, along_rho(builder, &features)),
            };
            summands.extend(pieces.iter().map(|piece| Summand {
                lambda: piece.offset,
                rho,
                value: Value::Times(piece.source, feature),
            }));
        }
        if factor == 1 { Part::Sum(summands) } else { Part::Scaled(summands, factor) }
    }
}

/// The sum of pieces at their exponents of `rho`.
fn along_rho(builder: &mut Builder, pieces: &[Piece]) -> crate::plan::rows::Source {
    let summand = |piece: &Piece| Summand {
        lambda: 0,
        // Offsets along `rho` are not negative.
        rho: piece.offset as u32,
        value: Value::Linear(piece.source, 1),
    };
    Plane { summands: pieces.iter().map(summand).collect() }.source(builder, 0)
}
