//! Matrix products with a constant as contractions `[I, K] x [K, J]`, by numpy's rules.

use super::{
    QuantError,
    form::{Pending, Prefix, gather_view},
};
use crate::{
    ir::Node,
    program::View,
    tensor::{Shape, ShapeError, Tensor},
};

/// The product of `view` (`[.., I, K]` or `[K]`) with a constant `[.., K, J]` or `[K]`, or, when
/// `flipped`, of the constant with the view: `A B = (B^T A^T)^T`. The shape of the result is right
/// up to axes of one element. A prefix is absorbed: `(f x + b) W = x (f W) + b W`.
pub(super) fn contract(
    node: &Node,
    view: View,
    prefix: Option<Prefix>,
    constant: &Tensor<f32>,
    flipped: bool,
) -> Result<Pending, QuantError> {
    let fail = |source: ShapeError| unsupported(node, source.to_string());
    let (view_batch, mut view) = split_batch(node, view.shape.clone(), flipped)
        .map(|(b, m)| (b, View { shape: m, ..view }))?;
    let (batch, matrix) = split_batch(node, constant.shape().clone(), !flipped)?;
    let [_, rows, columns] = *matrix.dims() else { return Err(rank_error(node)) };
    let mut weight: Vec<f64> = constant.data().iter().map(|w| f64::from(*w)).collect();
    let (mut k, mut j) = (rows, columns);
    if flipped {
        let (shape, map) = view.shape.transpose_map(&[0, 2, 1]).map_err(fail)?;
        view = gather_view(&view, shape, &map);
        let (_, map) = matrix.transpose_map(&[0, 2, 1]).map_err(fail)?;
        weight = map.iter().map(|&at| weight[at as usize]).collect();
        (k, j) = (columns, rows);
    }
    let (view_batches, batches) = (view_batch.len(), batch.len());
    if view_batches > 1 && batches > 1 {
        return Err(unsupported(
            node,
            format!(
                "constant operand with batch axes {batch}; they must be 1 when the other operand has a batch"
            ),
        ));
    }
    let i = view.shape.dims()[1];
    // [batches, K, J] -> [K, batches * J]: the batches become further columns.
    let from = Shape::new(vec![batches, k, j]).map_err(fail)?;
    let (_, map) = from.transpose_map(&[1, 0, 2]).map_err(fail)?;
    let mut data: Vec<f64> = map.iter().map(|&at| weight[at as usize]).collect();
    let columns = batches * j;
    let bias = prefix.map(|prefix| prefix.absorb(&mut data, columns));
    let shape = Shape::new(vec![k, columns]).map_err(fail)?;
    let weight = Tensor::new(shape, data).map_err(fail)?;
    let rows = Shape::new(vec![view_batches * i, k]).map_err(fail)?;
    let stored = Shape::new(vec![view_batches, i, batches, j]).map_err(fail)?;
    let mut product = Pending::of_product(
        View { shape: rows, ..view },
        weight,
        stored.clone(),
        node.origin.clone(),
    );
    if let Some(bias) = bias {
        product.form.bias = bias.iter().copied().cycle().take(stored.len()).collect();
    }
    // The value's axes: batch, rows, columns; swapped when flipped.
    let perm = if flipped { [0, 2, 3, 1] } else { [0, 2, 1, 3] };
    let (shape, map) = stored.transpose_map(&perm).map_err(fail)?;
    let identity = map.iter().enumerate().all(|(e, &at)| e == at as usize);
    Ok(if identity { product.reshaped(shape) } else { product.permuted(shape, &map) })
}

/// Splits the shape of an operand into its batch axes and `[batch, rows, columns]`; a vector is a
/// row on the left, a column on the right of a product.
fn split_batch(node: &Node, shape: Shape, right: bool) -> Result<(Shape, Shape), QuantError> {
    let (batch, rows, columns) = match shape.dims() {
        [] => return Err(rank_error(node)),
        [k] if right => (&[][..], *k, 1),
        [k] => (&[][..], 1, *k),
        [batch @ .., rows, columns] => (batch, *rows, *columns),
    };
    let batch =
        Shape::new(batch.to_vec()).map_err(|source| unsupported(node, source.to_string()))?;
    let matrix = Shape::new(vec![batch.len(), rows, columns])
        .map_err(|source| unsupported(node, source.to_string()))?;
    Ok((batch, matrix))
}

fn rank_error(node: &Node) -> QuantError {
    unsupported(node, "matrix product of a scalar")
}

/// The error of a node the integer program cannot express.
pub(super) fn unsupported(node: &Node, what: impl Into<String>) -> QuantError {
    QuantError::Unsupported { origin: node.origin.clone(), what: what.into() }
}
