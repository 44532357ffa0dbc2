//! Static worst-case bounds of every accumulator (filled in by the owner of this module).

/// Worst-case bounds of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds;

/// A worst case that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bound")]
pub struct BoundError;
