//! How long a compiled model's file must be: a program of a few bytes may name millions of values, and read
//! them many times, each of which takes memory to be planned and linted. So a file is at least as long as
//! what it names, but for the first [`FREE`], and who reads one from a stranger needs memory in
//! proportion to its length. Weights are as many bytes already; zeros make up what is missing.

use zkml_core::program::{Program, Step, StoredTensor, Term};

/// What a file of any length may name.
pub(super) const FREE: usize = 1 << 16;

/// Values that are read for what one that is named takes: a row of the vector unit at most for each two.
const READS: usize = 8;

/// Bytes of a file of `program` at least.
pub(super) fn least(program: &Program) -> usize {
    let named = program.tensors.iter().map(named).fold(0, usize::saturating_add);
    named.saturating_sub(FREE)
}

/// Values of a tensor, those that its terms read, and places of the planes in which it is a sum of products: of a
/// window, places between and beyond the inputs as well, where the planner has to account for what lands there.
fn named(tensor: &StoredTensor) -> usize {
    let Step::Affine(affine) = &tensor.step else { return tensor.shape.len() };
    let places = affine.terms.iter().map(|term| match term {
        Term::Correlate { view, window, .. } => {
            let batch = view.shape.dims().first().copied().unwrap_or(0);
            let axes = [window.height, window.width].map(|axis| {
                // Inputs by taps, but not more than there are places between the outermost.
                let inputs = axis.in_step.saturating_mul(axis.input);
                let taps = (axis.slope.unsigned_abs() as usize).saturating_mul(axis.kernel);
                axis.input.saturating_mul(axis.kernel).min(inputs.saturating_add(taps))
            });
            axes.into_iter().fold(batch, usize::saturating_mul)
        }
        _ => 0,
    });
    let read = affine.terms.iter().map(read).fold(0, usize::saturating_add);
    places.fold(tensor.shape.len().saturating_add(read / READS), usize::saturating_add)
}

/// Values that a term reads: of a channel of its own once for each output channel.
fn read(term: &Term) -> usize {
    match term {
        Term::Correlate { view, weight, groups, .. }
            if view.shape.dims().get(1) == Some(groups) =>
        {
            let outputs = weight.shape().dims().first().copied().unwrap_or(0);
            outputs.saturating_mul(view.shape.len() / (*groups).max(1))
        }
        _ => term.views().map(|view| view.shape.len()).fold(0, usize::saturating_add),
    }
}
