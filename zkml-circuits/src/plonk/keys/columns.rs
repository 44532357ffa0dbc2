//! Columns in the file of a proving key: as few bytes a value as the column allows.
//!
//! ```text
//! width      1 byte: 1, 2, 4 or 32
//! values     2^k of as many bytes, big-endian: signed integers, or field elements for 32
//!
//! for each permuted column
//!
//! successors 2^k of 4 bytes, big-endian: numbers of cells
//! ```
//!
//! The width is the least that holds every value, so that a column has one encoding. Most fixed
//! columns are flags, weights and table rows of at most 16 bits.

use std::io;

use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::codec::{KeyFormatError, Reader, Writer};
use crate::plonk::copies::Copies;
use crate::plonk::integers::{Integers, of_any_width};
use crate::plonk::transcript::{SCALAR_BYTES, scalar_from_bytes, scalar_to_bytes};
use crate::plonk::values::Values;

/// Widths of integers.
const WIDTHS: [usize; 3] = [1, 2, 4];
/// Values that one task decodes.
const CHUNK: usize = 1 << 12;

/// Writes columns.
pub(super) fn write<W: io::Write>(to: &mut Writer<W>, columns: &[Values]) -> io::Result<()> {
    let encoded: Vec<Vec<u8>> = columns.par_iter().map(encode).collect();
    encoded.iter().try_for_each(|column| to.bytes(column))
}

/// Writes permuted columns.
pub(super) fn write_copies<W: io::Write>(to: &mut Writer<W>, copies: &Copies) -> io::Result<()> {
    (0..copies.columns()).try_for_each(|column| {
        let numbers = copies.successors(column).iter();
        let bytes: Vec<u8> = numbers.flat_map(|number| number.to_be_bytes()).collect();
        to.bytes(&bytes)
    })
}

fn encode(column: &Values) -> Vec<u8> {
    match column {
        Values::Small(integers) => {
            let mut bytes = vec![integers.width() as u8];
            of_any_width!(integers, values => {
                bytes.extend(values.iter().flat_map(|value| value.to_be_bytes()));
            });
            bytes
        }
        Values::Full(elements) => {
            let bytes = elements.iter().flat_map(scalar_to_bytes);
            std::iter::once(SCALAR_BYTES as u8).chain(bytes).collect()
        }
    }
}

/// Reads columns.
pub(super) struct ColumnReader {
    rows: usize,
}

impl ColumnReader {
    /// For columns of `rows` values.
    pub(super) fn new(rows: usize) -> Self {
        Self { rows }
    }

    /// Reads `count` columns, which errors call `what`. A column is allocated once its bytes have
    /// been read: a byte of memory for each of the file, and nine more while it is decoded.
    pub(super) fn read<R: io::Read>(
        &self,
        from: &mut Reader<R>,
        what: &'static str,
        count: usize,
    ) -> Result<Vec<Values>, KeyFormatError> {
        let mut columns = Vec::new();
        for index in 0..count {
            let [got] = from.array()?;
            let width = usize::from(got);
            if !WIDTHS.contains(&width) && width != SCALAR_BYTES {
                return Err(KeyFormatError::Width { what, index, got });
            }
            let column = from.block(self.rows as u64 * u64::from(got), |bytes| {
                let column = if width == SCALAR_BYTES {
                    Values::new(field_elements(bytes, what)?)
                } else {
                    let integers = Integers::new(&integers(bytes, width));
                    Values::Small(integers.ok_or(KeyFormatError::Width { what, index, got })?)
                };
                let least = match &column {
                    Values::Small(integers) => integers.width(),
                    Values::Full(_) => SCALAR_BYTES,
                };
                let valid = width == least;
                if valid { Ok(column) } else { Err(KeyFormatError::Width { what, index, got }) }
            })?;
            columns.push(column);
        }
        Ok(columns)
    }

    /// Reads `count` permuted columns: for each cell the number of its successor.
    pub(super) fn read_copies<R: io::Read>(
        &self,
        from: &mut Reader<R>,
        count: usize,
    ) -> Result<Vec<Vec<u32>>, KeyFormatError> {
        let cells = count as u64 * self.rows as u64;
        let column = |index| {
            from.block(self.rows as u64 * size_of::<u32>() as u64, |bytes| {
                let number =
                    |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
                let numbers = bytes.par_chunks_exact(size_of::<u32>()).with_min_len(CHUNK);
                let check = |number: u32| match u64::from(number) < cells {
                    true => Ok(number),
                    false => Err(KeyFormatError::Cell { column: index, got: number, cells }),
                };
                numbers.map(|bytes| check(number(bytes))).collect()
            })
        };
        (0..count).map(column).collect()
    }
}

fn field_elements(bytes: &[u8], what: &'static str) -> Result<Vec<Fr>, KeyFormatError> {
    let (values, _) = bytes.as_chunks::<SCALAR_BYTES>();
    let decode =
        |(row, value)| scalar_from_bytes(value).ok_or(KeyFormatError::Scalar { what, index: row });
    values.par_iter().with_min_len(CHUNK).enumerate().map(decode).collect()
}

/// Signed integers of `width` bytes each.
fn integers(bytes: &[u8], width: usize) -> Vec<i64> {
    let unused = 8 * (size_of::<i32>() - width);
    let integer = |bytes: &[u8]| {
        let word = bytes.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        // The sign comes down from the top.
        i64::from((word << unused).cast_signed() >> unused)
    };
    bytes.par_chunks_exact(width).with_min_len(CHUNK).map(integer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plonk::integers::tests::ENDS;
    use crate::plonk::keys::codec::CHECKSUM_BYTES;
    use ff::PrimeField;
    use zkml_core::proving::vector::from_integer as signed;

    const MAGIC: &[u8; 8] = b"columns\x00";

    fn file(columns: &[Values]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut to = Writer::new(&mut bytes, MAGIC).unwrap();
        write(&mut to, columns).unwrap();
        to.checksum().unwrap();
        bytes
    }

    fn read(bytes: &[u8], rows: usize, count: usize) -> Result<Vec<Values>, KeyFormatError> {
        let mut from = Reader::new(bytes, bytes.len() as u64, MAGIC, "file of columns")?;
        let columns = ColumnReader::new(rows).read(&mut from, "column", count)?;
        from.checksum(3)?;
        Ok(columns)
    }

    #[test]
    fn columns_take_the_bytes_that_they_need() {
        let wide = [(32, [i64::from(i32::MIN) - 1, 0]), (32, [0, i64::from(i32::MAX) + 1])];
        for (width, values) in ENDS.into_iter().chain(wide) {
            let column = values.into_iter().chain([1, -1]).map(signed).collect();
            let column = Values::new(column);
            let bytes = file(std::slice::from_ref(&column));
            assert_eq!(bytes.len(), 8 + 1 + 4 * width + CHECKSUM_BYTES, "{values:?}");
            assert_eq!(read(&bytes, 4, 1).unwrap(), [column], "{values:?}");
        }
    }

    #[test]
    fn every_byte_of_an_integer_counts() {
        let values = [0x0102_0304, -0x0102_0304, 0x00ff_00ff, -1, -256, 255, 0x7f80_8180, 3];
        let columns = [values.map(signed).to_vec(), [Fr::DELTA; 8].to_vec()].map(Values::new);
        assert_eq!(read(&file(&columns), 8, 2).unwrap(), columns);
    }

    #[test]
    fn another_encoding_is_refused() {
        let columns = [Values::new([1, -1].map(signed).to_vec())];
        // The same column in more bytes, and in widths that there are not.
        let wider = |width: usize| {
            let mut bytes = MAGIC.to_vec();
            bytes.push(width as u8);
            for value in [1i64, -1] {
                match width {
                    32 => bytes.extend(scalar_to_bytes(&signed(value))),
                    width => bytes.extend(&value.to_be_bytes()[8 - width..]),
                }
            }
            bytes.extend([0; CHECKSUM_BYTES]);
            bytes
        };
        let good = file(&columns);
        assert_eq!(good[..11], wider(1)[..11]);
        for width in [0, 2, 3, 4, 8, 32] {
            let verdict = read(&wider(width), 2, 1);
            let got = width as u8;
            let expected = |e: &_| matches!(e, KeyFormatError::Width { got: g, .. } if *g == got);
            assert!(verdict.as_ref().is_err_and(expected), "{width}: {verdict:?}");
        }
    }

    #[test]
    fn values_and_cells_must_be_some() {
        let full = Values::new(vec![Fr::DELTA; 2]);
        let mut bytes = file(&[full]);
        bytes[8 + 1 + SCALAR_BYTES..][..SCALAR_BYTES].fill(0xff);
        let verdict = read(&bytes, 2, 1);
        assert!(matches!(verdict, Err(KeyFormatError::Scalar { what: "column", index: 1 })));

        let copies = Copies::new(1, vec![vec![3, 0], vec![1, 2]]);
        let mut bytes = Vec::new();
        let mut to = Writer::new(&mut bytes, MAGIC).unwrap();
        write_copies(&mut to, &copies).unwrap();
        to.checksum().unwrap();
        let read = |bytes: &[u8]| {
            let mut from = Reader::new(bytes, bytes.len() as u64, MAGIC, "file of columns")?;
            ColumnReader::new(2).read_copies(&mut from, 2)
        };
        assert_eq!(Copies::new(1, read(&bytes).unwrap()), copies);
        bytes[8 + 3 * 4 + 3] = 4;
        let verdict = read(&bytes);
        let expected = |e: &_| matches!(e, KeyFormatError::Cell { column: 1, got: 4, cells: 4 });
        assert!(verdict.as_ref().is_err_and(expected), "{verdict:?}");
    }

    #[test]
    fn nothing_is_allocated_for_rows_that_the_file_has_not() {
        let bytes = file(&[Values::new(vec![Fr::one(); 4])]);
        let verdict = read(&bytes, 1 << 40, 1);
        assert!(matches!(verdict, Err(KeyFormatError::Short { .. })), "{verdict:?}");
        let verdict = read(&bytes, 5, 1);
        assert!(matches!(verdict, Err(KeyFormatError::Short { .. })), "{verdict:?}");
    }
}
