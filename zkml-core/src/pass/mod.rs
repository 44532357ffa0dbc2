//! Rewrites of the float graph that keep its meaning.
//!
//! [`optimise`] repeats six of them until none finds anything to do:
//!
//! * [`fold_linear`]: constant factors and sums beside a product or correlation with constant weights
//!   go into them (batch normalisation, scaling layers, biases);
//! * [`remove_identities`]: views that change nothing, chains of views, pads and selections that do nothing, factors 1 and sums of 0;
//! * [`move_views`]: views move out from between windows and the constants, functions and pads beside
//!   them;
//! * [`fold_pads`]: pads go into the window that reads them;
//! * [`activate_before_pools`]: functions that never fall go before the maximum they are applied to;
//! * [`remove_dead`]: what no output depends on.
//!
//! All are exact for real numbers; in `f32`, folded constants are computed in double precision and
//! rounded once.

mod constant;
mod dead;
mod factors;
mod identity;
mod layer;
mod linear;
mod matcher;
mod pads;
mod planes;
mod pools;
mod rewrite;
mod rows;
mod split;

pub use dead::remove_dead;
pub use factors::move_factors;
pub use identity::remove_identities;
pub use linear::fold_linear;
pub use pads::fold_pads;
pub use planes::move_views;
pub use pools::activate_before_pools;
pub use rows::regroup_rows;
pub use split::split_layers;

use crate::ir::{Graph, GraphError};

/// Most rounds of [`optimise`]. Chains halve in each round, so that real models need a handful; the
/// graph is correct after any number.
const MAX_ROUNDS: usize = 64;

/// In the order of a round.
const PASSES: [fn(&Graph) -> Result<Graph, GraphError>; 9] = [
    remove_identities,
    move_views,
    fold_pads,
    activate_before_pools,
    split_layers,
    regroup_rows,
    move_factors,
    fold_linear,
    remove_dead,
];

/// Applies all passes until nothing changes.
///
/// # Errors
/// [`GraphError`] if a pass broke the graph, which is a bug: no input graph makes one do so.
pub fn optimise(graph: Graph) -> Result<Graph, GraphError> {
    let mut graph = remove_dead(&graph)?;
    for _ in 0..MAX_ROUNDS {
        let mut next = graph.clone();
        for pass in PASSES {
            next = pass(&next)?;
        }
        let done = next.nodes().len() == graph.nodes().len()
            && next.nodes().iter().zip(graph.nodes()).all(|(a, b)| a.op == b.op);
        graph = next;
        if done {
            break;
        }
    }
    Ok(graph)
}

#[cfg(test)]
mod tests;
