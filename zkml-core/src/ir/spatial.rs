//! Shapes of the operations on windows and along axes.

use super::{Axis, Op, Window};
use crate::tensor::Shape;

/// Shape of the result of Correlate, MaxPool, Take, Concat or Pad; what does not fit otherwise.
pub(super) fn infer(op: &Op, shapes: &[&Shape]) -> Result<Shape, String> {
    let Some(x) = shapes.first() else { return Err("no operands".into()) };
    match op {
        Op::Correlate { window, groups } => {
            let Some(w) = shapes.get(1) else { return Err("no weights".into()) };
            let [b, c] = spatial(x, window)?;
            let [o, inner, kh, kw] = *w.dims() else {
                return Err(format!("weights of shape {w}, expected four axes"));
            };
            let divides = *groups > 0 && c.is_multiple_of(*groups) && o.is_multiple_of(*groups);
            if !divides || inner != c / groups {
                return Err(format!("{groups} groups of {c} channels with weights {w}"));
            }
            if (kh, kw) != (window.height.kernel, window.width.kernel) {
                return Err(format!("weights {w} for another kernel"));
            }
            output(b, o, window)
        }
        Op::MaxPool(window) => {
            let [b, c] = spatial(x, window)?;
            let shape = output(b, c, window)?;
            if !window.height.covers() || !window.width.covers() {
                return Err("a window of padding alone has no maximum".into());
            }
            Ok(shape)
        }
        Op::Take { axis, indices } => {
            let mut dims = x.dims().to_vec();
            let Some(dim) = dims.get_mut(*axis) else { return Err(format!("{x} at axis {axis}")) };
            if let Some(at) = indices.iter().find(|at| **at as usize >= *dim) {
                return Err(format!("position {at} of {dim} on axis {axis}"));
            }
            *dim = indices.len();
            shape(dims)
        }
        Op::Concat { axis } => {
            let mut dims = x.dims().to_vec();
            let Some(at) = dims.get_mut(*axis) else { return Err(format!("{x} at axis {axis}")) };
            *at = 0;
            for part in shapes {
                let mut others = part.dims().to_vec();
                let same = others.len() == dims.len();
                let added = others.get_mut(*axis).map(std::mem::take);
                let total = dims[*axis];
                dims[*axis] = 0;
                if !same || others != dims {
                    return Err(format!("{x} beside {part} along axis {axis}"));
                }
                dims[*axis] = total.saturating_add(added.unwrap_or(0));
            }
            shape(dims)
        }
        Op::Pad { begin, end, .. } => {
            if [begin.len(), end.len()] != [x.rank(); 2] {
                return Err(format!("pads of {} axes for {x}", begin.len()));
            }
            let sum =
                |((d, b), e): ((&usize, &usize), &usize)| d.saturating_add(*b).saturating_add(*e);
            shape(x.dims().iter().zip(begin).zip(end).map(sum).collect())
        }
        _ => Err("an operation without windows".into()),
    }
}

/// Batch and channels of an operand that fits a window.
fn spatial(x: &Shape, window: &Window) -> Result<[usize; 2], String> {
    let [b, c, h, w] = *x.dims() else {
        return Err(format!("operand of shape {x}, expected four axes"));
    };
    if !window.check() {
        let most = Axis::MAX_STEP;
        return Err(format!("a window with a kernel, step or pad of 0 or beyond {most}"));
    }
    if (h, w) != (window.height.input, window.width.input) {
        return Err(format!("operand of shape {x} under another window"));
    }
    Ok([b, c])
}

fn output(batch: usize, channels: usize, window: &Window) -> Result<Shape, String> {
    shape(vec![batch, channels, window.height.output, window.width.output])
}

/// A shape, or why it is none.
pub(super) fn shape(dims: Vec<usize>) -> Result<Shape, String> {
    Shape::new(dims).map_err(|error| error.to_string())
}
