//! Columns cut into parts of one kind, and the bytes in which they travel.

use halo2curves::bn256::Fr;
use halo2curves::serde::SerdeObject;
use rayon::prelude::*;

use crate::proving::msm::{MAX_SMALL, MsmError, Scalars};

/// How a device gets scalars; numbered as the kernels do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Field elements in Montgomery form, 32 bytes.
    Field = 0,
    I16 = 1,
    I32 = 2,
    I64 = 3,
}

impl Kind {
    /// Bytes of a scalar.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Field => 32,
            Self::I16 => 2,
            Self::I32 => 4,
            Self::I64 => 8,
        }
    }
}

/// Scalars of one kind that are next to each other in a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Position of the column in the call.
    pub(super) column: usize,
    /// The base of the first scalar.
    pub(super) first: usize,
    pub(super) values: Values<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Values<'a> {
    Field(&'a [Fr]),
    Small {
        values: &'a [i64],
        /// The greatest magnitude, not 0.
        magnitude: u64,
        /// The narrowest that holds them all.
        kind: Kind,
    },
}

impl<'a> Part<'a> {
    pub(super) fn len(&self) -> usize {
        match self.values {
            Values::Field(values) => values.len(),
            Values::Small { values, .. } => values.len(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.values {
            Values::Field(_) => Kind::Field,
            Values::Small { kind, .. } => kind,
        }
    }

    /// Small values of a column; `None` when all are zero.
    fn small(column: usize, values: &'a [i64]) -> Result<Option<Self>, MsmError> {
        if let Some(row) = values.iter().position(|value| value.unsigned_abs() > MAX_SMALL) {
            return Err(MsmError::ValueOutOfRange { column, row });
        }
        let least = values.iter().copied().min().unwrap_or(0);
        let most = values.iter().copied().max().unwrap_or(0);
        let kind = if i16::try_from(least).is_ok() && i16::try_from(most).is_ok() {
            Kind::I16
        } else if i32::try_from(least).is_ok() && i32::try_from(most).is_ok() {
            Kind::I32
        } else {
            Kind::I64
        };
        let magnitude = least.unsigned_abs().max(most.unsigned_abs());
        let values = Values::Small { values, magnitude, kind };
        Ok((magnitude != 0).then_some(Self { column, first: 0, values }))
    }

    fn field(column: usize, first: usize, values: &'a [Fr]) -> Option<Self> {
        (!values.is_empty()).then_some(Self { column, first, values: Values::Field(values) })
    }

    /// Writes rows `from ..` as a device wants them, up to the length of `to`; zeros where there are none.
    pub(super) fn write(&self, from: usize, to: &mut [u8]) {
        fn convert<T>(values: &[T], to: &mut [u8], size: usize, write: impl Fn(&T, &mut [u8])) {
            let rows = (to.len() / size).min(values.len());
            let (to, padding) = to.split_at_mut(rows * size);
            padding.fill(0);
            to.chunks_exact_mut(size).zip(values).for_each(|(to, value)| write(value, to));
        }
        let size = self.kind().bytes();
        let from = from.min(self.len());
        match self.values {
            Values::Field(values) => convert(&values[from..], to, size, |value, mut to| {
                // Writing to a slice of the right length does not fail.
                let _ = value.write_raw(&mut to);
            }),
            // Little-endian bytes of a narrower integer are the first ones.
            Values::Small { values, .. } => convert(&values[from..], to, size, |value, to| {
                to.copy_from_slice(&value.to_le_bytes()[..size]);
            }),
        }
    }
}

/// The parts of all columns that are not known to be zero.
pub(super) fn parts<'a>(columns: &[Scalars<'a>]) -> Result<Vec<Part<'a>>, MsmError> {
    let parts: Vec<[Option<Part<'a>>; 2]> = columns
        .par_iter()
        .enumerate()
        .map(|(column, scalars)| match *scalars {
            Scalars::Full(values) => Ok([None, Part::field(column, 0, values)]),
            Scalars::Small { values, tail } => {
                Ok([Part::small(column, values)?, Part::field(column, values.len(), tail)])
            }
        })
        .collect::<Result<_, MsmError>>()?;
    Ok(parts.into_iter().flatten().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ff::Field;

    #[test]
    fn integers_take_the_narrowest_kind() {
        for (values, kind, magnitude) in [
            (vec![0, 1, -1], Kind::I16, 1),
            (vec![32767, -32768], Kind::I16, 32768),
            (vec![32768], Kind::I32, 32768),
            (vec![-32769, 5], Kind::I32, 32769),
            (vec![2147483647, -2147483648], Kind::I32, 1 << 31),
            (vec![2147483648], Kind::I64, 1 << 31),
            (vec![1 << 62, -(1 << 62)], Kind::I64, 1 << 62),
        ] {
            let part = Part::small(0, &values).unwrap().unwrap();
            let Values::Small { magnitude: got, .. } = part.values else { panic!() };
            assert_eq!((part.kind(), got), (kind, magnitude), "{values:?}");
            let size = kind.bytes();
            let mut bytes = vec![7; (values.len() + 2) * size];
            part.write(0, &mut bytes);
            for (row, bytes) in bytes.chunks(size).enumerate() {
                let sign = if bytes[size - 1] >> 7 == 1 { 0xff } else { 0 };
                let mut wide = [sign; 8];
                wide[..size].copy_from_slice(bytes);
                assert_eq!(i64::from_le_bytes(wide), values.get(row).copied().unwrap_or(0));
            }
        }
        assert!(Part::small(0, &[0, 0]).unwrap().is_none());
        let error = MsmError::ValueOutOfRange { column: 3, row: 1 };
        assert_eq!(Part::small(3, &[0, i64::MIN]).unwrap_err(), error);
    }

    #[test]
    fn rows_of_field_elements() {
        let values = [Fr::ONE, Fr::from(5), -Fr::ONE];
        let part = Part::field(0, 0, &values).unwrap();
        let mut bytes = vec![7; 96];
        part.write(1, &mut bytes);
        assert_eq!(bytes[..32], values[1].to_raw_bytes());
        assert_eq!(bytes[32..64], values[2].to_raw_bytes());
        assert_eq!(bytes[64..], [0; 32]);
        part.write(5, &mut bytes);
        assert_eq!(bytes, [0; 96]);
    }

    #[test]
    fn a_column_is_its_integers_and_its_tail() {
        let tail = [Fr::ONE; 2];
        let columns = [
            Scalars::Small { values: &[0; 5], tail: &tail },
            Scalars::Small { values: &[3, 0, 0], tail: &[] },
            Scalars::Full(&tail),
            Scalars::Full(&[]),
        ];
        let parts = parts(&columns).unwrap();
        let summary: Vec<_> =
            parts.iter().map(|part| (part.column, part.first, part.len(), part.kind())).collect();
        let expected = [(0, 5, 2, Kind::Field), (1, 0, 3, Kind::I16), (2, 0, 2, Kind::Field)];
        assert_eq!(summary, expected);
    }
}
