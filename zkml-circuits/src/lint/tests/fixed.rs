//! Every single change of fixed data is noticed, or changes no equation at all.

use super::*;
use crate::formal::Poly;
use crate::plan::{Base, Carry, LaneRead, OperandRead, PublicRole, RowProgram};

#[test]
fn each_fixed_cell_matters() {
    let mut absorbed = 0;
    for (program, plan) in plans() {
        let honest = lint(&program, &plan).expect("an honest plan");
        let mut caught = 0;
        let mut harmless = Vec::new();
        for (what, changed) in mutations(&plan) {
            match lint(&program, &changed) {
                Err(_) => caught += 1,
                Ok(report) => {
                    let count = |r: LintReport| (r.definitions, r.ties);
                    assert_eq!(count(report), count(honest), "{what}");
                    harmless.push((what, changed));
                }
            }
        }
        assert!(caught > 100, "{caught}");
        // What no equation reads: weights and masks of runs nobody refers to do not exist in a
        // plan, so only data of cells whose unit is unread may change unnoticed, and what is read
        // at exponents where junk takes it away.
        for (what, changed) in harmless {
            let harmless = what.contains("unread") || differ_in_junk(&program, &plan, &changed);
            assert!(harmless, "{what} changed unnoticed");
            absorbed += usize::from(!what.contains("unread"));
        }
    }
    assert!(absorbed > 0, "junk absorbs nothing");
}

/// Whether the plans look up and publish the same, and all their equations differ in is what stands
/// at exponents with junk, of which nothing is claimed.
fn differ_in_junk(program: &Program, honest: &Plan, changed: &Plan) -> bool {
    let lookups = |plan: &Plan| {
        let groups = plan.rows.groups.iter();
        let tags: Vec<_> = groups.map(|g| (g.tag_r, g.tag_f, g.public)).collect();
        (tags, plan.rows.tables.clone(), plan.rows.words)
    };
    let sides = |plan: &Plan, cells: &WithScalars<'_>, equation: usize| -> Poly {
        let geometry = Geometry::check(&plan.rows).expect("fits");
        let (starts, rho) = (run_starts(&plan.rows), cells.sample.rho);
        let mut formal = Formal::new(&plan.rows, geometry, &starts, cells, rho);
        formal.difference(plan.rows.equations[equation]).expect("a value")
    };
    let geometry = Geometry::check(&honest.rows).expect("fits");
    let sample = Sample::new(program, honest, geometry).expect("encodes");
    let cells = WithScalars { sample: &sample, scalars: &sample.scalars };
    lookups(honest) == lookups(changed)
        && honest.claims.iter().enumerate().all(|(equation, claim)| {
            let claimed: BTreeSet<usize> = match claim {
                Claim::Tie(scalars) => scalars.iter().map(|(_, at)| *at as usize).collect(),
                Claim::Step { elements, .. } => {
                    elements.iter().map(|(_, at)| at.lambda as usize).collect()
                }
            };
            let [old, new] = [honest, changed].map(|plan| sides(plan, &cells, equation));
            let junk: BTreeSet<usize> = new.junk().iter().map(|junk| junk.exponent).collect();
            let same = |at: usize| old.at(at) == new.at(at);
            junk.is_disjoint(&claimed)
                && (0..old.end().max(new.end())).all(|at| junk.contains(&at) || same(at))
        })
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
            let lone = (!masked || group.mask <= 1) && !group.operand_next;
            let note = if lone { " unread" } else { "" };
            with(format!("base of the operand of group {g}{note}"), &|r| {
                r.groups[g].operand_squared ^= true;
            });
        }
        for w in 0..group.weights.len() {
            with(format!("weight {w} of group {g}"), &|r| r.groups[g].weights[w] += 1);
        }
        if !group.weights.is_empty() || group.feature.is_some() {
            let silent = after.weights.is_empty() && after.feature.is_none();
            let note = runs_on(silent && !after.feature_next);
            with(format!("feature_next of group {g}{note}"), &|r| r.groups[g].feature_next ^= true);
            with(format!("extra weight of group {g}"), &|r| r.groups[g].weights.push(1));
            for read in [None, Some(LaneRead::X), Some(LaneRead::Y)] {
                with(format!("feature {read:?} of group {g}"), &|r| r.groups[g].feature = read);
            }
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
        with(format!("no junk of vector row {t}"), &|r| r.vector[t].junk = 0);
        if row.a.is_some() {
            let other = Some(plan.rows.equations[0].0);
            with(format!("A of vector row {t} from elsewhere"), &|r| r.vector[t].a = other);
        }
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
