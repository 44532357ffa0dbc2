//! CumSum: sums along an axis up to each element, a product with a triangle of ones.
//!
//! ```text
//! y_i = sum over j <= i of x_j        `exclusive`: j < i;  `reverse`: from the end
//! ```

use super::{
    plane::filled,
    site::{Halt, Lowered, Site},
};
use crate::ir::Op;

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn cum_sum(site: &mut Site<'_>) -> Result {
    let (exclusive, reverse) = (site.flag("exclusive", false)?, site.flag("reverse", false)?);
    let axis = match site.ints(1, "axis")?.as_slice() {
        [axis] => *axis,
        other => return Err(site.invalid(format!("`axis` is {other:?}, expected one number"))),
    };
    let rank = site.shape(0)?.rank();
    let axis = site.axis(axis, rank, true)?;
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
