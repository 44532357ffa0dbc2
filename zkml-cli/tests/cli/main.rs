//! The `zkml` binary as a user meets it: every command, its exit codes, and what it does to files.
//!
//! One fixture, made by the binary itself, is shared by all tests; see [`fixture`].
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
#[cfg(unix)]
mod disk_full;
#[cfg(target_os = "linux")]
mod disk_real;
mod fixture;
mod hostile;
#[cfg(unix)]
mod killed;
mod manners;
mod measure;
mod mismatch;
mod msm;
mod overwrite;
mod rejection;
mod shared;
mod tokens;
