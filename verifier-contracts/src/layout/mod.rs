//! Where everything is: in the proof, in the key's blob, in the contract's memory.
//!
//! All addresses are fixed when the source is generated; they depend on the constraint system only.
//! The generator, the blob encoder and the gas formula share these tables, so that they cannot
//! disagree.

mod key;
mod memory;
mod opening;
mod proof;

pub use key::KeyLayout;
pub(crate) use memory::Memory;
pub use opening::{Eval, Member, Opening, RotationSet};
pub use proof::ProofLayout;

use crate::error::ContractError;
use zkml_circuits::plonk::{Protocol, Query};

/// Bytes of a word.
pub(crate) const WORD: usize = 32;
/// Bytes of an uncompressed point.
pub(crate) const POINT: usize = 64;

/// Where things are for one constraint system.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Order of points and evaluations in the proof.
    pub proof: ProofLayout,
    /// Which commitments are opened where.
    pub opening: Opening,
    /// Words of the key's blob.
    pub key: KeyLayout,
}

impl Layout {
    /// Lays out `protocol`.
    ///
    /// # Errors
    /// [`ContractError::Protocol`] when a column that needs to be opened is not, or sizes are absurd.
    pub fn new(protocol: &Protocol) -> Result<Self, ContractError> {
        check_columns(protocol)?;
        let proof = ProofLayout::new(protocol)?;
        let opening = Opening::new(protocol, &proof)?;
        let key = KeyLayout::new(protocol, &opening);
        Ok(Self { proof, opening, key })
    }

    /// Smallest `k` whose domain keeps all rotations apart and holds the unusable rows.
    #[must_use]
    pub fn min_k(&self, protocol: &Protocol) -> u32 {
        let (low, high) = self
            .opening
            .rotations
            .iter()
            .fold((0i64, 0i64), |(lo, hi), &r| (lo.min(r.into()), hi.max(r.into())));
        let span = (high - low).unsigned_abs().max(protocol.blinding as u64 + 2);
        u64::BITS - span.leading_zeros()
    }
}

/// Every query's column must exist: the tables of this module are indexed by column.
fn check_columns(protocol: &Protocol) -> Result<(), ContractError> {
    let advice = protocol.advice_phase.len();
    let known = |kind: &str, query: &Query, count: usize| {
        if query.column < count {
            return Ok(());
        }
        let reason = format!("a query opens {kind} column {} of {count}", query.column);
        Err(ContractError::Protocol(reason))
    };
    if protocol.advice_queries.is_empty() {
        return Err(ContractError::Protocol("no advice column is opened".to_owned()));
    }
    protocol.advice_queries.iter().try_for_each(|q| known("advice", q, advice))?;
    protocol.fixed_queries.iter().try_for_each(|q| known("fixed", q, protocol.num_fixed))?;
    protocol
        .instance_queries
        .iter()
        .try_for_each(|q| known("instance", q, protocol.num_instance))?;
    if protocol.num_instance > 1 || protocol.instance_queries.iter().any(|q| q.rotation != 0) {
        let reason = "at most one instance column, read at rotation 0".to_owned();
        return Err(ContractError::Protocol(reason));
    }
    Ok(())
}
