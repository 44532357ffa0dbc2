//! Quantised models: whole numbers `q` that stand for `(q - zero) scale`.
//!
//! ```text
//! QuantizeLinear     q = clip(round(x / scale) + zero)      round half to even, quotient in f32
//! DequantizeLinear   x = (q - zero) scale
//! MatMulInteger, ConvInteger     (a - zero_a)(b - zero_b), exact
//! QLinearMatMul, QLinearConv     clip(round((a - zero_a)(b - zero_b) scale_a scale_b / scale_y) + zero_y)
//! ```
//!
//! Scales and zero points are constants, of the whole tensor, along an axis, or by blocks of an axis.
//! Whole numbers are numbers of the float graph: sums of products are exact up to 2^24, and the
//! quotient of a division is the one of `f32`, so that the results are those of onnxruntime.
//! [`crate::quant`] keeps the scales and says how close the integer program is.
//!
//! Scales that depend on the data are no function of one element: DynamicQuantizeLinear is refused.
//! Types of 8-bit and 4-bit floats are, too. Integers of 4 bits are read as constants.

mod convolution;
mod dequantize;
mod grid;
mod product;
mod quantize;

pub(super) use convolution::{conv_integer, qlinear_conv};
pub(super) use dequantize::dequantize_linear;
pub(super) use product::{matmul_integer, qlinear_matmul};
pub(super) use quantize::quantize_linear;

use super::site::{Halt, Lowered, Site};

/// What to do about a model whose scales are computed, or whose operators are onnxruntime's own.
const HINT: &str = "quantise the model statically, with QuantizeLinear and DequantizeLinear around \
                    each operator (onnxruntime: quantize_static with QuantFormat.QDQ)";

/// Refused: its scale is computed from the data.
pub(super) fn dynamic_quantize_linear(site: &mut Site<'_>) -> Result<Vec<Lowered>, Halt> {
    Err(site.unsupported(None, format!("its scale depends on the input; {HINT}")))
}

/// What to do about an operator of com.microsoft, if it is one of a quantised model.
pub(super) fn hint(op: &str) -> Option<&'static str> {
    let quantised = ["QLinear", "QGemm", "QAttention", "QEmbed", "QOrdered", "QMoE"];
    let inner = ["Quantize", "Dequantize", "MatMulInteger", "MatMulNBits", "MatMulFpQ4"];
    let any = |names: &[&str], found: fn(&str, &str) -> bool| names.iter().any(|n| found(op, n));
    let known = any(&quantised, |op, name| op.starts_with(name))
        || any(&inner, |op, name| op.contains(name));
    known.then_some(HINT)
}
