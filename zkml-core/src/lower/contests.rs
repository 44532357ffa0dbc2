//! Order by comparing pairs. Of the elements `x_0, x_1, ..` of a row, for `i < j`,
//!
//! ```text
//! b_ij   = [x_j > x_i]                                  the later one wins; else the earlier one does
//! lead_j = sum over i < j of b_ij - sum over k > j of b_jk
//! rank_j = j - lead_j                                   how many stand before j
//! ```
//!
//! Ranks are a permutation whatever the ties: of equal elements the first stands before the others.

use super::{
    plane::filled,
    site::{Halt, Site},
};
use crate::ir::{Activation, Op, ValueId};

type Result<T> = std::result::Result<T, Halt>;

/// All pairs of the elements of rows, compared.
pub(super) struct Contests {
    /// `b`, `[rows, pairs]`.
    pub(super) won: ValueId,
    /// The earlier and the later of each pair.
    pairs: Vec<(usize, usize)>,
    size: usize,
}

impl Contests {
    /// Of `x`, `[rows, size]`; with the least first unless `largest`.
    pub(super) fn of(site: &mut Site<'_>, x: ValueId, largest: bool) -> Result<Self> {
        let size = site.dims(x).last().copied().unwrap_or(1);
        let count = size.saturating_mul(size.saturating_sub(1)) / 2;
        site.spend(count.saturating_mul(size))?;
        let pairs: Vec<(usize, usize)> =
            (0..size).flat_map(|j| (0..j).map(move |i| (i, j))).collect();
        let earlier = site.take(x, 1, pairs.iter().map(|(i, _)| *i), "earlier")?;
        let later = site.take(x, 1, pairs.iter().map(|(_, j)| *j), "later")?;
        let operands = if largest { vec![later, earlier] } else { vec![earlier, later] };
        let difference = site.push(Op::Sub, operands, "difference")?;
        let won = site.apply(Activation::IsPositive, difference, "won")?;
        Ok(Self { won, pairs, size })
    }

    /// `lead`, `[rows, size]`.
    pub(super) fn lead(&self, site: &mut Site<'_>) -> Result<ValueId> {
        let (pairs, size) = (&self.pairs, self.size);
        let signs = filled(site, vec![pairs.len(), size], |e| {
            let ((i, j), element) = (pairs[e / size], e % size);
            f32::from(i8::from(element == j) - i8::from(element == i))
        })?;
        let signs = site.own_constant("signs_of_pairs", signs)?;
        site.push(Op::MatMul, vec![self.won, signs], "lead")
    }
}

/// `0, 1, ..`, one for each element of a row.
pub(super) fn positions(site: &mut Site<'_>, size: usize) -> Result<ValueId> {
    let positions = filled(site, vec![size], |j| j as f32)?;
    site.own_constant("positions", positions)
}
