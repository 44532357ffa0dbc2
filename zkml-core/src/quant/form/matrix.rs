//! Convolutions that are matrix products: each input meets one output at most.
//!
//! A 1x1 convolution of stride 1 without pads, and a patch embedding (kernel = stride, no pads)
//! that covers its input exactly, read every input once. With one group,
//!
//! ```text
//! y[b, o, h', w'] = sum over k = (c, i, j) of x[b, c, Kh h' + i, Kw w' + j] * weight[o, k]
//! ```
//!
//! is a product of rows `(b, h', w')` with columns `o`. It is taken when a form is stored, when it
//! is known that nothing else in it has to lie as a convolution does.

use super::{Form, FormTerm, Grid, Pending, gather_view, is_identity};
use crate::{
    ir::{Axis, Window},
    program::View,
    tensor::{Shape, ShapeError, Tensor},
};

impl Pending {
    /// The value with its convolutions as matrix products, if all of them are.
    pub(in crate::quant) fn with_matrices(self) -> Result<Self, ShapeError> {
        let Some(Grid::Planes([batch, outputs, rows, columns])) = self.form.grid() else {
            return Ok(self);
        };
        if !self.form.terms.iter().all(FormTerm::is_matrix) {
            return Ok(self);
        }
        let planes = Shape::new(vec![batch, outputs, rows, columns])?;
        // Element e of the new order is element map[e] of the old, which is element back[..] of it.
        let (shape, map) = planes.transpose_map(&[0, 2, 3, 1])?;
        let (_, back) = shape.transpose_map(&[0, 3, 1, 2])?;
        let form = self.form.gathered(shape, &map, 0.0);
        let terms = form.terms.into_iter().map(|term| match term {
            FormTerm::Correlate { view, weight, window, .. } => contract(&view, &weight, &window),
            other => Ok(other),
        });
        let form = Form { terms: terms.collect::<Result<_, _>>()?, ..form };
        let order: Vec<u32> = match self.order {
            None => back,
            Some(order) => order.iter().map(|&f| back[f as usize]).collect(),
        };
        Ok(Self { form, order: Some(order).filter(|order| !is_identity(order)), ..self })
    }
}

impl FormTerm {
    /// Whether it is no convolution, or one that is a matrix product.
    fn is_matrix(&self) -> bool {
        match self {
            Self::Correlate { window, groups, .. } => {
                *groups == 1 && is_tiled(&window.height) && is_tiled(&window.width)
            }
            _ => true,
        }
    }
}

/// Whether output `o` meets exactly the inputs `kernel o .. kernel (o + 1)`, and all are met.
fn is_tiled(axis: &Axis) -> bool {
    let meets = |o: usize, t: usize| axis.input_at(o, t) == Some(axis.kernel * o + t);
    axis.output.checked_mul(axis.kernel) == Some(axis.input)
        && (0..axis.output).all(|o| (0..axis.kernel).all(|t| meets(o, t)))
}

fn contract(view: &View, weight: &Tensor<f64>, window: &Window) -> Result<FormTerm, ShapeError> {
    let dims = view.shape.dims();
    let (height, width) = (&window.height, &window.width);
    let tiles = [dims[0], dims[1], height.output, height.kernel, width.output, width.kernel];
    // [B, C, H', Kh, W', Kw] -> [B, H', W'] and [C, Kh, Kw].
    let (_, map) = Shape::new(tiles.to_vec())?.transpose_map(&[0, 2, 4, 1, 3, 5])?;
    let inner = dims[1] * height.kernel * width.kernel;
    let rows = Shape::new(vec![dims[0] * height.output * width.output, inner])?;
    let outputs = weight.shape().dims()[0];
    let (shape, turned) = Shape::new(vec![outputs, inner])?.transpose_map(&[1, 0])?;
    let data = turned.iter().map(|&at| weight.data()[at as usize]).collect();
    let view = gather_view(view, rows, &map);
    Ok(FormTerm::Contract { view, weight: Tensor::new(shape, data)? })
}
