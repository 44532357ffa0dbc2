//! Static worst-case bounds of every accumulator.
//!
//! Every operand of a step has an enforced range: `[-2^(b-1), 2^(b-1))` for a tensor without
//! table, the least and greatest value of the table otherwise. So for any input at all
//!
//! ```text
//! |c_e| <= sum over products |constant| * max |operand|  +  |bias_e|  +  2^(s-1)
//! ```
//!
//! where a product of two activations counts `|factor| * K * max |left| * max |right|`.
//!
//! and no partial sum, in whatever order, exceeds that. Below `2^62` the executor's 64-bit
//! accumulators cannot overflow and the equation of the circuit has one solution in its field of
//! 254 bits.

use super::{Affine, Program, Step, Table, TableId, TensorId, Term, View};
use crate::ir::Origin;

/// Worst case of every accumulator of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// By [`TensorId`]: no accumulator of the tensor exceeds this in magnitude. For an input, the
    /// magnitude of its range.
    accumulators: Vec<u64>,
    /// By [`TensorId`]: least and greatest value that later steps read.
    values: Vec<(i64, i64)>,
}

/// An accumulator that might not fit 62 bits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{origin}: the accumulator may reach {bound} in magnitude, the limit is 2^{}; \
     lower the bits or the weight bits of this node",
    Bounds::LIMIT_BITS
)]
pub struct BoundError {
    /// The node.
    pub origin: Origin,
    /// Its tensor.
    pub tensor: TensorId,
    /// The worst case.
    pub bound: u128,
}

impl Bounds {
    /// Accumulators stay below two to this power in magnitude.
    pub const LIMIT_BITS: u32 = 62;

    /// Bounds every accumulator of a program that passed [`Program::check`].
    ///
    /// # Errors
    /// [`BoundError`] for the first tensor whose worst case is `2^62` or more.
    pub fn new(program: &Program) -> Result<Self, BoundError> {
        let tables: Vec<(i64, i64)> = program.tables.iter().map(Table::extremes).collect();
        let mut bounds = Self { accumulators: Vec::new(), values: Vec::new() };
        for (id, tensor) in program.tensors.iter().enumerate() {
            let (bound, table) = match &tensor.step {
                Step::Input(_) => (magnitude((tensor.bits.min(), tensor.bits.max())), None),
                Step::Affine(affine) => (bounds.accumulator(affine), affine.table),
            };
            if bound >> Self::LIMIT_BITS != 0 {
                let origin = tensor.origin.clone();
                return Err(BoundError { origin, tensor: TensorId(id), bound });
            }
            // Below 2^62 by the test above.
            bounds.accumulators.push(bound as u64);
            bounds.values.push(match table {
                Some(TableId(table)) => tables[table],
                None => (tensor.bits.min(), tensor.bits.max()),
            });
        }
        Ok(bounds)
    }

    /// Largest magnitude of an accumulator of the tensor.
    pub fn accumulator_of(&self, tensor: TensorId) -> u64 {
        self.accumulators[tensor.0]
    }

    /// Least and greatest value that later steps can read from the tensor.
    pub fn values_of(&self, tensor: TensorId) -> (i64, i64) {
        self.values[tensor.0]
    }

    /// Largest magnitude of any accumulator.
    pub fn largest(&self) -> u64 {
        self.accumulators.iter().copied().max().unwrap_or(0)
    }

    fn accumulator(&self, affine: &Affine) -> u128 {
        let mut bound = 1u128 << affine.shift >> 1;
        for term in &affine.terms {
            let operands = term.views().map(|view| self.magnitude(view));
            // Saturated: many terms of the widest tables and factors are beyond 128 bits.
            let part = operands.fold(constant_bound(term), u128::saturating_mul);
            bound = bound.saturating_add(part);
        }
        let bias = affine.bias.as_ref().map_or(0, |bias| greatest(bias.data().iter().copied()));
        bound.saturating_add(bias)
    }

    fn magnitude(&self, view: &View) -> u128 {
        magnitude(self.values[view.tensor.0])
    }
}

/// Largest sum, over the products of one output element, of the constants' magnitudes.
fn constant_bound(term: &Term) -> u128 {
    match term {
        Term::Contract { weight, .. } => {
            // Columns of no rows take no memory in a file.
            let columns = if weight.data().is_empty() { 0 } else { weight.shape().dims()[1] };
            let mut sums = vec![0u128; columns];
            for row in weight.data().chunks_exact(columns.max(1)) {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum += u128::from(w.unsigned_abs());
                }
            }
            sums.into_iter().max().unwrap_or(0)
        }
        Term::Correlate { weight, .. } => {
            // One output channel after the other; borders have fewer products.
            let channels = weight.shape().dims().first().copied().unwrap_or(0);
            let size = weight.data().len().checked_div(channels).unwrap_or(0);
            let sum = |w: &[i32]| w.iter().map(|w| u128::from(w.unsigned_abs())).sum();
            weight.data().chunks(size.max(1)).map(sum).max().unwrap_or(0)
        }
        Term::Scale { factor, .. } => greatest(factor.data().iter().map(|f| i64::from(*f))),
        Term::Product { left, factor, .. } => {
            let inner = left.shape.dims().last().copied().unwrap_or(0);
            inner as u128 * u128::from(factor.unsigned_abs())
        }
    }
}

fn greatest(values: impl Iterator<Item = i64>) -> u128 {
    values.map(|v| u128::from(v.unsigned_abs())).max().unwrap_or(0)
}

fn magnitude((least, most): (i64, i64)) -> u128 {
    u128::from(least.unsigned_abs().max(most.unsigned_abs()))
}
