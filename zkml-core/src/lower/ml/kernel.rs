//! Weighted sums of the kernel between features `x` and support vectors `v`: `sum over v of K(x, v) w_v`.
//!
//! ```text
//! LINEAR    x.v                                      the sum is one product with sum of w_v v
//! POLY      (gamma x.v + coef0)^degree               degree whole
//! SIGMOID   tanh(gamma x.v + coef0)
//! RBF       exp(-gamma |x - v|^2) = exp(2 gamma y.u - gamma |y|^2 - gamma |u|^2)
//! ```
//!
//! with `y = x - m`, `u = v - m` and `m` the mean of the vectors. A distance does not change with `m`; the
//! numbers that cancel out in it become as small as they can. Each vector costs one table, and RBF one more
//! for each feature.

use super::{Result, Site};
use crate::{
    ir::{Activation, Op, ValueId},
    lower::{plane::filled, power},
    tensor::Tensor,
};

/// A kernel, with its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    Linear,
    Poly { gamma: f32, coef0: f32, degree: f32 },
    Sigmoid { gamma: f32, coef0: f32 },
    Rbf { gamma: f32 },
}

impl Kernel {
    /// By the attributes `kernel_type` and `kernel_params`, which are gamma, coef0 and degree.
    pub(super) fn of(site: &mut Site<'_>) -> Result<Self> {
        let name = site.ascii_attribute("kernel_type", 16)?;
        let name = name.as_deref().unwrap_or("LINEAR");
        if name == "LINEAR" {
            return Ok(Self::Linear);
        }
        let [gamma, coef0, degree] = match *site.finite_numbers("kernel_params")? {
            [gamma, coef0, degree] => [gamma, coef0, degree],
            ref list => {
                let got = list.len();
                let reason = format!("`kernel_params` has {got} elements, expected 3");
                return Err(site.invalid(reason));
            }
        };
        match name {
            "POLY" if degree >= 1.0 && degree.fract() == 0.0 => {
                Ok(Self::Poly { gamma, coef0, degree })
            }
            // Here onnxruntime and the ONNX reference differ.
            "POLY" => {
                let hint = format!("a degree of {degree} is not supported: whole ones from 1 on");
                Err(site.unsupported(Some("kernel_params"), hint))
            }
            "SIGMOID" => Ok(Self::Sigmoid { gamma, coef0 }),
            "RBF" => Ok(Self::Rbf { gamma }),
            other => Err(site.invalid(format!("`kernel_type` is {other:?}"))),
        }
    }
}

/// Support vectors, and weights of each for some sums.
pub(super) struct Machine<'a> {
    pub(super) kernel: Kernel,
    /// `[vectors, features]`.
    pub(super) vectors: &'a [f32],
    pub(super) features: usize,
    /// `[vectors, sums]`.
    pub(super) weights: Tensor<f32>,
}

impl Machine<'_> {
    /// The sums, `[N, sums]`, for features `[N, features]`.
    pub(super) fn sums(self, site: &mut Site<'_>, x: ValueId) -> Result<ValueId> {
        let kernels = match self.kernel {
            Kernel::Linear => {
                let normals = self.normals(site)?;
                return site.product_along(x, 1, normals, "sums");
            }
            Kernel::Poly { gamma, coef0, degree } => {
                let dots = self.dots(site, x, gamma)?;
                let shifted = site.plus(dots, coef0, "shifted")?;
                power::power(site, shifted, (degree, false), "kernels")?
            }
            Kernel::Sigmoid { gamma, coef0 } => {
                let dots = self.dots(site, x, gamma)?;
                let shifted = site.plus(dots, coef0, "shifted")?;
                site.apply(Activation::Tanh, shifted, "kernels")?
            }
            Kernel::Rbf { gamma } => {
                let exponents = self.exponents(site, x, gamma)?;
                site.apply(Activation::Exp, exponents, "kernels")?
            }
        };
        site.product_along(kernels, 1, self.weights, "sums")
    }

    fn count(&self) -> usize {
        self.vectors.len() / self.features.max(1)
    }

    /// `sum over v of w_v v`, `[features, sums]`.
    fn normals(&self, site: &mut Site<'_>) -> Result<Tensor<f32>> {
        let (features, sums) = (self.features, self.weights.shape().dims()[1]);
        let outputs = features.saturating_mul(sums);
        let origin = site.origin();
        site.budget.take_product(outputs, self.count(), &origin)?;
        let weights = self.weights.data();
        filled(site, vec![features, sums], |e| {
            let (feature, sum) = (e / sums, e % sums);
            let of = |v: usize| {
                f64::from(self.vectors[v * features + feature]) * f64::from(weights[v * sums + sum])
            };
            (0..self.count()).map(of).sum::<f64>() as f32
        })
    }

    /// `gamma x.v`, `[N, vectors]`.
    fn dots(&self, site: &mut Site<'_>, x: ValueId, gamma: f32) -> Result<ValueId> {
        let (features, count) = (self.features, self.count());
        let matrix = filled(site, vec![features, count], |e| {
            gamma * self.vectors[e % count * features + e / count]
        })?;
        site.product_along(x, 1, matrix, "dots")
    }

    /// `-gamma |x - v|^2`, `[N, vectors]`.
    fn exponents(&self, site: &mut Site<'_>, x: ValueId, gamma: f32) -> Result<ValueId> {
        let (features, count) = (self.features, self.count());
        let at = |v: usize, feature: usize| f64::from(self.vectors[v * features + feature]);
        site.spend(self.vectors.len())?;
        let mean: Vec<f32> = (0..features)
            .map(|f| ((0..count).map(|v| at(v, f)).sum::<f64>() / count as f64) as f32)
            .collect();
        // Of the mean as it is subtracted.
        let centred = |v: usize, f: usize| at(v, f) - f64::from(mean[f]);
        let negated = filled(site, vec![features], |f| -mean[f])?;
        let gamma = f64::from(gamma);
        let cross = filled(site, vec![features, count], |e| {
            (2.0 * gamma * centred(e % count, e / count)) as f32
        })?;
        let squares_of_vectors = filled(site, vec![count], |v| {
            (0..features).map(|f| -gamma * centred(v, f).powi(2)).sum::<f64>() as f32
        })?;
        let negated = site.own_constant("negated_mean", negated)?;
        let x = site.push(Op::Add, vec![x, negated], "centred")?;
        let cross = site.product_along(x, 1, cross, "cross")?;
        let squares = site.apply(Activation::Square, x, "squares")?;
        let own = site.sum_last(squares, -gamma as f32, "own")?;
        let both = site.push(Op::Add, vec![cross, own], "both")?;
        let squares_of_vectors = site.own_constant("squares_of_vectors", squares_of_vectors)?;
        site.push(Op::Add, vec![both, squares_of_vectors], "exponents")
    }
}
