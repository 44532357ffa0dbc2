//! Plans of products of two tensors: layouts, reads, sizes; each means its program.

use super::*;
use crate::{
    lint,
    testing::{Transformer, random_products},
};
use std::{collections::BTreeMap, time::Instant};

fn profile((lanes, fold, weights): (usize, usize, usize)) -> Profile {
    Profile::new(lanes, fold, weights, 1).expect("a machine")
}

fn linted(program: &Program, machine: (usize, usize, usize), visibility: Visibility) -> Plan {
    let plan = Plan::new(program, profile(machine), visibility).expect("fits");
    lint::lint(program, &plan).unwrap_or_else(|error| panic!("{machine:?}: {error}\n{plan}"));
    plan
}

const MACHINES: [(usize, usize, usize); 3] = [(8, 1, 8), (4, 4, 16), (16, 1, 64)];

#[test]
fn plans_of_attention_mean_it() {
    for (tokens, heads, head) in [(5, 2, 6), (4, 1, 4), (3, 3, 2), (17, 2, 5), (1, 2, 4)] {
        let program = Transformer::small(tokens, heads, head).attention(1);
        for machine in MACHINES {
            for visibility in [Visibility::Public, Visibility::Private] {
                linted(&program, machine, visibility);
            }
        }
    }
}

#[test]
fn plans_of_transformers_mean_them() {
    for (tokens, heads, head) in [(5, 2, 6), (8, 2, 8), (1, 2, 3)] {
        let program = Transformer::small(tokens, heads, head).program(1);
        for machine in MACHINES {
            linted(&program, machine, Visibility::Public);
        }
    }
}

#[test]
fn plans_of_random_products_mean_them() {
    for seed in 0..40 {
        let program = random_products(seed, 5);
        for (machine, visibility) in
            MACHINES.into_iter().zip([Visibility::Public, Visibility::Private, Visibility::Public])
        {
            linted(&program, machine, visibility);
        }
    }
}

/// Groups and vector rows of each kind of step; they are written step by step.
fn by_step(program: &Program, plan: &Plan) -> BTreeMap<String, (usize, usize, usize)> {
    let lanes = plan.rows.profile.lanes();
    let mut counts: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let mut start = 0;
    for ((left, right), claim) in plan.rows.equations.iter().zip(&plan.claims) {
        let mut end = start;
        for side in [left, right] {
            if let Source::Z(row) = side {
                let run = plan.rows.vector[*row..].iter().take_while(|r| r.carry != Carry::None);
                end = end.max(row + run.count() + 1);
            }
        }
        let name = match claim {
            Claim::Tie(_) => "ties".to_string(),
            Claim::Step { tensor, .. } => program.tensors[tensor.0].origin.node.clone(),
        };
        let count = counts.entry(name).or_default();
        count.0 += 1;
        count.2 += end - start;
        start = end;
    }
    for (tensor, layout) in program.tensors.iter().zip(&plan.layouts) {
        let groups: usize = layout.segments.iter().map(|s| s.slots.len().div_ceil(lanes)).sum();
        counts.entry(tensor.origin.node.clone()).or_default().1 += groups;
    }
    counts
}

/// The shape of the benchmark of a million parameters.
fn million(tokens: usize) -> Transformer {
    Transformer { tokens, vocabulary: 65, layers: 5, heads: 4, head: 32, hidden: 512, bits: 9 }
}

#[test]
fn a_million_parameters_fit() {
    let sizes = [(16, 15), (64, 16), (256, 19)];
    let many = std::env::var_os("ZKML_PLAN_LARGE").is_some();
    for (tokens, k) in sizes.into_iter().take(if many { 3 } else { 2 }) {
        let program = million(tokens).program(1);
        let start = Instant::now();
        let machine = Profile::new(16, 1, 64, 4).expect("a machine");
        let plan = Plan::new(&program, machine, Visibility::Public).expect("fits");
        println!("{tokens} tokens, {:?}: {:?}", start.elapsed(), by_step(&program, &plan));
        let features = plan.rows.groups.iter().filter(|g| g.feature.is_some()).count();
        let weights = plan.rows.groups.iter().filter(|g| !g.weights.is_empty()).count();
        println!("{features} features, {weights} weights, {} scalars", plan.scalars.len());
        println!("{plan}");
        let last = *Geometry::K_RANGE.end();
        let least = (*Geometry::K_RANGE.start()..=last).find(|k| {
            let geometry = Geometry::new(machine, *k);
            plan.rows.groups.len() <= geometry.groups() && plan.rows.vector.len() <= geometry.rows()
        });
        assert!(least.is_some_and(|least| least <= k), "{tokens} tokens: 2^{least:?} rows");
    }
}
