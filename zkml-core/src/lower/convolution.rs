//! Conv and ConvTranspose over one or two spatial axes, with constant weights. Both are a
//! correlation, see [`crate::ir::Axis`], and the bias a sum with a constant `[1, O, 1, 1]`.
//!
//! Weights of Conv are `[O, C / groups, ..]`, as in the graph; those of ConvTranspose are
//! `[C, O / groups, ..]`, so that their first two axes change places within each group.

use super::{
    plane::{Planes, filled, new_shape},
    site::{Halt, Lowered, Site},
    window::{AutoPad, Sliding, per_axis},
};
use crate::{
    ir::{Axis, Op, ValueId, Window},
    tensor::Tensor,
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn conv(site: &mut Site<'_>) -> Result {
    let planes = Planes::of(site)?;
    let weights = site.floats(1, "W")?;
    let bias = if site.has(2) { Some(site.floats(2, "B")?) } else { None };
    let id = forward(site, &planes, (&weights, bias), planes.last())?;
    planes.finish(site, id)
}

/// The convolution of `planes`, with the attributes of the node; `part` as for [`Site::push`].
pub(super) fn forward(
    site: &mut Site<'_>,
    planes: &Planes,
    (weights, bias): (&Tensor<f32>, Option<Tensor<f32>>),
    part: &str,
) -> Result<ValueId> {
    let groups = groups(site, planes)?;
    let weights = self::weights(site, planes, weights)?;
    let [outputs, inner, height, width] = dims(&weights);
    if inner != planes.channels / groups || !outputs.is_multiple_of(groups) || outputs == 0 {
        return Err(mismatch(site, planes, &weights, groups));
    }
    kernel_shape(site, planes, [height, width])?;
    let sliding = Sliding::of(site, planes)?;
    let window = Window {
        height: sliding.axis(site, 0, planes.size[0], height)?,
        width: sliding.axis(site, 1, planes.size[1], width)?,
    };
    correlate(site, planes, (window, groups), (weights, bias), part)
}

pub(super) fn conv_transpose(site: &mut Site<'_>) -> Result {
    let planes = Planes::of(site)?;
    let groups = groups(site, &planes)?;
    let weights = weights(site, &planes, &site.floats(1, "W")?)?;
    let bias = if site.has(2) { Some(site.floats(2, "B")?) } else { None };
    let [inputs, per_group, height, width] = dims(&weights);
    if inputs != planes.channels || per_group == 0 {
        return Err(mismatch(site, &planes, &weights, groups));
    }
    kernel_shape(site, &planes, [height, width])?;
    let sliding = Sliding::of(site, &planes)?;
    let extra = per_axis(site, "output_padding", planes.spatial, 0)?.unwrap_or([0, 0]);
    let output = per_axis(site, "output_shape", planes.spatial, 0)?;
    let axis = |site: &Site<'_>, axis: usize, taps: usize| {
        // An axis that is not there has one position, whatever its shape is said to be.
        let output = output.map(|output| output[axis]).filter(|_| axis + planes.spatial >= 2);
        transposed(site, &sliding, axis, (planes.size[axis], taps), (extra[axis], output))
    };
    let window = Window { height: axis(site, 0, height)?, width: axis(site, 1, width)? };

    let (inner, area) = (inputs / groups, height * width);
    let turned = filled(site, vec![per_group * groups, inner, height, width], |at| {
        let (output, rest) = (at / (inner * area), at % (inner * area));
        let (group, output) = (output / per_group, output % per_group);
        let (input, tap) = (group * inner + rest / area, rest % area);
        weights.data()[(input * per_group + output) * area + tap]
    })?;
    let id = correlate(site, &planes, (window, groups), (turned, bias), planes.last())?;
    planes.finish(site, id)
}

/// An axis of a transposed convolution. Given its output, pads make up the difference; they are
/// also computed for SAME, where the output is the input times the stride.
fn transposed(
    site: &Site<'_>,
    sliding: &Sliding,
    axis: usize,
    (input, taps): (usize, usize),
    (extra, output): (usize, Option<usize>),
) -> Result<Axis> {
    let stride = sliding.strides[axis];
    let whole = (input.saturating_sub(1))
        .saturating_mul(stride)
        .saturating_add(extra)
        .saturating_add(sliding.extent(axis, taps));
    let same = matches!(sliding.auto_pad, AutoPad::SameUpper | AutoPad::SameLower);
    // As with `output_padding`, which `output_shape` stands for: less than a stride is added.
    let most = (whole - extra).saturating_add(stride - 1);
    if let Some(output) = output.filter(|output| *output > most) {
        return Err(site.invalid(format!(
            "`output_shape` is {output}, more than the {most} outputs on spatial axis {axis}"
        )));
    }
    let target = output.or(same.then(|| input.saturating_mul(stride)));
    let (before, after) = match target {
        Some(target) => sliding.share(whole.saturating_sub(target)),
        None => sliding.padding(axis, input, taps),
    };
    let left = whole.checked_sub(before).and_then(|rest| rest.checked_sub(after));
    let output = output.or(left).filter(|output| *output > 0).ok_or_else(|| {
        site.invalid(format!("pads take all of the {whole} outputs on spatial axis {axis}"))
    })?;
    // Not above the bound of a window; the graph checks.
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    Ok(Axis::transposed(input, output, taps, (stride, sliding.dilations[axis]), before))
}

fn correlate(
    site: &mut Site<'_>,
    planes: &Planes,
    (window, groups): (Window, usize),
    (weights, bias): (Tensor<f32>, Option<Tensor<f32>>),
    part: &str,
) -> Result<ValueId> {
    let outputs = dims(&weights)[0];
    let bias = bias.map(|bias| by_channel(site, "B", bias, outputs)).transpose()?;
    let weights = site.own_constant("weights", weights)?;
    let product = if bias.is_some() { "product" } else { part };
    let op = Op::Correlate { window, groups };
    let id = site.push(op, vec![planes.id, weights], product)?;
    match bias {
        Some(bias) => {
            let bias = site.own_constant("bias", bias)?;
            site.push(Op::Add, vec![id, bias], part)
        }
        None => Ok(id),
    }
}

/// A number for each output channel, as `[1, O, 1, 1]`.
pub(super) fn by_channel(
    site: &Site<'_>,
    name: &str,
    numbers: Tensor<f32>,
    outputs: usize,
) -> Result<Tensor<f32>> {
    if numbers.shape().dims() != [outputs] {
        let got = numbers.shape();
        return Err(site.invalid(format!("`{name}` has shape {got}, expected [{outputs}]")));
    }
    let shape = new_shape(site, vec![1, outputs, 1, 1])?;
    site.valid(numbers.reshaped(shape))
}

/// Constant weights with two spatial axes.
fn weights(site: &Site<'_>, planes: &Planes, weights: &Tensor<f32>) -> Result<Tensor<f32>> {
    let mut dims = weights.shape().dims().to_vec();
    if dims.len() != planes.spatial + 2 || dims.contains(&0) {
        let (got, axes) = (weights.shape(), planes.spatial + 2);
        return Err(site.invalid(format!("`W` has shape {got}, expected {axes} axes")));
    }
    if planes.spatial == 1 {
        dims.insert(2, 1);
    }
    let shape = new_shape(site, dims)?;
    site.valid(weights.clone().reshaped(shape))
}

fn dims(weights: &Tensor<f32>) -> [usize; 4] {
    // `weights` makes them four.
    weights.shape().dims().try_into().unwrap_or([0; 4])
}

fn groups(site: &Site<'_>, planes: &Planes) -> Result<usize> {
    let group = site.int_attribute("group")?.unwrap_or(1);
    let channels = planes.channels;
    usize::try_from(group).ok().filter(|g| *g > 0 && channels.is_multiple_of(*g)).ok_or_else(|| {
        site.invalid(format!("`group` is {group}, which does not divide {channels} channels"))
    })
}

fn kernel_shape(site: &Site<'_>, planes: &Planes, kernel: [usize; 2]) -> Result<()> {
    match per_axis(site, "kernel_shape", planes.spatial, 1)? {
        Some(given) if given != kernel => Err(site
            .invalid(format!("`kernel_shape` is {given:?}, but the weights have {kernel:?} taps"))),
        _ => Ok(()),
    }
}

fn mismatch(site: &Site<'_>, planes: &Planes, weights: &Tensor<f32>, groups: usize) -> Halt {
    let (got, channels) = (weights.shape(), planes.channels);
    site.invalid(format!("weights {got} do not fit {channels} channels in {groups} groups"))
}
