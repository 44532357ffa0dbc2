//! Rewrites of the float graph that keep its meaning.
//!
//! [`optimise`] repeats them until none finds anything to do:
//!
//! * [`remove_identities`]: views that change nothing, chains of views, pads and selections that do
//!   nothing, factors 1 and sums of 0;
//! * [`merge_twins`]: what is computed twice is computed once;
//! * [`move_views`]: views move out from between windows and the constants, functions and pads beside
//!   them;
//! * [`fold_pads`]: pads go into the window that reads them;
//! * [`activate_before_pools`]: functions that never fall go before the maximum they are applied to;
//! * [`join_steps`]: what is around roundings of quantised models is part of them, or undoes them;
//! * [`name_powers`]: squares, roots and reciprocals of roots under their own names;
//! * [`recognise_softmax`], [`mask_softmax`], [`normalise_after_products`]: attention as the
//!   quantiser wants it: exponentials of rows that know what is masked, divided by their sum after
//!   the product with the values;
//! * [`split_layers`]: parts of the result of a layer that are read apart are layers of their own;
//! * [`regroup_rows`]: Reshapes that keep the last axis go behind layers;
//! * [`move_factors`], [`fold_linear`]: constant factors and sums beside a product or correlation with
//!   constant weights go into them (batch normalisation, scales and biases of normalisations and of
//!   attention);
//! * [`factor_sums`]: common factors of sums, and constants within them, move outward;
//! * [`fuse_pointwise`]: an element-wise expression of one tensor is one function;
//! * [`remove_dead`], after each: what no output depends on.
//!
//! All are exact for real numbers; in `f32`, folded constants are computed in double precision and
//! rounded once.

mod constant;
mod dead;
mod factors;
mod identity;
mod keep;
mod layer;
mod linear;
mod masks;
mod matcher;
mod normalise;
mod pads;
mod planes;
mod pointwise;
mod pools;
mod powers;
mod rewrite;
mod rows;
mod softmax;
mod split;
mod steps;
mod sums;
mod twins;

pub use dead::remove_dead;
pub use factors::move_factors;
pub use identity::remove_identities;
pub use linear::fold_linear;
pub use masks::mask_softmax;
pub use normalise::normalise_after_products;
pub use pads::fold_pads;
pub use planes::move_views;
pub use pointwise::fuse_pointwise;
pub use pools::activate_before_pools;
pub use powers::name_powers;
pub use rows::regroup_rows;
pub use softmax::recognise_softmax;
pub use split::split_layers;
pub use steps::join_steps;
pub use sums::factor_sums;
pub use twins::merge_twins;

use crate::ir::{Graph, GraphError, Node};

/// Most rounds of [`optimise`]. Chains halve in each round, so that real models need a handful; the
/// graph is correct after any number.
const MAX_ROUNDS: usize = 64;

/// A rewrite of a graph.
type Pass = fn(&Graph) -> Result<Graph, GraphError>;

/// In the order of a round.
const PASSES: [Pass; 15] = [
    remove_identities,
    merge_twins,
    move_views,
    fold_pads,
    activate_before_pools,
    join_steps,
    name_powers,
    recognise_softmax,
    mask_softmax,
    normalise_after_products,
    split_layers,
    regroup_rows,
    move_factors,
    fold_linear,
    factor_sums,
];

/// Applies all passes until nothing changes. Expressions are fused when nothing else is left to do:
/// the other passes look for their parts.
///
/// # Errors
/// [`GraphError`] if a pass broke the graph, which is a bug: no input graph makes one do so.
pub fn optimise(graph: Graph) -> Result<Graph, GraphError> {
    let mut graph = remove_dead(&graph)?;
    for _ in 0..MAX_ROUNDS {
        let mut next = graph.clone();
        for pass in PASSES {
            // What a pass leaves behind would be a reader to the next.
            next = remove_dead(&pass(&next)?)?;
        }
        if is_same(&next, &graph) {
            next = remove_dead(&fuse_pointwise(&next)?)?;
        }
        let done = is_same(&next, &graph);
        graph = next;
        if done {
            break;
        }
    }
    Ok(graph)
}

/// Have both the same nodes? Values of what [`remove_dead`] gives are numbered by their first use.
fn is_same(a: &Graph, b: &Graph) -> bool {
    let same = |(a, b): (&Node, &Node)| a.op == b.op && a.inputs == b.inputs;
    a.nodes().len() == b.nodes().len() && a.nodes().iter().zip(b.nodes()).all(same)
}

#[cfg(test)]
mod tests;
