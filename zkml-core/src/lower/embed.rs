//! Gather with ids that depend on the input: rows of a constant table, as of embeddings.
//!
//! ONNX lets negative ids count from the end; a run accepts `0 .. V` only, and says so.

use super::{
    kind::Kind,
    plane::new_shape,
    site::{Halt, Lowered, Site},
    view,
};
use crate::{
    ir::{Op, ValueId},
    tensor::Tensor,
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// The rows `ids` of the constant table that is operand 0, along the axis of the node.
pub(super) fn rows(site: &mut Site<'_>, ids: ValueId) -> Result {
    let axis = site.int_attribute("axis")?.unwrap_or(0);
    let data = site.input(0)?;
    if matches!(data, Lowered::Activation(_)) {
        let hint = "indices that depend on the input need data that is constant";
        return Err(site.unsupported(Some("data"), hint));
    }
    site.expect_kind(1, "indices", Kind::Int)?;
    let kind = site.kind(0)?;
    let shape = site.shape_of(&data);
    let axis = site.axis(axis, shape.rank(), true)?;
    let ids_shape = site.dims(ids);
    let (before, after) = (&shape.dims()[..axis], &shape.dims()[axis + 1..]);
    let count = shape.dims()[axis];
    if shape.len() == 0 {
        return Err(site.invalid(format!("the data has shape {shape}, which has no rows")));
    }
    // The axis first: `[V, others]`.
    let perm: Vec<usize> =
        std::iter::once(axis).chain((0..shape.rank()).filter(|other| *other != axis)).collect();
    let moved = if axis == 0 { data } else { view::permute(site, data, &perm, "moved")? };
    let table = view::reshaped(site, moved, vec![count, shape.len() / count])?;
    let Lowered::Constant(table) = table else { return Err(Halt::Poisoned) };
    let table = site.number_tensor(&table)?;
    let table = site.own_constant("table", table)?;
    let flat = axis == 0 && after.len() == 1;
    let found = site.push(Op::Embed, vec![ids, table], if flat { "" } else { "found" })?;
    site.canvas.set_kind(found, kind);
    if flat {
        return Ok(Lowered::Activation(found));
    }
    // `[ids, before, after]` to `[before, ids, after]`.
    let dims = [&ids_shape, before, after].concat();
    if axis == 0 {
        return Ok(Lowered::Activation(site.reshape(found, dims, "")?));
    }
    let found = site.reshape(found, dims, "axes")?;
    let (ids, rank) = (ids_shape.len(), ids_shape.len() + shape.rank() - 1);
    let perm = (ids..ids + axis).chain(0..ids).chain(ids + axis..rank).collect();
    Ok(Lowered::Activation(site.push(Op::Transpose(perm), vec![found], "")?))
}

/// Rows of a constant table by operand `i`, constant or not.
pub(super) fn looked_up(
    site: &mut Site<'_>,
    table: Tensor<f32>,
    i: usize,
    part: &str,
) -> Result<ValueId> {
    site.expect_kind(i, "ids", Kind::Int)?;
    if let Lowered::Activation(ids) = site.input(i)? {
        let table = site.own_constant(&format!("{part}_table"), table)?;
        let found = site.push(Op::Embed, vec![ids, table], part)?;
        site.canvas.set_kind(found, Kind::Float);
        return Ok(found);
    }
    let ids = site.ints(i, "ids")?;
    let &[count, width] = table.shape().dims() else {
        return Err(site.invalid("a table without rows"));
    };
    let shape = site.shape(i)?;
    let shape = new_shape(site, [shape.dims(), &[width]].concat())?;
    site.spend(shape.len())?;
    let mut data = Vec::with_capacity(shape.len());
    for id in ids {
        let row = usize::try_from(id).ok().filter(|row| *row < count);
        let row = row.ok_or_else(|| site.invalid(format!("id {id} is outside of 0..{count}")))?;
        data.extend_from_slice(&table.data()[row * width..][..width]);
    }
    let found = site.valid(Tensor::new(shape, data))?;
    site.own_constant(part, found)
}
