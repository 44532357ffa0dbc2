//! Facade of zkml (see README).

pub use zkml_core as core;
