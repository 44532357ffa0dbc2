//! Columns of integers, in as few bytes as hold them.
//!
//! Flags, weights, digits and table rows have 8 or 16 bits, and there are many of them: a proof
//! keeps all its columns to the end.

use halo2curves::bn256::Fr;
use zkml_core::proving::vector::write_integers;

/// Signed integers of at most 32 bits, in the least width that holds all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Integers {
    /// Of 8 bits.
    Bytes(Vec<i8>),
    /// Of 16 bits.
    Words(Vec<i16>),
    /// Of 32 bits.
    Longs(Vec<i32>),
}

/// Evaluates an expression of the integers, whatever their type.
macro_rules! of_any_width {
    ($integers:expr, $values:ident => $result:expr) => {
        match $integers {
            $crate::plonk::integers::Integers::Bytes($values) => $result,
            $crate::plonk::integers::Integers::Words($values) => $result,
            $crate::plonk::integers::Integers::Longs($values) => $result,
        }
    };
}
pub(super) use of_any_width;

impl Integers {
    /// No integers.
    pub(super) const NONE: &'static Self = &Self::Bytes(Vec::new());

    /// These integers; none if one has more than 32 bits.
    pub(crate) fn new(integers: &[i64]) -> Option<Self> {
        let bytes = narrow(integers).map(Self::Bytes);
        let words = || narrow(integers).map(Self::Words);
        let longs = || narrow(integers).map(Self::Longs);
        bytes.or_else(words).or_else(longs)
    }

    /// Bytes of an integer.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Bytes(_) => 1,
            Self::Words(_) => 2,
            Self::Longs(_) => 4,
        }
    }

    pub(super) fn len(&self) -> usize {
        of_any_width!(self, values => values.len())
    }

    /// The integer on a row; 0 after the last.
    pub(crate) fn at(&self, row: usize) -> i64 {
        of_any_width!(self, values => values.get(row).map_or(0, |value| i64::from(*value)))
    }

    /// All of them.
    pub(super) fn to_vec(&self) -> Vec<i64> {
        of_any_width!(self, values => values.iter().map(|value| i64::from(*value)).collect())
    }

    /// Them as elements.
    pub(super) fn elements(&self) -> Vec<Fr> {
        let mut elements = vec![Fr::zero(); self.len()];
        self.write(&mut elements);
        elements
    }

    /// Writes them as elements.
    pub(super) fn write(&self, to: &mut [Fr]) {
        of_any_width!(self, values => write_integers(values, to));
    }
}

/// Integers of another type, if it holds all of them.
fn narrow<I: TryFrom<i64>>(integers: &[i64]) -> Option<Vec<I>> {
    integers.iter().map(|integer| I::try_from(*integer).ok()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use zkml_core::proving::vector::from_integer;

    /// Widths, and pairs of integers that need them.
    pub(in crate::plonk) const ENDS: [(usize, [i64; 2]); 8] = [
        (1, [0, 0]),
        (1, [-128, 127]),
        (2, [-129, 0]),
        (2, [0, 128]),
        (2, [-32768, 32767]),
        (4, [-32769, 0]),
        (4, [0, 32768]),
        (4, [i32::MIN as i64, i32::MAX as i64]),
    ];

    #[test]
    fn integers_take_the_least_width_and_stay_what_they_are() {
        for (width, values) in ENDS {
            let values = [&values[..], &[1, -1]].concat();
            let integers = Integers::new(&values).expect("at most 32 bits");
            assert_eq!((integers.width(), integers.len()), (width, 4), "{values:?}");
            assert_eq!(integers.to_vec(), values);
            let at: Vec<i64> = (0..5).map(|row| integers.at(row)).collect();
            assert_eq!(at, [&values[..], &[0]].concat());
            assert_eq!(
                integers.elements(),
                values.into_iter().map(from_integer).collect::<Vec<Fr>>()
            );
        }
        for wide in [i64::from(i32::MIN) - 1, i64::from(i32::MAX) + 1, i64::MIN, i64::MAX] {
            assert_eq!(Integers::new(&[0, wide]), None);
        }
        assert_eq!(Integers::new(&[]).as_ref(), Some(Integers::NONE));
    }
}
