//! A PLONKish proof system over BN254 with KZG, knowing nothing of machine learning.
//!
//! The constraint system, key generation and the referee verifier are halo2-axiom's; prover,
//! light verifier and transcript are ours.

mod protocol;

pub use protocol::{Column, ColumnKind, Expr, Protocol, ProtocolError, Query};
