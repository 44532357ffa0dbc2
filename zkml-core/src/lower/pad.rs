//! Pad: `constant`, where negative pads crop, and `reflect`, `edge` and `wrap`, which repeat elements
//! of the input.
//!
//! Pads and value are attributes before 11 and inputs since; `axes` exists since 18, `wrap` since 19.

use super::{
    along::take,
    parameter,
    site::{Halt, Lowered, Site},
};
use crate::ir::Op;

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn pad(site: &mut Site<'_>) -> Result {
    let mode = site.string_attribute("mode")?.unwrap_or_else(|| "constant".into());
    if !(mode == "constant"
        || ["reflect", "edge"].contains(&mode.as_str())
        || (mode == "wrap" && site.since >= 19))
    {
        return Err(site.unsupported(Some("mode"), format!("mode `{mode}` is not known")));
    }
    let pads = pads(site)?;
    let name = if site.since < 11 { "value" } else { "constant_value" };
    let value = parameter::moved_number(site, name, 2, 11)?.unwrap_or(0.0);
    let shape = site.shape(0)?;
    let mut sizes = Vec::with_capacity(pads.len());
    for (dim, (before, after)) in shape.dims().iter().zip(&pads) {
        // Each dimension is at most 2^28.
        let size = (*dim as i64).checked_add(*before).and_then(|size| size.checked_add(*after));
        let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
        sizes.push(size.ok_or_else(|| {
            site.invalid(format!("pads of {before} and {after} leave nothing of {dim}"))
        })?);
    }
    super::plane::new_shape(site, sizes.clone())?;
    if mode == "constant" {
        return constant(site, (&pads, &sizes), (value, name));
    }
    if pads.iter().any(|(before, after)| *before < 0 || *after < 0) {
        let hint = format!("negative pads are not supported in mode `{mode}`");
        return Err(site.unsupported(Some("pads"), hint));
    }
    let mut data = site.input(0)?;
    for (axis, (size, dim)) in sizes.iter().zip(shape.dims()).enumerate() {
        let (size, dim) = (*size, *dim as i64);
        if size as i64 == dim {
            continue;
        }
        site.spend(size)?;
        let at: Vec<usize> = (0..size as i64)
            .map(|i| source(&mode, i - pads[axis].0, dim) as usize) // within 0..dim
            .collect();
        data = take(site, data, (axis, &at), "padded")?;
    }
    Ok(data)
}

/// The element of `0..len` that stands at position `at`.
fn source(mode: &str, at: i64, len: i64) -> i64 {
    match mode {
        "edge" => at.clamp(0, len - 1),
        "wrap" => at.rem_euclid(len),
        _ if len == 1 => 0,
        // There and back, the ends once each.
        _ => {
            let period = 2 * (len - 1);
            let at = at.rem_euclid(period);
            at.min(period - at)
        }
    }
}

fn constant(
    site: &mut Site<'_>,
    (pads, sizes): (&[(i64, i64)], &[usize]),
    (value, name): (f32, &str),
) -> Result {
    if !value.is_finite() {
        return Err(site.unsupported(Some(name), format!("a border of {value} is not supported")));
    }
    let mut data = site.input(0)?;
    let shape = site.shape_of(&data);
    let (mut begin, mut end) = (Vec::new(), Vec::new());
    for (axis, dim) in shape.dims().iter().enumerate() {
        let (before, size) = (pads[axis].0, sizes[axis] as i64);
        // Output `before + i` is input `i`, for those within the output.
        let (first, last) = ((-before).max(0), (*dim as i64).min(size - before));
        if first >= last {
            return Err(site.unsupported(Some("pads"), "no element of the input is left"));
        }
        site.spend((last - first) as usize)?;
        let kept: Vec<usize> = (first as usize..last as usize).collect();
        data = take(site, data, (axis, &kept), "cropped")?;
        begin.push((first + before) as usize);
        end.push((size - before - last) as usize);
    }
    if begin.iter().chain(&end).all(|pad| *pad == 0) {
        return Ok(data);
    }
    let data = site.value(data, "data")?;
    Ok(Lowered::Activation(site.push(Op::Pad { begin, end, value }, vec![data], "")?))
}

/// Elements before and after, by axis.
fn pads(site: &Site<'_>) -> Result<Vec<(i64, i64)>> {
    let values =
        parameter::moved(site, "pads", 1, 11)?.ok_or_else(|| site.invalid("`pads` is missing"))?;
    let rank = site.shape(0)?.rank();
    if site.has(3) && site.since < 18 {
        return Err(site.invalid("`axes` exists from opset 18 on"));
    }
    let axes = if site.has(3) { site.ints(3, "axes")? } else { (0..rank as i64).collect() };
    if Some(values.len()) != axes.len().checked_mul(2) {
        let (got, expected) = (values.len(), axes.len() * 2);
        return Err(site.invalid(format!("`pads` has {got} numbers, expected {expected}")));
    }
    let most = 1i64 << 28;
    if let Some(value) = values.iter().find(|value| !(-most..=most).contains(*value)) {
        return Err(site.invalid(format!("`pads` has {value}, beyond the size of any tensor")));
    }
    let (mut pads, mut seen) = (vec![(0, 0); rank], vec![false; rank]);
    let (before, after) = values.split_at(axes.len());
    for (axis, pad) in axes.iter().zip(before.iter().zip(after)) {
        let axis = site.axis(*axis, rank, true)?;
        if std::mem::replace(&mut seen[axis], true) {
            return Err(site.invalid(format!("`axes` names axis {axis} twice")));
        }
        pads[axis] = (*pad.0, *pad.1);
    }
    Ok(pads)
}
