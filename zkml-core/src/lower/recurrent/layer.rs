//! Operands and attributes that LSTM, GRU and RNN have in common.

use super::{
    cell::{Cell, State},
    function::{Gate, gate_functions},
};
use crate::{
    ir::ValueId,
    lower::site::{Halt, Lowered, Site},
    onnx::Elements,
    tensor::Tensor,
};

type Result<T> = std::result::Result<T, Halt>;

/// Most steps that are unrolled: each is a dozen nodes of the graph.
const MOST_STEPS: usize = 4096;

/// Elements of the folding budget that the nodes of a step count as.
const STEP_COST: usize = 256;

/// One way through the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Reverse,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        }
    }
}

/// Everything about a node but its kind of cell.
pub(super) struct Layer {
    /// `X` with the steps as its first axis, `[steps, batch, features]`.
    x: ValueId,
    pub(super) steps: usize,
    pub(super) hidden: usize,
    pub(super) features: usize,
    pub(super) batch_first: bool,
    pub(super) directions: Vec<Way>,
    /// `[directions, G H, features]`.
    pub(super) weights: Tensor<f32>,
    /// `[directions, G H, H]`.
    pub(super) recurrent: Tensor<f32>,
    /// `[directions, 2 G H]`.
    pub(super) bias: Option<Tensor<f32>>,
    /// `[directions, 3 H]`.
    pub(super) peepholes: Option<Tensor<f32>>,
    /// By direction, the functions of the cell.
    pub(super) functions: Vec<Vec<Gate>>,
    /// Initial `h` and `c`, `[directions, batch, H]`; none is 0.
    initial: [Option<ValueId>; 2],
    /// Lengths and the rows of the batch that have them.
    groups: Vec<(usize, Vec<usize>)>,
}

impl Layer {
    pub(super) fn of<C: Cell>(site: &mut Site<'_>) -> Result<Self> {
        let batch_first = site.flag("layout", false)?;
        site.not_before("layout", 14)?;
        let x = site.operand(0)?;
        let mut dims = site.dims(x);
        if dims.len() != 3 {
            return Err(site.invalid(format!("`X` has {} axes, expected 3", dims.len())));
        }
        let x = if batch_first { site.permute(x, &[1, 0, 2], "steps_first")? } else { x };
        if batch_first {
            dims.swap(0, 1);
        }
        let [steps, batch, features] = [dims[0], dims[1], dims[2]];
        if dims.contains(&0) {
            return Err(site.invalid(format!("`X` has shape {dims:?}, without elements")));
        }
        if steps > MOST_STEPS {
            let hint = format!("{steps} steps are more than the {MOST_STEPS} that are unrolled");
            return Err(site.unsupported(Some("X"), hint));
        }
        let directions = directions(site)?;
        let count = directions.len();
        let recurrent = site.floats(2, "R")?;
        let hidden = recurrent.shape().dims().last().copied().unwrap_or(0);
        if hidden == 0 {
            return Err(site.invalid(format!("`R` has shape {}", recurrent.shape())));
        }
        if let Some(size) = site.int_attribute("hidden_size")?
            && usize::try_from(size).ok() != Some(hidden)
        {
            let reason = format!("`hidden_size` is {size}, but `R` has {hidden} columns");
            return Err(site.invalid(reason));
        }
        let gates = C::GATES.saturating_mul(hidden);
        expect(site, "R", &recurrent, &[count, gates, hidden])?;
        let weights = site.floats(1, "W")?;
        expect(site, "W", &weights, &[count, gates, features])?;
        let bias = optional(site, (3, "B"), &[count, 2 * gates])?;
        let peepholes = optional(site, (7, "P"), &[count, 3 * hidden])?;
        let functions = gate_functions(site, count, C::DEFAULTS)?;
        let groups = groups(site, steps, batch)?;
        site.spend(steps.saturating_mul(count).saturating_mul(groups.len() * STEP_COST))?;
        let expected = [count, batch, hidden];
        let mut initial = [None; 2];
        for (state, (i, name)) in
            initial.iter_mut().zip([(5, "initial_h"), (6, "initial_c")].into_iter().take(C::STATES))
        {
            *state = self::initial(site, (i, name), expected, batch_first)?;
        }
        Ok(Self {
            x,
            steps,
            hidden,
            features,
            batch_first,
            directions,
            weights,
            recurrent,
            bias,
            peepholes,
            functions,
            initial,
            groups,
        })
    }

    /// Lengths and the rows that have them.
    pub(super) fn groups(&self) -> &[(usize, Vec<usize>)] {
        &self.groups
    }

    /// Where the rows of the batch are in the groups laid end to end; none if in order.
    pub(super) fn batch_order(&self) -> Option<Vec<usize>> {
        let laid: Vec<usize> = self.groups.iter().flat_map(|(_, rows)| rows).copied().collect();
        if laid.is_sorted() {
            return None;
        }
        let mut order = vec![0; laid.len()];
        for (at, row) in laid.into_iter().enumerate() {
            order[row] = at;
        }
        Some(order)
    }

    /// The first steps of some rows of `X`, as a matrix of a row for each step and row.
    pub(super) fn input(
        &self,
        site: &mut Site<'_>,
        (length, rows): (usize, &[usize]),
        name: &str,
    ) -> Result<ValueId> {
        let mut x = self.x;
        if length < self.steps {
            x = site.take(x, 0, 0..length, &format!("{name}/first"))?;
        }
        let x = self.rows_of(site, x, rows, &format!("{name}/x"))?;
        let dims = vec![length * rows.len(), self.features];
        site.reshape(x, dims, &format!("{name}/matrix"))
    }

    /// The initial state of some rows, `[rows, H]`.
    pub(super) fn initial(
        &self,
        site: &mut Site<'_>,
        direction: usize,
        rows: &[usize],
        name: &str,
    ) -> Result<State> {
        let mut states = [None; 2];
        for (i, state) in self.initial.iter().enumerate() {
            let Some(state) = *state else { continue };
            let name = format!("{name}/initial{i}");
            let own = match self.directions.len() {
                1 => state,
                _ => site.take(state, 0, direction..direction + 1, &name)?,
            };
            let own = self.rows_of(site, own, rows, &format!("{name}/rows"))?;
            states[i] = Some(site.reshape(own, vec![rows.len(), self.hidden], &name)?);
        }
        Ok(State { h: states[0], c: states[1] })
    }

    /// Rows of the second axis, the batch.
    fn rows_of(
        &self,
        site: &mut Site<'_>,
        x: ValueId,
        rows: &[usize],
        part: &str,
    ) -> Result<ValueId> {
        if self.groups.len() == 1 {
            return Ok(x);
        }
        site.take(x, 1, rows.iter().copied(), part)
    }
}

fn directions(site: &Site<'_>) -> Result<Vec<Way>> {
    match site.string_attribute("direction")?.as_deref() {
        None | Some("forward") => Ok(vec![Way::Forward]),
        Some("reverse") => Ok(vec![Way::Reverse]),
        Some("bidirectional") => Ok(vec![Way::Forward, Way::Reverse]),
        Some(other) => Err(site.invalid(format!(
            "`direction` is `{other}`, expected forward, reverse or bidirectional"
        ))),
    }
}

fn expect(site: &Site<'_>, name: &str, tensor: &Tensor<f32>, dims: &[usize]) -> Result<()> {
    let got = tensor.shape();
    if got.dims() == dims {
        return Ok(());
    }
    Err(site.invalid(format!("`{name}` has shape {got}, expected {dims:?}")))
}

/// An operand of the node, if it is given.
fn optional(
    site: &Site<'_>,
    (i, name): (usize, &str),
    dims: &[usize],
) -> Result<Option<Tensor<f32>>> {
    if !site.has(i) {
        return Ok(None);
    }
    let tensor = site.floats(i, name)?;
    expect(site, name, &tensor, dims)?;
    Ok(Some(tensor))
}

/// An initial state with the directions first; none if it is absent or 0.
fn initial(
    site: &mut Site<'_>,
    (i, name): (usize, &str),
    expected: [usize; 3],
    batch_first: bool,
) -> Result<Option<ValueId>> {
    if !site.has(i) {
        return Ok(None);
    }
    let given = site.input(i)?;
    let [directions, batch, hidden] = expected;
    let dims = if batch_first { [batch, directions, hidden] } else { expected };
    let got = site.shape_of(&given);
    if got.dims() != dims {
        return Err(site.invalid(format!("`{name}` has shape {got}, expected {dims:?}")));
    }
    if let Lowered::Constant(_) = given {
        site.floats(i, name)?;
        if site.uniform(&given)? == Some(0.0) {
            return Ok(None);
        }
    }
    let state = site.operand(i)?;
    let perm: &[usize] = if batch_first { &[1, 0, 2] } else { &[0, 1, 2] };
    site.permute(state, perm, &format!("{name}/directions_first")).map(Some)
}

/// The rows of the batch by the length of their sequences.
fn groups(site: &mut Site<'_>, steps: usize, batch: usize) -> Result<Vec<(usize, Vec<usize>)>> {
    site.spend(batch)?;
    if !site.has(4) {
        return Ok(vec![(steps, (0..batch).collect())]);
    }
    let lengths = site.constant(4, "sequence_lens")?;
    let Elements::I32(lengths) = &lengths.elements else {
        let got = lengths.elements.dtype();
        return Err(site.invalid(format!("`sequence_lens` is {got}, expected int32")));
    };
    if lengths.len() != batch {
        let got = lengths.len();
        return Err(site.invalid(format!("`sequence_lens` has {got} lengths, expected {batch}")));
    }
    let mut groups: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
    for (row, length) in lengths.iter().enumerate() {
        match usize::try_from(*length) {
            Ok(0) => {
                let hint = "a sequence without steps is not supported";
                return Err(site.unsupported(Some("sequence_lens"), hint));
            }
            Ok(length) if length <= steps => groups.entry(length).or_default().push(row),
            _ => {
                let reason = format!("`sequence_lens` has {length}, expected up to {steps}");
                return Err(site.invalid(reason));
            }
        }
    }
    Ok(groups.into_iter().rev().collect())
}
