//! Attacks on pools.
//!
//! A maximum is a chain of differences, `max(a, b) = b + relu(a - b)`, each an affine step with an
//! equation of its own: there is no index and no sorted copy for a prover to choose, so on a tie as
//! anywhere there is one witness ([`a_tie_has_one_witness`]). An average is a convolution by ones,
//! re-quantised; its rounding has one answer ([`an_average_has_one_rounding`]).

mod machine_common;
mod plonk_common;

use machine_common::{
    Lie, Subject, Verdict,
    pools::{DIMS, average_pool, max_pool, window},
};
use zkml_circuits::{machine::Profile, plan::Visibility, testing::shape};
use zkml_core::{
    exec::integer::Trace,
    program::{Program, Step, TensorId},
    tensor::Tensor,
};

fn profiles() -> [Profile; 2] {
    [Profile::standard()[0], Profile::standard()[3]]
}

fn program(subject: &Subject) -> &Program {
    subject.key.compiled().program()
}

/// The steps of the chain, and the maximum.
fn chain(program: &Program) -> (Vec<TensorId>, TensorId) {
    let last = program.outputs[0].view.tensor;
    let differences = (0..program.tensors.len()).map(TensorId).filter(
        |t| matches!(&program.tensors[t.0].step, Step::Affine(affine) if affine.table.is_some()),
    );
    (differences.collect(), last)
}

/// What output `element` of a channel's windows meets.
fn met(trace: &Trace, element: usize) -> Vec<i32> {
    let (channel, row, column) = (element / 6, element / 3 % 2, element % 3);
    let x = &trace.tensors[0].x;
    let window = window();
    window.meets((row, column)).map(|(_, (h, w))| x[(channel * 4 + h) * 5 + w]).collect()
}

fn refuse(subject: &Subject, lie: Lie) -> Option<Trace> {
    let trace = lie.carried(program(subject), &subject.trace)?;
    assert_ne!(trace, subject.trace);
    assert!(!subject.satisfied_by(subject.first_of(&trace)), "{lie:?} goes unnoticed");
    Some(trace)
}

#[test]
fn the_maximum_is_the_maximum() {
    for profile in profiles() {
        let subject = Subject::new(max_pool(), profile, Visibility::Public);
        let (differences, last) = chain(program(&subject));
        assert_eq!(differences.len(), 4, "two of either axis");
        assert_eq!(
            subject.verdict(&subject.words, &mut subject.honest()),
            Verdict::Accepted,
            "{profile}"
        );
        let truth = &subject.trace.tensors[last.0];
        for (element, max) in truth.x.iter().enumerate() {
            assert_eq!(Some(max), met(&subject.trace, element).iter().max());
        }
    }
}

/// The output alone: any other value of its window, and larger than all.
#[test]
fn an_output_that_is_not_the_maximum() {
    for profile in profiles() {
        let subject = Subject::new(max_pool(), profile, Visibility::Public);
        let (_, last) = chain(program(&subject));
        let mut proofs = 0;
        for element in 0..program(&subject).tensors[last.0].shape.len() {
            let max = subject.trace.tensors[last.0].x[element];
            let mut others = met(&subject.trace, element);
            others.extend([max + 1, max + 2]);
            others.retain(|v| {
                *v != max && program(&subject).tensors[last.0].bits.contains((*v).into())
            });
            for x in others {
                let trace = refuse(&subject, Lie { tensor: last, element, x, r: 0, y: None });
                if proofs < 2 {
                    proofs += 1;
                    let first = subject.first_of(&trace.expect("nothing follows"));
                    assert_eq!(subject.verdict_of(first), Verdict::Rejected, "{profile}");
                }
            }
        }
    }
}

/// A difference that is not the difference, or not its positive part, all that follows computed from
/// it: the greater is passed over, and the second largest comes out as the maximum.
#[test]
fn a_difference_that_is_not_the_difference() {
    for profile in profiles() {
        let subject = Subject::new(max_pool(), profile, Visibility::Public);
        let (differences, last) = chain(program(&subject));
        let (mut second, mut larger) = (0, 0);
        for tensor in differences {
            let bits = program(&subject).tensors[tensor.0].bits;
            for element in 0..program(&subject).tensors[tensor.0].shape.len() {
                let x = subject.trace.tensors[tensor.0].x[element];
                let mut lies: Vec<(i32, i32)> = [x + 1, x - 1, 0, -x, 7]
                    .iter()
                    .filter(|x| bits.contains(i64::from(**x)))
                    .map(|x| (*x, (*x).max(0)))
                    .collect();
                lies.extend([(x, 0), (x, -x), (x, x), (x, x.max(0) + 1)]);
                lies.retain(|lie| *lie != (x, x.max(0)));
                for (x, y) in lies {
                    let Some(trace) =
                        refuse(&subject, Lie { tensor, element, x, r: 0, y: Some(y) })
                    else {
                        continue;
                    };
                    for (at, forged) in trace.tensors[last.0].x.iter().enumerate() {
                        let mut met = met(&subject.trace, at);
                        met.sort_unstable();
                        met.dedup();
                        second += usize::from(met.len() > 1 && *forged == met[met.len() - 2]);
                        larger += usize::from(Some(forged) > met.last());
                    }
                }
            }
        }
        assert!(second > 8 && larger > 8, "{second} and {larger} forged maxima");
    }
}

/// Equal values: the differences are 0, and no other pair of cells passes, in the table or not. Which
/// of the two is "the" maximum is no cell of the machine.
#[test]
fn a_tie_has_one_witness() {
    let program = max_pool();
    let input = Tensor::new(shape(&DIMS), vec![-3; 40]).expect("as many");
    for profile in profiles() {
        let subject =
            Subject::of(program.clone(), profile, Visibility::Public, std::slice::from_ref(&input));
        let verdict = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(verdict, Verdict::Accepted, "{profile}");
        let (differences, _) = chain(&program);
        let mut ties = 0;
        for tensor in differences {
            let cells = &subject.trace.tensors[tensor.0];
            let tie = (0..cells.x.len()).find(|e| (cells.x[*e], cells.y[*e]) == (0, 0));
            let Some(element) = tie else { continue };
            ties += 1;
            let bits = program.tensors[tensor.0].bits;
            for x in bits.min()..=bits.max() {
                for y in [0, x.max(0), 1, -1] {
                    if (x, y) != (0, 0) {
                        // Both cells are 6 bits wide or so.
                        let (x, y) = (x as i32, Some(y as i32));
                        refuse(&subject, Lie { tensor, element, x, r: 0, y });
                    }
                }
            }
            // A remainder where there is none.
            refuse(&subject, Lie { tensor, element, x: 0, r: 1, y: Some(0) });
        }
        assert!(ties > 2, "{ties}");
    }
}

/// Off by one either way, with the remainder that would make it true and without; half-way sums
/// rounded down; remainders at and beyond both ends of their range.
#[test]
fn an_average_has_one_rounding() {
    let program = average_pool();
    // Sums of 2x2 windows of every remainder.
    let data = (0..40).map(|i| [1, 0, 1, -2, 3, 0, 5][i % 7]).collect();
    let input = Tensor::new(shape(&DIMS), data).expect("as many");
    for profile in profiles() {
        let subject =
            Subject::of(program.clone(), profile, Visibility::Public, std::slice::from_ref(&input));
        let verdict = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(verdict, Verdict::Accepted, "{profile}");
        let mut ties = 0;
        for (tensor, shift) in [(TensorId(1), 9), (TensorId(2), 2)] {
            for element in 0..program.tensors[tensor.0].shape.len() {
                let truth = Lie::step(&program, &subject.trace, tensor, element, 0);
                let truth = truth.expect("in range");
                // `r = c + 2^(s-1) - 2^s x` is 0 exactly half-way, which is rounded up.
                ties += usize::from(truth.r == 0);
                let whole = 1 << shift;
                let moves = [(1, -whole), (-1, whole), (1, 0), (-1, 0), (0, 1), (0, -1)];
                for (dx, dr) in moves.into_iter().chain([(2, -2 * whole), (-2, 2 * whole)]) {
                    let lie = truth.shifted(dx, dr);
                    let trace = refuse(&subject, lie).expect("nothing follows");
                    if element == 3 && dr.abs() == whole {
                        let first = subject.first_of(&trace);
                        assert_eq!(subject.verdict_of(first), Verdict::Rejected, "{lie:?}");
                    }
                }
            }
        }
        assert!(ties > 0, "no sum is half-way");
    }
}
