//! Resize and Upsample: each axis on its own, nearest, linear or cubic.
//!
//! ```text
//! y[.., i, ..] = sum over j of w_ij x[.., j, ..] + c_i
//! ```
//!
//! with constant weights: positions to take where each row of `w` is a single 1, else a product with
//! a matrix. Rows are those of ONNX's reference implementation (`onnx/reference/ops/op_resize.py`);
//! `c` is the extrapolation value of `tf_crop_and_resize`, 0 elsewhere.
//!
//! Upsample (7, 9) and Resize 10 are `asymmetric`, nearest rounded down.

mod axis;

use self::axis::{Interpolation, Mode, Nearest, Place, Row};
use super::{
    along::take,
    kind::Kind,
    plane::filled,
    site::{Halt, Lowered, Site},
};
use crate::{
    ir::Op,
    tensor::{Shape, Tensor},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

/// How much of an axis there is afterwards.
struct Target {
    /// Scale by axis.
    scales: Vec<f64>,
    /// Size by axis.
    sizes: Vec<usize>,
}

/// `scales` is an attribute in 7 and an input in 9; from 10 on there is Resize.
pub(super) fn upsample(site: &mut Site<'_>) -> Result {
    if site.since >= 10 {
        return Err(site.invalid("the operator ended with opset 9; it is Resize since"));
    }
    let scales = if site.since < 9 {
        site.floats_attribute("scales")?
    } else {
        site.not_from("scales", 9)?;
        Some(site.floats(1, "scales")?.into_data())
    };
    let scales = scales.ok_or_else(|| site.invalid("`scales` is missing"))?;
    let mode = mode(site, None)?;
    let target = scaled(site, &scales, None)?;
    resized(site, &target, &oldest(mode), None)
}

pub(super) fn resize(site: &mut Site<'_>) -> Result {
    if site.since < 11 {
        let scales = site.floats(1, "scales")?.into_data();
        let mode = mode(site, None)?;
        let target = scaled(site, &scales, None)?;
        return resized(site, &target, &oldest(mode), None);
    }
    for name in ["antialias", "axes", "keep_aspect_ratio_policy"] {
        site.not_before(name, 18)?;
    }
    let axes = axes(site)?;
    let given = |i: usize| -> Result<bool> { Ok(site.has(i) && site.shape(i)?.len() > 0) };
    let target = match (given(2)?, given(3)?) {
        (true, false) => {
            let scales = site.floats(2, "scales")?.into_data();
            scaled(site, &scales, axes.as_deref())?
        }
        (false, true) => sized(site, axes.as_deref())?,
        _ => return Err(site.invalid("exactly one of `scales` and `sizes` must be given")),
    };
    let place = place(site)?;
    let region = if place == Place::CropAndResize { Some(region(site, axes)?) } else { None };
    let a = site.float_attribute("cubic_coeff_a", -0.75)?;
    let interpolation = Interpolation {
        mode: mode(site, Some(a))?,
        nearest: nearest(site)?,
        place,
        antialias: site.flag("antialias", false)?,
        exclude_outside: site.flag("exclude_outside", false)?,
    };
    resized(site, &target, &interpolation, region.as_deref())
}

fn oldest(mode: Mode) -> Interpolation {
    Interpolation {
        mode,
        nearest: Nearest::Floor,
        place: Place::Asymmetric,
        antialias: false,
        exclude_outside: false,
    }
}

/// Of cubic only since 11, with its coefficient.
fn mode(site: &Site<'_>, cubic: Option<f32>) -> Result<Mode> {
    match (site.string_attribute("mode")?.as_deref(), cubic) {
        (None | Some("nearest"), _) => Ok(Mode::Nearest),
        (Some("linear" | "bilinear"), _) => Ok(Mode::Linear),
        (Some("cubic"), Some(a)) => Ok(Mode::Cubic(f64::from(a))),
        (Some(other), _) => Err(site.invalid(format!("mode `{other}` is not known"))),
    }
}

fn place(site: &Site<'_>) -> Result<Place> {
    let name = site.string_attribute("coordinate_transformation_mode")?;
    Ok(match name.as_deref() {
        None | Some("half_pixel") => Place::HalfPixel,
        Some("pytorch_half_pixel") => Place::PytorchHalfPixel,
        Some("align_corners") => Place::AlignCorners,
        Some("asymmetric") => Place::Asymmetric,
        Some("tf_crop_and_resize") => Place::CropAndResize,
        Some("half_pixel_symmetric") if site.since >= 19 => Place::HalfPixelSymmetric,
        // Of opset 11 alone.
        Some("tf_half_pixel_for_nn") if site.since == 11 => Place::TfHalfPixelForNn,
        Some(other) => {
            let hint = format!("coordinates `{other}` are not known");
            return Err(site.unsupported(Some("coordinate_transformation_mode"), hint));
        }
    })
}

fn nearest(site: &Site<'_>) -> Result<Nearest> {
    Ok(match site.string_attribute("nearest_mode")?.as_deref() {
        None | Some("round_prefer_floor") => Nearest::PreferFloor,
        Some("round_prefer_ceil") => Nearest::PreferCeil,
        Some("floor") => Nearest::Floor,
        Some("ceil") => Nearest::Ceil,
        Some(other) => {
            return Err(site.invalid(format!("`nearest_mode` is `{other}`, which is not known")));
        }
    })
}

fn axes(site: &Site<'_>) -> Result<Option<Vec<usize>>> {
    let rank = site.shape(0)?.rank();
    let Some(axes) = site.ints_attribute("axes")? else { return Ok(None) };
    site.marked(&axes, rank, true)?;
    axes.iter().map(|axis| site.axis(*axis, rank, true)).collect::<Result<_>>().map(Some)
}

/// By axis of the input: numbers given for all axes, or for `axes`.
fn by_axis<T: Clone>(
    site: &Site<'_>,
    (what, given): (&str, &[T]),
    axes: Option<&[usize]>,
    rest: &[T],
) -> Result<Vec<T>> {
    let expected = axes.map_or(rest.len(), <[usize]>::len);
    if given.len() != expected {
        let got = given.len();
        return Err(site.invalid(format!("`{what}` has {got} numbers, expected {expected}")));
    }
    let mut all = rest.to_vec();
    match axes {
        None => all.clone_from_slice(given),
        Some(axes) => {
            for (axis, value) in axes.iter().zip(given) {
                all[*axis] = value.clone();
            }
        }
    }
    Ok(all)
}

fn scaled(site: &Site<'_>, scales: &[f32], axes: Option<&[usize]>) -> Result<Target> {
    let shape = site.shape(0)?;
    let scales: Vec<f64> = scales.iter().map(|s| f64::from(*s)).collect();
    if scales.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
        return Err(site.invalid(format!("scales {scales:?} are not all positive")));
    }
    let scales = by_axis(site, ("scales", &scales), axes, &vec![1.0; shape.rank()])?;
    // A product of 2^64 or more saturates and is no shape.
    let sizes = scales.iter().zip(shape.dims()).map(|(s, dim)| (s * *dim as f64) as usize);
    Ok(Target { sizes: sizes.collect(), scales })
}

/// `keep_aspect_ratio_policy` other than `stretch` takes the least or greatest scale for all axes.
fn sized(site: &Site<'_>, axes: Option<&[usize]>) -> Result<Target> {
    let shape = site.shape(0)?;
    let sizes: Option<Vec<usize>> =
        site.ints(3, "sizes")?.iter().map(|s| usize::try_from(*s).ok()).collect();
    let sizes = sizes.ok_or_else(|| site.invalid("`sizes` has a negative number"))?;
    let sizes = by_axis(site, ("sizes", &sizes), axes, shape.dims())?;
    let ratio = |axis: usize| sizes[axis] as f64 / shape.dims()[axis] as f64;
    let scales: Vec<f64> = (0..shape.rank()).map(ratio).collect();
    let policy = site.string_attribute("keep_aspect_ratio_policy")?;
    let all: Vec<usize> = (0..shape.rank()).collect();
    let axes = axes.unwrap_or(&all);
    let chosen = axes.iter().map(|axis| scales[*axis]);
    let common = match policy.as_deref() {
        None | Some("stretch") => return Ok(Target { scales, sizes }),
        Some("not_larger") => chosen.fold(f64::INFINITY, f64::min),
        Some("not_smaller") => chosen.fold(0.0, f64::max),
        Some(other) => {
            let what = format!("`keep_aspect_ratio_policy` is `{other}`, which is not known");
            return Err(site.invalid(what));
        }
    };
    let (mut scales, mut sizes) = (scales, sizes);
    for axis in axes {
        scales[*axis] = common;
        sizes[*axis] = (common * shape.dims()[*axis] as f64 + 0.5).floor() as usize;
    }
    Ok(Target { scales, sizes })
}

/// Start and end of the region of interest, by axis.
fn region(site: &Site<'_>, axes: Option<Vec<usize>>) -> Result<Vec<(f64, f64)>> {
    if !site.has(1) {
        return Err(site.invalid("`tf_crop_and_resize` needs `roi`"));
    }
    let roi: Vec<f64> = site.floats(1, "roi")?.data().iter().map(|v| f64::from(*v)).collect();
    let (starts, ends) = roi.split_at(roi.len() / 2);
    let pairs: Vec<_> = starts.iter().copied().zip(ends.iter().copied()).collect();
    if roi.len() % 2 == 1 {
        return Err(site.invalid(format!("`roi` has {} numbers", roi.len())));
    }
    let whole = vec![(0.0, 1.0); site.shape(0)?.rank()];
    by_axis(site, ("roi", &pairs), axes.as_deref(), &whole)
}

fn resized(
    site: &mut Site<'_>,
    target: &Target,
    interpolation: &Interpolation,
    region: Option<&[(f64, f64)]>,
) -> Result {
    let shape = site.shape(0)?;
    let (dims, sizes) = (shape.dims().to_vec(), &target.sizes);
    super::plane::new_shape(site, sizes.clone())?;
    if sizes.contains(&0) {
        return Err(site.invalid(format!("the result of shape {sizes:?} has no elements")));
    }
    let outside = site.float_attribute("extrapolation_value", 0.0)?;
    let mut value = site.input(0)?;
    for (axis, (dim, size)) in dims.iter().zip(sizes).enumerate() {
        if dim == size && target.scales[axis] == 1.0 && region.is_none() {
            continue;
        }
        site.spend(size.saturating_mul(*dim))?;
        let region = region.map_or((0.0, 1.0), |region| region[axis]);
        let rows = interpolation.rows(*dim, *size, target.scales[axis], region);
        value = along(site, value, axis, (&rows, outside))?;
    }
    Ok(value)
}

/// One axis; each row is what an output reads, none if it lies outside.
fn along(
    site: &mut Site<'_>,
    value: Lowered,
    axis: usize,
    (rows, outside): (&[Row], f32),
) -> Result {
    let single = |row: &Row| match row.as_deref() {
        Some([(j, 1.0)]) => Some(*j),
        _ => None,
    };
    let part = format!("axis{axis}");
    if let Some(at) = rows.iter().map(single).collect::<Option<Vec<usize>>>() {
        return take(site, value, (axis, &at), &part);
    }
    if site.kind_of(&value) != Kind::Float {
        return Err(site.unsupported(Some("mode"), "whole numbers are resized only by `nearest`"));
    }
    let dims = site.shape_of(&value).dims().to_vec();
    let inputs = dims[axis];
    let mut matrix = vec![0.0f32; inputs * rows.len()];
    for (i, row) in rows.iter().enumerate() {
        for (j, weight) in row.iter().flatten() {
            matrix[j * rows.len() + i] += *weight as f32;
        }
    }
    let shape = site.valid(Shape::new(vec![inputs, rows.len()]))?;
    let matrix = site.valid(Tensor::new(shape, matrix))?;
    let x = site.value(value, &format!("{part}_input"))?;
    if outside == 0.0 || !rows.contains(&None) {
        return Ok(Lowered::Activation(site.product_along(x, axis, matrix, &part)?));
    }
    let sum = site.product_along(x, axis, matrix, &format!("{part}_sum"))?;
    let mut border = vec![1; dims.len()];
    border[axis] = rows.len();
    let border = filled(site, border, |i| if rows[i].is_none() { outside } else { 0.0 })?;
    let border = site.own_constant(&format!("{part}_border"), border)?;
    Ok(Lowered::Activation(site.push(Op::Add, vec![sum, border], &part)?))
}
