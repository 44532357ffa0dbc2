//! A row at a time.

use std::ops::Range;

use ff::Field;
use halo2curves::bn256::Fr;

use super::{Action, Operand, Put, Run, Step};

/// Puts the values of rows `first_row + i` for `i` in `rows`.
pub(super) fn put(
    run: &Run<'_>,
    first_row: usize,
    rows: Range<usize>,
    outputs: &mut [&mut [Fr]],
    put: Put,
) {
    let mut slots = vec![Fr::ZERO; run.program.slots];
    for i in rows {
        let cell = |cell: usize| {
            let column = run.cells[cell];
            column.values[column.row(first_row + i)]
        };
        let read = |slots: &[Fr], operand| match operand {
            Operand::Uniform(i) => run.uniforms[i],
            Operand::Cell(i) => cell(i),
            Operand::Result(slot) => slots[slot],
        };
        for Step { action, to } in &run.program.steps {
            let value = match *action {
                Action::Add { a, b, .. } => read(&slots, a) + read(&slots, b),
                Action::Sub { a, b, .. } => read(&slots, a) - read(&slots, b),
                Action::Mul(a, b) => read(&slots, a) * read(&slots, b),
                Action::Square(a) => read(&slots, a).square(),
                Action::Reduce(a) => read(&slots, a),
                Action::Output(a) => {
                    let to = &mut outputs[*to][i];
                    match put {
                        Put::Write => *to = read(&slots, a),
                        Put::Add => *to += read(&slots, a),
                    }
                    continue;
                }
            };
            slots[*to] = value;
        }
    }
}
