//! Element-wise functions of one variable that the machine evaluates by table.

use std::{fmt, sync::Arc};

use super::Pointwise;

/// An element-wise function of one variable, by the semantics of the ONNX operator of that name.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` if `x >= 0`, else `alpha * x`.
    LeakyRelu {
        /// Slope of the negative side.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Gaussian error linear unit, `x * Phi(x)`; `tanh` selects ONNX's tanh approximation.
    Gelu {
        /// `approximate = "tanh"`.
        tanh: bool,
    },
    /// Gauss error function.
    Erf,
    /// `x` if `x >= 0`, else `alpha * (exp(x) - 1)`.
    Elu {
        /// Scale of the negative side.
        alpha: f32,
    },
    /// `x` if `x >= 0`, else `alpha * (exp(x / alpha) - 1)`.
    Celu {
        /// Scale of the negative side.
        alpha: f32,
    },
    /// `gamma * x` if `x > 0`, else `gamma * alpha * (exp(x) - 1)`.
    Selu {
        /// Scale of the negative side.
        alpha: f32,
        /// Scale of both sides.
        gamma: f32,
    },
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `max(0, min(1, alpha * x + beta))`.
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x * max(0, min(1, x / 6 + 1/2))`.
    HardSwish,
    /// `x / (1 + exp(-x))`, also SiLU: [`Self::Swish`] with `alpha = 1`.
    Silu,
    /// `x / (1 + exp(-alpha * x))`.
    Swish {
        /// Slope of the gate.
        alpha: f32,
    },
    /// `x * tanh(ln(1 + exp(x)))`.
    Mish,
    /// `x` if `x > alpha`, else 0.
    ThresholdedRelu {
        /// The threshold.
        alpha: f32,
    },
    /// `x + bias` if `x < -lambd`, `x - bias` if `x > lambd`, else 0.
    Shrink {
        /// What is taken off.
        bias: f32,
        /// The threshold.
        lambd: f32,
    },
    /// `min(max(x, min), max)`.
    Clip {
        /// Lower bound, minus infinity if absent in ONNX.
        min: f32,
        /// Upper bound, infinity if absent in ONNX.
        max: f32,
    },
    /// `e^x`.
    Exp,
    /// Natural logarithm; no number below 0, minus infinity at 0.
    Log,
    /// Square root; no number below 0.
    Sqrt,
    /// `1 / sqrt(x)`; no finite number up to 0.
    Rsqrt,
    /// `1 / x`; infinite at 0.
    Reciprocal,
    /// `x * x`.
    Square,
    /// `x^exponent`; no number below 0 unless the exponent is whole.
    Pow {
        /// The exponent.
        exponent: f32,
    },
    /// `|x|`.
    Abs,
    /// -1, 0 or 1.
    Sign,
    /// The greatest whole number up to `x`.
    Floor,
    /// The least whole number from `x` on.
    Ceil,
    /// The nearest whole number, the even one of two.
    Round,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// `min(max(round(x / scale) + zero, min), max)`, the quotient rounded to `f32` and then to the
    /// nearest whole number, the even one of two: ONNX's QuantizeLinear.
    Quantize {
        /// The step, above 0.
        scale: f32,
        /// What 0 becomes, a whole number.
        zero: f32,
        /// Least result, a whole number.
        min: f32,
        /// Greatest result, a whole number.
        max: f32,
    },
    /// Tangent.
    Tan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse sine; no number outside of `[-1, 1]`.
    Asin,
    /// Inverse cosine; no number outside of `[-1, 1]`.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine; no number below 1.
    Acosh,
    /// Inverse hyperbolic tangent; no finite number outside of `(-1, 1)`.
    Atanh,
    /// 1 if `x == 0`, else 0.
    IsZero,
    /// 1 if `x > 0`, else 0.
    IsPositive,
    /// 1 if `x >= 0`, else 0.
    IsNonNegative,
    /// An expression of one argument.
    Pointwise(Arc<Pointwise>),
}

impl Activation {
    /// Name of the ONNX operator, or of the function where there is none.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Gelu { .. } => "Gelu",
            Self::Erf => "Erf",
            Self::Elu { .. } => "Elu",
            Self::Celu { .. } => "Celu",
            Self::Selu { .. } => "Selu",
            Self::Softplus => "Softplus",
            Self::Softsign => "Softsign",
            Self::HardSigmoid { .. } => "HardSigmoid",
            Self::HardSwish => "HardSwish",
            Self::Silu => "Silu",
            Self::Swish { .. } => "Swish",
            Self::Mish => "Mish",
            Self::ThresholdedRelu { .. } => "ThresholdedRelu",
            Self::Shrink { .. } => "Shrink",
            Self::Clip { .. } => "Clip",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Sqrt",
            Self::Rsqrt => "Rsqrt",
            Self::Reciprocal => "Reciprocal",
            Self::Square => "Square",
            Self::Pow { .. } => "Pow",
            Self::Abs => "Abs",
            Self::Sign => "Sign",
            Self::Floor => "Floor",
            Self::Ceil => "Ceil",
            Self::Round => "Round",
            Self::Sin => "Sin",
            Self::Cos => "Cos",
            Self::Quantize { .. } => "Quantize",
            Self::Tan => "Tan",
            Self::Sinh => "Sinh",
            Self::Cosh => "Cosh",
            Self::Asin => "Asin",
            Self::Acos => "Acos",
            Self::Atan => "Atan",
            Self::Asinh => "Asinh",
            Self::Acosh => "Acosh",
            Self::Atanh => "Atanh",
            Self::IsZero => "IsZero",
            Self::IsPositive => "IsPositive",
            Self::IsNonNegative => "IsNonNegative",
            Self::Pointwise(_) => "Pointwise",
        }
    }

    /// Whether every value is a whole number, if `argument` says so of every argument.
    pub fn is_whole(&self, argument: bool) -> bool {
        let whole = |v: f32| v.is_infinite() || v.fract() == 0.0;
        match *self {
            Self::Sign
            | Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::Quantize { .. }
            | Self::IsZero
            | Self::IsPositive
            | Self::IsNonNegative => true,
            Self::Relu | Self::Abs | Self::Square | Self::ThresholdedRelu { .. } => argument,
            Self::Clip { min, max } => argument && whole(min) && whole(max),
            Self::Pow { exponent } => argument && exponent >= 0.0 && exponent.fract() == 0.0,
            Self::Pointwise(ref expression) => expression.is_whole(argument),
            _ => false,
        }
    }
}

/// The name and its parameters: different functions are written differently.
impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Gelu { tanh: true } => f.write_str("(tanh)"),
            Self::LeakyRelu { alpha: only }
            | Self::Elu { alpha: only }
            | Self::Celu { alpha: only }
            | Self::Swish { alpha: only }
            | Self::ThresholdedRelu { alpha: only }
            | Self::Pow { exponent: only } => write!(f, "({only})"),
            Self::HardSigmoid { alpha: first, beta: second }
            | Self::Selu { alpha: first, gamma: second }
            | Self::Shrink { bias: first, lambd: second }
            | Self::Clip { min: first, max: second } => write!(f, "({first}, {second})"),
            Self::Quantize { scale, zero, min, max } => {
                write!(f, "({scale}, {zero}, {min}, {max})")
            }
            Self::Pointwise(expression) => write!(f, "({expression})"),
            _ => Ok(()),
        }
    }
}
