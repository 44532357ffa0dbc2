//! Structured reference strings from files: good ones as another implementation reads them, and
//! hostile ones of every kind.

#![allow(clippy::unwrap_used, reason = "tests")]

mod file;
mod points;
mod ptau;
