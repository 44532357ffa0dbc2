//! Sliding windows in ONNX: strides, dilations, pads and `auto_pad`, per spatial axis.
//!
//! With input `n`, effective kernel `k = dilation (taps - 1) + 1`, stride `s` and pads `p`, `q`:
//!
//! ```text
//! NOTSET, VALID   n' = (n + p + q - k) / s + 1        rounded down, or up with `ceil_mode`
//! SAME_*          n' = n / s rounded up,  p + q = max(0, (n' - 1) s + k - n)
//! ```
//!
//! An odd pad goes after with SAME_UPPER and before with SAME_LOWER. With `ceil_mode` a window that
//! would start behind the input and the pads before it is left out.
//!
//! One spatial axis is two of which the first has one position.

use super::{
    plane::Planes,
    site::{Halt, Site},
};
use crate::ir::Axis;

type Result<T> = std::result::Result<T, Halt>;

/// How pads are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoPad {
    /// By the attribute `pads`.
    Explicit,
    /// None.
    Valid,
    /// As many as keep the size, up to the stride; an odd one after.
    SameUpper,
    /// The same, an odd one before.
    SameLower,
}

/// Strides, dilations and pads of both spatial axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sliding {
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    pub(super) auto_pad: AutoPad,
    /// Elements before and after, as the attribute has them.
    pads: [(usize, usize); 2],
    ceil: bool,
}

impl Sliding {
    /// From the attributes of the node.
    pub(super) fn of(site: &Site<'_>, planes: &Planes) -> Result<Self> {
        let auto_pad = match site.string_attribute("auto_pad")?.as_deref() {
            None | Some("NOTSET" | "") => AutoPad::Explicit,
            Some("VALID") => AutoPad::Valid,
            Some("SAME_UPPER") => AutoPad::SameUpper,
            Some("SAME_LOWER") => AutoPad::SameLower,
            Some(other) => {
                return Err(site.invalid(format!(
                    "`auto_pad` is `{other}`, expected NOTSET, VALID, SAME_UPPER or SAME_LOWER"
                )));
            }
        };
        let pads = pads(site, planes.spatial)?;
        if auto_pad != AutoPad::Explicit && pads != [(0, 0); 2] {
            return Err(site.invalid("`pads` and `auto_pad` are both given"));
        }
        Ok(Self {
            strides: per_axis(site, "strides", planes.spatial, 1)?.unwrap_or([1, 1]),
            dilations: per_axis(site, "dilations", planes.spatial, 1)?.unwrap_or([1, 1]),
            auto_pad,
            pads,
            ceil: site.flag("ceil_mode", false)?,
        })
    }

    /// Span of a kernel of so many taps.
    pub(super) fn extent(&self, axis: usize, taps: usize) -> usize {
        self.dilations[axis].saturating_mul(taps.saturating_sub(1)).saturating_add(1)
    }

    /// Pads before and after an axis of `input` positions.
    pub(super) fn padding(&self, axis: usize, input: usize, taps: usize) -> (usize, usize) {
        let stride = self.strides[axis];
        let total = || {
            let last = (input.div_ceil(stride).saturating_sub(1)).saturating_mul(stride);
            last.saturating_add(self.extent(axis, taps)).saturating_sub(input)
        };
        match self.auto_pad {
            AutoPad::Explicit => self.pads[axis],
            AutoPad::Valid => (0, 0),
            _ => self.share(total()),
        }
    }

    /// A number of pads before and after, by `auto_pad`.
    pub(super) fn share(&self, total: usize) -> (usize, usize) {
        let half = total / 2;
        if self.auto_pad == AutoPad::SameUpper {
            (half, total - half)
        } else {
            (total - half, half)
        }
    }

    /// The axis of a convolution or a pool.
    pub(super) fn axis(
        &self,
        site: &Site<'_>,
        axis: usize,
        input: usize,
        taps: usize,
    ) -> Result<Axis> {
        let stride = self.strides[axis];
        let (before, after) = self.padding(axis, input, taps);
        let extent = self.extent(axis, taps);
        let padded = input.saturating_add(before).saturating_add(after);
        let rest = padded.checked_sub(extent).ok_or_else(|| {
            site.invalid(format!(
                "a kernel that spans {extent} is larger than the {padded} padded inputs on spatial \
                 axis {axis}"
            ))
        })?;
        // SAME is rounded up as it is. The text of ONNX rounds VALID down in any case, but its shape
        // inference and onnxruntime do as they are told.
        let up = self.ceil && matches!(self.auto_pad, AutoPad::Explicit | AutoPad::Valid);
        let mut output = if up { rest.div_ceil(stride) } else { rest / stride } + 1;
        if up && (output - 1).saturating_mul(stride) >= input + before {
            output -= 1;
        }
        let fits = i64::try_from(before).ok().filter(|before| *before <= Axis::MAX_STEP);
        let before = fits.ok_or_else(|| too_large(site, "pads", before))?;
        Ok(Axis::convolution(input, output, taps, (stride, self.dilations[axis]), before))
    }
}

/// A whole number from `least` to [`Axis::MAX_STEP`] for each of the spatial axes, for both axes.
pub(super) fn per_axis(
    site: &Site<'_>,
    name: &str,
    spatial: usize,
    least: usize,
) -> Result<Option<[usize; 2]>> {
    let Some(values) = site.ints_attribute(name)? else { return Ok(None) };
    let values = whole(site, name, &values, least)?;
    match (spatial, values.as_slice()) {
        // The axis that is not there has the least.
        (1, [width]) => Ok(Some([least, *width])),
        (2, [height, width]) => Ok(Some([*height, *width])),
        _ => {
            let got = values.len();
            Err(site.invalid(format!("`{name}` has {got} numbers, expected {spatial}")))
        }
    }
}

fn pads(site: &Site<'_>, spatial: usize) -> Result<[(usize, usize); 2]> {
    let Some(values) = site.ints_attribute("pads")? else { return Ok([(0, 0); 2]) };
    match (spatial, whole(site, "pads", &values, 0)?.as_slice()) {
        (1, [left, right]) => Ok([(0, 0), (*left, *right)]),
        (2, [top, left, bottom, right]) => Ok([(*top, *bottom), (*left, *right)]),
        (_, other) => {
            let (got, expected) = (other.len(), 2 * spatial);
            Err(site.invalid(format!("`pads` has {got} numbers, expected {expected}")))
        }
    }
}

fn whole(site: &Site<'_>, name: &str, values: &[i64], least: usize) -> Result<Vec<usize>> {
    let mut result = Vec::with_capacity(values.len());
    for value in values {
        match usize::try_from(*value) {
            Ok(value) if value > Axis::MAX_STEP as usize => {
                return Err(too_large(site, name, value));
            }
            Ok(value) if value >= least => result.push(value),
            _ => {
                return Err(site.invalid(format!("`{name}` has {value}, expected {least} or more")));
            }
        }
    }
    Ok(result)
}

fn too_large(site: &Site<'_>, name: &str, value: usize) -> Halt {
    let most = Axis::MAX_STEP;
    site.unsupported(Some(name), format!("{value} is more than the {most} that are supported"))
}
