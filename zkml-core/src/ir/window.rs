//! Sliding windows: which input position meets which output position at which tap.
//!
//! ```text
//! out_step * o = in_step * i + origin + slope * t
//! ```
//!
//! with output position `o`, input position `i` and tap `t` of the kernel. A convolution with stride
//! `s`, dilation `d` and `p` pads before reads `i = s o + d t - p`, so it has `out_step = s`,
//! `in_step = 1`, `origin = p`, `slope = -d`. A transposed convolution writes
//! `o = s i + d t - p`: `out_step = 1`, `in_step = s`, `origin = -p`, `slope = d`. Positions outside
//! the input do not exist: pads are what is not met.

use std::ops::Range;

use crate::tensor::Shape;

/// One spatial axis of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Axis {
    /// Positions of the input.
    pub input: usize,
    /// Positions of the output.
    pub output: usize,
    /// Taps of the kernel.
    pub kernel: usize,
    /// Distance of two outputs in the common frame.
    pub out_step: usize,
    /// Distance of two inputs in the common frame.
    pub in_step: usize,
    /// Where input 0 meets output 0 at tap 0.
    pub origin: i64,
    /// Distance of two taps in the common frame.
    pub slope: i64,
}

impl Axis {
    /// Steps, slopes and origins stay below this in magnitude.
    pub const MAX_STEP: i64 = 1 << 20;

    /// The axis of an operation that goes element by element.
    pub fn identity(len: usize) -> Self {
        Self { input: len, output: len, kernel: 1, out_step: 1, in_step: 1, origin: 0, slope: -1 }
    }

    /// The axis of a convolution or a pool: output `o` reads inputs `stride o + dilation t - before`.
    pub fn convolution(
        input: usize,
        output: usize,
        kernel: usize,
        (stride, dilation): (usize, usize),
        before: i64,
    ) -> Self {
        // `check` bounds what does not fit.
        let slope = i64::try_from(dilation).map_or(i64::MIN, |d| -d);
        Self { input, output, kernel, out_step: stride, in_step: 1, origin: before, slope }
    }

    /// The axis of a transposed convolution: input `i` adds to outputs `stride i + dilation t - before`.
    pub fn transposed(
        input: usize,
        output: usize,
        kernel: usize,
        (stride, dilation): (usize, usize),
        before: i64,
    ) -> Self {
        let slope = i64::try_from(dilation).unwrap_or(i64::MAX);
        Self { input, output, kernel, out_step: 1, in_step: stride, origin: -before, slope }
    }

    /// Whether all steps are positive and everything is small enough for exact 64-bit arithmetic.
    pub fn check(&self) -> bool {
        let step = |s: usize| (1..=Self::MAX_STEP as usize).contains(&s);
        let offset = |o: i64| (-Self::MAX_STEP..=Self::MAX_STEP).contains(&o);
        step(self.out_step)
            && step(self.in_step)
            && offset(self.origin)
            && offset(self.slope)
            && step(self.kernel)
            && [self.input, self.output].iter().all(|n| *n <= Shape::MAX_ELEMENTS)
    }

    /// The taps at which output `output` can meet an input: all of them if `in_step` is 1.
    pub fn taps(&self, output: usize) -> Range<usize> {
        // 0 <= at - slope t <= last, in 64 bits for an axis that passes `check`.
        let at = (self.out_step * output) as i64 - self.origin;
        let last = (self.in_step * self.input) as i64 - self.in_step as i64;
        let up = |a: i64, b: i64| a.div_euclid(b) + i64::from(a.rem_euclid(b) != 0);
        let (first, end) = match self.slope {
            0 if (0..=last).contains(&at) => (0, i64::MAX),
            0 => (0, 0),
            slope if slope < 0 => (up(-at, -slope), (last - at).div_euclid(-slope) + 1),
            slope => (up(at - last, slope), at.div_euclid(slope) + 1),
        };
        let clamp = |t: i64| usize::try_from(t).map_or(0, |t| t.min(self.kernel));
        let (first, end) = (clamp(first), clamp(end));
        if self.input == 0 { 0..0 } else { first..end.max(first) }
    }

    /// Whether each output meets an input.
    pub fn covers(&self) -> bool {
        (0..self.output).all(|o| self.taps(o).any(|tap| self.input_at(o, tap).is_some()))
    }

    /// Whether each output meets an input at every tap.
    pub fn complete(&self) -> bool {
        self.in_step == 1 && (0..self.output).all(|o| self.taps(o).len() == self.kernel)
    }

    /// The same axis of a convolution without the taps at either end that meet no input at all.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        let Some(last) = self.output.checked_sub(1) else { return *self };
        // The first output reaches farthest with its last taps, the last one with its first.
        let (first, end) = (self.taps(last).start, self.taps(0).end);
        if self.slope >= 0 || first >= end {
            return *self;
        }
        // `out_step o = in_step i + origin + slope (first + t)`
        let origin = self.origin + self.slope * first as i64;
        Self { kernel: end - first, origin, ..*self }
    }

    /// The input that output `output` meets at tap `tap`, if there is one.
    pub fn input_at(&self, output: usize, tap: usize) -> Option<usize> {
        let at = (self.out_step * output) as i64 - self.origin - self.slope * tap as i64;
        let step = self.in_step as i64;
        if at < 0 || at % step != 0 {
            return None;
        }
        usize::try_from(at / step).ok().filter(|i| *i < self.input)
    }
}

/// A window over two axes, height and width. Something with one spatial axis has a height of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// First spatial axis.
    pub height: Axis,
    /// Second spatial axis.
    pub width: Axis,
}

impl Window {
    /// The window of an operation that goes element by element.
    pub fn identity(height: usize, width: usize) -> Self {
        Self { height: Axis::identity(height), width: Axis::identity(width) }
    }

    /// Whether both axes are, see [`Axis::check`].
    pub fn check(&self) -> bool {
        self.height.check() && self.width.check()
    }

    /// Number of taps.
    pub fn taps(&self) -> usize {
        self.height.kernel.saturating_mul(self.width.kernel)
    }

    /// Every pair of taps `(i, j)` with the input `(h, w)` it meets at output `(h', w')`.
    pub fn meets(
        &self,
        (row, column): (usize, usize),
    ) -> impl Iterator<Item = ((usize, usize), (usize, usize))> + '_ {
        (0..self.height.kernel).flat_map(move |i| {
            let h = self.height.input_at(row, i);
            (0..self.width.kernel)
                .filter_map(move |j| Some(((i, j), (h?, self.width.input_at(column, j)?))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_and_its_transpose_meet_in_the_same_triples() {
        let forward = Axis::convolution(7, 3, 3, (2, 1), 0);
        let backward = Axis::transposed(3, 7, 3, (2, 1), 0);
        for (o, t) in (0..3).flat_map(|o| (0..3).map(move |t| (o, t))) {
            let i = forward.input_at(o, t).expect("no pads");
            assert_eq!(i, 2 * o + t);
            assert_eq!(backward.input_at(i, t), Some(o));
        }
    }

    #[test]
    fn pads_are_not_met() {
        let axis = Axis::convolution(4, 4, 3, (1, 1), 1);
        assert_eq!(axis.input_at(0, 0), None);
        assert_eq!(axis.input_at(0, 1), Some(0));
        assert_eq!(axis.input_at(3, 2), None);
        let dilated = Axis::convolution(4, 2, 2, (1, 2), 0);
        assert_eq!((dilated.input_at(1, 0), dilated.input_at(1, 1)), (Some(1), Some(3)));
        assert!(!Axis { in_step: 0, ..axis }.check());
    }

    /// Every small axis, against all of its triples.
    #[test]
    fn taps_covers_complete_and_trimmed_agree_with_every_triple() {
        let mut seen = [0usize; 3];
        for at in 0..5 * 5 * 5 * 3 * 3 * 9 * 7 {
            let digit = |of: usize, base: usize| at / of % base;
            let axis = Axis {
                input: digit(1, 5),
                output: digit(5, 5),
                kernel: 1 + digit(25, 5),
                out_step: 1 + digit(125, 3),
                in_step: 1 + digit(375, 3),
                origin: digit(1125, 9) as i64 - 4,
                slope: digit(10_125, 7) as i64 - 3,
            };
            let met = |o: usize| (0..axis.kernel).filter(move |t| axis.input_at(o, *t).is_some());
            for o in 0..axis.output {
                assert!(met(o).all(|t| axis.taps(o).contains(&t)), "{axis:?} at {o}");
                if axis.in_step == 1 {
                    assert!(met(o).eq(axis.taps(o)), "{axis:?} at {o}");
                }
            }
            assert_eq!(axis.covers(), (0..axis.output).all(|o| met(o).next().is_some()));
            let complete = (0..axis.output).all(|o| met(o).count() == axis.kernel);
            if axis.in_step == 1 {
                assert_eq!(axis.complete(), complete, "{axis:?}");
            }
            let short = axis.trimmed();
            let dropped = axis.kernel - short.kernel;
            for o in 0..axis.output {
                let inputs = |axis: &Axis| -> Vec<usize> {
                    (0..axis.kernel).filter_map(|t| axis.input_at(o, t)).collect()
                };
                assert_eq!(inputs(&axis), inputs(&short), "{axis:?} {short:?}");
            }
            seen[0] += usize::from(axis.covers() && axis.output > 0);
            seen[1] += usize::from(complete && axis.output > 0);
            seen[2] += usize::from(dropped > 0);
        }
        assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
    }
}
