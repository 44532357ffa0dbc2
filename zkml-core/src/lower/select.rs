//! Where and Trilu: elements by a condition.
//!
//! ```text
//! where(c, x, v) = Mask(x, c)             v the same everywhere
//! where(c, v, y) = Mask(y, 1 - c)
//! where(c, x, y) = Mask(x, c) + Mask(y, 1 - c), both with 0; a constant is multiplied instead
//! ```

use std::rc::Rc;

use super::{
    build::hidden,
    index,
    kind::Kind,
    plane::new_shape,
    site::{Halt, Lowered, Site},
};
use crate::{
    exec::float,
    ir::{Op, ValueId},
    onnx::{Constant, Elements},
    tensor::{Shape, Tensor},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn choose(site: &mut Site<'_>) -> Result {
    let (condition, x, y) = (site.input(0)?, site.input(1)?, site.input(2)?);
    if site.all_constant() {
        return index::choose(site);
    }
    site.expect_kind(0, "condition", Kind::Bool)?;
    let kind = site.kind(1)?;
    site.expect_kind(2, "Y", kind)?;
    let shape = [&condition, &y].iter().try_fold(site.shape_of(&x), |shape, other| {
        site.valid(shape.broadcast(&site.shape_of(other)))
    })?;
    // One side alone.
    if let Some(side) = site.uniform(&condition)? {
        let side = if side == 0.0 { y } else { x };
        return site.broadcast(side, &shape, "side");
    }
    let id = choose_between(site, &shape, (x, y))?;
    Ok(site.holds(id, kind))
}

fn choose_between(
    site: &mut Site<'_>,
    shape: &Shape,
    (x, y): (Lowered, Lowered),
) -> Result<ValueId> {
    let keep = site.number(0)?;
    match (&x, &y) {
        (Lowered::Activation(_), Lowered::Constant(_)) => {
            if let Some(value) = site.uniform(&y)? {
                return masked(site, shape, x, (keep, hidden(value as f32)), "");
            }
        }
        (Lowered::Constant(_), Lowered::Activation(_)) => {
            if let Some(value) = site.uniform(&x)? {
                let keep = opposite(site, keep)?;
                return masked(site, shape, y, (keep, hidden(value as f32)), "");
            }
        }
        _ => {}
    }
    let drop = opposite(site, keep)?;
    let (first, second) = (part(site, shape, x, keep, "x")?, part(site, shape, y, drop, "y")?);
    match (first, second) {
        (Some(first), Some(second)) => site.push(Op::Add, vec![first, second], ""),
        (Some(only), None) | (None, Some(only)) => site.reshape(only, shape.dims().to_vec(), ""),
        // Both are 0 everywhere: nothing depends on the condition, but the result is an activation.
        (None, None) => site.times(keep, 0.0, ""),
    }
}

/// `1 - keep`, at import if it is constant.
fn opposite(site: &mut Site<'_>, keep: ValueId) -> Result<ValueId> {
    match site.canvas.graph.get(keep).constant.clone() {
        Some(tensor) => {
            site.spend(tensor.shape().len())?;
            site.own_constant("drop", tensor.map(|v| 1.0 - v))
        }
        None => site.complement(keep, "drop"),
    }
}

/// `value` where `keep` is 1, 0 elsewhere; `None` if it is 0 everywhere.
fn part(
    site: &mut Site<'_>,
    shape: &Shape,
    value: Lowered,
    keep: ValueId,
    name: &str,
) -> Result<Option<ValueId>> {
    let Lowered::Constant(constant) = &value else {
        return masked(site, shape, value, (keep, 0.0), name).map(Some);
    };
    let tensor = site.number_tensor(constant)?.map(|v| hidden(*v));
    if tensor.data().iter().all(|v| *v == 0.0) {
        return Ok(None);
    }
    if let Some(keep) = site.canvas.graph.get(keep).constant.clone() {
        site.spend(shape.len())?;
        let product = site.valid(float::apply(&Op::Mul, &[&keep, &tensor]))?;
        return site.own_constant(name, product).map(Some);
    }
    let factor = site.own_constant(&format!("{name}_constant"), tensor)?;
    site.push(Op::Mul, vec![keep, factor], name).map(Some)
}

fn masked(
    site: &mut Site<'_>,
    shape: &Shape,
    x: Lowered,
    (keep, value): (ValueId, f32),
    part: &str,
) -> Result<ValueId> {
    let x = site.broadcast(x, shape, &format!("{part}broadcast"))?;
    let x = site.value(x, "broadcast")?;
    site.push(Op::Mask { value }, vec![x, keep], part)
}

/// The upper or lower triangle of matrices, 0 elsewhere: diagonal `k` and above, or below.
pub(super) fn trilu(site: &mut Site<'_>) -> Result {
    let upper = site.flag("upper", true)?;
    let k = match site.has(1) {
        true => match site.ints(1, "k")?.as_slice() {
            [k] => *k,
            other => {
                let got = other.len();
                return Err(site.invalid(format!("`k` has {got} elements, expected one")));
            }
        },
        false => 0,
    };
    let input = site.input(0)?;
    let shape = site.shape_of(&input);
    let &[.., rows, columns] = shape.dims() else {
        return Err(site.invalid(format!("the input has shape {shape}, expected matrices")));
    };
    // Positions are below 2^28.
    let inside = |at: usize| {
        let offset = (at % columns) as i64 - (at / columns) as i64;
        if upper { offset >= k } else { offset <= k }
    };
    let matrix = new_shape(site, vec![rows, columns])?;
    site.spend(shape.len().max(matrix.len()))?;
    let keep: Vec<bool> = (0..matrix.len()).map(inside).collect();
    match input {
        Lowered::Constant(constant) => {
            let zero = zero(&constant.elements);
            let mut all = constant.elements.clone();
            // Of the same type. Empty tensors have nothing to replace.
            all.append(&zero);
            let outside = constant.elements.len() as u32;
            let map: Vec<u32> = (0..shape.len())
                .map(|at| if keep[at % keep.len()] { at as u32 } else { outside })
                .collect();
            let elements = all.pick(&map);
            Ok(Lowered::Constant(Rc::new(Constant { shape, elements })))
        }
        Lowered::Activation(id) if !keep.contains(&false) => Ok(Lowered::Activation(id)),
        Lowered::Activation(id) => {
            let data = keep.iter().map(|keep| f32::from(*keep)).collect();
            let keep = site.valid(Tensor::new(matrix, data))?;
            let keep = site.own_constant("triangle", keep)?;
            Ok(Lowered::Activation(site.push(Op::Mask { value: 0.0 }, vec![id, keep], "")?))
        }
        Lowered::Poisoned { .. } => Err(Halt::Poisoned),
    }
}

/// One zero in the type of `like`.
fn zero(like: &Elements) -> Elements {
    match like {
        Elements::F32(_) => Elements::F32(vec![0.0]),
        Elements::F64(_) => Elements::F64(vec![0.0]),
        Elements::I64(_) => Elements::I64(vec![0]),
        Elements::I32(_) => Elements::I32(vec![0]),
        Elements::I16(_) => Elements::I16(vec![0]),
        Elements::U16(_) => Elements::U16(vec![0]),
        Elements::I4(_) => Elements::I4(vec![0]),
        Elements::U4(_) => Elements::U4(vec![0]),
        Elements::I8(_) => Elements::I8(vec![0]),
        Elements::U8(_) => Elements::U8(vec![0]),
        Elements::Bool(_) => Elements::Bool(vec![false]),
    }
}
