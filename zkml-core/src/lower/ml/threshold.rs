//! Comparisons of a feature with a number, in `f32`.
//!
//! A threshold may be a double. A feature `x` is an `f32`, so that
//!
//! ```text
//! x <= t    x <= the greatest f32 up to t        x = t    never, if t is no f32
//! x < t     x < the least f32 from t on
//! ```

/// How a feature is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    /// `x <= t`.
    AtMost,
    /// `x < t`.
    Below,
    /// `x = t`.
    Equal,
}

/// A comparison that holds for some numbers and not for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column {
    pub(super) test: Test,
    pub(super) feature: usize,
    /// Bits of the threshold, in the order of numbers.
    key: i64,
}

impl Column {
    /// The comparison with `t`, which is not NaN. None if it never holds.
    pub(super) fn new(test: Test, feature: usize, t: f64) -> Option<Self> {
        let nearest = t as f32;
        let threshold = match test {
            Test::AtMost if f64::from(nearest) > t => nearest.next_down(),
            Test::Below if f64::from(nearest) < t => nearest.next_up(),
            Test::Equal if f64::from(nearest) != t => return None,
            _ => nearest,
        };
        let (test, threshold) = match (test, threshold) {
            (_, f32::NEG_INFINITY) | (Test::Equal, f32::INFINITY) => return None,
            // Every number is.
            (Test::AtMost | Test::Below, f32::INFINITY) => (Test::AtMost, f32::MAX),
            other => other,
        };
        // Minus zero is zero.
        let bits = (threshold + 0.0).to_bits();
        let magnitude = i64::from(bits & (u32::MAX >> 1));
        let key = if bits >> 31 == 0 { magnitude } else { -magnitude };
        Some(Self { test, feature, key })
    }

    pub(super) fn threshold(&self) -> f32 {
        // 31 bits.
        let magnitude = f32::from_bits(self.key.unsigned_abs() as u32);
        if self.key < 0 { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_rounded_away_from_what_they_hold_for() {
        let at = |test, t| Column::new(test, 0, t).map(|c| (c.test, c.threshold()));
        for t in [0.0f32, -0.0, 1.5, -3.25, f32::MIN_POSITIVE, f32::MAX, f32::MIN, 1e-45] {
            for test in [Test::AtMost, Test::Below, Test::Equal] {
                assert_eq!(at(test, t.into()), Some((test, t)), "{t}");
            }
        }
        let (low, high) = (1.0f32, 1.0f32.next_up());
        let between = (f64::from(low) + f64::from(high)) / 2.0;
        for t in [between, between - 1e-9, between + 1e-9] {
            assert_eq!(at(Test::AtMost, t), Some((Test::AtMost, low)));
            assert_eq!(at(Test::Below, t), Some((Test::Below, high)));
            assert_eq!(at(Test::Equal, t), None);
            assert_eq!(at(Test::AtMost, -t), Some((Test::AtMost, -high)));
            assert_eq!(at(Test::Below, -t), Some((Test::Below, -low)));
        }
        // Beyond every number.
        for t in [f64::INFINITY, 1e300] {
            assert_eq!(at(Test::AtMost, t), Some((Test::AtMost, f32::MAX)));
            assert_eq!(at(Test::Below, t), Some((Test::AtMost, f32::MAX)));
            assert_eq!(at(Test::Equal, t), None);
        }
        assert_eq!(at(Test::AtMost, f64::NEG_INFINITY), None);
        assert_eq!(at(Test::AtMost, -1e300), None);
        assert_eq!(at(Test::Below, f64::NEG_INFINITY), None);
        assert_eq!(at(Test::Below, -1e300), Some((Test::Below, f32::MIN)));
    }

    #[test]
    fn columns_are_ordered_by_test_feature_and_number() {
        let t = |test, feature, t| Column::new(test, feature, t).expect("holds for some");
        let ordered = [
            t(Test::AtMost, 0, -2.0),
            t(Test::AtMost, 0, -1.0),
            t(Test::AtMost, 0, 0.5),
            t(Test::AtMost, 1, -9.0),
            t(Test::Below, 0, 0.0),
        ];
        assert!(ordered.is_sorted_by(|a, b| a < b));
        assert_eq!(t(Test::AtMost, 0, -0.0), t(Test::AtMost, 0, 0.0));
    }
}
