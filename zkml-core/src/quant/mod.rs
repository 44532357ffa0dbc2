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
//! * a product of two activations has no weights to take bits from: its accumulator is as fine as
//!   both operands together. Operands that nothing else reads are no finer than a shift of
//!   `max_shift` has use for; where others read them, the shift grows beyond it instead;
//! * a max pool is exact: all tensors of its chain have the scale of its operand and no shift, and
//!   widths that hold every difference. Operands of pools get at most 15 bits (14 after a function
//!   of either sign) where the settings do not fix more. So is a maximum along an axis;
//! * inputs whose columns have very different ranges are several inputs of the program (see `columns`);
//! * whole numbers (ids, masks, comparisons) have scale 0 and are exact;
//! * comparisons with constants are exact: of the integers, not of a difference rounded to its range
//!   (see `comparison`). Operands have at most 15 bits (14 after a function) where the settings do not
//!   fix more.
//!
//! # Quantised models
//!
//! A QuantizeLinear keeps the scale of the user, whatever it is. Its argument `t = x / scale` is counted
//! in steps, and the shift rounds it to a whole number of them; a table clips. The results are whole and
//! exact from there on: a DequantizeLinear is a factor of what reads it. Where a QuantizeLinear reads
//! sums of products of such numbers `q`, with real weights `w` in steps and a shift `s`,
//!
//! ```text
//! t = sum w (q - zero) + b,      the program's t' is within  d = 2^-(s+1) (1 + sum |q|)  of it:
//! ```
//!
//! half a unit of each rounded weight and of the bias. So the result is that of ONNX, unless `t` is
//! within `d` of the middle of two whole numbers; then it may be the other one of them. Weights, and with
//! them `d`, are limited by the shift alone, which is up to 6 bits above `max_shift`. What is in the
//! middle exactly is rounded up, and not to the even number, but where all `w` and `b` are multiples of
//! `2^-5` (averages and sums at one scale): there `t` is exact and a table rounds it as ONNX does. An
//! input or another tensor that is rounded to steps has 7 bits more than others, and a table of its own:
//! nothing but half a unit of it counts. A function of one `q` (another scale, a Sigmoid between) is a table of it: exact. What is
//! between and is none of this (a softmax, a normalisation) is as precise as it is in other models.
//!
//! # Tables and transformers
//!
//! Tensors without a function share one table of ranges, whatever their scales, so bits cost little
//! there; each function has a table of its own at each scale, with a row for each argument. The
//! arguments of functions get `table_saving` bits less. Besides,
//!
//! * functions with a pole, GELU and its kin, and masks have tables of the calibrated range with its
//!   room, not of a power of two. Where such a range does not hold 0 (variances, sums of
//!   exponentials) it is cut no finer than makes its least value as precise as an activation is at
//!   a sixteenth of its range;
//! * values of functions cost nothing: they have up to 16 bits (squares 31), as far as a shift of
//!   `max_shift` in whatever reads them has use for;
//! * scores of a softmax have at most four bits less after the point than arguments of functions
//!   have in all: an exponential is as precise, relatively, as its argument is absolutely. What a
//!   mask drops is so far below every score that its weight is exactly 0, unless the model gives it
//!   a finite value;
//! * an attention has four tables: scores with their mask (which the maximum shares), differences,
//!   exponentials, and the reciprocal of sums. Functions of close ranges share one table
//!   (`share_within`), and all trees of maxima one of differences.

mod calibrate;
mod columns;
mod comparison;
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
pub use search::{Calibrated, Target, search, search_suited};
pub use settings::{CalibrationOptions, RangeMethod, Settings, TensorSettings};
