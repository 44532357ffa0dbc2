//! From a float graph to an integer program.
//!
//! ```text
//! samples --observe--> ranges --+
//!                               +--> Settings --+
//! options ----------------------+               +--fuse--> steps --scales--> emit --> Program
//!                                      Graph ---+
//! ```
//!
//! Every scale is a power of two, `t ~ v * 2^-scale`:
//!
//! * activations: the largest scale whose `bits` hold the calibrated range plus headroom. Nothing
//!   ever saturates: a value outside is an error of the executor;
//! * weights: scale `a - f` for an operand of scale `f`, where `a` is the scale of the step's
//!   accumulator, common to all its terms: residual sums are exact in it;
//! * the shift `s = a - x` to the scale of the result is one number for as many steps as possible,
//!   because each distinct `s` costs the circuit a table of `2^s` rows. Weights then get a few bits
//!   more than asked for, which costs nothing.

mod calibrate;
mod compile;
mod emit;
mod error;
mod form;
mod fuse;
mod product;
mod range;
mod scales;
mod search;
mod settings;
mod slack;
#[cfg(test)]
mod tests;

pub use calibrate::calibrate;
pub use compile::{Compiled, Source, compile, compile_with_sources};
pub use error::QuantError;
pub use search::{Calibrated, Target, search};
pub use settings::{CalibrationOptions, RangeMethod, Settings, TensorSettings};
