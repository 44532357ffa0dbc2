//! A model in the machine: compile, keys, proofs. What the facade builds on.

mod compiled;

pub use compiled::{CompileConfig, CompileError, Compiled};
