//! The linter accepts what the planner makes, and nothing else.

use super::*;
use crate::{
    machine::Profile,
    plan::{Base, Carry, OperandRead, Plan, PublicRole, RowProgram, Visibility},
    testing::{mlp, random_program, random_windows},
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
    for seed in 0..150 {
        let program = random_windows(seed, 1 + seed as usize % 3);
        for profile in [profiles()[0], profiles()[2], profiles()[5]] {
            let plan = Plan::new(&program, profile, Visibility::Private).expect("fits");
            lint(&program, &plan).unwrap_or_else(|e| panic!("seed {seed}, {profile}: {e}"));
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

/// Every single change of fixed data in use is noticed, or changes no equation at all.
#[test]
fn each_fixed_cell_matters() {
    for (batch, profile) in [(1, Profile::standard()[2]), (3, Profile::standard()[0])] {
        let program = mlp(batch, 7);
        let plan = Plan::new(&program, profile, Visibility::Public).expect("fits");
        let honest = lint(&program, &plan).expect("an honest plan");
        let mut caught = 0;
        let mut harmless = Vec::new();
        for (what, changed) in mutations(&plan) {
            match lint(&program, &changed) {
                Err(_) => caught += 1,
                Ok(report) => {
                    let count = |r: LintReport| (r.definitions, r.ties);
                    assert_eq!(count(report), count(honest), "{what}");
                    harmless.push(what);
                }
            }
        }
        assert!(caught > 100, "{caught}");
        // What no equation reads: weights and masks of runs nobody refers to do not exist in a
        // plan, so only data of cells whose unit is unread may change unnoticed.
        for what in harmless {
            assert!(what.contains("unread"), "{what} changed unnoticed");
        }
    }
}

/// All single changes of a plan's fixed data, named.
fn mutations(plan: &Plan) -> Vec<(String, Plan)> {
    let mut out = Vec::new();
    let mut with = |what: String, change: &dyn Fn(&mut RowProgram)| {
        let mut changed = plan.clone();
        change(&mut changed.rows);
        if changed.rows != plan.rows {
            out.push((what, changed));
        }
    };
    let runs_on = |silent: bool| if silent { " into an unread cell" } else { "" };
    let lanes = plan.rows.profile.lanes();
    for (g, group) in plan.rows.groups.iter().enumerate() {
        let output_read = group.output.is_some();
        // A lone lane 0 has power 0 in either base.
        let lone = group.mask <= 1 && !group.output_next;
        let unread = if lone { " unread" } else { "" };
        let masked = group.operand.is_some_and(|o| o != OperandRead::Scalar);
        for lane in 0..lanes {
            let public = group.public.is_some() && lane < plan.rows.profile.public_lanes();
            let quiet = !output_read && !masked && !public;
            let note = if quiet { " unread" } else { "" };
            with(format!("mask {lane} of group {g}{note}"), &|r| r.groups[g].mask ^= 1 << lane);
        }
        with(format!("base of group {g}{unread}"), &|r| {
            r.groups[g].output = match r.groups[g].output {
                Some(Base::Lambda) => Some(Base::Rho),
                Some(Base::LambdaSquared) => Some(Base::Lambda),
                Some(Base::Rho) => Some(Base::LambdaSquared),
                None => None,
            }
        });
        with(format!("no output read of group {g}"), &|r| r.groups[g].output = None);
        // Running on into a group whose unit reads nothing adds 0.
        let after = plan.rows.groups.get(g + 1).cloned().unwrap_or_default();
        if output_read {
            let note = runs_on(after.output.is_none());
            with(format!("output_next of group {g}{note}"), &|r| r.groups[g].output_next ^= true);
            with(format!("shift of group {g}"), &|r| r.groups[g].shift += 1);
        }
        if group.operand.is_some() {
            let note = runs_on(after.operand.is_none() && !after.operand_next);
            with(format!("operand_next of group {g}{note}"), &|r| r.groups[g].operand_next ^= true);
            for read in [OperandRead::X, OperandRead::Y, OperandRead::One, OperandRead::Scalar] {
                with(format!("operand {read:?} of group {g}"), &|r| {
                    r.groups[g].operand = Some(read);
                });
            }
            with(format!("no operand of group {g}"), &|r| r.groups[g].operand = None);
        }
        for w in 0..group.weights.len() {
            with(format!("weight {w} of group {g}"), &|r| r.groups[g].weights[w] += 1);
        }
        if !group.weights.is_empty() {
            let note = runs_on(after.weights.is_empty() && !after.weight_next);
            with(format!("weight_next of group {g}{note}"), &|r| r.groups[g].weight_next ^= true);
            with(format!("extra weight of group {g}"), &|r| r.groups[g].weights.push(1));
        }
        let home = plan.layouts.iter().any(|l| l.cells(lanes).any(|(_, at, _)| at == g));
        if home {
            with(format!("tag_r of group {g}"), &|r| r.groups[g].tag_r += 1);
            with(format!("tag_f of group {g}"), &|r| r.groups[g].tag_f ^= 1);
        }
        with(format!("public of group {g}"), &|r| {
            r.groups[g].public = match r.groups[g].public {
                None => Some(PublicRole::X),
                Some(_) => None,
            }
        });
    }
    for (t, row) in plan.rows.vector.iter().enumerate() {
        with(format!("linear of vector row {t}"), &|r| r.vector[t].linear += 1);
        with(format!("junk of vector row {t}"), &|r| r.vector[t].junk = 1);
        with(format!("product of vector row {t}"), &|r| r.vector[t].product ^= true);
        for carry in [Carry::None, Carry::One, Carry::Rho, Carry::Lambda] {
            let note = runs_on(t + 1 == plan.rows.vector.len());
            with(format!("carry of vector row {t}{note}"), &|r| r.vector[t].carry = carry);
        }
        if row.linear != 0 || row.product {
            with(format!("A of vector row {t} copied from nowhere"), &|r| r.vector[t].a = None);
        }
        if row.product {
            with(format!("B of vector row {t} copied from nowhere"), &|r| r.vector[t].b = None);
            with(format!("A and B of vector row {t}"), &|r| r.vector[t].b = r.vector[t].a);
        }
    }
    for e in 0..plan.rows.equations.len() {
        with(format!("equation {e}"), &|r| {
            r.equations.remove(e);
        });
    }
    for t in 0..plan.rows.tables.len() {
        with(format!("tag of table row {t}"), &|r| r.tables[t].tag += 1);
        with(format!("input of table row {t}"), &|r| r.tables[t].input += 1);
        with(format!("output of table row {t}"), &|r| r.tables[t].output += 1);
    }
    with("words".into(), &|r| r.words += 1);
    out
}
