//! OneHot: `y[.., j, ..] = on` where `j` is the index there (or the index plus the depth, if it is
//! negative), else `off`, on a new axis.
//!
//! ```text
//! y = off + (on - off) ([i - j = 0] + [i - j = -depth])
//! ```
//!
//! An index outside of `-depth .. depth` gives `off` everywhere.

use super::{
    fill::finish,
    kind::Kind,
    plane::filled,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::{Activation, Op},
    onnx::{Constant, Elements},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn one_hot(site: &mut Site<'_>) -> Result {
    let depth = site.constant(1, "depth")?;
    let depth = match depth.elements.to_f64().as_slice() {
        [depth] if *depth >= 1.0 && depth.fract() == 0.0 && *depth < f64::from(1 << 28) => {
            *depth as usize
        }
        _ => return Err(site.invalid("`depth` is not one whole number from 1")),
    };
    let values = site.constant(2, "values")?;
    if values.shape.dims() != [2] {
        return Err(site.invalid(format!("`values` has shape {}, expected [2]", values.shape)));
    }
    let shape = site.shape(0)?;
    let axis = site.int_attribute("axis")?.unwrap_or(-1);
    let axis = site.axis(axis, shape.rank() + 1, true)?;
    if let Lowered::Constant(indices) = site.input(0)? {
        return of_constant(site, &indices, (axis, depth), &values);
    }

    let pair = site.number_tensor(&values)?;
    let (off, on) = (pair.data()[0], pair.data()[1]);
    let mut dims = shape.dims().to_vec();
    dims.insert(axis, 1);
    let rank = dims.len();
    let indices = site.operand(0)?;
    let indices = site.reshape(indices, dims, "indices")?;
    let mut along = vec![1; rank];
    along[axis] = depth;
    let places = filled(site, along, |j| j as f32)?;
    let places = site.own_constant("places", places)?;
    let distance = site.push(Op::Sub, vec![indices, places], "distance")?;
    let here = site.apply(Activation::IsZero, distance, "here")?;
    let wrapped = site.plus(distance, depth as f32, "wrapped")?;
    let there = site.apply(Activation::IsZero, wrapped, "there")?;
    let hot = site.push(Op::Add, vec![here, there], "hot")?;
    let scaled = site.times(hot, on - off, "scaled")?;
    let id = site.plus(scaled, off, "")?;
    let kind = Kind::of_elements(&values.elements);
    Ok(site.holds(id, kind))
}

fn of_constant(
    site: &mut Site<'_>,
    indices: &Constant,
    (axis, depth): (usize, usize),
    values: &Constant,
) -> Result {
    let mut dims = indices.shape.dims().to_vec();
    dims.insert(axis, depth);
    let shape = super::plane::new_shape(site, dims)?;
    site.spend(shape.len())?;
    let inner: usize = shape.dims()[axis + 1..].iter().product();
    let indices = indices.elements.to_f64();
    let pick: Vec<u32> = (0..shape.len())
        .map(|e| {
            let (place, outer) = (e / inner % depth, e / inner / depth);
            let index = indices[outer * inner + e % inner];
            let index = if index < 0.0 { index + depth as f64 } else { index };
            u32::from(index == place as f64)
        })
        .collect();
    let elements: Elements = values.elements.pick(&pick);
    finish(site, Constant::new(shape, elements))
}
