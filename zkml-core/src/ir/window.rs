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
            && self.kernel >= 1
            && [self.input, self.output, self.kernel].iter().all(|n| *n < 1 << 28)
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
}
