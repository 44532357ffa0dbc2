//! Sums of stored elements times constants.

use super::{StepBuilder, parts::Part};
use crate::plan::builder::{Builder, Want};
use std::collections::BTreeSet;
use zkml_core::program::View;

/// Elements that a Scale term wants, with their monomials; `at` are those of the outputs.
pub(in crate::plan) fn wanted(view: &View, factors: &[i32], at: &[(i64, u32)]) -> Vec<Want> {
    let want = |(element, (lambda, rho)): (usize, &(i64, u32))| {
        let factor = i64::from(if factors.len() == 1 { factors[0] } else { factors[element] });
        // Elements of a tensor are fewer than 2^28.
        let source = view.element(element)? as u32;
        (factor != 0).then_some(Want { element: source, lambda: *lambda, rho: *rho, factor })
    };
    at.iter().enumerate().filter_map(want).collect()
}

impl StepBuilder<'_> {
    pub(super) fn scale(
        &self,
        builder: &mut Builder,
        view: &View,
        factors: &[i32],
        touched: &mut BTreeSet<i64>,
    ) -> Part {
        let wanted = wanted(view, factors, &self.at);
        let harmless = |e: i64| !self.live.contains(&e);
        Part::Sum(builder.summands(view.tensor, &wanted, &harmless, touched))
    }
}
