//! Distances between a float tensor and its integer twin.

use serde::{Deserialize, Serialize};

/// Distances over all elements of all samples, in real units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Elements compared.
    pub count: u64,
    /// Largest absolute difference.
    pub max_abs: f64,
    /// Mean absolute difference.
    pub mean_abs: f64,
    /// Root of the mean squared difference.
    pub rmse: f64,
    /// Signal to quantisation noise, `10 log10(sum float^2 / sum difference^2)`; none if there is
    /// no difference, or no signal.
    pub sqnr_db: Option<f64>,
    /// Cosine of the angle between both; none if either is zero.
    pub cosine: Option<f64>,
}

/// Sums from which [`Errors`] are computed.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    count: u64,
    max_abs: f64,
    abs: f64,
    noise: f64,
    float: f64,
    integer: f64,
    product: f64,
}

impl Sums {
    pub(super) fn add(&mut self, float: f64, integer: f64) {
        let difference = float - integer;
        self.count += 1;
        self.max_abs = self.max_abs.max(difference.abs());
        self.abs += difference.abs();
        self.noise += difference * difference;
        self.float += float * float;
        self.integer += integer * integer;
        self.product += float * integer;
    }

    pub(super) fn errors(&self) -> Errors {
        let count = self.count.max(1) as f64;
        let sqnr_db = (self.noise > 0.0 && self.float > 0.0)
            .then(|| 10.0 * libm::log10(self.float / self.noise));
        let norms = libm::sqrt(self.float) * libm::sqrt(self.integer);
        Errors {
            count: self.count,
            max_abs: self.max_abs,
            mean_abs: self.abs / count,
            rmse: libm::sqrt(self.noise / count),
            sqnr_db,
            cosine: (norms > 0.0).then(|| self.product / norms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_three_pairs() {
        let mut sums = Sums::default();
        for (float, integer) in [(3.0, 3.0), (-4.0, -3.0), (0.0, 1.0)] {
            sums.add(float, integer);
        }
        let errors = sums.errors();
        assert_eq!((errors.count, errors.max_abs), (3, 1.0));
        assert!((errors.mean_abs - 2.0 / 3.0).abs() < 1e-12);
        assert!((errors.rmse - (2.0f64 / 3.0).sqrt()).abs() < 1e-12);
        let sqnr = errors.sqnr_db.expect("noise");
        assert!((sqnr - 10.0 * 12.5f64.log10()).abs() < 1e-12);
        let cosine = errors.cosine.expect("signal");
        assert!((cosine - 21.0 / (5.0 * 19f64.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn no_noise_and_no_signal_have_no_ratio() {
        let mut sums = Sums::default();
        sums.add(2.0, 2.0);
        assert_eq!(sums.errors().sqnr_db, None);
        assert_eq!(Sums::default().errors(), Errors::default());
    }
}
