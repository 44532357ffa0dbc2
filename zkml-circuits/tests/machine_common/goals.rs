//! Consistent lies that end in outputs of choice.

use std::collections::BTreeSet;

use zkml_core::{
    exec::integer::Trace,
    program::{Program, TensorId},
};

use super::{
    Breaks, Forgery, Lie, Subject, computed,
    forgeries::{domain, table_and_shift},
};

/// All lies about one element, and about two truth values of a tensor, after which a run is as `goal` asks.
pub(crate) fn leading_to(subject: &Subject, goal: impl Fn(&Trace) -> bool) -> Vec<Forgery> {
    let (program, trace) = (subject.key.compiled().program(), &subject.trace);
    assert!(!goal(trace), "the truth is no goal");
    let mut out = Vec::new();
    for tensor in computed(program) {
        let elements = 0..program.tensors[tensor.0].shape.len();
        let of_each: Vec<Vec<Forgery>> =
            elements.map(|element| of_every_value(program, trace, tensor, element)).collect();
        if is_truth_value(program, tensor) {
            let both = |a: &Forgery, b: &Forgery| {
                let lies = vec![a.lies[0], b.lies[0]];
                (a.breaks == b.breaks).then(|| Forgery::of(a.breaks, lies))
            };
            for (at, ones) in of_each.iter().enumerate() {
                let others = of_each[at + 1..].iter().flatten();
                out.extend(others.flat_map(|b| ones.iter().filter_map(move |a| both(a, b))));
            }
        }
        out.extend(of_each.into_iter().flatten());
    }
    out.retain(|forgery| forgery.carried(subject).is_some_and(|trace| goal(&trace)));
    out
}

fn is_truth_value(program: &Program, tensor: TensorId) -> bool {
    let table = table_and_shift(program, tensor).0;
    table.is_some_and(|table| table.values.iter().all(|value| (0..=1).contains(value)))
}

/// Of each other value of an element the nearest argument that has it, that argument with a remainder that
/// makes up for it, and the value without it.
fn of_every_value(
    program: &Program,
    trace: &Trace,
    tensor: TensorId,
    element: usize,
) -> Vec<Forgery> {
    let truth = Lie::step(program, trace, tensor, element, 0).expect("an honest run");
    let (table, shift) = table_and_shift(program, tensor);
    let mut steps: Vec<i64> = domain(program, tensor).map(|x| x - i64::from(truth.x)).collect();
    steps.sort_by_key(|dx| dx.abs());
    let (mut seen, mut out) = (BTreeSet::from([truth.y.unwrap_or(truth.x)]), Vec::new());
    for dx in steps {
        let lie = Lie::step(program, trace, tensor, element, dx as i32).expect("in the domain");
        if !seen.insert(lie.y.unwrap_or(lie.x)) {
            continue;
        }
        out.push(Forgery::of(Breaks::Definition, vec![lie]));
        if let Ok(dr) = i32::try_from(-dx << shift) {
            out.push(Forgery::of(Breaks::Lookup, vec![lie.shifted(0, dr)]));
        }
        if table.is_some() {
            out.push(Forgery::of(Breaks::Lookup, vec![Lie { y: lie.y, ..truth }]));
        }
    }
    out
}
