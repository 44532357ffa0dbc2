//! Columns by their values on all rows.

use std::borrow::Cow;

use halo2curves::bn256::Fr;
use zkml_core::proving::vector::from_integers;

/// The values of a column on all rows. Those of most fixed columns are small integers, which take
/// an eighth of the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Signed integers.
    Small(Vec<i32>),
    /// Field elements, not all of them small.
    Full(Vec<Fr>),
}

impl Values {
    /// A column of these elements.
    pub(super) fn new(elements: Vec<Fr>) -> Self {
        let integers: Option<Vec<i32>> = elements.iter().map(small).collect();
        integers.map_or(Self::Full(elements), Self::Small)
    }

    /// The values as field elements.
    pub(super) fn elements(&self) -> Cow<'_, [Fr]> {
        match self {
            Self::Small(integers) => from_integers(integers).into(),
            Self::Full(elements) => elements.into(),
        }
    }
}

/// The integer that an element stands for, if it is small.
fn small(element: &Fr) -> Option<i32> {
    let positive = |element: &Fr| {
        let bytes = element.to_bytes();
        let (low, high) = bytes.split_first_chunk::<8>()?;
        let low = i64::try_from(u64::from_le_bytes(*low)).ok()?;
        high.iter().all(|byte| *byte == 0).then_some(low)
    };
    let integer = positive(element).or_else(|| positive(&-element).map(|value| -value))?;
    i32::try_from(integer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::{Field, PrimeField};
    use zkml_core::proving::vector::from_integer;

    #[test]
    fn integers_are_recognised() {
        let ends = [0, 7, -7, i32::MAX, i32::MIN];
        let elements: Vec<Fr> = ends.map(|value| from_integer(value.into())).to_vec();
        assert_eq!(Values::new(elements.clone()), Values::Small(ends.to_vec()));
        assert_eq!(Values::Small(ends.to_vec()).elements(), elements);
        for other in [i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1, i64::MAX, i64::MIN] {
            let elements = vec![from_integer(other), Fr::ONE];
            assert_eq!(Values::new(elements.clone()), Values::Full(elements));
        }
        let elements = vec![Fr::DELTA, -Fr::DELTA];
        assert_eq!(Values::new(elements.clone()), Values::Full(elements.clone()));
        assert_eq!(Values::Full(elements.clone()).elements(), elements);
    }
}
