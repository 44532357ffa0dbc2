//! Shapes of the operations that attention, normalisation and embeddings are made of.

use super::{Op, spatial::shape};
use crate::tensor::Shape;

/// Shape of the result of ReduceMax, ExpShifted, Mask or Embed; what does not fit otherwise.
pub(super) fn infer(op: &Op, shapes: &[&Shape]) -> Result<Shape, String> {
    let Some(x) = shapes.first() else { return Err("no operands".into()) };
    let keep = || match shapes.get(1) {
        Some(keep) if !keep.broadcasts_to(x) => {
            Err(format!("what is kept has shape {keep}, which does not broadcast to {x}"))
        }
        _ => Ok(()),
    };
    match op {
        Op::ReduceMax { axis } => {
            let mut dims = x.dims().to_vec();
            match dims.get_mut(*axis) {
                Some(0) | None => return Err(format!("no maximum of {x} along axis {axis}")),
                Some(dim) => *dim = 1,
            }
            shape(dims)
        }
        Op::ExpShifted { axis } => {
            if x.dims().get(*axis).is_none_or(|dim| *dim == 0) {
                return Err(format!("no maximum of {x} along axis {axis}"));
            }
            keep().map(|()| (*x).clone())
        }
        Op::Mask { value } => {
            if !value.is_finite() {
                return Err(format!("a mask of {value}, which is not a finite number"));
            }
            keep().map(|()| (*x).clone())
        }
        Op::Embed => {
            let table = shapes.get(1).map_or(&[][..], |table| table.dims());
            let &[count, width] = table else {
                return Err(format!("a table of shape {table:?}, expected two axes"));
            };
            if count == 0 {
                return Err("a table without rows".into());
            }
            shape([x.dims(), &[width]].concat())
        }
        _ => Err("an operation of another kind".into()),
    }
}
