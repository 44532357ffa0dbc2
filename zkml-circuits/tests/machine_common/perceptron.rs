//! The classifier in three machines, and lies about its cells.

use super::{HIDDEN, INPUT, LOGITS, Subject, classifier, set_accumulator};
use zkml_circuits::{
    machine::{Profile, Role},
    plan::Visibility,
    witness::FirstPhase,
};
use zkml_core::program::TensorId;

/// Index of an element's cells in a first phase.
pub(crate) fn at(subject: &Subject, tensor: TensorId, element: usize) -> usize {
    let (group, lane) = subject.home(tensor, element);
    group * subject.plan().rows.profile.lanes() + lane
}

pub(crate) fn elements(subject: &Subject, tensor: TensorId) -> usize {
    subject.key.compiled().program().tensors[tensor.0].shape.len()
}

/// Scalars follow the values that stand in the lanes.
pub(crate) fn follow(subject: &Subject, first: &mut FirstPhase) {
    for scalar in &subject.plan().scalars {
        let cell = at(subject, scalar.tensor, scalar.element as usize);
        let role = if scalar.tensor == HIDDEN { Role::Y } else { Role::X };
        first.p[scalar.group] = first.role(role)[cell];
    }
}

/// `max(x, 0)`, the hidden function.
pub(crate) fn relu(x: i64) -> i64 {
    x.max(0)
}

pub(crate) fn wide(batch: usize) -> Subject {
    Subject::new(classifier(batch, 0), Profile::standard()[0], Visibility::Public)
}

pub(crate) fn folded(batch: usize) -> Subject {
    Subject::new(classifier(batch, 0), Profile::standard()[3], Visibility::Public)
}

pub(crate) fn odd(batch: usize) -> Subject {
    let profile = Profile::new(6, 3, 6, 1).expect("a machine");
    Subject::new(classifier(batch, 0), profile, Visibility::Private)
}

pub(crate) fn all() -> [Subject; 3] {
    [wide(3), folded(1), odd(3)]
}

/// Carries a change of one hidden value on to the logits, as the model computes them.
pub(crate) fn forward(subject: &Subject, first: &mut FirstPhase, element: usize, change: i64) {
    use zkml_core::program::{Step, Term};
    let program = subject.key.compiled().program();
    let Step::Affine(affine) = &program.tensors[LOGITS.0].step else { unreachable!("computed") };
    let Term::Contract { weight, .. } = &affine.terms[0] else { unreachable!("a contraction") };
    let (row, k) = (element / 9, element % 9);
    for j in 0..3 {
        let place = subject.home(LOGITS, row * 3 + j);
        let w = i64::from(weight.data()[k * 3 + j]);
        set_accumulator(&subject.plan().rows, first, place, |c| c + w * change);
    }
}

/// Adds multiples of `2^s` to two accumulators of a tensor; later cells follow.
pub(crate) fn spread(subject: &Subject, tensor: TensorId, errors: [(usize, i64); 2]) -> FirstPhase {
    let mut first = subject.first();
    for (element, d) in errors {
        let cell = at(subject, tensor, element);
        first.lanes[0][cell] += d;
        if tensor == HIDDEN {
            let (old, new) = (first.lanes[2][cell], relu(first.lanes[0][cell]));
            first.lanes[2][cell] = new;
            forward(subject, &mut first, element, new - old);
        }
    }
    follow(subject, &mut first);
    first
}
