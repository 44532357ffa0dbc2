//! Counts that follow from a constraint system: what a proof holds, and in what quantity.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use super::protocol::{Column, ColumnKind, Expr, Protocol};
use super::transcript::{POINT_BYTES, SCALAR_BYTES};

impl Protocol {
    /// Number of phases: one more than the last phase of an advice column.
    #[must_use]
    pub fn num_phases(&self) -> u8 {
        self.advice_phase.iter().max().map_or(1, |last| last.saturating_add(1))
    }

    /// Columns that one grand product of the permutation argument takes.
    #[must_use]
    pub fn permutation_chunk(&self) -> usize {
        // `Protocol::new` refuses degrees below 3.
        self.degree.saturating_sub(2).max(1)
    }

    /// Grand products of the permutation argument.
    #[must_use]
    pub fn num_products(&self) -> usize {
        self.permutation.len().div_ceil(self.permutation_chunk())
    }

    /// Pieces of `n` coefficients of the quotient polynomial.
    #[must_use]
    pub fn num_quotient_pieces(&self) -> usize {
        self.degree.saturating_sub(1)
    }

    /// Rotation of the row in which grand products end: `x * omega^last_rotation` is the point of
    /// the first unusable row as seen from row 0.
    #[must_use]
    pub fn last_rotation(&self) -> i32 {
        i32::try_from(self.blinding).unwrap_or(i32::MAX).saturating_add(1).saturating_neg()
    }

    /// Rows that witnesses may fill in a domain of `2^k` rows; 0 when there are none.
    #[must_use]
    pub fn usable_rows(&self, k: u32) -> usize {
        1usize.checked_shl(k).unwrap_or(0).saturating_sub(self.blinding.saturating_add(1))
    }

    /// Evaluations in a proof.
    #[must_use]
    pub fn num_evaluations(&self) -> usize {
        let products = self.num_products();
        // Each product is opened at x and omega x, each but the last also at its end.
        let of_products = products.saturating_mul(3).saturating_sub(usize::from(products > 0));
        [
            self.advice_queries.len(),
            self.fixed_queries.len(),
            1, // the random polynomial
            self.permutation.len(),
            of_products,
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// Points in a proof, the two of the opening included.
    #[must_use]
    pub fn num_points(&self) -> usize {
        [
            self.advice_phase.len(),
            self.num_products(),
            1, // the random polynomial
            self.num_quotient_pieces(),
            2, // the opening
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// Exact size of a proof in bytes.
    #[must_use]
    pub fn proof_len(&self) -> usize {
        let points = self.num_points().saturating_mul(POINT_BYTES);
        points.saturating_add(self.num_evaluations().saturating_mul(SCALAR_BYTES))
    }

    /// The evaluation at rotation 0 of a column of the permutation argument, as a gate's leaf.
    #[must_use]
    pub fn permutation_leaf(&self, column: &Column) -> Option<Expr> {
        let (queries, leaf): (_, fn(usize) -> Expr) = match column.kind {
            ColumnKind::Advice => (&self.advice_queries, Expr::Advice),
            ColumnKind::Fixed => (&self.fixed_queries, Expr::Fixed),
            ColumnKind::Instance => (&self.instance_queries, Expr::Instance),
        };
        queries.iter().position(|q| q.column == column.index && q.rotation == 0).map(leaf)
    }
}
