//! Activations with one or two spatial axes, `[B, C, L]` and `[B, C, H, W]`, as planes
//! `[B, C, H, W]`: one spatial axis is two of which the first has one position.

use super::site::{Halt, Lowered, Site};
use crate::{
    ir::{Op, ValueId},
    tensor::{Shape, Tensor},
};

type Result<T> = std::result::Result<T, Halt>;

/// The first operand of a node, as planes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes {
    /// A value of shape `[B, channels, size[0], size[1]]`.
    pub(super) id: ValueId,
    pub(super) channels: usize,
    /// Height and width.
    pub(super) size: [usize; 2],
    /// Number of spatial axes, 1 or 2.
    pub(super) spatial: usize,
}

impl Planes {
    /// Operand 0, which is an activation.
    pub(super) fn of(site: &mut Site<'_>) -> Result<Self> {
        let id = site.operand(0)?;
        Self::of_value(site, id)
    }

    /// Any value of the graph.
    pub(super) fn of_value(site: &mut Site<'_>, id: ValueId) -> Result<Self> {
        let shape = site.canvas.graph.get(id).shape.clone();
        match *shape.dims() {
            [batch, channels, width] => {
                let dims = vec![batch, channels, 1, width];
                let id = site.push(Op::Reshape(new_shape(site, dims)?), vec![id], "planes")?;
                Ok(Self { id, channels, size: [1, width], spatial: 1 })
            }
            [_, channels, height, width] => {
                Ok(Self { id, channels, size: [height, width], spatial: 2 })
            }
            [_, _, _, _, ..] => {
                let hint = format!(
                    "an input of shape {shape} has more than the two spatial axes that are supported"
                );
                Err(site.unsupported(None, hint))
            }
            _ => Err(site.invalid(format!(
                "the input has shape {shape}, expected a batch, channels and spatial axes"
            ))),
        }
    }

    /// The part, as for [`Site::push`], of the last operation on planes.
    pub(super) fn last(&self) -> &'static str {
        if self.spatial == 2 { "" } else { "result" }
    }

    /// The result with its spatial axes, out of planes.
    pub(super) fn finish(&self, site: &mut Site<'_>, id: ValueId) -> Result<Lowered> {
        if self.spatial == 2 {
            return Ok(Lowered::Activation(id));
        }
        let dims = site.shape_of(&Lowered::Activation(id)).dims().to_vec();
        let dims = [&dims[..2], &dims[3..]].concat();
        let shape = new_shape(site, dims)?;
        Ok(Lowered::Activation(site.push(Op::Reshape(shape), vec![id], "")?))
    }
}

/// A shape, or an error that names the node.
pub(super) fn new_shape(site: &Site<'_>, dims: Vec<usize>) -> Result<Shape> {
    site.valid(Shape::new(dims))
}

/// A tensor of the node's own, made within the budget.
pub(super) fn filled(
    site: &mut Site<'_>,
    dims: Vec<usize>,
    at: impl Fn(usize) -> f32,
) -> Result<Tensor<f32>> {
    let shape = new_shape(site, dims)?;
    site.spend(shape.len())?;
    let data = (0..shape.len()).map(at).collect();
    site.valid(Tensor::new(shape, data))
}
