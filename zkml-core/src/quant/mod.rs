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
//! * `a` is fine enough that every *output channel on its own* has `weight_bits` bits, as far as
//!   `max_shift` allows: the least channel decides. With `weight_bits = 8` that is at least the
//!   precision of int8 weights with a power of two for each channel: the largest such scale
//!   `2^-f_o` at which channel `o` fits `[-127, 127]` is no finer than the common one, for every
//!   `o`. One scale for the tensor is chosen over one for each channel because weights are
//!   constants, whose width costs the circuit nothing, while each distinct shift costs a table. A
//!   channel that cannot move the result by half a unit has no say, and weights that are all powers
//!   of two (averages, differences) need no more bits than they have;
//! * the shift `s = a - x` to the scale of the result is one number for as many steps as possible,
//!   because each distinct `s` costs the circuit a table of `2^s` rows. Weights then get a few bits
//!   more than asked for, which costs nothing;
//! * a max pool is exact: all tensors of its chain have the scale of its operand and no shift, and
//!   widths that hold every difference. Operands of pools get at most 15 bits (14 after a function
//!   of either sign) where the settings do not fix more.

mod calibrate;
mod compile;
mod emit;
mod error;
mod form;
mod function;
mod fuse;
mod product;
mod range;
mod scales;
mod search;
mod settings;
#[cfg(test)]
mod tests;

pub use calibrate::calibrate;
pub use compile::{Compiled, Source, compile, compile_with_sources};
pub use error::QuantError;
pub use search::{Calibrated, Target, search};
pub use settings::{CalibrationOptions, RangeMethod, Settings, TensorSettings};
