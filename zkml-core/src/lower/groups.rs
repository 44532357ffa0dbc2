//! Functions with a constant parameter for each element: one function for each value that occurs.

use std::collections::BTreeMap;

use super::site::{Halt, Lowered, Site};
use crate::{
    ir::{Op, ValueId},
    tensor::Tensor,
};

type Result<T> = std::result::Result<T, Halt>;

/// Most functions: each is a table of its own.
const MOST: usize = 64;

/// `f` of the elements of operand 0 with their parameters, to which it is broadcast.
pub(super) fn by_parameter(
    site: &mut Site<'_>,
    parameters: &Tensor<f32>,
    f: impl Fn(&mut Site<'_>, ValueId, f32, &str) -> Result<ValueId>,
) -> Result<ValueId> {
    let shape = site.valid(site.shape(0)?.broadcast(parameters.shape()))?;
    let base = site.input(0)?;
    let base = site.broadcast(base, &shape, "base")?;
    let x = match base {
        Lowered::Activation(id) => id,
        other => site.value(other, "base")?,
    };
    site.spend(shape.len())?;
    let map = site.valid(parameters.shape().broadcast_map(&shape))?;
    let mut positions: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (e, at) in map.iter().enumerate() {
        let parameter = parameters.data()[*at as usize];
        positions.entry(parameter.to_bits()).or_default().push(e);
    }
    if let (1, Some((only, _))) = (positions.len(), positions.first_key_value()) {
        return f(site, x, f32::from_bits(*only), "");
    }
    if positions.len() > MOST {
        let got = positions.len();
        let hint = format!("{got} different parameters are more than the {MOST} supported");
        return Err(site.unsupported(None, hint));
    }
    let flat = site.reshape(x, vec![shape.len()], "flat")?;
    let mut parts = Vec::with_capacity(positions.len());
    let mut back = vec![0; shape.len()];
    let mut start = 0;
    for (group, (parameter, places)) in positions.into_iter().enumerate() {
        for place in &places {
            back[*place] = start;
            start += 1;
        }
        let taken = site.take(flat, 0, places.into_iter(), &format!("of{group}"))?;
        let part = format!("group{group}");
        parts.push(f(site, taken, f32::from_bits(parameter), &part)?);
    }
    let all = site.push(Op::Concat { axis: 0 }, parts, "groups")?;
    let sorted = site.take(all, 0, back.into_iter(), "sorted")?;
    site.reshape(sorted, shape.dims().to_vec(), "")
}
