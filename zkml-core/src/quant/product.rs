//! Products with a constant: matrix products as contractions `[I, K] x [K, J]`, by numpy's rules,
//! and convolutions.

use super::{
    QuantError,
    form::{Form, FormTerm, Pending, Prefix, gather_view},
};
use crate::{
    exec::correlate_add,
    ir::{Node, Window},
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
    let axis = view.shape.rank().saturating_sub(if flipped { 2 } else { 1 });
    let prefix = prefix.and_then(|prefix| {
        let offsets = prefix.offsets_along(&view.shape, axis)?;
        Some((prefix.factors, offsets))
    });
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
    let bias = prefix.map(|(factors, offsets)| absorb(&mut data, columns, &factors, &offsets));
    let shape = Shape::new(vec![k, columns]).map_err(fail)?;
    let weight = Tensor::new(shape, data).map_err(fail)?;
    let rows = Shape::new(vec![view_batches * i, k]).map_err(fail)?;
    let stored = Shape::new(vec![view_batches, i, batches, j]).map_err(fail)?;
    let term = FormTerm::Contract { view: View { shape: rows, ..view }, weight };
    let mut product = Pending::new(Form::new(stored.clone(), vec![term]), node.origin.clone());
    if let Some(bias) = bias {
        product.form.bias = bias.iter().copied().cycle().take(stored.len()).collect();
    }
    // The value's axes: batch, rows, columns; swapped when flipped.
    let perm = if flipped { [0, 2, 3, 1] } else { [0, 2, 1, 3] };
    let (shape, map) = stored.transpose_map(&perm).map_err(fail)?;
    Ok(product.permuted(shape, &map))
}

/// Moves the factors of a prefix into the weight, `[K, columns]`; gives the offsets' part of the
/// product, one for each column.
fn absorb(weight: &mut [f64], columns: usize, factors: &[f64], offsets: &[f64]) -> Vec<f64> {
    let mut bias = vec![0.0; columns];
    let rows = weight.chunks_exact_mut(columns.max(1));
    for (row, (factor, offset)) in rows.zip(factors.iter().zip(offsets)) {
        for (w, bias) in row.iter_mut().zip(&mut bias) {
            *bias += offset * *w;
            *w *= factor;
        }
    }
    bias
}

/// The convolution of `view`, `[B, C, H, W]`, with a constant, `[O, C / groups, Kh, Kw]`. A prefix
/// is absorbed, its factors by channel; what it adds is convolved on its own, so that pads stay 0.
pub(super) fn correlate(
    node: &Node,
    view: View,
    prefix: Option<Prefix>,
    constant: &Tensor<f32>,
    (window, groups): (&Window, usize),
) -> Result<Pending, QuantError> {
    let fail = |source: ShapeError| unsupported(node, source.to_string());
    let (&[batch, ..], &[outputs, inner, kh, kw]) = (view.shape.dims(), constant.shape().dims())
    else {
        return Err(unsupported(node, "convolution of other than four axes"));
    };
    let (rows, columns) = (window.height.output, window.width.output);
    let stored = Shape::new(vec![batch, outputs, rows, columns]).map_err(fail)?;
    let mut weight = constant.map(|w| f64::from(*w));
    let mut bias = Vec::new();
    if let Some(Prefix { factors, offsets }) = prefix {
        if offsets.iter().any(|b| *b != 0.0) {
            let offsets = Tensor::new(view.shape.clone(), offsets).map_err(fail)?;
            bias = vec![0.0; stored.len()];
            correlate_add(&mut bias, &offsets, &weight, (window, groups), |b, w| b * w);
        }
        let channel = |i: usize| {
            let (output, within) = (i / (inner * kh * kw), i / (kh * kw) % inner);
            output / (outputs / groups) * inner + within
        };
        let scaled = weight.data().iter().enumerate().map(|(i, w)| w * factors[channel(i)]);
        weight = Tensor::new(weight.shape().clone(), scaled.collect()).map_err(fail)?;
    }
    let term = FormTerm::Correlate { view, weight, window: *window, groups };
    let form = Form { bias, ..Form::new(stored, vec![term]) };
    Ok(Pending::new(form, node.origin.clone()))
}

/// Splits the shape of an operand into its batch axes and `[batch, rows, columns]`; a vector is a
/// row on the left, a column on the right of a product.
pub(super) fn split_batch(
    node: &Node,
    shape: Shape,
    right: bool,
) -> Result<(Shape, Shape), QuantError> {
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
