//! The two executors: [`float`] runs the graph as the model's author meant it, [`integer`] runs
//! the compiled program and is the specification that circuits prove.

mod attention;
mod error;
pub mod float;
pub mod integer;
mod kernel;
mod spatial;

pub use error::ExecError;
pub(crate) use spatial::correlate_add;
