//! `TensorProto` to typed elements.
//!
//! Lengths are checked against the dimensions before anything is allocated. Raw data is
//! little-endian, whatever the machine. `float16` and `bfloat16` become `f32`, exactly. Two numbers of
//! 4 bits share a byte, the first in its lower half.

use super::{
    Constant, Elements, ExternalError,
    external::ExternalData,
    half::{bfloat_to_f32, half_to_f32},
    proto::{TensorProto, tensor_proto::DataLocation, tensor_proto::DataType},
};
use crate::tensor::{Shape, ShapeError};

/// Why a stored tensor is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// Elements of a type that is not supported.
    #[error(
        "elements are {dtype}, expected float32, float64, float16, bfloat16, int64, int32, int16, \
         uint16, int8, uint8, int4, uint4 or bool"
    )]
    Dtype {
        /// Name or number of the type.
        dtype: String,
    },
    /// A negative dimension.
    #[error("dimension {axis} is {dim}")]
    NegativeDim {
        /// The axis.
        axis: usize,
        /// Its size.
        dim: i64,
    },
    /// Too many elements.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The data does not fill the shape.
    #[error("shape {shape} needs {expected} {unit}, `{field}` holds {got}")]
    Length {
        /// Shape of the tensor.
        shape: Shape,
        /// The field with the data.
        field: &'static str,
        /// Bytes or elements.
        unit: &'static str,
        /// Needed.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// Data in two fields, or in one that does not go with the element type.
    #[error("data is in `{found}`, expected it in `{expected}` or `raw_data` alone")]
    Field {
        /// Field that should not be there.
        found: &'static str,
        /// Typed field of the element type.
        expected: &'static str,
    },
    /// A stored number outside of the range of its element type.
    #[error("element {element} is {value}, not a {dtype}")]
    Element {
        /// Index of the element.
        element: usize,
        /// Its value.
        value: i64,
        /// Element type.
        dtype: &'static str,
    },
    /// A piece of a tensor stored in parts.
    #[error("segmented tensors are not supported")]
    Segment,
    /// Data outside of the model file.
    #[error(transparent)]
    External(#[from] ExternalError),
}

impl Constant {
    /// Decodes a stored tensor.
    pub(crate) fn decode(
        tensor: &TensorProto,
        external: &mut ExternalData,
    ) -> Result<Self, TensorError> {
        let shape = shape_of(tensor)?;
        if tensor.segment.is_some() {
            return Err(TensorError::Segment);
        }
        let dtype = Dtype::of(tensor)?;
        let source = Source { tensor, shape: &shape, dtype };
        source.check_fields()?;
        let is_external = tensor.data_location == Some(DataLocation::External as i32);
        let elements = if is_external {
            if tensor.raw_data.is_some() || source.typed().next().is_some() {
                return Err(ExternalError::Inline.into());
            }
            // At most 2^28 elements of 8 bytes.
            let bytes = external.read(tensor, dtype.bytes(shape.len()) as u64)?;
            source.read_bytes(&bytes, "external data")?
        } else if let Some(bytes) = tensor.raw_data.as_deref().filter(|raw| !raw.is_empty()) {
            source.read_bytes(bytes, "raw_data")?
        } else {
            source.read_typed()?
        };
        Ok(Self { shape, elements })
    }
}

/// Dimensions of a stored tensor.
pub(crate) fn shape_of(tensor: &TensorProto) -> Result<Shape, TensorError> {
    let mut dims = Vec::with_capacity(tensor.dims.len());
    for (axis, &dim) in tensor.dims.iter().enumerate() {
        dims.push(usize::try_from(dim).map_err(|_| TensorError::NegativeDim { axis, dim })?);
    }
    Ok(Shape::new(dims)?)
}

/// Name of an element type, for messages.
pub(crate) fn dtype_name(code: i32) -> String {
    DataType::try_from(code)
        .map_or_else(|_| format!("type {code}"), |dtype| dtype.as_str_name().to_lowercase())
}

/// The element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dtype {
    F32,
    F64,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    U16,
    I8,
    U8,
    I4,
    U4,
    Bool,
}

impl Dtype {
    fn of(tensor: &TensorProto) -> Result<Self, TensorError> {
        let code = tensor.data_type.unwrap_or(DataType::Undefined as i32);
        Ok(match DataType::try_from(code) {
            Ok(DataType::Float) => Self::F32,
            Ok(DataType::Double) => Self::F64,
            Ok(DataType::Float16) => Self::F16,
            Ok(DataType::Bfloat16) => Self::Bf16,
            Ok(DataType::Int64) => Self::I64,
            Ok(DataType::Int32) => Self::I32,
            Ok(DataType::Int16) => Self::I16,
            Ok(DataType::Uint16) => Self::U16,
            Ok(DataType::Int8) => Self::I8,
            Ok(DataType::Uint8) => Self::U8,
            Ok(DataType::Int4) => Self::I4,
            Ok(DataType::Uint4) => Self::U4,
            Ok(DataType::Bool) => Self::Bool,
            _ => return Err(TensorError::Dtype { dtype: dtype_name(code) }),
        })
    }

    /// Bytes of so many elements, of which there are at most 2^28.
    fn bytes(self, count: usize) -> usize {
        match self {
            Self::F64 | Self::I64 => 8 * count,
            Self::F32 | Self::I32 => 4 * count,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2 * count,
            Self::I8 | Self::U8 | Self::Bool => count,
            Self::I4 | Self::U4 => count.div_ceil(2),
        }
    }

    /// Elements of the typed field for so many elements.
    fn fields(self, count: usize) -> usize {
        if matches!(self, Self::I4 | Self::U4) { count.div_ceil(2) } else { count }
    }

    /// The typed field that may hold the elements.
    fn field(self) -> &'static str {
        match self {
            Self::F32 => "float_data",
            Self::F64 => "double_data",
            Self::I64 => "int64_data",
            _ => "int32_data",
        }
    }
}

struct Source<'a> {
    tensor: &'a TensorProto,
    shape: &'a Shape,
    dtype: Dtype,
}

impl Source<'_> {
    /// Typed fields that hold something, with their number of elements.
    fn typed(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let t = self.tensor;
        [
            ("float_data", t.float_data.len()),
            ("double_data", t.double_data.len()),
            ("int32_data", t.int32_data.len()),
            ("int64_data", t.int64_data.len()),
            ("uint64_data", t.uint64_data.len()),
            ("string_data", t.string_data.len()),
        ]
        .into_iter()
        .filter(|(_, len)| *len > 0)
    }

    fn check_fields(&self) -> Result<(), TensorError> {
        let raw = self.tensor.raw_data.as_ref().is_some_and(|raw| !raw.is_empty());
        let expected = self.dtype.field();
        match self.typed().find(|(field, _)| raw || *field != expected) {
            Some((found, _)) => Err(TensorError::Field { found, expected }),
            None => Ok(()),
        }
    }

    fn check_length(
        &self,
        (field, unit): (&'static str, &'static str),
        expected: usize,
        got: usize,
    ) -> Result<(), TensorError> {
        if expected == got {
            return Ok(());
        }
        Err(TensorError::Length { shape: self.shape.clone(), field, unit, expected, got })
    }

    fn read_bytes(&self, bytes: &[u8], field: &'static str) -> Result<Elements, TensorError> {
        self.check_length((field, "bytes"), self.dtype.bytes(self.shape.len()), bytes.len())?;
        Ok(match self.dtype {
            Dtype::F32 => Elements::F32(words(bytes, f32::from_le_bytes)),
            Dtype::F64 => Elements::F64(words(bytes, f64::from_le_bytes)),
            Dtype::I64 => Elements::I64(words(bytes, i64::from_le_bytes)),
            Dtype::I32 => Elements::I32(words(bytes, i32::from_le_bytes)),
            Dtype::F16 => Elements::F32(words(bytes, |b| half_to_f32(u16::from_le_bytes(b)))),
            Dtype::Bf16 => Elements::F32(words(bytes, |b| bfloat_to_f32(u16::from_le_bytes(b)))),
            Dtype::I16 => Elements::I16(words(bytes, i16::from_le_bytes)),
            Dtype::U16 => Elements::U16(words(bytes, u16::from_le_bytes)),
            Dtype::I8 => Elements::I8(words(bytes, i8::from_le_bytes)),
            Dtype::U8 => Elements::U8(bytes.to_vec()),
            Dtype::I4 => Elements::I4(self.halves(bytes).map(signed).collect()),
            Dtype::U4 => Elements::U4(self.halves(bytes).collect()),
            Dtype::Bool => {
                Elements::Bool(self.narrow(bytes.iter().map(|b| i32::from(*b)), "bool", bit)?)
            }
        })
    }

    fn read_typed(&self) -> Result<Elements, TensorError> {
        let t = self.tensor;
        let (field, got) = match self.dtype {
            Dtype::F32 => ("float_data", t.float_data.len()),
            Dtype::F64 => ("double_data", t.double_data.len()),
            Dtype::I64 => ("int64_data", t.int64_data.len()),
            _ => ("int32_data", t.int32_data.len()),
        };
        self.check_length((field, "elements"), self.dtype.fields(self.shape.len()), got)?;
        let ints = t.int32_data.iter().copied();
        Ok(match self.dtype {
            Dtype::F32 => Elements::F32(t.float_data.clone()),
            Dtype::F64 => Elements::F64(t.double_data.clone()),
            Dtype::I64 => Elements::I64(t.int64_data.clone()),
            Dtype::I32 => Elements::I32(t.int32_data.clone()),
            Dtype::I16 => Elements::I16(self.narrow(ints, "int16", |v| v.try_into().ok())?),
            Dtype::U16 => Elements::U16(self.narrow(ints, "uint16", |v| v.try_into().ok())?),
            Dtype::I8 => Elements::I8(self.narrow(ints, "int8", |v| v.try_into().ok())?),
            Dtype::U8 => Elements::U8(self.narrow(ints, "uint8", |v| v.try_into().ok())?),
            Dtype::I4 | Dtype::U4 => {
                let byte = |v: i32| u8::try_from(v).ok();
                let bytes = self.narrow(ints, "pair of 4 bits", byte)?;
                self.read_bytes(&bytes, field)?
            }
            Dtype::Bool => Elements::Bool(self.narrow(ints, "bool", bit)?),
            // The bit patterns, as unsigned numbers.
            Dtype::F16 => {
                Elements::F32(self.narrow(ints, "float16", |v| v.try_into().ok().map(half_to_f32))?)
            }
            Dtype::Bf16 => Elements::F32(
                self.narrow(ints, "bfloat16", |v| v.try_into().ok().map(bfloat_to_f32))?,
            ),
        })
    }

    /// The halves of bytes, the lower one first.
    fn halves(&self, bytes: &[u8]) -> impl Iterator<Item = u8> {
        bytes.iter().flat_map(|byte| [byte & 15, byte >> 4]).take(self.shape.len())
    }

    fn narrow<T>(
        &self,
        values: impl Iterator<Item = i32>,
        dtype: &'static str,
        convert: impl Fn(i32) -> Option<T>,
    ) -> Result<Vec<T>, TensorError> {
        values
            .enumerate()
            .map(|(element, v)| {
                convert(v).ok_or(TensorError::Element { element, value: v.into(), dtype })
            })
            .collect()
    }
}

/// 4 bits as a number from -8 to 7.
fn signed(half: u8) -> i8 {
    // Below 16.
    let half = half as i8;
    if half < 8 { half } else { half - 16 }
}

fn bit(value: i32) -> Option<bool> {
    (0..=1).contains(&value).then_some(value == 1)
}

/// `bytes` in words of `N`; the caller has checked the length.
fn words<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|word| convert(*word)).collect()
}

#[cfg(test)]
mod tests;
