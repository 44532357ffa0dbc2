//! Chooses the cheapest machine for a program.
//!
//! What a machine costs at least follows from the values and table rows it must hold. Machines are
//! tried from the least such bound on, and those whose bound is beyond a plan already found are not
//! laid out at all.

use super::{
    Cost, CostModel, Geometry, LayoutPolicy, Plan, PlanError, Prepared, RowProgram, Tags,
    Visibility,
};
use crate::machine::Profile;
use serde::{Deserialize, Serialize};
use zkml_core::program::Program;

/// What to minimise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Proving time; among plans at most [`Objective::NEAR`] times slower than the fastest, gas.
    #[default]
    Prover,
    /// Gas of a verification, among plans at most [`Objective::SLOWER`] times slower than the
    /// fastest.
    Gas,
    /// Peak memory of a prover that saves it.
    Memory,
}

impl Objective {
    /// How much slower than the fastest a plan may be for its gas to count: less than predictions
    /// are wrong by.
    pub const NEAR: f64 = 1.1;
    /// How much slower than the fastest plan a cheaper one may be.
    pub const SLOWER: f64 = 5.0;

    /// How much slower than the fastest a plan may be, where time matters.
    fn slower(self) -> Option<f64> {
        match self {
            Self::Prover => Some(Self::NEAR),
            Self::Gas => Some(Self::SLOWER),
            Self::Memory => None,
        }
    }

    fn key(self, cost: &Cost, fastest: f64) -> (bool, f64) {
        match self.slower() {
            Some(times) => (cost.prove_seconds > times * fastest, cost.gas as f64),
            None => (false, cost.least_memory as f64),
        }
    }

    /// Whether a machine that costs at least `bound` is beaten by a plan of `cost` for certain.
    fn beats(self, cost: &Cost, bound: &Cost) -> bool {
        match self.slower() {
            Some(times) => bound.prove_seconds > times * cost.prove_seconds,
            None => cost.least_memory < bound.least_memory,
        }
    }

    /// Machines of the least such bound are tried first.
    fn promise(self, bound: &Cost) -> f64 {
        match self {
            Self::Prover => bound.prove_seconds,
            Self::Gas => bound.gas as f64,
            Self::Memory => bound.least_memory as f64,
        }
    }
}

/// Lays out `program` in each of `profiles`, images by each policy, and returns the cheapest plan for `objective`, with
/// its predicted cost.
///
/// # Errors
/// The first profile's [`PlanError`] when no profile holds the program.
pub fn search(
    program: &Program,
    profiles: &[Profile],
    input_visibility: Visibility,
    objective: Objective,
    model: &CostModel,
) -> Result<(Plan, Cost), PlanError> {
    let prepared = Prepared::new(program, input_visibility)?;
    let tables = Tags::new(program).rows(program).len();
    // Policies differ on images of several rows only.
    let flat = prepared.forms.images.iter().all(|image| image.height <= 1);
    let policies = if flat { &LayoutPolicy::ALL[..1] } else { &LayoutPolicy::ALL[..] };
    let bound = |profile: &Profile| least(&prepared, *profile, tables, model);
    let mut order: Vec<(usize, Cost)> = profiles.iter().map(bound).enumerate().collect();
    order.sort_by(|(_, a), (_, b)| objective.promise(a).total_cmp(&objective.promise(b)));
    let mut plans: Vec<(usize, Plan, Cost)> = Vec::with_capacity(profiles.len());
    let mut failure: Option<(usize, PlanError)> = None;
    for (number, bound) in order {
        if plans.iter().any(|(_, _, cost)| objective.beats(cost, &bound)) {
            continue;
        }
        for policy in policies {
            match Plan::of(&prepared, profiles[number], *policy) {
                Ok(plan) => {
                    let cost = model.predict(&plan);
                    plans.push((number, plan, cost));
                }
                Err(error) if failure.as_ref().is_none_or(|(first, _)| number < *first) => {
                    failure = Some((number, error));
                }
                Err(_) => {}
            }
        }
    }
    // Of equals, the first.
    plans.sort_by_key(|(number, ..)| *number);
    let plans: Vec<(Plan, Cost)> = plans.into_iter().map(|(_, plan, cost)| (plan, cost)).collect();
    let fastest = plans.iter().map(|(_, c)| c.prove_seconds).fold(f64::INFINITY, f64::min);
    let cheapest = plans.into_iter().min_by(|(_, a), (_, b)| {
        let (a, b) = (objective.key(a, fastest), objective.key(b, fastest));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    cheapest.ok_or_else(|| {
        failure.map(|(_, error)| error).unwrap_or_else(|| PlanError::Unsupported {
            node: "the model".into(),
            what: "an empty list of profiles",
        })
    })
}

/// What any plan in a machine costs at least.
fn least(prepared: &Prepared<'_>, profile: Profile, tables: usize, model: &CostModel) -> Cost {
    let groups = prepared.least_groups(profile);
    let fits = |k: &u32| {
        let geometry = Geometry::new(profile, *k);
        groups <= geometry.groups() && tables.div_ceil(profile.tables()) <= geometry.rows()
    };
    // The largest, if none fits: the plan will say so.
    let k = Geometry::K_RANGE.into_iter().find(fits).unwrap_or(*Geometry::K_RANGE.end());
    model.predict_rows(&RowProgram {
        profile,
        k,
        groups: Vec::new(),
        vector: Vec::new(),
        tables: Vec::new(),
        equations: Vec::new(),
        words: 0,
    })
}
