//! Element-wise functions of one variable that the machine evaluates by table.

/// An element-wise function of one variable, by the semantics of the ONNX operator of that name.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
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
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `max(0, min(1, alpha * x + beta))`.
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x * max(0, min(1, x / 6 + 1/2))`.
    HardSwish,
    /// `min(max(x, min), max)`.
    Clip {
        /// Lower bound, minus infinity if absent in ONNX.
        min: f32,
        /// Upper bound, infinity if absent in ONNX.
        max: f32,
    },
}

impl Activation {
    /// The function at `x`, in double precision, by portable arithmetic (`libm`): the tables of a
    /// compiled program, and so its verifying key, are the same on every platform.
    pub fn eval(&self, x: f64) -> f64 {
        match *self {
            Self::Relu => x.max(0.0),
            Self::LeakyRelu { alpha } => {
                if x >= 0.0 {
                    x
                } else {
                    f64::from(alpha) * x
                }
            }
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Self::Tanh => libm::tanh(x),
            Self::Gelu { tanh: false } => {
                0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
            }
            Self::Gelu { tanh: true } => {
                let inner = libm::sqrt(2.0 / std::f64::consts::PI) * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + libm::tanh(inner))
            }
            Self::Erf => libm::erf(x),
            Self::Elu { alpha } => {
                if x >= 0.0 {
                    x
                } else {
                    f64::from(alpha) * libm::expm1(x)
                }
            }
            Self::Softplus => {
                // ln(1 + e^x) without overflow for large x.
                x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
            }
            Self::HardSigmoid { alpha, beta } => {
                (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0)
            }
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            // ONNX: min above max gives max.
            Self::Clip { min, max } => x.max(f64::from(min)).min(f64::from(max)),
        }
    }

    /// Name of the ONNX operator.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Gelu { .. } => "Gelu",
            Self::Erf => "Erf",
            Self::Elu { .. } => "Elu",
            Self::Softplus => "Softplus",
            Self::HardSigmoid { .. } => "HardSigmoid",
            Self::HardSwish => "HardSwish",
            Self::Clip { .. } => "Clip",
        }
    }
}
