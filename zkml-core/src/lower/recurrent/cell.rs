//! What cells are made of: their state, and products of what they read with some of their weights,
//! `x W_g^T + h R_g^T + b_g`.

use std::ops::Range;

use super::{
    function::Gate,
    layer::{Layer, Way},
};
use crate::{
    ir::{Op, ValueId},
    lower::{
        plane::filled,
        site::{Halt, Site},
    },
};

type Result<T = ValueId> = std::result::Result<T, Halt>;

/// A kind of cell.
pub(super) trait Cell: Sized {
    /// Gates, stacked in `W`, `R` and `B`.
    const GATES: usize;
    /// States that a node can be given.
    const STATES: usize;
    /// The functions where `activations` is absent.
    const DEFAULTS: &'static [&'static str];

    /// Gates to whose product with `h` the cell itself adds the bias in `B`.
    fn late_bias(_site: &Site<'_>) -> Result<Range<usize>> {
        Ok(0..0)
    }

    /// The cell with the weights of a direction.
    fn new(site: &mut Site<'_>, direction: &Direction<'_>) -> Result<Self>;

    /// The state after the step at `time`.
    fn step(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        time: usize,
        state: State,
    ) -> Result<State>;
}

/// What a cell remembers, `[rows, H]` each; none is 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) h: Option<ValueId>,
    pub(super) c: Option<ValueId>,
}

/// A layer in one direction, on some rows of the batch.
pub(super) struct Direction<'l> {
    layer: &'l Layer,
    index: usize,
    pub(super) reverse: bool,
    pub(super) name: String,
    rows: usize,
    /// `x W^T + b` of all steps and gates, `[steps rows, G H]`.
    projected: ValueId,
}

impl<'l> Direction<'l> {
    /// Multiplies `x`, `[steps rows, features]`, by the weights of direction number `index`.
    pub(super) fn new<C: Cell>(
        site: &mut Site<'_>,
        (layer, index): (&'l Layer, usize),
        (x, rows): (ValueId, usize),
        name: &str,
    ) -> Result<Self> {
        let (features, gates) = (layer.features, C::GATES * layer.hidden);
        let weights = &layer.weights.data()[index * gates * features..];
        let transposed =
            filled(site, vec![features, gates], |at| weights[at % gates * features + at / gates])?;
        let weights = site.own_constant(&format!("{name}/w"), transposed)?;
        let mut projected = site.push(Op::MatMul, vec![x, weights], &format!("{name}/xw"))?;
        if let Some(bias) = &layer.bias {
            let bias = &bias.data()[index * 2 * gates..];
            let late = C::late_bias(site)?;
            let sum = filled(site, vec![gates], |at| {
                let late = late.contains(&(at / layer.hidden));
                bias[at] + if late { 0.0 } else { bias[gates + at] }
            })?;
            let bias = site.own_constant(&format!("{name}/b"), sum)?;
            projected = site.push(Op::Add, vec![projected, bias], &format!("{name}/projected"))?;
        }
        let reverse = layer.directions[index] == Way::Reverse;
        Ok(Self { layer, index, reverse, name: name.to_owned(), rows, projected })
    }

    /// Function number `i` of the cell in this direction.
    pub(super) fn function(&self, i: usize) -> &Gate {
        &self.layer.functions[self.index][i]
    }

    /// Weights for the state of some gates, `[H, n H]`.
    pub(super) fn recurrent(
        &self,
        site: &mut Site<'_>,
        gates: Range<usize>,
        part: &str,
    ) -> Result<Block> {
        let hidden = self.layer.hidden;
        let all = self.layer.recurrent.data();
        let first =
            (self.index * self.layer.recurrent.shape().dims()[1] + gates.start * hidden) * hidden;
        let width = gates.len() * hidden;
        let transposed =
            filled(site, vec![hidden, width], |at| all[first + at % width * hidden + at / width])?;
        let weights = site.own_constant(&format!("{}/{part}_r", self.name), transposed)?;
        Ok(Block { columns: self.columns(gates), weights, part: part.to_owned() })
    }

    /// One gate out of several that were computed together from the first on.
    pub(super) fn gate(
        &self,
        site: &mut Site<'_>,
        (together, gate): (ValueId, usize),
        name: &str,
    ) -> Result {
        site.take(together, 1, self.columns(gate..gate + 1), name)
    }

    /// Columns of some gates.
    fn columns(&self, gates: Range<usize>) -> Range<usize> {
        let hidden = self.layer.hidden;
        gates.start * hidden..gates.end * hidden
    }

    /// The recurrent bias of a gate, `[H]`.
    pub(super) fn bias_of(&self, site: &mut Site<'_>, gate: usize) -> Result<Option<ValueId>> {
        let Some(bias) = &self.layer.bias else { return Ok(None) };
        let (hidden, size) = (self.layer.hidden, bias.shape().dims()[1]);
        let bias = &bias.data()[self.index * size + size / 2 + gate * hidden..];
        let own = filled(site, vec![hidden], |at| bias[at])?;
        site.own_constant(&format!("{}/b{gate}", self.name), own).map(Some)
    }

    /// Peephole number `i`, `[H]`.
    pub(super) fn peephole(&self, site: &mut Site<'_>, i: usize) -> Result<Option<ValueId>> {
        let Some(peepholes) = &self.layer.peepholes else { return Ok(None) };
        let hidden = self.layer.hidden;
        let weights = &peepholes.data()[(self.index * 3 + i) * hidden..];
        let own = filled(site, vec![hidden], |at| weights[at])?;
        site.own_constant(&format!("{}/p{i}", self.name), own).map(Some)
    }

    /// The name of a value of the step at `time`.
    pub(super) fn at(&self, time: usize, part: &str) -> String {
        format!("{}/t{time}/{part}", self.name)
    }
}

/// Some gates, one after the other, that are computed together.
pub(super) struct Block {
    /// Where they are in the projection.
    columns: Range<usize>,
    /// `[H, n H]`.
    weights: ValueId,
    part: String,
}

impl Block {
    /// `x W^T + b` of the step at `time`, `[rows, n H]`.
    pub(super) fn of_input(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        time: usize,
    ) -> Result {
        let rows = direction.rows;
        let name = direction.at(time, &format!("{}_x", self.part));
        let step = time * rows..(time + 1) * rows;
        let step = site.take(direction.projected, 0, step, &format!("{name}_step"))?;
        site.take(step, 1, self.columns.clone(), &name)
    }

    /// `h R^T`, `[rows, n H]`.
    pub(super) fn of_state(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        (time, h): (usize, ValueId),
    ) -> Result {
        let name = direction.at(time, &format!("{}_h", self.part));
        site.push(Op::MatMul, vec![h, self.weights], &name)
    }

    /// `x W^T + h R^T + b`.
    pub(super) fn linear(
        &self,
        site: &mut Site<'_>,
        direction: &Direction<'_>,
        (time, h): (usize, Option<ValueId>),
    ) -> Result {
        let x = self.of_input(site, direction, time)?;
        let Some(h) = h else { return Ok(x) };
        let h = self.of_state(site, direction, (time, h))?;
        site.push(Op::Add, vec![x, h], &direction.at(time, &format!("{}_z", self.part)))
    }
}
