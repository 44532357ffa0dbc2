//! Comparisons of a feature with a number, in `f32`.
//!
//! Thresholds have the type of the features. Where that is double, both are rounded to `f32`, which
//! keeps their order: what held of doubles holds, and only numbers that one `f32` stands for are taken
//! to be equal.

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
        let threshold = t as f32;
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
    fn thresholds_are_rounded_as_features_are() {
        let at = |test, t| Column::new(test, 0, t).map(|c| (c.test, c.threshold()));
        for t in [0.0f32, -0.0, 1.5, -3.25, f32::MIN_POSITIVE, f32::MAX, f32::MIN, 1e-45] {
            for test in [Test::AtMost, Test::Below, Test::Equal] {
                assert_eq!(at(test, t.into()), Some((test, t)), "{t}");
            }
        }
        for t in [1.2f64, -0.1, 1.0 + 1e-12] {
            for test in [Test::AtMost, Test::Below, Test::Equal] {
                assert_eq!(at(test, t), Some((test, t as f32)));
            }
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
        assert_eq!(at(Test::Below, -1e300), None);
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
