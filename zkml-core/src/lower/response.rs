//! LRN: local response normalisation across channels,
//!
//! ```text
//! y_c = x_c (bias + alpha / size * sum of x_k^2)^-beta,    k from c - floor((size - 1) / 2)
//!                                                            to c + ceil((size - 1) / 2)
//! ```
//!
//! the sum a product with a band of ones.

use super::{
    plane::filled,
    site::{Halt, Lowered, Site},
};
use crate::ir::{Activation, Op};

pub(super) fn lrn(site: &mut Site<'_>) -> Result<Lowered, Halt> {
    let size = site.int_attribute("size")?.ok_or_else(|| site.invalid("`size` is missing"))?;
    let reach = u32::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .map(|size| size as usize - 1)
        .ok_or_else(|| site.invalid(format!("`size` is {size}, expected 1 or more")))?;
    let alpha = site.float_attribute("alpha", 1e-4)?;
    let beta = site.float_attribute("beta", 0.75)?;
    let bias = site.float_attribute("bias", 1.0)?;
    let shape = site.shape(0)?;
    if shape.rank() < 3 {
        return Err(site.invalid(format!("the input has shape {shape}, expected spatial axes")));
    }
    let channels = shape.dims()[1];
    let weight = (f64::from(alpha) / (reach + 1) as f64) as f32;
    let band = filled(site, vec![channels, channels], |e| {
        let (k, c) = (e / channels, e % channels);
        if k + reach / 2 >= c && k <= c + reach.div_ceil(2) { weight } else { 0.0 }
    })?;
    let x = site.operand(0)?;
    let square = site.apply(Activation::Square, x, "square")?;
    let sum = site.product_along(square, 1, band, "sum")?;
    let base = site.plus(sum, bias, "base")?;
    let factor = match beta {
        0.5 => Activation::Rsqrt,
        1.0 => Activation::Reciprocal,
        beta => Activation::Pow { exponent: -beta },
    };
    let factor = site.apply(factor, base, "factor")?;
    Ok(Lowered::Activation(site.push(Op::Mul, vec![x, factor], "")?))
}
