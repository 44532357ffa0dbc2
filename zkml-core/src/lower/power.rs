//! Pow of activations: `x^c` with constant exponents, by a function of its own where there is one, and `c^x = exp(x ln c)` for positive `c`.

use super::{
    groups,
    kind::Kind,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Activation, Op, ValueId},
    tensor::Tensor,
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn of(site: &mut Site<'_>) -> Result {
    match (site.input(0)?, site.input(1)?) {
        (Lowered::Activation(_), exponent @ Lowered::Constant(_)) => {
            let Lowered::Constant(exponent) = exponent else { return Err(Halt::Poisoned) };
            let exponents = site.number_tensor(&exponent)?;
            let whole = site.kind(0)? != Kind::Float;
            let kind = site.kind(0)?;
            let id = groups::by_parameter(site, &exponents, |site, x, exponent, part| {
                power(site, x, (exponent, whole), part)
            })?;
            Ok(site.holds(id, kind))
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

/// `x^exponent`; of whole numbers, if `whole`.
pub(super) fn power(
    site: &mut Site<'_>,
    x: ValueId,
    (exponent, whole): (f32, bool),
    part: &str,
) -> Result<ValueId> {
    let f = match exponent {
        1.0 => return Ok(x),
        2.0 => Activation::Square,
        _ if whole && (exponent < 0.0 || exponent.fract() != 0.0) => {
            let hint = "powers of whole numbers need exponents that are whole and not negative";
            return Err(site.unsupported(Some("Y"), hint));
        }
        0.5 => Activation::Sqrt,
        -0.5 => Activation::Rsqrt,
        -1.0 => Activation::Reciprocal,
        exponent if exponent.is_finite() => Activation::Pow { exponent },
        exponent => return Err(site.invalid(format!("an exponent is {exponent}"))),
    };
    site.apply(f, x, part)
}
