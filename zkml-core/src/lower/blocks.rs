//! DepthToSpace and SpaceToDepth: blocks of `b x b` positions against channels,
//!
//! ```text
//! DCR   y[n, c, b h + i, b w + j] = x[n, (i b + j) C' + c, h, w]
//! CRD   y[n, c, b h + i, b w + j] = x[n, c b^2 + i b + j, h, w]
//! ```
//!
//! and SpaceToDepth the inverse of DCR. `mode` exists since 11.

use super::{
    site::{Halt, Lowered, Site},
    view::{permute, reshaped, reshaped_part},
};

type Result<T = Lowered> = std::result::Result<T, Halt>;

pub(super) fn depth_to_space(site: &mut Site<'_>) -> Result {
    site.not_before("mode", 11)?;
    let crd = match site.string_attribute("mode")?.as_deref() {
        None | Some("DCR") => false,
        Some("CRD") => true,
        Some(other) => {
            return Err(site.invalid(format!("`mode` is `{other}`, expected DCR or CRD")));
        }
    };
    let (b, [n, channels, height, width]) = parts(site)?;
    let depth = channels / (b * b);
    if !channels.is_multiple_of(b * b) {
        return Err(site.invalid(format!("{channels} channels are no blocks of {b} x {b}")));
    }
    let (split, perm) = if crd {
        (vec![n, depth, b, b, height, width], [0, 1, 4, 2, 5, 3])
    } else {
        (vec![n, b, b, depth, height, width], [0, 3, 4, 1, 5, 2])
    };
    moved(site, split, &perm, vec![n, depth, height * b, width * b])
}

pub(super) fn space_to_depth(site: &mut Site<'_>) -> Result {
    let (b, [n, channels, height, width]) = parts(site)?;
    if !height.is_multiple_of(b) || !width.is_multiple_of(b) {
        return Err(
            site.invalid(format!("{height} x {width} positions are no blocks of {b} x {b}"))
        );
    }
    let split = vec![n, channels, height / b, b, width / b, b];
    moved(site, split, &[0, 3, 5, 1, 2, 4], vec![n, channels * b * b, height / b, width / b])
}

/// `blocksize`, whose square is no larger than a shape, and the dimensions.
fn parts(site: &Site<'_>) -> Result<(usize, [usize; 4])> {
    let size =
        site.int_attribute("blocksize")?.ok_or_else(|| site.invalid("`blocksize` is missing"))?;
    let b = usize::try_from(size)
        .ok()
        .filter(|b| (1..=1 << 14).contains(b))
        .ok_or_else(|| site.invalid(format!("`blocksize` is {size}, expected 1 to {}", 1 << 14)))?;
    let shape = site.shape(0)?;
    let dims = shape
        .dims()
        .try_into()
        .map_err(|_| site.invalid(format!("the input has shape {shape}, expected four axes")))?;
    Ok((b, dims))
}

fn moved(site: &mut Site<'_>, split: Vec<usize>, perm: &[usize], dims: Vec<usize>) -> Result {
    let input = site.input(0)?;
    let split = reshaped_part(site, input, split, "split")?;
    let moved = permute(site, split, perm, "moved")?;
    reshaped(site, moved, dims)
}
