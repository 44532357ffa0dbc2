//! Tensors computed from operands that are not theirs: another step's state, another gate, another branch.

use zkml_core::{
    exec::integer::run,
    program::{Affine, Program, Step, TensorId, Term, View},
};

use super::{Breaks, Forgery, Lie, Subject, forge::inputs_of};

/// For each operand of a tensor and each other of as many elements before it what the tensor would be of that;
/// later tensors are computed from it.
pub(crate) fn of_other_operands(subject: &Subject, tensor: TensorId) -> Vec<Forgery> {
    let program = subject.key.compiled().program();
    let inputs = inputs_of(program, &subject.trace);
    let len = |tensor: TensorId| program.tensors[tensor.0].shape.len();
    let mut out = Vec::new();
    for (at, operand) in operands(program, tensor).into_iter().enumerate() {
        let others = (0..tensor.0).map(TensorId);
        for other in others.filter(|t| *t != operand && len(*t) == len(operand)) {
            let mut variant = program.clone();
            let Step::Affine(affine) = &mut variant.tensors[tensor.0].step else { continue };
            views(affine).nth(at).expect("as many").tensor = other;
            // Some leave their range.
            let Ok(run) = run(&variant, &inputs) else { continue };
            let cells = &run.tensors[tensor.0];
            let truth = |element| Lie::step(program, &subject.trace, tensor, element, 0);
            let lies = (0..len(tensor)).filter_map(|element| {
                let y = cells.y.get(element).copied();
                let lie = Lie { tensor, element, x: cells.x[element], r: cells.r[element], y };
                (truth(element) != Some(lie)).then_some(lie)
            });
            let lies: Vec<Lie> = lies.collect();
            if !lies.is_empty() {
                out.push(Forgery::of(Breaks::Definition, lies));
            }
        }
    }
    out
}

fn operands(program: &Program, tensor: TensorId) -> Vec<TensorId> {
    match &program.tensors[tensor.0].step {
        Step::Affine(affine) => {
            affine.terms.iter().flat_map(Term::views).map(|view| view.tensor).collect()
        }
        _ => Vec::new(),
    }
}

/// In the order of [`Term::views`].
fn views(affine: &mut Affine) -> impl Iterator<Item = &mut View> {
    affine.terms.iter_mut().flat_map(|term| match term {
        Term::Contract { view, .. } | Term::Scale { view, .. } | Term::Correlate { view, .. } => {
            vec![view]
        }
        Term::Product { left, right, .. } => vec![left, right],
        _ => Vec::new(),
    })
}
