//! What the outputs along one axis read: positions and weights.
//!
//! With `n` inputs, `m` outputs and scale `s` (so that `s n` is about `m`), output `i` stands at `x`:
//!
//! ```text
//! half_pixel             (i + 1/2) / s - 1/2
//! pytorch_half_pixel     the same, -1/2 if there is one output
//! half_pixel_symmetric   the same, moved by n / 2 (1 - m / (s n))
//! tf_half_pixel_for_nn   (i + 1/2) / s
//! asymmetric             i / s
//! align_corners          i (n - 1) / (s n - 1),                   0 if there is one output
//! tf_crop_and_resize     (start + i (end - start) / (s n - 1)) (n - 1)
//! ```
//!
//! It reads the inputs nearest to `x`, as many as there are weights; those beyond an end are the end.

/// Kind of weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    Nearest,
    Linear,
    /// With its coefficient.
    Cubic(f64),
}

/// Which of two neighbours is the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nearest {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
}

/// Where outputs stand among inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    HalfPixel,
    PytorchHalfPixel,
    HalfPixelSymmetric,
    TfHalfPixelForNn,
    Asymmetric,
    AlignCorners,
    CropAndResize,
}

/// What an output reads: positions and weights, no weight 0; none if it lies outside of the inputs.
pub(super) type Row = Option<Vec<(usize, f64)>>;

/// How outputs follow from inputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interpolation {
    pub(super) mode: Mode,
    pub(super) nearest: Nearest,
    pub(super) place: Place,
    /// Weights as wide as what one output covers, when there are fewer outputs than inputs.
    pub(super) antialias: bool,
    /// Inputs beyond an end have no weight, and the others add up to 1.
    pub(super) exclude_outside: bool,
}

impl Interpolation {
    /// One for each output.
    pub(super) fn rows(
        &self,
        inputs: usize,
        outputs: usize,
        scale: f64,
        region: (f64, f64),
    ) -> Vec<Row> {
        (0..outputs)
            .map(|i| {
                let x = self.position(i, inputs, outputs, scale, region)?;
                Some(self.row(x, inputs, scale))
            })
            .collect()
    }

    fn position(
        &self,
        i: usize,
        inputs: usize,
        outputs: usize,
        scale: f64,
        (start, end): (f64, f64),
    ) -> Option<f64> {
        let (i, n) = (i as f64, inputs as f64);
        let length = scale * n;
        let half_pixel = (i + 0.5) / scale - 0.5;
        Some(match self.place {
            Place::HalfPixel => half_pixel,
            Place::PytorchHalfPixel if length == 1.0 => -0.5,
            Place::PytorchHalfPixel => half_pixel,
            Place::HalfPixelSymmetric => n / 2.0 * (1.0 - outputs as f64 / length) + half_pixel,
            Place::TfHalfPixelForNn => (i + 0.5) / scale,
            Place::Asymmetric => i / scale,
            Place::AlignCorners if length == 1.0 => 0.0,
            Place::AlignCorners => i * (n - 1.0) / (length - 1.0),
            Place::CropAndResize => {
                let x = if length == 1.0 {
                    (end - start) * (n - 1.0) / 2.0
                } else {
                    i * (end - start) * (n - 1.0) / (length - 1.0)
                };
                let x = x + start * (n - 1.0);
                return (0.0..=n - 1.0).contains(&x).then_some(x);
            }
        })
    }

    fn row(&self, x: f64, inputs: usize, scale: f64) -> Vec<(usize, f64)> {
        let floor = x.floor();
        // A position on an input counts as just before the next one.
        let ratio = if x == floor { 1.0 } else { x - floor };
        let mut weights = self.weights(ratio, scale.min(1.0));
        let first = first_neighbour(x, weights.len());
        let last = inputs as i64 - 1; // below 2^28
        let inside = |k: usize| (0..=last).contains(&(first + k as i64));
        if self.exclude_outside {
            let kept = |(k, w): (usize, &f64)| if inside(k) { *w } else { 0.0 };
            let kept: Vec<f64> = weights.iter().enumerate().map(kept).collect();
            let sum: f64 = kept.iter().sum();
            // A position beyond an end that rounds away from the inputs still reads the end.
            if sum != 0.0 {
                weights = kept.into_iter().map(|w| w / sum).collect();
            }
        }
        let mut row: Vec<(usize, f64)> = Vec::with_capacity(weights.len());
        for (k, weight) in weights.into_iter().enumerate() {
            // Within the inputs.
            let j = (first + k as i64).clamp(0, last) as usize;
            match row.last_mut() {
                Some((at, sum)) if *at == j => *sum += weight,
                _ => row.push((j, weight)),
            }
        }
        row.retain(|(_, weight)| *weight != 0.0);
        row
    }

    /// Weights of the neighbours of a position that is `ratio` after the input before it.
    fn weights(&self, ratio: f64, scale: f64) -> Vec<f64> {
        match self.mode {
            Mode::Nearest => {
                let after = match self.nearest {
                    _ if ratio == 1.0 => true,
                    Nearest::PreferFloor => ratio > 0.5,
                    Nearest::PreferCeil => ratio >= 0.5,
                    Nearest::Floor => false,
                    Nearest::Ceil => true,
                };
                if after { vec![0.0, 1.0] } else { vec![1.0, 0.0] }
            }
            Mode::Linear if self.antialias => {
                spread(ratio, scale, 1.0, |t| (1.0 - t.abs()).clamp(0.0, 1.0))
            }
            Mode::Linear => vec![1.0 - ratio, ratio],
            Mode::Cubic(a) if self.antialias => spread(ratio, scale, 2.0, |t| cubic(a, t)),
            Mode::Cubic(a) => (-1..=2).map(|k| cubic(a, f64::from(k) - ratio)).collect(),
        }
    }
}

/// The kernel of cubic interpolation (Keys 1981) with coefficient `a`.
fn cubic(a: f64, t: f64) -> f64 {
    let t = t.abs();
    if t <= 1.0 {
        ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0
    } else if t < 2.0 {
        ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a
    } else {
        0.0
    }
}

/// A kernel that reaches `reach` at scale 1, as wide as the scale asks for, its weights adding up to 1.
fn spread(ratio: f64, scale: f64, reach: f64, kernel: impl Fn(f64) -> f64) -> Vec<f64> {
    // Both a small number over a scale of at least one output an axis.
    let start = (-reach / scale).floor() as i64 + 1;
    let weights: Vec<f64> =
        (start..2 - start).map(|k| kernel((k as f64 - ratio) * scale)).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// The least of the `count` whole numbers nearest to `x`, an even count; of two as near the lower.
fn first_neighbour(x: f64, count: usize) -> i64 {
    // Positions are below 2^28 or little before the first.
    x.ceil() as i64 - (count / 2) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(place: Place) -> Interpolation {
        Interpolation {
            mode: Mode::Linear,
            nearest: Nearest::Floor,
            place,
            antialias: false,
            exclude_outside: false,
        }
    }

    #[test]
    fn halves_of_pixels_average_and_clamp_at_the_ends() {
        let rows = linear(Place::HalfPixel).rows(2, 4, 2.0, (0.0, 1.0));
        let expected = [
            vec![(0, 1.0)],
            vec![(0, 0.75), (1, 0.25)],
            vec![(0, 0.25), (1, 0.75)],
            vec![(1, 1.0)],
        ];
        assert_eq!(rows, expected.map(Some));
    }

    #[test]
    fn corners_stay_corners() {
        let rows = linear(Place::AlignCorners).rows(3, 5, 5.0 / 3.0, (0.0, 1.0));
        assert_eq!(rows[0], Some(vec![(0, 1.0)]));
        assert_eq!(rows[1], Some(vec![(0, 0.5), (1, 0.5)]));
        assert_eq!(rows[4], Some(vec![(2, 1.0)]));
    }

    #[test]
    fn weights_add_up_to_one() {
        for mode in [Mode::Linear, Mode::Cubic(-0.75), Mode::Nearest] {
            for (antialias, exclude_outside) in [(false, false), (true, false), (true, true)] {
                let shape = linear(Place::HalfPixel);
                let f = Interpolation { mode, antialias, exclude_outside, ..shape };
                for (inputs, outputs) in [(7, 3), (3, 7), (5, 1), (1, 4)] {
                    let scale = outputs as f64 / inputs as f64;
                    for row in f.rows(inputs, outputs, scale, (0.0, 1.0)) {
                        let sum: f64 = row.expect("inside").iter().map(|(_, w)| w).sum();
                        assert!((sum - 1.0).abs() < 1e-12, "{f:?} {inputs} {outputs}: {sum}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_cropped_away_is_outside() {
        let f = linear(Place::CropAndResize);
        let rows = f.rows(3, 3, 1.0, (0.0, 2.0));
        assert_eq!(rows[0], Some(vec![(0, 1.0)]));
        assert_eq!(rows[1], Some(vec![(2, 1.0)]));
        assert_eq!(rows[2], None);
    }
}
