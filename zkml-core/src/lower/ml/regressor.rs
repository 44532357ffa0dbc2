//! TreeEnsembleRegressor and TreeEnsemble: sums or averages over trees, by target.
//!
//! ```text
//! SUM       base + sum over trees of the reached leaf's weight
//! AVERAGE   base + (the same sum) / number of trees
//! ```

use super::{
    Lowered, Result, Site,
    ensemble::{Ensemble, TARGETS},
    features,
    forest::Table,
    paths::{self, Sum},
    transform::Transform,
    version5,
};
use crate::ir::ValueId;

pub(super) fn regressor(site: &mut Site<'_>) -> Result {
    let transform = Transform::of(site)?;
    let average = match site.ascii_attribute("aggregate_function", 16)?.as_deref() {
        None | Some("SUM") => false,
        Some("AVERAGE") => true,
        Some("MIN" | "MAX") => return Err(extreme(site)),
        Some(other) => return Err(site.invalid(format!("`aggregate_function` is {other:?}"))),
    };
    let targets = targets(site)?;
    let (x, [_, features]) = features(site)?;
    let ensemble = Ensemble::of(site, TARGETS, (features, targets))?;
    let base = site.numbers("base_values")?.unwrap_or_else(|| vec![0.0; targets]);
    site.expect_count("base_values", base.len(), targets)?;
    let table = ensemble.table(site)?;
    aggregated(site, x, table, (base, average), transform)
}

pub(super) fn ensemble(site: &mut Site<'_>) -> Result {
    let transform = Transform::of_number(site)?;
    let average = match site.int_attribute("aggregate_function")?.unwrap_or(1) {
        0 => true,
        1 => false,
        2 | 3 => return Err(extreme(site)),
        other => return Err(site.invalid(format!("`aggregate_function` is {other}"))),
    };
    let targets = targets(site)?;
    let (x, [_, features]) = features(site)?;
    let table = version5::table(site, (features, targets))?;
    aggregated(site, x, table, (vec![0.0; targets], average), transform)
}

fn aggregated(
    site: &mut Site<'_>,
    x: ValueId,
    table: Table,
    (base, average): (Vec<f64>, bool),
    transform: Transform,
) -> Result {
    if base.len() == 1 && transform != Transform::None {
        // onnxruntime ignores it.
        let hint = "a transformation of one target alone is not supported";
        return Err(site.unsupported(Some("post_transform"), hint));
    }
    let factor = if average { 1.0 / table.roots.len() as f64 } else { 1.0 };
    let forest = table.walk(site)?;
    let scores = paths::sum(site, x, &forest, &Sum { base, factor })?;
    let result = transform.apply(site, scores, "")?;
    Ok(Lowered::Activation(site.result(result)))
}

fn targets(site: &Site<'_>) -> Result<usize> {
    let count = site.int_attribute("n_targets")?.unwrap_or(1);
    let most = 1 << 16;
    usize::try_from(count)
        .ok()
        .filter(|count| (1..=most).contains(count))
        .ok_or_else(|| site.invalid(format!("`n_targets` is {count}, expected 1 to {most}")))
}

fn extreme(site: &Site<'_>) -> super::Halt {
    site.unsupported(Some("aggregate_function"), "MIN and MAX over trees are not supported")
}
