//! Pow of activations: `x^c` with one exponent for all, by a function of its own where there is one,
//! and `c^x = exp(x ln c)` for positive `c`.

use super::{
    kind::Kind,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Activation, Op},
    tensor::Tensor,
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn of(site: &mut Site<'_>) -> Result {
    match (site.input(0)?, site.input(1)?) {
        (Lowered::Activation(_), exponent @ Lowered::Constant(_)) => {
            let exponent_shape = site.shape_of(&exponent);
            let Some(exponent) = site.uniform(&exponent)? else {
                return Err(site.unsupported(Some("Y"), "the exponents must all be the same"));
            };
            let shape = site.valid(site.shape(0)?.broadcast(&exponent_shape))?;
            let base = site.input(0)?;
            let base = site.broadcast(base, &shape, "base")?;
            let x = site.value(base, "base")?;
            let f = match exponent as f32 {
                1.0 => return Ok(Lowered::Activation(x)),
                2.0 => Activation::Square,
                _ if site.kind(0)? != Kind::Float => {
                    let hint = "powers of whole numbers that depend on the input are supported \
                                only with exponents 1 and 2";
                    return Err(site.unsupported(Some("Y"), hint));
                }
                0.5 => Activation::Sqrt,
                -0.5 => Activation::Rsqrt,
                -1.0 => Activation::Reciprocal,
                exponent if exponent.is_finite() => Activation::Pow { exponent },
                exponent => {
                    return Err(site.invalid(format!("an exponent is {exponent}")));
                }
            };
            Ok(Lowered::Activation(site.apply(f, x, "")?))
        }
        (Lowered::Constant(_), Lowered::Activation(_)) => {
            site.expect_kind(1, "Y", Kind::Float)?;
            let base = site.floats(0, "X")?;
            if base.data().iter().any(|v| *v <= 0.0) {
                let hint = "a base that is constant must be positive";
                return Err(site.unsupported(Some("X"), hint));
            }
            let data = base.data().iter().map(|v| libm::log(f64::from(*v)) as f32).collect();
            let log = site.valid(Tensor::new(base.shape().clone(), data))?;
            let (log, y) = (site.own_constant("log", log)?, site.operand(1)?);
            let product = site.push(Op::Mul, vec![y, log], "product")?;
            Ok(Lowered::Activation(site.apply(Activation::Exp, product, "")?))
        }
        _ => Err(site.unsupported(Some("Y"), "base or exponent must be a constant")),
    }
}
