//! Numpy's `.npy`: magic, version, a Python dictionary as header, raw elements.
//!
//! ```text
//! \x93NUMPY major minor  length (u16, from version 2 on u32, little endian)
//! {'descr': '<f4', 'fortran_order': False, 'shape': (20, 64), }   padded with spaces
//! elements
//! ```
//!
//! Format: numpy.lib.format, versions 1.0, 2.0, 3.0.

use super::DataError;
use crate::tensor::{Shape, Tensor};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest header read; numpy itself writes one of 128 bytes.
const MAX_HEADER: usize = 1 << 16;

/// Most axes read, as many as numpy has.
const MAX_RANK: usize = 64;

/// Parses an array; integers and doubles become the nearest `f32`, booleans 0 and 1.
///
/// # Errors
/// [`DataError`] naming `file`, on any input whatever.
pub fn parse_npy(bytes: &[u8], file: &str) -> Result<Tensor<f32>, DataError> {
    let malformed = |what: String| DataError::Malformed { file: file.into(), format: "npy", what };
    let (header, data) = split(bytes).map_err(malformed)?;
    let header = Header::parse(header).map_err(malformed)?;
    let element = Element::of(&header.descr).ok_or_else(|| DataError::ElementType {
        file: file.into(),
        expected: "little-endian floats (4, 8), integers (1, 2, 4, 8) or booleans",
        got: header.descr.clone(),
    })?;
    let shape = Shape::new(header.shape.clone()).map_err(|e| malformed(e.to_string()))?;
    let expected = shape.len() * element.size();
    if data.len() != expected {
        let what = format!("shape {shape} needs {expected} bytes of data, got {}", data.len());
        return Err(malformed(what));
    }
    let values: Vec<f32> = data.chunks_exact(element.size()).map(|e| element.value(e)).collect();
    let tensor = if header.fortran_order {
        // The elements of the transposed array in row-major order.
        let reversed = Shape::new(header.shape.iter().rev().copied().collect());
        let perm: Vec<usize> = (0..header.shape.len()).rev().collect();
        let (shape, map) = reversed
            .and_then(|reversed| reversed.transpose_map(&perm))
            .map_err(|e| malformed(e.to_string()))?;
        Tensor::new(shape, map.iter().map(|&at| values[at as usize]).collect())
    } else {
        Tensor::new(shape, values)
    };
    tensor.map_err(|e| malformed(e.to_string()))
}

/// The array as an `.npy` file of `f32`, version 1.0.
pub fn write_npy(tensor: &Tensor<f32>) -> Vec<u8> {
    let dims = tensor.shape().dims();
    let mut shape: String = dims.iter().map(|d| format!("{d}, ")).collect();
    if dims.len() > 1 {
        shape.truncate(shape.len() - 2);
    }
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    // Magic, version and length are 10 bytes; the data starts at a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    // A shape of 64 axes has fewer than 2^16 characters.
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(tensor.data().iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

/// Header text and data.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("no \\x93NUMPY at the beginning")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => {
            // At most 2^32, within usize on the 64-bit machines this is built for.
            (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest)
        }
        [major, minor, ..] if !(1..=3).contains(major) => {
            return Err(format!("version {major}.{minor}, expected 1 to 3"));
        }
        _ => return Err("the file ends within its header".into()),
    };
    if length > MAX_HEADER {
        return Err(format!("a header of {length} bytes, expected at most {MAX_HEADER}"));
    }
    if rest.len() < length {
        return Err(format!("a header of {length} bytes, but the file has {}", rest.len()));
    }
    let (header, data) = rest.split_at(length);
    let header = std::str::from_utf8(header).map_err(|_| "the header is not text")?;
    Ok((header, data))
}

#[derive(Debug, Default)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Parses the dictionary literal: three keys with a string, a boolean, a tuple of integers.
    fn parse(text: &str) -> Result<Self, String> {
        let mut at = Cursor(text);
        let (mut descr, mut order, mut shape) = (None, None, None);
        at.expect('{')?;
        while !at.take('}') {
            let key = at.string()?;
            at.expect(':')?;
            match key {
                "descr" if at.peek('[') => return Err("elements are records".into()),
                "descr" => descr = Some(at.string()?.to_owned()),
                "fortran_order" => order = Some(at.boolean()?),
                "shape" => shape = Some(at.tuple()?),
                other => return Err(format!("header has the unknown key `{other}`")),
            }
            if !at.take(',') {
                at.expect('}')?;
                break;
            }
        }
        if !at.0.trim().is_empty() {
            return Err("something follows the header's dictionary".into());
        }
        match (descr, order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => {
                Ok(Self { descr, fortran_order, shape })
            }
            _ => Err("header lacks descr, fortran_order or shape".into()),
        }
    }
}

/// The rest of a header.
struct Cursor<'t>(&'t str);

impl<'t> Cursor<'t> {
    fn peek(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        self.0.starts_with(c)
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek(c);
        if found {
            self.0 = &self.0[c.len_utf8()..];
        }
        found
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.take(c) {
            return Ok(());
        }
        let got: String = self.0.chars().take(12).collect();
        Err(format!("header: expected `{c}` at `{got}`"))
    }

    fn string(&mut self) -> Result<&'t str, String> {
        let quote = if self.peek('"') { '"' } else { '\'' };
        self.expect(quote)?;
        let (string, rest) = self.0.split_once(quote).ok_or("header: a string does not end")?;
        self.0 = rest;
        Ok(string)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.0 = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err("header: fortran_order is not True or False".into())
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        self.expect('(')?;
        let mut dims = Vec::new();
        while !self.take(')') {
            if dims.len() == MAX_RANK {
                return Err(format!("more than {MAX_RANK} axes"));
            }
            dims.push(self.number()?);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(dims)
    }

    fn number(&mut self) -> Result<usize, String> {
        self.0 = self.0.trim_start();
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        // Python 2 wrote long integers with an L.
        self.0 = rest.strip_prefix('L').unwrap_or(rest);
        digits.parse().map_err(|_| format!("header: `{digits}` is not a length"))
    }
}

/// Type of the elements.
#[derive(Clone, Copy, Debug)]
enum Element {
    F32,
    F64,
    Signed(usize),
    Unsigned(usize),
    Bool,
}

impl Element {
    fn of(descr: &str) -> Option<Self> {
        Some(match descr {
            "<f4" | "=f4" => Self::F32,
            "<f8" | "=f8" => Self::F64,
            "<i8" | "=i8" => Self::Signed(8),
            "<i4" | "=i4" => Self::Signed(4),
            "<i2" | "=i2" => Self::Signed(2),
            "|i1" | "<i1" => Self::Signed(1),
            "<u8" | "=u8" => Self::Unsigned(8),
            "<u4" | "=u4" => Self::Unsigned(4),
            "<u2" | "=u2" => Self::Unsigned(2),
            "|u1" | "<u1" => Self::Unsigned(1),
            "|b1" | "<b1" => Self::Bool,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Signed(size) | Self::Unsigned(size) => size,
            Self::Bool => 1,
        }
    }

    /// The value of `size` little-endian bytes.
    fn value(self, bytes: &[u8]) -> f32 {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        let word = u64::from_le_bytes(word);
        match self {
            Self::F32 => f32::from_bits(word as u32),
            Self::F64 => f64::from_bits(word) as f32,
            Self::Unsigned(_) => word as f32,
            Self::Signed(size) => {
                // Moves the sign to the top and back.
                let unused = 64 - 8 * size as u32;
                ((word << unused) as i64 >> unused) as f32
            }
            Self::Bool => f32::from(u8::from(word != 0)),
        }
    }
}
