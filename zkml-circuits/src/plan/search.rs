//! Chooses the cheapest machine for a program.

use super::{Cost, CostModel, LayoutPolicy, Plan, PlanError, Visibility};
use crate::machine::Profile;
use serde::{Deserialize, Serialize};
use zkml_core::program::Program;

/// What to minimise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Proving time.
    #[default]
    Prover,
    /// Gas of a verification, among plans at most [`Objective::SLOWER`] times slower than the
    /// fastest.
    Gas,
    /// Peak memory of the prover.
    Memory,
}

impl Objective {
    /// How much slower than the fastest plan a cheaper one may be.
    pub const SLOWER: f64 = 4.0;

    fn key(self, cost: &Cost, fastest: f64) -> (bool, f64) {
        match self {
            Self::Prover => (false, cost.prove_seconds),
            Self::Gas => (cost.prove_seconds > Self::SLOWER * fastest, cost.gas as f64),
            Self::Memory => (false, cost.memory as f64),
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
    let mut plans = Vec::with_capacity(profiles.len());
    let mut failure = None;
    for profile in profiles {
        for policy in LayoutPolicy::ALL {
            match Plan::with_policy(program, *profile, input_visibility, policy) {
                Ok(plan) => {
                    let cost = model.predict(&plan);
                    // Policies differ on images of several rows only.
                    let flat = plan.layouts.iter().all(|layout| layout.image[2] <= 1);
                    plans.push((plan, cost));
                    if flat {
                        break;
                    }
                }
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
    }
    let fastest = plans.iter().map(|(_, c)| c.prove_seconds).fold(f64::INFINITY, f64::min);
    let cheapest = plans.into_iter().min_by(|(_, a), (_, b)| {
        let (a, b) = (objective.key(a, fastest), objective.key(b, fastest));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    cheapest.ok_or_else(|| {
        failure.unwrap_or_else(|| PlanError::Unsupported {
            node: "the model".into(),
            what: "an empty list of profiles",
        })
    })
}
