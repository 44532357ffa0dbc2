//! The linter accepts what the planner makes, and nothing else.

mod claims;
mod degrees;
mod fixed;
mod products;

use super::*;
use crate::{
    machine::Profile,
    plan::{LayoutPolicy, Plan, Visibility},
    testing::{
        Dice, Transformer, encoding, mlp, random, random_program, random_windows, relu, shape,
    },
};
use zkml_core::{
    ir::{Axis, Window},
    program::{Affine, ProgramBuilder, Term},
};

fn profiles() -> Vec<Profile> {
    let shape = |w, r, g, t| Profile::new(w, r, g, t).expect("a machine");
    let mut all = Profile::standard();
    all.extend([shape(1, 1, 1, 1), shape(3, 1, 4, 2), shape(6, 3, 6, 1), shape(12, 2, 8, 3)]);
    all
}

#[test]
fn plans_of_random_programs_mean_them() {
    for seed in 0..60 {
        let program = random_program(seed, 1 + seed as usize % 5);
        for profile in profiles() {
            for visibility in [Visibility::Public, Visibility::Private] {
                let plan = Plan::new(&program, profile, visibility).expect("fits");
                let report = lint(&program, &plan)
                    .unwrap_or_else(|e| panic!("seed {seed}, {profile}, {visibility:?}: {e}"));
                assert!(report.definitions > 0);
            }
        }
    }
}

#[test]
fn plans_of_random_convolutions_mean_them() {
    means_by_any_policy(600, |seed| random_windows(seed, 1 + seed as usize % 3));
}

/// Programs of `seeds` seeds, on every machine in turn, mean what plans by each policy say.
fn means_by_any_policy(seeds: u64, program: impl Fn(u64) -> Program) {
    let all = profiles();
    for seed in 0..seeds {
        let program = program(seed);
        let profile = all[seed as usize % all.len()];
        for visibility in [Visibility::Public, Visibility::Private] {
            for policy in LayoutPolicy::ALL {
                let plan = Plan::with_policy(&program, profile, visibility, policy).expect("fits");
                lint(&program, &plan)
                    .unwrap_or_else(|e| panic!("seed {seed}, {profile}, {policy:?}: {e}"));
            }
        }
    }
}

#[test]
fn another_program_is_not_what_a_plan_means() {
    let (one, two) = (mlp(2, 1), mlp(2, 2));
    let plan = Plan::new(&one, Profile::standard()[0], Visibility::Public).expect("fits");
    assert!(lint(&one, &plan).is_ok());
    assert!(matches!(lint(&two, &plan), Err(LintError::Equation { .. })));
}

/// Wide steps: exponents far apart, of which polynomials keep those in use.
#[test]
fn rows_far_apart_are_linted_like_any_others() {
    let far = 1 << 12;
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 1, 2, 16]), encoding("x", 4));
    let height = Axis { out_step: far, in_step: far, ..Axis::identity(2) };
    let window = Window { height, width: Axis::identity(16) };
    let weight = random(&mut Dice::new(1), &[1, 1, 1, 1], 3);
    let term = Term::Correlate { view: b.whole(x), weight, window, groups: 1 };
    let y = b.affine(shape(&[1, 1, 2, 16]), encoding("y", 6), Affine::new(vec![term]));
    let view = b.whole(y);
    b.output("y", view);
    let program = b.finish().expect("a program");
    let plan = Plan::new(&program, Profile::standard()[0], Visibility::Private).expect("fits");
    let report = lint(&program, &plan).expect("what the planner makes");
    assert!(report.lambda_degree as usize >= 16 * far, "{}", report.lambda_degree);
}

/// One convolution of `[1, 2, 4, 3]` by 3x3 kernels with stride 2 and uneven pads, in `groups` groups,
/// and one by 2x2 kernels after it.
fn strided(groups: usize) -> Program {
    let mut dice = Dice::new(groups as u64);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 2, 4, 3]), encoding("x", 4));
    let window = Window {
        height: Axis::convolution(4, 2, 3, (2, 1), 1),
        width: Axis::convolution(3, 2, 3, (2, 1), 2),
    };
    let table = b.table(relu(6));
    let weight = random(&mut dice, &[2, 2 / groups, 3, 3], 3);
    let term = Term::Correlate { view: b.whole(x), weight, window, groups };
    let affine = Affine::new(vec![term]).bias(random(&mut dice, &[1, 2, 2, 2], 9)).shift(4);
    let h = b.affine(shape(&[1, 2, 2, 2]), encoding("h", 6), affine.table(table));
    let axis = Axis::convolution(2, 2, 2, (1, 1), 1);
    let weight = random(&mut dice, &[2, 2 / groups, 2, 2], 3);
    let window = Window { height: axis, width: axis };
    let term = Term::Correlate { view: b.whole(h), weight, window, groups };
    let y = b.affine(shape(&[1, 2, 2, 2]), encoding("y", 6), Affine::new(vec![term]).shift(4));
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

/// Small plans of every kind of step: matrix products, a strided padded convolution, a depthwise one,
/// products of activations.
fn plans() -> Vec<(Program, Plan)> {
    let standard = Profile::standard();
    let odd = Profile::new(3, 1, 4, 2).expect("a machine");
    [
        (mlp(1, 7), standard[2], Visibility::Public),
        (mlp(3, 7), standard[0], Visibility::Public),
        (strided(1), standard[3], Visibility::Public),
        (strided(1), odd, Visibility::Private),
        (strided(2), standard[3], Visibility::Private),
        (strided(1), standard[5], Visibility::Public),
        (strided(2), odd, Visibility::Public),
        (products::heads(3), standard[0], Visibility::Public),
        (products::heads(1), odd, Visibility::Private),
    ]
    .into_iter()
    .map(|(program, profile, visibility)| {
        let plan = Plan::new(&program, profile, visibility).expect("fits");
        (program, plan)
    })
    .collect()
}

/// Products of activations and constants count by their operands: a transformer whose linter sums
/// element by element would do 64 million multiplications for 64 tokens of a million parameters.
/// `ZKML_SCALE=1 cargo test -p zkml-circuits --lib transformers -- --nocapture` is that one.
#[test]
fn plans_of_transformers_mean_them() {
    let large = std::env::var_os("ZKML_SCALE").is_some();
    let sizes = match large {
        true => {
            let (tokens, vocabulary, layers) = (64, 65, 5);
            Transformer { tokens, vocabulary, layers, heads: 4, head: 32, hidden: 512, bits: 9 }
        }
        false => Transformer { layers: 2, ..Transformer::small(5, 2, 3) },
    };
    let program = sizes.program(1);
    for profile in [Profile::new(16, 1, 64, 1).expect("a machine"), profiles()[0]] {
        let plan = Plan::new(&program, profile, Visibility::Public).expect("fits");
        let start = std::time::Instant::now();
        let report = lint(&program, &plan).expect("what the planner makes");
        let rows = &plan.rows;
        let (k, groups, vector) = (rows.k, rows.groups.len(), rows.vector.len());
        eprintln!(
            "{profile}, k = {k}: {groups} groups, {vector} vector rows, {} definitions: {:.2} s",
            report.definitions,
            start.elapsed().as_secs_f64()
        );
        // Layers, heads, perceptrons: more elements than tokens times width a layer.
        assert!(report.definitions > 10 * sizes.layers * sizes.tokens * sizes.heads * sizes.head);
    }
}
