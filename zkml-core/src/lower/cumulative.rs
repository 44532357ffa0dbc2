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
    let Along { exclusive, reverse, axis, rank } = Along::of(site)?;
    let mut swap: Vec<usize> = (0..rank).collect();
    swap.swap(axis, rank - 1);
    let x = site.number(0)?;
    let moved = site.permute(x, &swap, "moved")?;
    let size = site.dims(moved)[rank - 1];
    let row = usize::from(rank == 1);
    let triangle = filled(site, vec![size, size], |e| {
        let (from, to) = (e / size, e % size);
        let counts = if reverse { from > to } else { from < to };
        f32::from(u8::from(counts || (from == to && !exclusive)))
    })?;
    let triangle = site.own_constant("triangle", triangle)?;
    let rows = if row == 1 { site.reshape(moved, vec![1, size], "row")? } else { moved };
    let sums = site.push(Op::MatMul, vec![rows, triangle], "sums")?;
    let sums = if row == 1 { site.reshape(sums, vec![size], "")? } else { sums };
    let result = site.permute(sums, &swap, "")?;
    Ok(Lowered::Activation(site.result(result)))
}

pub(super) fn cum_prod(site: &mut Site<'_>) -> Result {
    let Along { exclusive, reverse, axis, .. } = Along::of(site)?;
    let kind = site.kind(0)?;
    let x = site.number(0)?;
    let size = site.dims(x)[axis];
    if size > MOST {
        let hint = format!("an axis of {size} is longer than the {MOST} that are supported");
        return Err(site.unsupported(Some("axis"), hint));
    }
    // Positions of an axis of at most `MOST`, in the order in which they are multiplied.
    let order: Vec<u32> =
        if reverse { (0..size as u32).rev().collect() } else { (0..size as u32).collect() };
    let mut parts = Vec::with_capacity(size);
    if exclusive {
        let mut dims = site.dims(x);
        dims[axis] = 1;
        let ones = filled(site, dims, |_| 1.0)?;
        parts.push(site.own_constant("ones", ones)?);
    }
    let mut product = None;
    for (step, at) in order.iter().take(size - usize::from(exclusive)).enumerate() {
        let op = Op::Take { axis, indices: vec![*at] };
        let factor = site.push(op, vec![x], &format!("factor{step}"))?;
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
    rank: usize,
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
            rank,
        })
    }
}
