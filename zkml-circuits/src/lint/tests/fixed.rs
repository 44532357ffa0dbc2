//! Every single change of fixed data is noticed, or provably changes nothing that is claimed.

use super::*;
use crate::formal::Poly;
use crate::plan::{Base, Carry, LaneRead, OperandRead, PublicRole, RowProgram};

#[test]
fn each_fixed_cell_matters() {
    let mut absorbed = 0;
    for (program, plan) in plans() {
        let honest = lint(&program, &plan).expect("an honest plan");
        let mut caught = 0;
        for (what, changed) in mutations(&plan) {
            match lint(&program, &changed) {
                Err(_) => caught += 1,
                // Data of cells whose unit nobody reads may change unnoticed, and what is read at
                // exponents where junk takes it away.
                Ok(report) => {
                    let count = |r: LintReport| (r.definitions, r.ties);
                    assert_eq!(count(report), count(honest), "{what}");
                    match effect(&program, &plan, &changed) {
                        Effect::Nothing => {}
                        Effect::Junk => absorbed += 1,
                        Effect::Claimed => panic!("{what} changed unnoticed"),
                    }
                }
            }
        }
        assert!(caught > 100, "{caught}");
    }
    assert!(absorbed > 0, "junk absorbs nothing");
}

/// What a change of fixed data does to lookups, public words and equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// All equations are what they were.
    Nothing,
    /// They differ at exponents with junk, where nothing is claimed.
    Junk,
    /// Anything else.
    Claimed,
}

fn effect(program: &Program, honest: &Plan, changed: &Plan) -> Effect {
    let lookups = |plan: &Plan| {
        let groups = plan.rows.groups.iter();
        let tags: Vec<_> = groups.map(|g| (g.tag_r, g.tag_f, g.public)).collect();
        (tags, plan.rows.tables.clone(), plan.rows.words)
    };
    if lookups(honest) != lookups(changed) {
        return Effect::Claimed;
    }
    let sides = |plan: &Plan, cells: &WithScalars<'_>, equation: usize| -> Poly {
        let geometry = Geometry::check(&plan.rows).expect("fits");
        let (starts, rho) = (run_starts(&plan.rows), cells.sample.rho);
        let mut formal = Formal::new(&plan.rows, geometry, &starts, cells, rho);
        formal.difference(plan.rows.equations[equation]).expect("a value")
    };
    let geometry = Geometry::check(&honest.rows).expect("fits");
    let sample = Sample::new(program, honest, geometry).expect("encodes");
    // Steps mean what they mean given the ties, so a scalar may stand for what it copies.
    let tied = Claims::new(program, honest, geometry).expect("homes").tied(&sample);
    let of = |(equation, claim): (usize, &Claim)| {
        let claimed: BTreeSet<usize> = match claim {
            Claim::Tie(scalars) => scalars.iter().map(|(_, at)| *at as usize).collect(),
            Claim::Step { elements, .. } => {
                elements.iter().map(|(_, at)| at.lambda as usize).collect()
            }
        };
        let scalars = if matches!(claim, Claim::Tie(_)) { &sample.scalars } else { &tied };
        let cells = WithScalars { sample: &sample, scalars };
        let [old, new] = [honest, changed].map(|plan| sides(plan, &cells, equation));
        let [before, junk] = [&old, &new].map(|side| -> BTreeSet<usize> {
            side.junk().iter().map(|junk| junk.exponent).collect()
        });
        let differ = |at: &usize| old.at(*at) != new.at(*at);
        let differ: BTreeSet<usize> = (0..old.end().max(new.end())).filter(differ).collect();
        if !junk.is_disjoint(&claimed) || !differ.is_subset(&junk) {
            Effect::Claimed
        } else if differ.is_empty() && before == junk {
            Effect::Nothing
        } else {
            Effect::Junk
        }
    };
    honest.claims.iter().enumerate().map(of).max().unwrap_or(Effect::Nothing)
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
    let lanes = plan.rows.profile.lanes();
    for (g, group) in plan.rows.groups.iter().enumerate() {
        for lane in 0..lanes {
            with(format!("mask {lane} of group {g}"), &|r| r.groups[g].mask ^= 1 << lane);
        }
        for base in [None, Some(Base::Lambda), Some(Base::LambdaSquared), Some(Base::Rho)] {
            with(format!("output {base:?} of group {g}"), &|r| r.groups[g].output = base);
        }
        with(format!("output_next of group {g}"), &|r| r.groups[g].output_next ^= true);
        with(format!("shift of group {g}"), &|r| r.groups[g].shift += 1);
        with(format!("no operand of group {g}"), &|r| r.groups[g].operand = None);
        for read in [OperandRead::X, OperandRead::Y, OperandRead::One, OperandRead::Scalar] {
            with(format!("operand {read:?} of group {g}"), &|r| r.groups[g].operand = Some(read));
        }
        with(format!("operand_next of group {g}"), &|r| r.groups[g].operand_next ^= true);
        with(format!("base of the operand of group {g}"), &|r| {
            r.groups[g].operand_squared ^= true;
        });
        for read in [None, Some(LaneRead::X), Some(LaneRead::Y)] {
            with(format!("feature {read:?} of group {g}"), &|r| r.groups[g].feature = read);
        }
        with(format!("feature_next of group {g}"), &|r| r.groups[g].feature_next ^= true);
        for w in 0..group.weights.len() {
            with(format!("weight {w} of group {g}"), &|r| r.groups[g].weights[w] += 1);
        }
        with(format!("extra weight of group {g}"), &|r| r.groups[g].weights.push(1));
        with(format!("no weights of group {g}"), &|r| r.groups[g].weights.clear());
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
            with(format!("carry of vector row {t}"), &|r| r.vector[t].carry = carry);
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
