//! Columns by their values on all rows.

use std::borrow::Cow;

use halo2curves::bn256::Fr;

use super::integers::Integers;

/// The values of a column on all rows. Those of most fixed columns are small integers, which take a
/// small part of the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Signed integers.
    Small(Integers),
    /// Field elements, not all of them small.
    Full(Vec<Fr>),
}

impl Values {
    /// A column of these elements.
    pub(super) fn new(elements: Vec<Fr>) -> Self {
        let integers: Option<Vec<i64>> = elements.iter().map(small).collect();
        let integers = integers.and_then(|integers| Integers::new(&integers));
        integers.map_or(Self::Full(elements), Self::Small)
    }

    /// The values as field elements.
    pub(super) fn elements(&self) -> Cow<'_, [Fr]> {
        match self {
            Self::Small(integers) => integers.elements().into(),
            Self::Full(elements) => elements.into(),
        }
    }
}

/// The integer that an element stands for, if it is one of 64 bits.
fn small(element: &Fr) -> Option<i64> {
    let positive = |element: &Fr| {
        let bytes = element.to_bytes();
        let (low, high) = bytes.split_first_chunk::<8>()?;
        let low = i64::try_from(u64::from_le_bytes(*low)).ok()?;
        high.iter().all(|byte| *byte == 0).then_some(low)
    };
    positive(element).or_else(|| positive(&-element).map(|value| -value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::{Field, PrimeField};
    use zkml_core::proving::vector::from_integer;

    #[test]
    fn integers_are_recognised() {
        let ends = [0, 7, -7, i32::MAX, i32::MIN];
        let ends = ends.map(i64::from);
        let elements: Vec<Fr> = ends.map(from_integer).to_vec();
        let integers = || Values::Small(Integers::new(&ends).unwrap());
        assert_eq!(Values::new(elements.clone()), integers());
        assert_eq!(integers().elements(), elements);
        for other in [i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1, i64::MAX, i64::MIN] {
            let elements = vec![from_integer(other), Fr::ONE];
            assert_eq!(Values::new(elements.clone()), Values::Full(elements));
        }
        let elements = vec![Fr::DELTA, -Fr::DELTA];
        assert_eq!(Values::new(elements.clone()), Values::Full(elements.clone()));
        assert_eq!(Values::Full(elements.clone()).elements(), elements);
    }
}
