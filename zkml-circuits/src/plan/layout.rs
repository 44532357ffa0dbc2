//! Where the elements of a stored tensor stand in the lanes, and at which monomial each is checked.
//!
//! A tensor is a list of *segments*, each a run of positions laid out `W` to a group from a group
//! of its own on; a position may be empty. A *grid* gives each output element of a step the
//! monomial `lambda^i rho^e` at which its equation is read off: column `e` of the grid is a list
//! by `i`. A tensor stored by columns has one segment a column (read with base `lambda`), one
//! stored by rows one segment for each `i` (read with base `rho`).

use super::rows::Base;
use crate::machine::Profile;
use serde::{Deserialize, Serialize};
use zkml_core::program::{Program, Step, StoredTensor, Term, View};

/// Elements by position; `None` is an empty position.
pub type Slots = Vec<Option<u32>>;

/// A run of positions, from lane 0 of its first group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// First group.
    pub group: usize,
    /// Stored elements by position.
    pub slots: Slots,
}

/// A stored tensor in the lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Its segments, in order of the axis they stand for.
    pub segments: Vec<Segment>,
}

impl Layout {
    /// Group and lane of every element, in no particular order.
    pub fn cells(&self, lanes: usize) -> impl Iterator<Item = (u32, usize, usize)> + '_ {
        self.segments.iter().flat_map(move |segment| {
            segment.slots.iter().enumerate().filter_map(move |(at, element)| {
                element.map(|e| (e, segment.group + at / lanes, at % lanes))
            })
        })
    }
}

/// Monomials of a step's outputs: `columns[e][i]` is the element at `lambda^i rho^e`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// Columns by exponent of `rho`; an empty one is a hole.
    pub(super) columns: Vec<Slots>,
    /// Base with which `U1` reads the stored segments.
    pub(super) base: Base,
}

impl Grid {
    /// One segment a column.
    fn by_columns(columns: Vec<Slots>) -> Self {
        Self { columns, base: Base::Lambda }
    }

    /// `rows` segments of `length` elements in row-major order, element `j` of a row at position
    /// `position(j)`.
    fn by_rows(rows: usize, length: usize, position: impl Fn(usize) -> usize) -> Self {
        let mut columns = vec![Slots::new(); length.checked_sub(1).map_or(0, |j| position(j) + 1)];
        for j in 0..length {
            // Shape::MAX_ELEMENTS bounds element numbers.
            columns[position(j)] = (0..rows).map(|i| Some((i * length + j) as u32)).collect();
        }
        Self { columns, base: Base::Rho }
    }

    /// Largest exponent of `lambda`, plus one.
    pub(super) fn rows(&self) -> usize {
        self.columns.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The element at `lambda^i rho^e`.
    pub(super) fn at(&self, i: usize, e: usize) -> Option<u32> {
        self.columns.get(e)?.get(i).copied().flatten()
    }

    /// The slots of the stored segments.
    pub(super) fn segments(&self) -> Vec<Slots> {
        match self.base {
            Base::Lambda => self.columns.clone(),
            Base::Rho => (0..self.rows())
                .map(|i| (0..self.columns.len()).map(|e| self.at(i, e)).collect())
                .collect(),
        }
    }
}

/// Chooses the grid of every stored tensor (of an input: the columns it is stored by).
pub(super) fn choose(program: &Program, profile: Profile, public_inputs: bool) -> Vec<Grid> {
    let demands = demands(program);
    let is_output = |t: usize| program.outputs.iter().any(|o| o.view.tensor.0 == t);
    let mut grids: Vec<Grid> = Vec::with_capacity(program.tensors.len());
    for (index, tensor) in program.tensors.iter().enumerate() {
        let public = is_output(index) || public_inputs && matches!(tensor.step, Step::Input(_));
        let position = |j: usize| {
            let digits = profile.public_lanes();
            if public { j / digits * profile.lanes() + j % digits } else { j }
        };
        let demand = demands[index].clone().filter(|_| !is_output(index));
        grids.push(grid(tensor, demand, position, &grids));
    }
    grids
}

fn grid(
    tensor: &StoredTensor,
    demand: Option<Vec<Slots>>,
    position: impl Fn(usize) -> usize,
    earlier: &[Grid],
) -> Grid {
    let length = tensor.shape.len();
    let Step::Affine(affine) = &tensor.step else {
        return match demand {
            Some(columns) => Grid::by_columns(
                columns.into_iter().map(|slots| spread(&slots, &position)).collect(),
            ),
            None => Grid::by_rows(1, length, position),
        };
    };
    let contract = affine.terms.iter().find_map(|term| match term {
        Term::Contract { view, .. } => view.shape.dims().first().copied(),
        _ => None,
    });
    if let Some(rows) = contract {
        let row_length = length.checked_div(rows).unwrap_or(0);
        let by_rows = Grid::by_rows(rows, row_length, &position);
        return match demand {
            Some(columns) if rows > 1 && columns == by_rows.columns => Grid::by_columns(columns),
            _ => by_rows,
        };
    }
    if let Some(columns) = demand {
        return Grid::by_columns(columns);
    }
    let uniform = affine.bias.as_ref().is_none_or(|b| b.data().len() == 1);
    match affine.terms.first() {
        // Element for element from a tensor stored by columns: stored the same way it is read
        // without scalars.
        Some(Term::Scale { view, factor })
            if uniform
                && factor.data().len() == 1
                && view.index.is_none()
                && position(length.saturating_sub(1)) + 1 == length =>
        {
            Grid::by_columns(earlier[view.tensor.0].segments())
        }
        _ => Grid::by_rows(1, length, position),
    }
}

fn spread(slots: &Slots, position: &impl Fn(usize) -> usize) -> Slots {
    let length = slots.len().checked_sub(1).map_or(0, |i| position(i) + 1);
    let mut out = vec![None; length];
    for (i, slot) in slots.iter().enumerate() {
        out[position(i)] = *slot;
    }
    out
}

/// For each tensor, the columns in which its first contraction over several rows reads it, when
/// they hold every element once.
fn demands(program: &Program) -> Vec<Option<Vec<Slots>>> {
    let mut demands = vec![None; program.tensors.len()];
    for tensor in &program.tensors {
        let Step::Affine(affine) = &tensor.step else { continue };
        for term in &affine.terms {
            let Term::Contract { view, .. } = term else { continue };
            let demand = &mut demands[view.tensor.0];
            if demand.is_none() {
                let columns = columns(view);
                let length = program.tensors[view.tensor.0].shape.len();
                if view.shape.dims().first().is_some_and(|i| *i > 1)
                    && is_partition(&columns, length)
                {
                    *demand = Some(columns);
                }
            }
        }
    }
    demands
}

/// The columns of a view of shape `[I, K]`: for each `k`, the elements at `(0, k) .. (I - 1, k)`.
pub(super) fn columns(view: &View) -> Vec<Slots> {
    let [rows, inner] = view.shape.dims() else { return Vec::new() };
    (0..*inner)
        .map(|k| (0..*rows).map(|i| view.element(i * inner + k).map(|at| at as u32)).collect())
        .collect()
}

fn is_partition(columns: &[Slots], length: usize) -> bool {
    let mut seen = vec![false; length];
    let distinct = columns
        .iter()
        .flatten()
        .flatten()
        .all(|e| seen.get_mut(*e as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
    distinct && seen.iter().all(|s| *s)
}
