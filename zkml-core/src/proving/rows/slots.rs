//! Slots: each result gets one that is free once its last reader has run.

use super::{Action, Operand, Step};

/// Places the results of `actions`, which name each other by position, in slots. Returns the
/// number of slots as well.
pub(super) fn place(actions: Vec<Action>) -> (Vec<Step>, usize) {
    let mut last_use = vec![0; actions.len()];
    for (time, action) in actions.iter().enumerate() {
        for result in results(*action) {
            last_use[result] = time;
        }
    }
    let (mut free, mut slots, mut outputs) = (Vec::new(), 0, 0);
    let mut slot_of: Vec<usize> = Vec::with_capacity(actions.len());
    let mut steps = Vec::with_capacity(actions.len());
    for (time, action) in actions.into_iter().enumerate() {
        let mut ended = results(action);
        ended.dedup();
        // A step reads before it writes: it may write over an operand.
        free.extend(ended.iter().filter(|r| last_use[**r] == time).map(|r| slot_of[*r]));
        let to = if let Action::Output(_) = action {
            outputs += 1;
            slot_of.push(usize::MAX); // nobody reads an output
            outputs - 1
        } else {
            let slot = free.pop().unwrap_or_else(|| {
                slots += 1;
                slots - 1
            });
            slot_of.push(slot);
            slot
        };
        let action = action.map(|operand| match operand {
            Operand::Result(result) => Operand::Result(slot_of[result]),
            other => other,
        });
        steps.push(Step { action, to });
    }
    (steps, slots)
}

/// The results that an action reads.
fn results(action: Action) -> Vec<usize> {
    let mut results = Vec::with_capacity(2);
    let _ = action.map(|operand| {
        if let Operand::Result(result) = operand {
            results.push(result);
        }
        operand
    });
    results
}
