//! The common frame of a step: at which exponent of `lambda` each position lies.
//!
//! Outputs, inputs and taps of a window are points of one plane, `out = in + tap` in each axis. A
//! point `(u, v)` of image `b` has exponent `b N + u S + v`, so a product of polynomials adds points.
//! `S` must keep apart what the plane keeps apart: for every output and every tap, the exponent
//! `out - tap` is that of the input they meet, or of none. [`Frame::holds`] tries all of them.

use super::image::{Image, Product, grid};
use std::collections::HashMap;
use zkml_core::ir::{Axis, Window};

/// Exponents of a step's positions, before they are shifted to be non-negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Exponents from row to row of the plane.
    pub(super) stride: i64,
    /// Exponents from image to image.
    pub(super) image: i64,
    /// Distance of two outputs, by axis.
    pub(super) up: (i64, i64),
}

/// How an operand lies in the plane, by axis: distance of two inputs.
pub(super) fn steps(up: (i64, i64), window: &Window) -> (i64, i64) {
    let scale = factors(up, window);
    (scale.0 * window.height.in_step as i64, scale.1 * window.width.in_step as i64)
}

/// By how much a window's own plane is stretched.
fn factors(up: (i64, i64), window: &Window) -> (i64, i64) {
    (up.0 / window.height.out_step as i64, up.1 / window.width.out_step as i64)
}

/// The least distance of two outputs for all products of a step.
pub(super) fn up(products: &[Product<'_>]) -> (i64, i64) {
    let lcm = |a: i64, b: usize| a / gcd(a, b as i64) * b as i64;
    products.iter().fold((1, 1), |(u, v), p| {
        (lcm(u, p.window.height.out_step), lcm(v, p.window.width.out_step))
    })
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Frame {
    /// The frame of `products` and their result `out` with rows `stride` apart.
    pub(super) fn new(products: &[Product<'_>], out: &Image, stride: i64) -> Self {
        let up = up(products);
        let mut frame = Self { stride, image: 0, up };
        // Everything an image touches, so that images lie apart.
        let (mut low, mut high) =
            (0, frame.output((0, out.height.max(1) - 1, out.width.max(1) - 1)));
        for p in products {
            let last = (0, p.window.height.input.max(1) - 1, p.window.width.input.max(1) - 1);
            let end = frame.input(&p.window, last);
            for tap in taps(&p.window).map(|tap| frame.tap(&p.window, tap)) {
                low = low.min(tap);
                high = high.max(end + tap);
            }
            high = high.max(end);
        }
        frame.image = high - low + 1;
        frame
    }

    /// Exponent of an output.
    pub(super) fn output(&self, (b, h, w): (usize, usize, usize)) -> i64 {
        b as i64 * self.image + self.up.0 * h as i64 * self.stride + self.up.1 * w as i64
    }

    /// Exponent of an operand's position under a window.
    pub(super) fn input(&self, window: &Window, (b, h, w): (usize, usize, usize)) -> i64 {
        let step = steps(self.up, window);
        b as i64 * self.image + step.0 * h as i64 * self.stride + step.1 * w as i64
    }

    /// Exponent of a tap, possibly negative.
    pub(super) fn tap(&self, window: &Window, (i, j): (usize, usize)) -> i64 {
        let scale = factors(self.up, window);
        let u = scale.0 * (window.height.origin + window.height.slope * i as i64);
        let v = scale.1 * (window.width.origin + window.width.slope * j as i64);
        u * self.stride + v
    }

    /// Whether the exponents mean what the windows mean.
    pub(super) fn holds(&self, products: &[Product<'_>], out: &Image) -> bool {
        let outputs = grid(out.height, out.width);
        let mut seen: Vec<i64> = outputs.map(|(h, w)| self.output((0, h, w))).collect();
        seen.sort_unstable();
        seen.windows(2).all(|pair| pair[0] != pair[1])
            && products.iter().all(|p| self.meets(&p.window, out))
    }

    fn meets(&self, window: &Window, out: &Image) -> bool {
        let (height, width) = (window.height.input, window.width.input);
        // By exponent: rows may lie far apart.
        let mut at = HashMap::with_capacity(height * width);
        for (h, w) in grid(height, width) {
            if at.insert(self.input(window, (0, h, w)), (h, w)).is_some() {
                return false;
            }
        }
        grid(out.height, out.width).all(|(row, column)| {
            taps(window).all(|(i, j)| {
                let exponent = self.output((0, row, column)) - self.tap(window, (i, j));
                let found = at.get(&exponent).copied();
                let h = window.height.input_at(row, i);
                let met = h.and_then(|h| Some((h, window.width.input_at(column, j)?)));
                found == met
            })
        })
    }

    /// The least stride from `least` on whose frame holds, up to one that keeps all rows apart.
    pub(super) fn find(products: &[Product<'_>], out: &Image, least: i64) -> Option<Self> {
        let up = up(products);
        let width = products.iter().map(|p| {
            let w = &p.window.width;
            let scale = up.1 / w.out_step as i64;
            scale * (w.in_step * w.input) as i64
                + scale * (w.origin.abs() + w.slope.abs() * w.kernel as i64)
        });
        let safe = width.max().unwrap_or(0).max(up.1 * out.width as i64);
        /// Strides tried one by one before one that is wide enough for certain.
        const TRIES: i64 = 512;
        let (least, safe) = (least.max(1), least.max(2 * safe + 1));
        (least..=safe.min(least + TRIES))
            .chain([safe])
            .map(|stride| Self::new(products, out, stride))
            .find(|frame| frame.holds(products, out))
    }
}

/// Exponents of a step at most: programs come from files too.
const WIDEST: i128 = 1 << 24;
/// Pairs of an output position and a tap at most.
const PAIRS: usize = 1 << 28;

/// Whether the frame of a step is of a size that a machine can hold, whatever its windows say.
pub(super) fn is_bounded(products: &[Product<'_>], out: &Image) -> bool {
    let mut up = (1i128, 1i128);
    for p in products {
        let (h, w) = (p.window.height.out_step as i128, p.window.width.out_step as i128);
        // Least common multiples are at most products.
        up = (up.0 * h, up.1 * w);
        if up.0 > WIDEST || up.1 > WIDEST {
            return false;
        }
    }
    let extent = |up: i128, output: usize, axes: &dyn Fn(&Window) -> Axis| {
        let of = |p: &Product<'_>| {
            let axis = axes(&p.window);
            let taps =
                i128::from(axis.origin.abs()) + i128::from(axis.slope.abs()) * axis.kernel as i128;
            up / axis.out_step as i128 * (axis.in_step as i128 * axis.input as i128 + taps)
        };
        products.iter().map(of).fold(up * output as i128, |sum, one| sum + one)
    };
    let rows = extent(up.0, out.height, &|window| window.height);
    let columns = extent(up.1, out.width, &|window| window.width);
    let pairs = |p: &Product<'_>| p.window.taps().saturating_mul(out.height * out.width) <= PAIRS;
    (rows + 1) * (4 * columns + 4) * out.batch as i128 <= WIDEST && products.iter().all(pairs)
}

/// All taps of a window.
pub(super) fn taps(window: &Window) -> impl Iterator<Item = (usize, usize)> + use<> {
    grid(window.height.kernel, window.width.kernel)
}
