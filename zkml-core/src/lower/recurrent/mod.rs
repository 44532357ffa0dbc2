//! LSTM, GRU and RNN, unrolled over time. A cell of hidden size `H` takes `x_t` (batch times
//! features) and its state to the next state; for one direction
//!
//! ```text
//! z_t = x_t W^T + b                  all gates of all steps: one product
//! h_t = cell(z_t, h_(t-1), c_(t-1))  see `lstm`, `gru`, `rnn`
//! Y   = h_0, h_1, ..,   Y_h = the last h,   Y_c = the last c
//! ```
//!
//! The direction `reverse` goes through the steps from the last to the first, `bidirectional` is both
//! beside each other. With `layout = 1`, since 14, the batch is the first axis of `X`, `Y` and the
//! states. Sequences of a batch may have lengths of their own, constants: rows of one length are run
//! together, and `Y` is 0 behind the end of a sequence. Weights, biases, peepholes and lengths are
//! constants; states may depend on the input. What `clip` bounds are the arguments of the functions
//! of the gates, as in onnxruntime.

mod cell;
mod function;
mod gru;
mod layer;
mod lstm;
mod rnn;

use super::site::{Halt, Lowered, Site};
use crate::ir::{Op, ValueId};
use cell::{Cell, Direction, State};
use layer::Layer;

type Result<T = Vec<Lowered>> = std::result::Result<T, Halt>;

pub(super) fn lstm(site: &mut Site<'_>) -> Result {
    unrolled::<lstm::Lstm>(site)
}

pub(super) fn gru(site: &mut Site<'_>) -> Result {
    unrolled::<gru::Gru>(site)
}

pub(super) fn rnn(site: &mut Site<'_>) -> Result {
    unrolled::<rnn::Rnn>(site)
}

fn unrolled<C: Cell>(site: &mut Site<'_>) -> Result {
    let layer = Layer::of::<C>(site)?;
    let mut parts: [Vec<ValueId>; 3] = Default::default();
    for (g, (length, rows)) in layer.groups().iter().enumerate() {
        let group = Group { length: *length, rows, name: format!("rows{g}") };
        let results = group.run::<C>(site, &layer)?;
        for (parts, result) in parts.iter_mut().zip(results) {
            parts.extend(result);
        }
    }
    let mut outputs = Vec::new();
    for (output, parts) in parts.into_iter().enumerate() {
        if !parts.is_empty() {
            outputs.push(assembled(site, &layer, output, parts)?);
        }
    }
    Ok(outputs)
}

/// Rows of the batch whose sequences have one length.
struct Group<'l> {
    length: usize,
    rows: &'l [usize],
    name: String,
}

impl Group<'_> {
    /// `Y` as `[steps, directions, rows, H]` and the last states as `[directions, rows, H]`.
    fn run<C: Cell>(&self, site: &mut Site<'_>, layer: &Layer) -> Result<[Option<ValueId>; 3]> {
        let (rows, hidden) = (self.rows.len(), layer.hidden);
        let x = layer.input(site, (self.length, self.rows), &self.name)?;
        let mut of_directions: [Vec<ValueId>; 3] = Default::default();
        for d in 0..layer.directions.len() {
            let name = format!("{}/{}", self.name, layer.directions[d].name());
            let direction = Direction::new::<C>(site, (layer, d), (x, rows), &name)?;
            let initial = layer.initial(site, d, self.rows, &name)?;
            let (steps, last) = self.steps::<C>(site, &direction, initial)?;
            let y = concat(site, 0, steps, &format!("{name}/steps"))?;
            let dims = vec![self.length, 1, rows, hidden];
            let mut y = site.reshape(y, dims, &format!("{name}/sequence"))?;
            if self.length < layer.steps {
                let end = vec![layer.steps - self.length, 0, 0, 0];
                let pad = Op::Pad { begin: vec![0; 4], end, value: 0.0 };
                y = site.push(pad, vec![y], &format!("{name}/padded"))?;
            }
            of_directions[0].push(y);
            for (parts, state) in of_directions[1..].iter_mut().zip([last.h, last.c]) {
                if let Some(state) = state {
                    parts.push(site.reshape(
                        state,
                        vec![1, rows, hidden],
                        &format!("{name}/last"),
                    )?);
                }
            }
        }
        let mut results = [None; 3];
        for (i, parts) in of_directions.into_iter().enumerate() {
            if !parts.is_empty() {
                let name = format!("{}/directions{i}", self.name);
                results[i] = Some(concat(site, usize::from(i == 0), parts, &name)?);
            }
        }
        Ok(results)
    }

    /// The hidden states in the order of time, `[rows, H]` each, and the state after the last step.
    fn steps<C: Cell>(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        mut state: State,
    ) -> Result<(Vec<ValueId>, State)> {
        let cell = C::new(site, direction)?;
        let mut steps = Vec::with_capacity(self.length);
        for step in 0..self.length {
            let time = if direction.reverse { self.length - 1 - step } else { step };
            state = cell.step(site, direction, time, state)?;
            steps.extend(state.h);
        }
        if direction.reverse {
            steps.reverse();
        }
        Ok((steps, state))
    }
}

/// Output number `output` of its parts by group, with the axes that the layout asks for.
fn assembled(
    site: &mut Site<'_>,
    layer: &Layer,
    output: usize,
    parts: Vec<ValueId>,
) -> Result<Lowered> {
    let batch_axis = if output == 0 { 2 } else { 1 };
    let mut all = concat(site, batch_axis, parts, &format!("groups{output}"))?;
    if let Some(order) = layer.batch_order() {
        all = site.take(all, batch_axis, order.into_iter(), &format!("ordered{output}"))?;
    }
    if layer.batch_first {
        let perm: &[usize] = if output == 0 { &[2, 0, 1, 3] } else { &[1, 0, 2] };
        all = site.permute(all, perm, &format!("batch_first{output}"))?;
    }
    if let Some(name) = site.node.outputs.get(output).filter(|name| !name.is_empty()) {
        site.canvas.graph.rename(all, name.clone());
    }
    Ok(Lowered::Activation(all))
}

fn concat(site: &mut Site<'_>, axis: usize, parts: Vec<ValueId>, part: &str) -> Result<ValueId> {
    match parts.as_slice() {
        [only] => Ok(*only),
        _ => site.push(Op::Concat { axis }, parts, part),
    }
}
