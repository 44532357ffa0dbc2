//! Transforms on eight lanes: the four-step algorithm, out of place.
//!
//! With `n = rows cols`, coefficients `i = cols i1 + i2` and results `j = j1 + rows j2`,
//!
//! ```text
//! A_j = sum_i2 (omega^rows)^(i2 j2) omega^(i2 j1) sum_i1 a_i (omega^cols)^(i1 j1)
//! ```
//!
//! * The first pass transforms columns `i2`, eight adjacent ones in the lanes, multiplies by
//!   `omega^(i2 j1)` and writes column `i2` as row `i2` of `to`.
//! * The second pass transforms columns `j1` of that, eight adjacent ones in the lanes, in place:
//!   what it writes is in order.
//!
//! The powers `omega^(i2 j1)` of a column are computed along the way, a product an element: a table of
//! them is as large as what is transformed. A factor and `shift^i2` are part of the first, so they cost nothing.
//! `shift^(cols i1)`, and folds, cost a product an element at the start. All lanes share the
//! twiddles within a column ([`columns`]). Source: Bailey, "FFTs in external or hierarchical
//! memory" (Journal of Supercomputing 1990).
#![allow(unsafe_code, reason = "calls of functions that need the processor's features")]

mod columns;
mod twiddles;

use std::sync::Arc;

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

use self::columns::Columns;
pub(super) use self::twiddles::Twiddles;
use super::{Formula, Roots, Transform};
use crate::proving::domain::{geometric, power};
use crate::proving::simd::{
    LANES, Lanes, Products, Spread, available, load, load_row, prefetch, store,
};

/// Logarithm of the smallest transform: there are eight rows and columns.
pub(super) const MIN_K: u32 = 6;
/// Groups of columns that one task takes at least.
const TASK: usize = 4;
/// Rows between the one that is used and the one that is brought into the cache.
const AHEAD: usize = 8;

/// A transform, with its tables.
#[derive(Debug)]
struct Tables {
    twiddles: Arc<Twiddles>,
    rows: usize,
    cols: usize,
    /// For each column, `16 factor shift^i2`.
    firsts: Vec<Fr>,
    /// For each column, `omega^i2`.
    ratios: Vec<Fr>,
    /// For each fold `t`, `shift^(t n + cols i1)` for each row; none when all are 1.
    shifts: Vec<Vec<Spread>>,
}

impl Twiddles {
    /// Twiddles of a root of order `2^k`, where the processor has the features.
    pub(super) fn shared(k: u32, root: Fr) -> Arc<dyn Roots> {
        assert!(available(), "the processor has no lanes");
        Arc::new(Arc::new(Self::new(k, root)))
    }
}

impl Roots for Arc<Twiddles> {
    fn transform(&self, formula: Formula) -> Arc<dyn Transform> {
        let Formula { k, folds, factor, shift } = formula;
        let (rows, cols) = (1usize << k.div_ceil(2), 1usize << (k / 2));
        let of_fold = power(shift, 1 << k);
        let of_row = power(shift, cols);
        let shifts = |fold: &Fr| geometric(of_row, *fold, rows).iter().map(Spread::new).collect();
        let trivial = folds == 1 && shift == Fr::ONE;
        let folds = if trivial { Vec::new() } else { geometric(of_fold, Fr::ONE, folds) };
        let shifts = folds.iter().map(shifts).collect();
        let ratios = geometric(self.root(k), Fr::ONE, cols);
        let firsts = geometric(shift, factor * Fr::from(16), cols);
        Arc::new(Tables { twiddles: self.clone(), rows, cols, firsts, ratios, shifts })
    }
}

impl Transform for Tables {
    fn run(&self, from: &[Fr], to: &mut [Fr]) {
        // SAFETY: tables are made where the processor has the features.
        unsafe {
            self.first_pass(from, to);
            self.second_pass(to);
        }
    }
}

impl Tables {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn first_pass(&self, from: &[Fr], to: &mut [Fr]) {
        let of_columns =
            self.firsts.par_chunks_exact(LANES).zip(self.ratios.par_chunks_exact(LANES));
        to.par_chunks_exact_mut(LANES * self.rows)
            .zip(of_columns)
            .enumerate()
            .with_min_len(TASK)
            .for_each_init(
                || vec![Lanes::zero(); self.rows],
                |scratch, (group, (to, (firsts, ratios)))| {
                    self.columns(from, group, scratch);
                    let mut to = to.chunks_exact_mut(self.rows);
                    let mut to: [&mut [Fr]; LANES] =
                        std::array::from_fn(|_| to.next().expect("a row a lane"));
                    let [firsts, ratios]: [[&Fr; LANES]; 2] =
                        [firsts, ratios].map(|of| std::array::from_fn(|lane| &of[lane]));
                    // Below 2 p, so that powers are below 1.03 p and products with them below 2 p.
                    let ratio = load(ratios).to_lane_form();
                    let square = ratio.square();
                    // Two by two: a product waits longer for its factors than it keeps the multiplier busy.
                    let mut powers = [load(firsts); 2];
                    powers[1] = powers[1].mul(ratio);
                    for (pair, values) in scratch.as_chunks::<2>().0.iter().enumerate() {
                        for (i, value) in values.iter().enumerate() {
                            let product = value.carry_wrapping().mul(powers[i]);
                            powers[i] = powers[i].mul(square);
                            let j1 = 2 * pair + i;
                            store(product.canonical(), to.each_mut().map(|to| &mut to[j1]));
                        }
                    }
                },
            );
    }

    /// Transforms a group of columns of `from`, folded and multiplied by powers of the shift.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn columns(&self, from: &[Fr], group: usize, to: &mut [Lanes<Fr>]) {
        let columns = Columns::new(&self.twiddles, self.rows);
        let row = |fold: usize, i1: usize| -> &[Fr; LANES] {
            let first = (fold * self.rows + i1) * self.cols + group * LANES;
            from[first..].first_chunk().expect("rows are of eight elements")
        };
        if self.shifts.is_empty() {
            columns.transform(to, |i1| prefetch(row(0, i1)), |i1| load_row(row(0, i1)));
            return;
        }
        columns.transform(
            to,
            |i1| (0..self.shifts.len()).for_each(|fold| prefetch(row(fold, i1))),
            |i1| {
                let mut sum = Products::new();
                for (fold, shifts) in self.shifts.iter().enumerate() {
                    sum.add(load_row(row(fold, i1)), shifts[i1].lanes());
                }
                sum.sum()
            },
        );
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn second_pass(&self, to: &mut [Fr]) {
        let mut groups: Vec<Vec<&mut [Fr; LANES]>> = Vec::new();
        groups.resize_with(self.rows / LANES, || Vec::with_capacity(self.cols));
        for row in to.chunks_exact_mut(self.rows) {
            for (group, eight) in groups.iter_mut().zip(row.as_chunks_mut().0) {
                group.push(eight);
            }
        }
        let columns = Columns::new(&self.twiddles, self.cols);
        groups.par_iter_mut().with_min_len(TASK).for_each_init(
            || vec![Lanes::zero(); self.cols],
            |scratch, group| {
                columns.transform(scratch, |i2| prefetch(group[i2]), |i2| load_row(group[i2]));
                for (j2, value) in scratch.iter().enumerate() {
                    if let Some(row) = group.get(j2 + AHEAD) {
                        prefetch(*row);
                    }
                    let value = value.carry_wrapping().reduce().canonical();
                    store(value, group[j2].each_mut());
                }
            },
        );
    }
}
