//! CumSum and CumProd: sums and products along an axis up to each element,
//!
//! ```text
//! y_i = sum over j <= i of x_j        `exclusive`: j < i;  `reverse`: from the end
//! ```
//!
//! a sum as a product with a triangle of ones, a product step by step.

use super::{
    plane::filled,
    site::{Halt, Lowered, Site},
};
use crate::ir::Op;

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// Longest axis of a product: it is a chain.
const MOST: usize = 64;

pub(super) fn cum_sum(site: &mut Site<'_>) -> Result {
    let Along { exclusive, reverse, axis } = Along::of(site)?;
    let x = site.number(0)?;
    let size = site.dims(x)[axis];
    let triangle = filled(site, vec![size, size], |e| {
        let (from, to) = (e / size, e % size);
        let counts = if reverse { from > to } else { from < to };
        f32::from(u8::from(counts || (from == to && !exclusive)))
    })?;
    Ok(Lowered::Activation(site.product_along(x, axis, triangle, "")?))
}

pub(super) fn cum_prod(site: &mut Site<'_>) -> Result {
    let Along { exclusive, reverse, axis } = Along::of(site)?;
    let kind = site.kind(0)?;
    let x = site.number(0)?;
    let size = site.dims(x)[axis];
    if size > MOST {
        let hint = format!("an axis of {size} is longer than the {MOST} that are supported");
        return Err(site.unsupported(Some("axis"), hint));
    }
    let mut parts = Vec::with_capacity(size);
    if exclusive {
        let mut dims = site.dims(x);
        dims[axis] = 1;
        let ones = filled(site, dims, |_| 1.0)?;
        parts.push(site.own_constant("ones", ones)?);
    }
    let mut product = None;
    for step in 0..size - usize::from(exclusive) {
        let at = if reverse { size - 1 - step } else { step };
        let factor = site.take(x, axis, at..at + 1, &format!("factor{step}"))?;
        let next = match product {
            None => factor,
            Some(before) => site.push(Op::Mul, vec![before, factor], &format!("product{step}"))?,
        };
        parts.push(next);
        product = Some(next);
    }
    if reverse {
        parts.reverse();
    }
    if product.is_none() {
        let hint = "the exclusive product of one element is 1, whatever it is";
        return Err(site.unsupported(Some("exclusive"), hint));
    }
    let id = match parts.as_slice() {
        [only] => *only,
        _ => site.push(Op::Concat { axis }, parts, "")?,
    };
    Ok(site.holds(id, kind))
}

/// Which way along which axis.
struct Along {
    exclusive: bool,
    reverse: bool,
    axis: usize,
}

impl Along {
    fn of(site: &Site<'_>) -> Result<Self> {
        let axis = match site.ints(1, "axis")?.as_slice() {
            [axis] => *axis,
            other => return Err(site.invalid(format!("`axis` is {other:?}, expected one number"))),
        };
        let rank = site.shape(0)?.rank();
        Ok(Self {
            exclusive: site.flag("exclusive", false)?,
            reverse: site.flag("reverse", false)?,
            axis: site.axis(axis, rank, true)?,
        })
    }
}
