//! Values of the functions of one variable, in double precision and by portable arithmetic (`libm`):
//! the tables of a compiled program, and so its verifying key, are the same on every platform.

use super::{Activation, Pointwise};

impl Activation {
    /// The function at `x`. Where it has no value the result is infinite or not a number.
    pub fn eval(&self, x: f64) -> f64 {
        match *self {
            Self::Relu => x.max(0.0),
            Self::LeakyRelu { alpha } => sides(x, x, f64::from(alpha) * x),
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => libm::tanh(x),
            Self::Gelu { tanh: false } => {
                0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
            }
            Self::Gelu { tanh: true } => {
                let inner = libm::sqrt(2.0 / std::f64::consts::PI) * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + libm::tanh(inner))
            }
            Self::Erf => libm::erf(x),
            Self::Elu { alpha } => sides(x, x, f64::from(alpha) * libm::expm1(x)),
            Self::Celu { alpha } => {
                let alpha = f64::from(alpha);
                sides(x, x, alpha * libm::expm1(x / alpha))
            }
            Self::Selu { alpha, gamma } => {
                f64::from(gamma) * sides(x, x, f64::from(alpha) * libm::expm1(x))
            }
            Self::Softplus => softplus(x),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::HardSigmoid { alpha, beta } => {
                (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0)
            }
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::Silu => x * sigmoid(x),
            Self::Swish { alpha } => x * sigmoid(f64::from(alpha) * x),
            Self::Mish => x * libm::tanh(softplus(x)),
            Self::ThresholdedRelu { alpha } => {
                if x > f64::from(alpha) {
                    x
                } else {
                    0.0
                }
            }
            Self::Shrink { bias, lambd } => {
                let (bias, lambd) = (f64::from(bias), f64::from(lambd));
                if x < -lambd {
                    x + bias
                } else if x > lambd {
                    x - bias
                } else {
                    0.0
                }
            }
            // ONNX: min above max gives max.
            Self::Clip { min, max } => x.max(f64::from(min)).min(f64::from(max)),
            Self::Exp => libm::exp(x),
            Self::Log => libm::log(x),
            Self::Sqrt => libm::sqrt(x),
            Self::Rsqrt => 1.0 / libm::sqrt(x),
            Self::Reciprocal => 1.0 / x,
            Self::Square => x * x,
            Self::Pow { exponent } => libm::pow(x, f64::from(exponent)),
            Self::Abs => x.abs(),
            Self::Sign => f64::from(i8::from(x > 0.0) - i8::from(x < 0.0)),
            Self::Floor => libm::floor(x),
            Self::Ceil => libm::ceil(x),
            Self::Round => libm::rint(x),
            Self::Sin => libm::sin(x),
            Self::Cos => libm::cos(x),
            Self::Quantize { scale, zero, min, max } => {
                let steps = (x / f64::from(scale)) as f32;
                let value = libm::rint(f64::from(steps)) + f64::from(zero);
                value.max(f64::from(min)).min(f64::from(max))
            }
            Self::Tan => libm::tan(x),
            Self::Sinh => libm::sinh(x),
            Self::Cosh => libm::cosh(x),
            Self::Asin => libm::asin(x),
            Self::Acos => libm::acos(x),
            Self::Atan => libm::atan(x),
            Self::Asinh => libm::asinh(x),
            Self::Acosh => libm::acosh(x),
            Self::Atanh => libm::atanh(x),
            Self::IsZero => f64::from(x == 0.0),
            Self::IsPositive => f64::from(x > 0.0),
            Self::IsNonNegative => f64::from(x >= 0.0),
            Self::Pointwise(ref expression) => expression.eval(x),
        }
    }
}

impl Pointwise {
    /// The expression at `x`. Where it has no value the result is infinite or not a number.
    pub fn eval(&self, x: f64) -> f64 {
        match self {
            Self::Argument => x,
            Self::Constant(value) => f64::from(*value),
            Self::Sum(a, b) => a.eval(x) + b.eval(x),
            Self::Difference(a, b) => a.eval(x) - b.eval(x),
            Self::Product(a, b) => a.eval(x) * b.eval(x),
            Self::Apply(f, a) => f.eval(a.eval(x)),
        }
    }
}

/// One value from 0 on, another below.
fn sides(x: f64, from_zero: f64, below: f64) -> f64 {
    if x >= 0.0 { from_zero } else { below }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// `ln(1 + e^x)` without overflow for large `x`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn functions_at_known_points() {
        use Activation::*;
        // Exact, or by the definition in another form.
        let (e, tiny) = (std::f64::consts::E, 1e-12);
        for (f, x, expected) in [
            (Exp, 1.0, e),
            (Log, e, 1.0),
            (Sqrt, 2.25, 1.5),
            (Rsqrt, 4.0, 0.5),
            (Reciprocal, -8.0, -0.125),
            (Square, -3.0, 9.0),
            (Pow { exponent: 3.0 }, -2.0, -8.0),
            (Pow { exponent: -0.5 }, 16.0, 0.25),
            (Abs, -2.0, 2.0),
            (Sign, -0.1, -1.0),
            (Sign, 0.0, 0.0),
            (Floor, -0.5, -1.0),
            (Ceil, -0.5, 0.0),
            (Round, 2.5, 2.0),
            (Round, -1.5, -2.0),
            (Sin, std::f64::consts::FRAC_PI_6, 0.5),
            (Cos, std::f64::consts::PI, -1.0),
            (Tan, std::f64::consts::FRAC_PI_4, 1.0),
            (Sinh, 1.0, (e - 1.0 / e) / 2.0),
            (Cosh, 1.0, (e + 1.0 / e) / 2.0),
            (Asin, 0.5, std::f64::consts::FRAC_PI_6),
            (Acos, 0.5, std::f64::consts::FRAC_PI_3),
            (Atan, 1.0, std::f64::consts::FRAC_PI_4),
            (Asinh, (e - 1.0 / e) / 2.0, 1.0),
            (Acosh, (e + 1.0 / e) / 2.0, 1.0),
            (Atanh, (e * e - 1.0) / (e * e + 1.0), 1.0),
            (Silu, 2.0, 2.0 / (1.0 + libm::exp(-2.0))),
            (Swish { alpha: 0.0 }, 3.0, 1.5),
            (Mish, 1.0, ((1.0 + e).powi(2) - 1.0) / ((1.0 + e).powi(2) + 1.0)),
            (Selu { alpha: 2.0, gamma: 3.0 }, 2.0, 6.0),
            (Selu { alpha: 2.0, gamma: 3.0 }, -1.0, 6.0 * (1.0 / e - 1.0)),
            (Celu { alpha: 2.0 }, -2.0, 2.0 * (1.0 / e - 1.0)),
            (Softsign, -3.0, -0.75),
            (ThresholdedRelu { alpha: 1.0 }, 1.0, 0.0),
            (ThresholdedRelu { alpha: 1.0 }, 1.5, 1.5),
            (Shrink { bias: 0.25, lambd: 0.5 }, -1.0, -0.75),
            (Shrink { bias: 0.25, lambd: 0.5 }, 0.5, 0.0),
            (Quantize { scale: 0.5, zero: 3.0, min: 0.0, max: 9.0 }, 1.25, 5.0),
            (Quantize { scale: 0.5, zero: 3.0, min: 0.0, max: 9.0 }, 1.75, 7.0),
            (Quantize { scale: 0.5, zero: 3.0, min: 0.0, max: 9.0 }, 3.3, 9.0),
            (Quantize { scale: 0.5, zero: 3.0, min: 0.0, max: 9.0 }, -9.0, 0.0),
            // The quotient is less than 3.5, by less than half a float.
            (Quantize { scale: 0.1, zero: 0.0, min: -9.0, max: 9.0 }, f64::from(0.35f32), 4.0),
            (IsZero, 0.0, 1.0),
            (IsZero, 1e-9, 0.0),
            (IsPositive, 0.0, 0.0),
            (IsNonNegative, 0.0, 1.0),
            (IsNonNegative, -1e-9, 0.0),
        ] {
            let got = f.eval(x);
            assert!((got - expected).abs() < tiny, "{f} at {x} is {got}, expected {expected}");
        }
        assert!(
            Log.eval(-1.0).is_nan() && Sqrt.eval(-1.0).is_nan() && Rsqrt.eval(0.0).is_infinite()
        );
    }

    #[test]
    fn expressions_evaluate() {
        // x sigmoid(x) - 2
        let gate = Pointwise::Apply(Activation::Sigmoid, Box::new(Pointwise::Argument));
        let silu = Pointwise::Product(Box::new(Pointwise::Argument), Box::new(gate));
        let less = Pointwise::Difference(Box::new(silu), Box::new(Pointwise::Constant(2.0)));
        let f = Activation::Pointwise(Arc::new(less));
        for x in [-3.0, 0.0, 0.7, 5.0] {
            assert!((f.eval(x) - (Activation::Silu.eval(x) - 2.0)).abs() < 1e-12);
        }
    }
}
