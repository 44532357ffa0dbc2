//! Changes of what a plan says of itself: claims, scalars, homes.

use super::*;
use crate::plan::Scalar;
use zkml_core::program::TensorId;

/// No claim can be left out, put twice, moved or made on something else: nothing but the whole truth
/// is accepted.
#[test]
fn each_claim_matters() {
    for (program, plan) in plans() {
        let changes = changes(&plan);
        assert!(changes.len() > 100, "{}", changes.len());
        for (what, changed) in changes {
            assert!(lint(&program, &changed).is_err(), "{what} changed unnoticed");
        }
    }
}

fn changes(plan: &Plan) -> Vec<(String, Plan)> {
    let mut out = Vec::new();
    let mut with = |what: String, change: &dyn Fn(&mut Plan)| {
        let mut changed = plan.clone();
        change(&mut changed);
        assert_ne!(&changed, plan, "{what}");
        out.push((what, changed));
    };
    for (c, claim) in plan.claims.iter().enumerate() {
        with(format!("claim {c} dropped"), &|p| _ = p.claims.remove(c));
        with(format!("claim {c} twice"), &|p| p.claims.push(p.claims[c].clone()));
        with(format!("claim {c} and its equation dropped"), &|p| {
            p.claims.remove(c);
            p.rows.equations.remove(c);
        });
        with(format!("claim {c} and its equation twice"), &|p| {
            p.claims.push(p.claims[c].clone());
            p.rows.equations.push(p.rows.equations[c]);
        });
        if plan.claims.len() > 1 {
            let other = (c + 1) % plan.claims.len();
            with(format!("claims {c} and {other} of one another"), &|p| p.claims.swap(c, other));
        }
        with(format!("claim {c} says nothing"), &|p| p.claims[c] = Claim::Tie(Vec::new()));
        match claim {
            Claim::Tie(scalars) => tie(c, scalars.len(), &mut with),
            Claim::Step { elements, .. } => step(c, elements.len(), &mut with),
        }
    }
    for s in 0..plan.scalars.len() {
        let at = |what: &str| format!("{what} of scalar {s}");
        with(at("element"), &|p| p.scalars[s].element ^= 1);
        with(at("tensor"), &|p| p.scalars[s].tensor.0 += 1);
        with(at("group"), &|p| p.scalars[s].group += 1);
    }
    with("a scalar more".into(), &|p| {
        let group = p.rows.groups.len();
        p.scalars.push(Scalar { group, tensor: TensorId(0), element: 0 });
    });
    for (t, layout) in plan.layouts.iter().enumerate() {
        for (s, segment) in layout.segments.iter().enumerate() {
            with(format!("segment {s} of tensor {t} moved"), &|p| {
                p.layouts[t].segments[s].group += 1;
            });
            with(format!("segment {s} of tensor {t} dropped"), &|p| {
                p.layouts[t].segments.remove(s);
            });
            let live: Vec<usize> =
                (0..segment.slots.len()).filter(|i| segment.slots[*i].is_some()).collect();
            if let [i, j, ..] = live[..] {
                with(format!("segment {s} of tensor {t}: two trade places"), &|p| {
                    p.layouts[t].segments[s].slots.swap(i, j);
                });
            }
        }
    }
    out
}

type With<'a> = dyn FnMut(String, &dyn Fn(&mut Plan)) + 'a;

fn tie(c: usize, length: usize, with: &mut With<'_>) {
    type Scalars = Vec<(usize, u32)>;
    type Change<'a> = &'a dyn Fn(&mut Scalars);
    let of = |plan: &mut Plan, change: Change<'_>| {
        if let Claim::Tie(scalars) = &mut plan.claims[c] {
            change(scalars);
        }
    };
    for s in 0..length {
        let mut put = |what: &str, change: Change<'_>| {
            with(format!("scalar {s} of claim {c}: {what}"), &|p| of(p, change));
        };
        put("dropped", &|v| _ = v.remove(s));
        put("twice", &|v| v.push(v[s]));
        put("twice at two exponents", &|v| v.push((v[s].0, v[s].1 + 1000)));
        put("another", &|v| v[s].0 ^= 1);
        put("one that does not exist", &|v| v[s].0 = usize::MAX);
        put("another exponent", &|v| v[s].1 += 1);
    }
}

fn step(c: usize, length: usize, with: &mut With<'_>) {
    type Elements = Vec<(u32, Monomial)>;
    type Change<'a> = &'a dyn Fn(&mut Elements);
    let of = |plan: &mut Plan, change: Change<'_>| {
        if let Claim::Step { elements, .. } = &mut plan.claims[c] {
            change(elements);
        }
    };
    let tensor = |change: &'static dyn Fn(&mut TensorId)| {
        move |plan: &mut Plan| {
            if let Claim::Step { tensor, .. } = &mut plan.claims[c] {
                change(tensor);
            }
        }
    };
    with(format!("claim {c}: the tensor before"), &tensor(&|t| t.0 -= 1));
    with(format!("claim {c}: the tensor after"), &tensor(&|t| t.0 += 1));
    for e in 0..length {
        let mut put = |what: &str, change: Change<'_>| {
            with(format!("element {e} of claim {c}: {what}"), &|p| of(p, change));
        };
        put("dropped", &|v| _ = v.remove(e));
        put("twice", &|v| v.push(v[e]));
        put("twice at two monomials", &|v| {
            let (element, mut at) = v[e];
            at.rho += 1000;
            v.push((element, at));
        });
        put("another", &|v| v[e].0 ^= 1);
        put("one that does not exist", &|v| v[e].0 = u32::MAX);
        put("another power of lambda", &|v| v[e].1.lambda += 1);
        put("another power of rho", &|v| v[e].1.rho += 1);
        if length > 1 {
            put("at the place of its neighbour", &|v| {
                let other = (e + 1) % length;
                (v[e].1, v[other].1) = (v[other].1, v[e].1);
            });
        }
    }
}
