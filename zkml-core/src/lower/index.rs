//! Concat of activations and constants; Where of constants.

use super::{
    fill::finish,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::Op,
    onnx::{Constant, Elements},
    tensor::Shape,
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn concat(site: &mut Site<'_>) -> Result {
    let axis = site.int_attribute("axis")?.ok_or_else(|| site.invalid("`axis` is missing"))?;
    let axis = site.axis(axis, site.shape(0)?.rank(), site.since >= 11)?;
    let all = 0..site.inputs.len();
    let inputs = all.map(|i| site.input(i)).collect::<Result<Vec<_>>>()?;
    if inputs.iter().all(|input| matches!(input, Lowered::Constant(_))) {
        return concat_constants(site, axis);
    }
    let mut operands = Vec::with_capacity(inputs.len());
    for (i, input) in inputs.iter().enumerate() {
        // Constants without elements add nothing.
        if site.shape_of(input).dims().get(axis) != Some(&0) {
            operands.push(site.operand(i)?);
        }
    }
    match operands.as_slice() {
        [only] => Ok(Lowered::Activation(*only)),
        _ => Ok(Lowered::Activation(site.push(Op::Concat { axis }, operands, "")?)),
    }
}

fn concat_constants(site: &mut Site<'_>, axis: usize) -> Result {
    let first = site.constant(0, "inputs")?;
    let rank = first.shape.rank();
    let outer: usize = first.shape.dims()[..axis].iter().product();
    // All elements in a row, and for each part its start and its length per outer index.
    let mut all = first.elements.pick(&[]);
    let mut parts = Vec::with_capacity(site.inputs.len());
    let mut size = 0usize;
    for i in 0..site.inputs.len() {
        let part = site.constant(i, "inputs")?;
        let same = part.shape.rank() == rank
            && (0..rank).all(|a| a == axis || part.shape.dims()[a] == first.shape.dims()[a]);
        if !same {
            return Err(site.invalid(format!(
                "input {i} has shape {}, which does not continue {} along axis {axis}",
                part.shape, first.shape
            )));
        }
        site.spend(part.shape.len())?;
        parts.push((all.len(), part.shape.dims()[axis..].iter().product::<usize>()));
        size = size.saturating_add(part.shape.dims()[axis]);
        if !all.append(&part.elements) {
            let (got, expected) = (part.elements.dtype(), first.elements.dtype());
            return Err(site.invalid(format!("input {i} is {got}, expected {expected}")));
        }
    }
    let mut dims = first.shape.dims().to_vec();
    dims[axis] = size;
    let shape = site.valid(Shape::new(dims))?;
    let mut map = Vec::with_capacity(all.len());
    let outer = if all.len() == 0 { 0 } else { outer };
    for row in 0..outer {
        for (start, len) in &parts {
            // As many as Shape::MAX_ELEMENTS, below 2^32.
            map.extend((0..*len).map(|i| (start + row * len + i) as u32));
        }
    }
    let elements = all.pick(&map);
    finish(site, Constant::new(shape, elements))
}

/// ONNX `Where`.
pub(super) fn choose(site: &mut Site<'_>) -> Result {
    let condition = site.constant(0, "condition")?;
    let (x, y) = (site.constant(1, "X")?, site.constant(2, "Y")?);
    let Elements::Bool(bits) = &condition.elements else {
        let got = condition.elements.dtype();
        return Err(site.invalid(format!("`condition` is {got}, expected bool")));
    };
    let shape = site
        .valid(x.shape.broadcast(&y.shape).and_then(|shape| shape.broadcast(&condition.shape)))?;
    let from_condition = broadcast_map(site, &condition.shape, &shape)?;
    let (from_x, from_y) =
        (broadcast_map(site, &x.shape, &shape)?, broadcast_map(site, &y.shape, &shape)?);
    let mut both = x.elements.clone();
    if !both.append(&y.elements) {
        let (x, y) = (x.elements.dtype(), y.elements.dtype());
        return Err(site.invalid(format!("X is {x}, but Y is {y}")));
    }
    let offset = x.elements.len() as u32; // two tensors of at most 2^28
    let map: Vec<u32> = from_condition
        .iter()
        .zip(from_x.iter().zip(&from_y))
        .map(|(bit, (x, y))| if bits[*bit as usize] { *x } else { offset + *y })
        .collect();
    finish(site, Constant::new(shape, both.pick(&map)))
}

/// [`Shape::broadcast_map`] within the budget.
pub(super) fn broadcast_map(site: &mut Site<'_>, from: &Shape, to: &Shape) -> Result<Vec<u32>> {
    site.spend(to.len())?;
    site.valid(from.broadcast_map(to))
}
