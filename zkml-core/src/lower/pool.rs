//! AveragePool, MaxPool, LpPool and their global forms.
//!
//! An average is a correlation of each channel with a constant. Where all windows count equally
//! many positions the constant is the reciprocal, else it is 1 and a product with the reciprocal of
//! each window's count follows. Pads count with `count_include_pad`, but never what lies beyond them
//! (windows of `ceil_mode`).
//!
//! Pads of a maximum are minus infinity, that is, no window sees them. `storage_order` orders the
//! second output, which is refused where it is used.

use super::{
    kind::Kind,
    plane::{Planes, filled},
    site::{Halt, Lowered, Site},
    window::{Sliding, per_axis},
};
use crate::ir::{Activation, Axis, Op, Pointwise, Window};
use std::sync::Arc;

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn max_pool(site: &mut Site<'_>) -> Result {
    site.not_before("storage_order", 8)?;
    site.not_before("ceil_mode", 10)?;
    site.not_before("dilations", 10)?;
    site.flag("storage_order", false)?;
    // Since 12 also of 8-bit integers.
    if site.kind(0)? == Kind::Bool {
        return Err(site.invalid("the input holds truth values, expected numbers"));
    }
    let planes = Planes::of(site)?;
    let (sliding, kernel) = (Sliding::of(site, &planes)?, kernel(site, &planes)?);
    let axis = |i: usize| sliding.axis(site, i, planes.size[i], kernel[i]);
    let window = Window { height: axis(0)?, width: axis(1)? };
    maximum(site, &planes, window)
}

pub(super) fn global_max_pool(site: &mut Site<'_>) -> Result {
    let planes = Planes::of(site)?;
    let window = whole(planes.size, [true; 2]);
    maximum(site, &planes, window)
}

pub(super) fn average_pool(site: &mut Site<'_>) -> Result {
    site.not_before("ceil_mode", 10)?;
    site.not_before("dilations", 19)?;
    let with_pads = site.flag("count_include_pad", false)?;
    let planes = Planes::of(site)?;
    let (sliding, kernel) = (Sliding::of(site, &planes)?, kernel(site, &planes)?);
    let axis = |i: usize| sliding.axis(site, i, planes.size[i], kernel[i]);
    let window = Window { height: axis(0)?, width: axis(1)? };
    let (height, width) = (window.height, window.width);
    // Bounds the outputs before they are counted.
    let outputs = super::plane::new_shape(site, vec![height.output, width.output])?.len();
    site.spend(outputs)?;
    let count = |i: usize, axis: &Axis| -> Vec<usize> {
        let pads = sliding.padding(i, planes.size[i], kernel[i]);
        (0..axis.output).map(|o| counted(axis, o, with_pads.then_some(pads))).collect()
    };
    let (rows, columns) = (count(0, &height), count(1, &width));
    if rows.contains(&0) || columns.contains(&0) {
        return Err(site.invalid("a window of padding alone has no average"));
    }
    let same = |counts: &[usize]| counts.iter().all(|count| *count == counts[0]);
    if same(&rows) && same(&columns) {
        let weight = 1.0 / (rows[0] as f64 * columns[0] as f64);
        return sum(site, &planes, window, weight as f32);
    }
    let columns_len = columns.len();
    let reciprocals = filled(site, vec![1, 1, rows.len(), columns_len], |at| {
        let count = rows[at / columns_len] as f64 * columns[at % columns_len] as f64;
        (1.0 / count) as f32
    })?;
    let sums = correlated(site, &planes, window, 1.0, "sum")?;
    let reciprocals = site.own_constant("reciprocals", reciprocals)?;
    let id = site.push(Op::Mul, vec![sums, reciprocals], planes.last())?;
    planes.finish(site, id)
}

pub(super) fn global_average_pool(site: &mut Site<'_>) -> Result {
    let planes = Planes::of(site)?;
    let positions = planes.size[0] as f64 * planes.size[1] as f64;
    sum(site, &planes, whole(planes.size, [true; 2]), (1.0 / positions) as f32)
}

/// `(sum |x|^p)^(1/p)` over a window; pads are 0.
pub(super) fn lp_pool(site: &mut Site<'_>) -> Result {
    site.not_before("ceil_mode", 18)?;
    site.not_before("dilations", 18)?;
    let planes = Planes::of(site)?;
    let (sliding, kernel) = (Sliding::of(site, &planes)?, kernel(site, &planes)?);
    let axis = |i: usize| sliding.axis(site, i, planes.size[i], kernel[i]);
    let window = Window { height: axis(0)?, width: axis(1)? };
    lp(site, &planes, window)
}

pub(super) fn global_lp_pool(site: &mut Site<'_>) -> Result {
    let planes = Planes::of(site)?;
    lp(site, &planes, whole(planes.size, [true; 2]))
}

fn lp(site: &mut Site<'_>, planes: &Planes, window: Window) -> Result {
    let (power, root) = match site.int_attribute("p")?.unwrap_or(2) {
        1 => (Activation::Abs, None),
        2 => (Activation::Square, Some(Activation::Sqrt)),
        p @ 3..=64 => {
            let magnitude = Pointwise::Apply(Activation::Abs, Box::new(Pointwise::Argument));
            let power = Activation::Pow { exponent: p as f32 };
            let power = Pointwise::Apply(power, Box::new(magnitude));
            let root = Activation::Pow { exponent: (1.0 / p as f64) as f32 };
            (Activation::Pointwise(Arc::new(power)), Some(root))
        }
        other => {
            let hint = format!("a norm of {other} is not supported, only of 1 to 64");
            return Err(site.unsupported(Some("p"), hint));
        }
    };
    let id = site.apply(power, planes.id, "power")?;
    let planes = Planes { id, ..*planes };
    let Some(root) = root else { return sum(site, &planes, window, 1.0) };
    let sum = correlated(site, &planes, window, 1.0, "sum")?;
    let id = site.apply(root, sum, planes.last())?;
    planes.finish(site, id)
}

/// The window that covers the axes that are `reduced` and steps along the others.
pub(super) fn whole(size: [usize; 2], reduced: [bool; 2]) -> Window {
    let axis = |i: usize| {
        if reduced[i] {
            Axis::convolution(size[i], 1, size[i], (1, 1), 0)
        } else {
            Axis::identity(size[i])
        }
    };
    Window { height: axis(0), width: axis(1) }
}

/// The maximum over a window.
pub(super) fn maximum(site: &mut Site<'_>, planes: &Planes, window: Window) -> Result {
    let window = Window { height: window.height.trimmed(), width: window.width.trimmed() };
    let id = site.push(Op::MaxPool(window), vec![planes.id], planes.last())?;
    planes.finish(site, id)
}

/// The sum over a window, times `weight`.
pub(super) fn sum(site: &mut Site<'_>, planes: &Planes, window: Window, weight: f32) -> Result {
    let id = correlated(site, planes, window, weight, planes.last())?;
    planes.finish(site, id)
}

fn correlated(
    site: &mut Site<'_>,
    planes: &Planes,
    window: Window,
    weight: f32,
    part: &str,
) -> Result<crate::ir::ValueId> {
    let window = Window { height: window.height.trimmed(), width: window.width.trimmed() };
    let kernel = vec![planes.channels, 1, window.height.kernel, window.width.kernel];
    let weights = filled(site, kernel, |_| weight)?;
    let weights = site.own_constant("weights", weights)?;
    let op = Op::Correlate { window, groups: planes.channels };
    site.push(op, vec![planes.id, weights], part)
}

fn kernel(site: &Site<'_>, planes: &Planes) -> Result<[usize; 2]> {
    per_axis(site, "kernel_shape", planes.spatial, 1)?
        .ok_or_else(|| site.invalid("`kernel_shape` is missing"))
}

/// Positions that output `output` counts: taps that meet an input or, given the pads before and
/// after, one of these.
fn counted(axis: &Axis, output: usize, pads: Option<(usize, usize)>) -> usize {
    let (before, after) = pads.unwrap_or((0, 0));
    // Pads are inputs of a longer axis.
    let longer = Axis {
        input: axis.input.saturating_add(before).saturating_add(after),
        origin: axis.origin - before as i64, // both at most MAX_STEP
        ..*axis
    };
    longer.taps(output).len()
}
