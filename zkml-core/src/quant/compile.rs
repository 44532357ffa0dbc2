//! Graph and settings to program.

use super::{
    QuantError, Settings,
    columns::splits,
    emit::emit,
    fuse::{Draft, Fused, fuse},
    scales::choose,
};
use crate::{
    ir::{Graph, ValueId},
    program::{Bounds, Program, View},
};

/// A program, and what its tensors stand for in the graph it was compiled from.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program.
    pub program: Program,
    /// By [`crate::program::TensorId`].
    pub sources: Vec<Source>,
    /// Worst case of every accumulator.
    pub bounds: Bounds,
}

/// What a stored tensor stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The value of the graph, after the function if there is one.
    pub value: ValueId,
    /// The value as a view of the stored tensor; none for a tensor that is one step of several
    /// towards the value, as those of a max pool or a mask are.
    pub view: Option<View>,
}

/// Compiles `graph` to integers.
///
/// # Errors
/// An operation the program cannot express, an output that depends on no input, settings that do
/// not fit the graph, or an accumulator whose worst case reaches `2^62`: a [`QuantError`] naming
/// the node.
pub fn compile(graph: &Graph, settings: &Settings) -> Result<Program, QuantError> {
    Ok(compile_with_sources(graph, settings)?.program)
}

/// As [`compile`], keeping what each stored tensor stands for.
///
/// # Errors
/// As [`compile`].
pub fn compile_with_sources(graph: &Graph, settings: &Settings) -> Result<Compiled, QuantError> {
    encode(graph, &fuse(graph, &splits(graph, settings)?)?, settings)
}

/// Compiles the fused steps of `graph`, which do not depend on settings.
pub(super) fn encode(
    graph: &Graph,
    fused: &Fused,
    settings: &Settings,
) -> Result<Compiled, QuantError> {
    let choices = choose(graph, &fused.drafts, settings)?;
    let program = emit(fused, &choices)?;
    let bounds = Bounds::new(&program)?;
    let source = |draft: &Draft| {
        let view = draft.stands_for_value().then(|| draft.view.clone());
        Source { value: draft.y, view }
    };
    let sources = fused.drafts.iter().map(source).collect();
    Ok(Compiled { program, sources, bounds })
}
