//! Attacks on operators that are programs of sums and tables: of every computed tensor of each, at its first
//! and last element and one between, every consistent lie there is (`machine_common/forgeries.rs`).
//!
//! Each is carried on through all that follows and breaks one thing, which the checker names. Those that a
//! challenge stops pass for who knows it beforehand, and for nobody else. A tensor computed from operands that are
//! not its own is such a lie too. Of each kind one is proven for each operator, and all verifiers reject it. Then
//! by name: ties, orders, branches, states, quotients, rows.

mod machine_common;
mod machine_operators;
#[path = "../../zkml-core/tests/onnx_build/mod.rs"]
mod onnx_build;
mod plonk_common;

use machine_common::{
    Balanced, Breaks, Forgery, Lie, RowMachine, Subject, Verdict, carried, computed, leading_to,
    of_other_operands,
};
use machine_operators as operators;
use zkml_circuits::{plan::Claim, testing::Dice};
use zkml_core::{exec::integer::Trace, program::Program};

const SEED: u64 = 20_261_128;
/// Ways to one end that are tried.
const WAYS: usize = 6;

fn program(subject: &Subject) -> &Program {
    subject.key.compiled().program()
}

/// An output of a run, as real numbers.
fn output(subject: &Subject, trace: &Trace, name: &str) -> Vec<f64> {
    let mut outputs = program(subject).outputs.iter();
    let output = outputs.find(|output| output.name == name).expect("an output");
    trace.real(program(subject), &output.view).into_data()
}

/// All lies about three elements of each computed tensor, a pair that cancels, other operands; proofs of some.
fn every_step_is_bound(subject: &Subject) {
    let mut dice = Dice::new(SEED);
    let honest = subject.verdict(&subject.words, &mut subject.honest());
    assert_eq!(honest, Verdict::Accepted, "the honest witness");
    another_input_is_no_lie(subject);
    let (mut definitions, mut lookups, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    let mut exchanges = Vec::new();
    for tensor in computed(program(subject)) {
        let stored = &program(subject).tensors[tensor.0];
        let last = stored.shape.len() - 1;
        let between = dice.below(last + 1);
        let mut elements = vec![0, between, last];
        elements.dedup();
        let before = (definitions.len(), lookups.len());
        for element in elements {
            let about = Forgery::about(program(subject), &subject.trace, tensor, element);
            for forgery in about.into_iter().filter(|forgery| forgery.is_refused(subject)) {
                match forgery.breaks {
                    Breaks::Definition => definitions.push(forgery),
                    Breaks::Lookup => {
                        if element == between {
                            forgery.assert_hangs_on_alpha_and_beta(subject, false);
                        }
                        lookups.push(forgery);
                    }
                }
            }
        }
        let exchanged = of_other_operands(subject, tensor);
        exchanges.extend(exchanged.into_iter().filter(|forgery| forgery.is_refused(subject)));
        // Of each tensor some lie of either kind can be carried on, and some pair cancels.
        assert!(definitions.len() > before.0 && lookups.len() > before.1, "{:?}", stored.origin);
        let pair = Balanced::about(subject, tensor).expect("two elements in one equation");
        pair.assert_hangs_on_its_challenge(subject, false);
        pairs.push(pair);
    }
    let counts = [definitions.len(), lookups.len(), pairs.len(), exchanges.len()];
    eprintln!("false definitions, lookups, pairs, operands: {counts:?}");
    let forged = |forgery: &Forgery| subject.first_of(&forgery.carried(subject).expect("carried"));
    let of_output = definitions.iter().map(forged).find(|first| {
        let (words, _) = subject.consistent(first.clone());
        words != subject.words
    });
    assert_eq!(subject.verdict_of(of_output.expect("forged words")), Verdict::Rejected);
    if !exchanges.is_empty() {
        let exchange = forged(&exchanges[dice.below(exchanges.len())]);
        assert_eq!(subject.verdict_of(exchange), Verdict::Rejected);
    }
    lookups[dice.below(lookups.len())].assert_hangs_on_alpha_and_beta(subject, true);
    pairs[dice.below(pairs.len())].assert_hangs_on_its_challenge(subject, true);
}

/// What is computed from another input is true: the generator carries lies on as it should.
fn another_input_is_no_lie(subject: &Subject) {
    let input = program(subject).inputs[0].tensor;
    let moved = [1, -1].into_iter().find_map(|dx| {
        let lie = Lie::step(program(subject), &subject.trace, input, 0, dx)?;
        carried(program(subject), &subject.trace, &[lie])
    });
    let trace = moved.expect("another input in range");
    assert_ne!(trace, subject.trace);
    assert!(subject.satisfied_by(subject.first_of(&trace)));
}

/// Lies that end in outputs of choice, of either kind; one of each is proven.
fn cannot_be_forged(subject: &Subject, goal: impl Fn(&Trace) -> bool) {
    let ways = leading_to(subject, goal);
    for breaks in [Breaks::Definition, Breaks::Lookup] {
        let ways: Vec<&Forgery> = ways.iter().filter(|way| way.breaks == breaks).collect();
        assert!(!ways.is_empty(), "no {breaks:?} leads there");
        for way in ways.iter().step_by(ways.len().div_ceil(WAYS)) {
            assert!(way.is_refused(subject));
        }
        // The furthest from the outputs.
        let way = ways[0];
        match breaks {
            Breaks::Lookup => way.assert_hangs_on_alpha_and_beta(subject, true),
            Breaks::Definition => {
                let trace = way.carried(subject).expect("carried before");
                assert_eq!(subject.verdict_of(subject.first_of(&trace)), Verdict::Rejected);
            }
        }
    }
}

/// As [`cannot_be_forged`]: output `name` is `values`, to a quarter.
fn is_not(subject: &Subject, name: &str, values: &[f64]) {
    cannot_be_forged(subject, |trace| {
        let got = output(subject, trace, name);
        assert_eq!(got.len(), values.len());
        got.iter().zip(values).all(|(a, b)| (a - b).abs() < 0.25)
    });
}

/// The lies are as consistent as can be: a machine without the equations of a tensor, which the linter refuses,
/// accepts all about it.
#[test]
fn without_its_equations_a_tensor_may_be_anything() {
    let subject = operators::top_k();
    let (program, plan) = (program(&subject), subject.plan());
    for tensor in computed(program) {
        let machine = RowMachine::new(plan, |rows| {
            let claims = plan.claims.iter();
            let defines = |c: &Claim| matches!(c, Claim::Step { tensor: of, .. } if *of == tensor);
            let kept = rows.equations.iter().zip(claims).filter(|(_, claim)| !defines(claim));
            rows.equations = kept.map(|(equation, _)| *equation).collect();
        });
        machine.refusal(program);
        let mut lies = Forgery::about(program, &subject.trace, tensor, 0);
        lies.retain(|lie| lie.breaks == Breaks::Definition);
        let runs: Vec<Trace> = lies.iter().filter_map(|lie| lie.carried(&subject)).collect();
        assert!(!runs.is_empty());
        for trace in runs {
            assert!(machine.satisfied_by(machine.first(program, &trace)), "{tensor:?}");
        }
    }
}

#[test]
fn a_tie_is_not_broken_to_the_other_index() {
    let subject = operators::extremes();
    every_step_is_bound(&subject);
    assert_eq!(output(&subject, &subject.trace, "first"), [1.0, 3.0]);
    is_not(&subject, "first", &[3.0, 3.0]);
    assert_eq!(output(&subject, &subject.trace, "last"), [2.0, 2.0]);
    is_not(&subject, "last", &[2.0, 0.0]);
    is_not(&subject, "hard", &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn the_greatest_are_not_in_another_order() {
    let subject = operators::top_k();
    every_step_is_bound(&subject);
    assert_eq!(output(&subject, &subject.trace, "indices"), [1.0, 3.0]);
    is_not(&subject, "indices", &[3.0, 1.0]);
    is_not(&subject, "values", &[2.5, 1.0]);
}

#[test]
fn a_comparison_has_no_other_result() {
    let subject = operators::comparisons();
    every_step_is_bound(&subject);
    assert_eq!(output(&subject, &subject.trace, "and"), [1.0, 0.0, 0.0, 0.0]);
    is_not(&subject, "and", &[0.0; 4]);
    is_not(&subject, "xor", &[1.0; 4]);
    is_not(&subject, "not", &[1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_choice_does_not_take_the_other_branch() {
    let subject = operators::choices();
    every_step_is_bound(&subject);
    let honest = output(&subject, &subject.trace, "y");
    // `b - a` is 4 where `a` was chosen, `a` is 3 where `b - a` was.
    is_not(&subject, "y", &[honest[0], 4.0, honest[2], honest[3]]);
    is_not(&subject, "y", &[honest[0], honest[1], 3.0, honest[3]]);
    let honest = output(&subject, &subject.trace, "max");
    is_not(&subject, "max", &[honest[0], honest[1], -3.0, honest[3]]);
}

#[test]
fn a_forest_follows_no_wrong_branch() {
    let subject = operators::regression_forest();
    every_step_is_bound(&subject);
    let honest = output(&subject, &subject.trace, "y");
    assert!((honest[0] - 1.75).abs() < 0.25, "leaves 1.5 and 0.25");
    // The leaf beside the one, and the tree's other half.
    is_not(&subject, "y", &[-1.75, honest[1]]);
    is_not(&subject, "y", &[0.75, honest[1]]);
    let subject = operators::classifying_forest();
    every_step_is_bound(&subject);
    let honest = output(&subject, &subject.trace, "label");
    is_not(&subject, "label", &[2.0 - honest[0], honest[1]]);
}

/// A state that is wrong at the second step, carried through to the last; the first step stays as it is.
#[test]
fn a_wrong_state_is_not_carried_to_the_outputs() {
    for (subject, states) in [
        (operators::lstm(), vec!["y", "y_c"]),
        (operators::gru(), vec!["y"]),
        (operators::rnn(), vec!["y"]),
    ] {
        every_step_is_bound(&subject);
        cannot_be_forged(&subject, |trace| {
            let of = |trace, name: &&str| output(&subject, trace, name);
            let (honest, forged) = (of(&subject.trace, &"y"), of(trace, &"y"));
            let same = |step: usize| honest[2 * step..][..2] == forged[2 * step..][..2];
            same(0)
                && !same(1)
                && !same(2)
                && states.iter().all(|name| of(&subject.trace, name) != of(trace, name))
        });
    }
}

#[test]
fn a_kernel_has_no_other_value() {
    for subject in [operators::radial_kernel(), operators::polynomial_kernel()] {
        every_step_is_bound(&subject);
        let honest = output(&subject, &subject.trace, "y");
        is_not(&subject, "y", &[honest[0] + 0.5, honest[1]]);
    }
    let subject = operators::voting_machine();
    every_step_is_bound(&subject);
    let honest = output(&subject, &subject.trace, "label");
    is_not(&subject, "label", &[(honest[0] + 1.0) % 3.0, honest[1]]);
}

/// Quotients off by one with a remainder that makes up for it; residues of the right class, out of range, and
/// of another.
#[test]
fn a_division_has_one_quotient_and_one_residue() {
    let subject = operators::divisions();
    every_step_is_bound(&subject);
    assert_eq!(output(&subject, &subject.trace, "quotient"), [2.0, -2.0, 4.0, 1.0]);
    is_not(&subject, "quotient", &[3.0, -2.0, 4.0, 1.0]);
    is_not(&subject, "quotient", &[2.0, -3.0, 4.0, 1.0]);
    assert_eq!(output(&subject, &subject.trace, "residue"), [1.0, 1.0, 2.0, 0.0]);
    is_not(&subject, "residue", &[2.0, 1.0, 2.0, 0.0]);
    assert_eq!(output(&subject, &subject.trace, "fmod"), [2.0, -3.0, 4.0, 3.0]);
    is_not(&subject, "fmod", &[2.0, 2.0, 4.0, 3.0]);
}

#[test]
fn a_running_sum_leaves_nothing_out() {
    let subject = operators::running();
    every_step_is_bound(&subject);
    let mut sums = output(&subject, &subject.trace, "sum");
    // Without the first element, which is 1.
    sums[2] -= 1.0;
    is_not(&subject, "sum", &sums);
}

#[test]
fn an_index_reads_no_other_row() {
    let subject = operators::indices();
    every_step_is_bound(&subject);
    let honest = output(&subject, &subject.trace, "rows");
    is_not(&subject, "rows", &[0.5, 3.0, honest[2], honest[3]]);
    is_not(&subject, "hot", &[-1.0, 2.0, -1.0, 2.0, -1.0, -1.0]);
}

#[test]
fn a_clipped_value_is_not_out_of_bounds() {
    let subject = operators::clip_and_resize();
    every_step_is_bound(&subject);
    let clipped = output(&subject, &subject.trace, "clipped");
    // A value between the bounds, cut; one beyond them, which no argument of the table has.
    is_not(&subject, "clipped", &[&[clipped[2]], &clipped[1..]].concat());
    let tensor = program(&subject).outputs[0].view.tensor;
    let bound = Lie::step(program(&subject), &subject.trace, tensor, 2, 0).expect("the truth");
    let beyond = Lie { y: bound.y.map(|y| y + 1), ..bound };
    let forgery = Forgery::of(Breaks::Lookup, vec![beyond]);
    assert!(forgery.is_refused(&subject));
    forgery.assert_hangs_on_alpha_and_beta(&subject, true);
}
