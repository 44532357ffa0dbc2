//! TopK: the `k` greatest (or least) elements along an axis, in order, and their indices.
//!
//! ```text
//! P_ki = [rank_i = k],     values = P x,     indices = P (0, 1, 2, ..)
//! ```
//!
//! with ranks as in `contests`: of equal elements the one with the lower index comes first, as ONNX says. An
//! axis of `n` takes `n (n - 1) / 2` comparisons. With `sorted = 0` ONNX leaves the order open; it is the
//! same.
//!
//! `k` is an attribute before 10 and an input since; `largest` and `sorted` exist since 11.

use super::{
    contests::{self, Contests},
    fill::finish,
    kind::Kind,
    parameter,
    plane::filled,
    site::{Halt, Lowered, Site},
    view,
};
use crate::{
    ir::{Activation, Op, ValueId},
    onnx::{Constant, Elements},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// Longest axis: its comparisons are half its square, the matrix of ranks half its cube.
const MOST: usize = 128;

pub(super) fn top_k(site: &mut Site<'_>) -> Result<Vec<Lowered>> {
    site.not_before("largest", 11)?;
    site.not_before("sorted", 11)?;
    let largest = site.flag("largest", true)?;
    site.flag("sorted", true)?;
    let shape = site.shape(0)?;
    let axis = site.int_attribute("axis")?.unwrap_or(-1);
    let axis = site.axis(axis, shape.rank(), site.since >= 11)?;
    let size = shape.dims()[axis];
    let k = match (site.since, site.int_attribute("k")?) {
        (1, k) => k,
        _ => parameter::moved(site, "k", 1, 10)?.filter(|k| k.len() == 1).map(|k| k[0]),
    };
    let k = k
        .and_then(|k| usize::try_from(k).ok())
        .filter(|k| (1..=size).contains(k))
        .ok_or_else(|| site.invalid(format!("`k` is not from 1 to the {size} of axis {axis}")))?;
    if site.kind(0)? == Kind::Bool {
        return Err(site.invalid("the operand holds truth values, expected numbers"));
    }
    if size > MOST {
        let hint = format!("an axis of {size} is longer than the {MOST} that are supported");
        return Err(site.unsupported(Some("axis"), hint));
    }
    if size == 1 {
        let zeros = filled(site, shape.dims().to_vec(), |_| 0.0)?.map(|_| 0i64).into_data();
        let indices = finish(site, Constant::new(shape, Elements::I64(zeros)))?;
        return Ok(vec![site.input(0)?, indices]);
    }

    let x = site.input(0)?;
    let mut swap: Vec<usize> = (0..shape.rank()).collect();
    swap.swap(axis, shape.rank() - 1);
    let moved = view::permute(site, x, &swap, "moved")?;
    let moved_dims = site.shape_of(&moved).dims().to_vec();
    let moved = site.value(moved, "moved")?;
    let rows: usize = moved_dims[..shape.rank() - 1].iter().product();
    let x = site.reshape(moved, vec![rows, size], "rows")?;

    let chosen = chosen(site, x, k, largest)?;
    let column = site.reshape(x, vec![rows, size, 1], "column")?;
    let values = site.push(Op::MatMul, vec![chosen, column], "chosen_values")?;
    let places = filled(site, vec![size, 1], |i| i as f32)?;
    let places = site.own_constant("places", places)?;
    let indices = site.push(Op::MatMul, vec![chosen, places], "chosen_indices")?;

    let mut dims = moved_dims;
    dims[shape.rank() - 1] = k;
    let kind = site.kind(0)?;
    let values = shaped(site, values, (&dims, &swap), "values")?;
    let indices = shaped(site, indices, (&dims, &swap), "indices")?;
    Ok(vec![site.holds(values, kind), site.holds(indices, Kind::Int)])
}

/// `P`, of shape `[rows, k, size]`, of `x`, of shape `[rows, size]`.
fn chosen(site: &mut Site<'_>, x: ValueId, k: usize, largest: bool) -> Result<ValueId> {
    let &[rows, size] = site.dims(x).as_slice() else { return Err(Halt::Poisoned) };
    site.spend((size * size / 2).saturating_mul(rows))?;
    let lead = Contests::of(site, x, largest)?.lead(site)?;
    let positions = contests::positions(site, size)?;
    let rank = site.push(Op::Sub, vec![positions, lead], "rank")?;
    let rank = site.reshape(rank, vec![rows, 1, size], "ranks")?;
    let places = filled(site, vec![k, 1], |place| place as f32)?;
    let places = site.own_constant("order", places)?;
    let distance = site.push(Op::Sub, vec![rank, places], "distance")?;
    site.apply(Activation::IsZero, distance, "chosen")
}

/// Back from rows to the axes of the input.
fn shaped(
    site: &mut Site<'_>,
    rows: ValueId,
    (dims, swap): (&[usize], &[usize]),
    part: &str,
) -> Result<ValueId> {
    let x = site.reshape(rows, dims.to_vec(), &format!("{part}_rows"))?;
    site.push(Op::Transpose(swap.to_vec()), vec![x], part)
}
