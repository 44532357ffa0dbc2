//! Inputs whose columns have ranges of their own: an income of 50,000 beside a ratio of 0.03.
//!
//! One power of two for all of `[N, F]` would leave nothing of the small columns. So such an input is
//! several inputs of the program, each with a scale of its own: with `m_j` the greatest magnitude of
//! column `j` and `M` that of all of them, columns of one
//!
//! ```text
//! floor(log4(M / m_j))
//! ```
//!
//! are together, no two of which differ by 4 times or more. Only inputs are split whose every reader takes
//! columns apart, or moves or multiplies each by a constant of its own: decisions of trees, the scaling
//! in front of a linear model. Others, an image as a row of pixels say, stay whole.

use std::collections::BTreeMap;

use super::{QuantError, Settings, settings::Keys};
use crate::ir::{Graph, Node, Op, ValueId};

/// Columns of an input that are an input of the program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// Ascending.
    pub(super) columns: Vec<u32>,
    /// Least and greatest value of any of them.
    pub(super) range: (f64, f64),
}

/// Least and greatest value of each column.
pub(super) type Columns = Vec<[f64; 2]>;

/// Whether an input may be split into columns: its readers treat each on its own.
pub(super) fn may_split(graph: &Graph, id: ValueId) -> bool {
    let value = graph.get(id);
    let &[_, columns] = value.shape.dims() else { return false };
    let by_column = |node: &Node| match &node.op {
        Op::Take { axis, .. } => *axis == 1,
        Op::Add | Op::Sub | Op::Mul => node.inputs.iter().any(|other| {
            let constant = graph.get(*other).constant.as_ref();
            constant.is_some_and(|constant| {
                let data = constant.data();
                constant.shape().dims().last() == Some(&columns)
                    && data.iter().any(|v| *v != data[0])
            })
        }),
        _ => false,
    };
    let mut readers = graph.nodes().iter().filter(|node| node.inputs.contains(&id)).peekable();
    let is_output = graph.outputs().iter().any(|(_, output)| *output == id);
    !value.integer && !is_output && readers.peek().is_some() && readers.all(by_column)
}

/// The groups of columns with these ranges; one if no two ranges differ by 4 times.
pub(super) fn groups(columns: &[[f64; 2]]) -> Vec<Group> {
    let magnitude = |[min, max]: &[f64; 2]| min.abs().max(max.abs());
    let most = columns.iter().map(magnitude).fold(0.0, f64::max);
    let mut groups: BTreeMap<i32, Group> = BTreeMap::new();
    for (column, range) in (0..).zip(columns) {
        let own = magnitude(range);
        // A column of zeros may hold whatever the greatest does.
        let fourths = if own > 0.0 { libm::floor(libm::log2(most / own) / 2.0) as i32 } else { 0 };
        let group =
            groups.entry(fourths).or_insert(Group { columns: Vec::new(), range: (0.0, 0.0) });
        group.range = match group.columns.is_empty() {
            true => (range[0], range[1]),
            false => (group.range.0.min(range[0]), group.range.1.max(range[1])),
        };
        group.columns.push(column);
    }
    groups.into_values().collect()
}

/// The groups of every input that the settings split, by number of the input.
pub(super) fn splits(
    graph: &Graph,
    settings: &Settings,
) -> Result<BTreeMap<usize, Vec<Group>>, QuantError> {
    let keys = Keys::new(graph);
    let mut splits = BTreeMap::new();
    for (i, id) in graph.inputs().iter().enumerate() {
        let Some(tensor) = settings.tensors.get(keys.of(*id)) else { continue };
        if tensor.columns.is_empty() || tensor.scale.is_some() {
            continue;
        }
        let value = graph.get(*id);
        let fits = matches!(value.shape.dims(), [_, count] if *count == tensor.columns.len());
        if value.integer || !fits {
            return Err(QuantError::Setting {
                key: format!("tensors.{}.columns", keys.of(*id)),
                expected: format!("a range for each column of {}, of real numbers", value.shape),
                got: format!("{} ranges", tensor.columns.len()),
            });
        }
        let groups = groups(&tensor.columns);
        if groups.len() > 1 {
            splits.insert(i, groups);
        }
    }
    Ok(splits)
}
