//! Constants of a model at import: typed elements and a shape.

use crate::tensor::{Shape, ShapeError};

/// Elements of a constant, by type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Elements {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    /// From -8 to 7.
    I4(Vec<i8>),
    /// From 0 to 15.
    U4(Vec<u8>),
    Bool(Vec<bool>),
}

/// A constant of the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) shape: Shape,
    pub(crate) elements: Elements,
}

impl Elements {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::I8(v) | Self::I4(v) => v.len(),
            Self::U8(v) | Self::U4(v) => v.len(),
            Self::Bool(v) => v.len(),
        }
    }

    /// The elements at `indices`, all of which must be below the length.
    pub(crate) fn pick(&self, indices: &[u32]) -> Self {
        fn of<T: Copy>(v: &[T], indices: &[u32]) -> Vec<T> {
            indices.iter().map(|at| v[*at as usize]).collect()
        }
        match self {
            Self::F32(v) => Self::F32(of(v, indices)),
            Self::F64(v) => Self::F64(of(v, indices)),
            Self::I64(v) => Self::I64(of(v, indices)),
            Self::I32(v) => Self::I32(of(v, indices)),
            Self::I16(v) => Self::I16(of(v, indices)),
            Self::U16(v) => Self::U16(of(v, indices)),
            Self::I8(v) => Self::I8(of(v, indices)),
            Self::U8(v) => Self::U8(of(v, indices)),
            Self::I4(v) => Self::I4(of(v, indices)),
            Self::U4(v) => Self::U4(of(v, indices)),
            Self::Bool(v) => Self::Bool(of(v, indices)),
        }
    }

    /// Adds the elements of `other`; false if they are of another type.
    pub(crate) fn append(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::F32(a), Self::F32(b)) => a.extend_from_slice(b),
            (Self::F64(a), Self::F64(b)) => a.extend_from_slice(b),
            (Self::I64(a), Self::I64(b)) => a.extend_from_slice(b),
            (Self::I32(a), Self::I32(b)) => a.extend_from_slice(b),
            (Self::I16(a), Self::I16(b)) => a.extend_from_slice(b),
            (Self::U16(a), Self::U16(b)) => a.extend_from_slice(b),
            (Self::I8(a), Self::I8(b)) | (Self::I4(a), Self::I4(b)) => a.extend_from_slice(b),
            (Self::U8(a), Self::U8(b)) | (Self::U4(a), Self::U4(b)) => a.extend_from_slice(b),
            (Self::Bool(a), Self::Bool(b)) => a.extend_from_slice(b),
            _ => return false,
        }
        true
    }

    /// As doubles; `int64` is rounded.
    pub(crate) fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F32(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Self::F64(v) => v.clone(),
            Self::I64(v) => v.iter().map(|v| *v as f64).collect(),
            Self::I32(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Self::I16(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Self::U16(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Self::I8(v) | Self::I4(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Self::U8(v) | Self::U4(v) => v.iter().map(|v| f64::from(*v)).collect(),
            Self::Bool(v) => v.iter().map(|v| f64::from(u8::from(*v))).collect(),
        }
    }

    /// As whole numbers; `None` for floats.
    pub(crate) fn to_i64(&self) -> Option<Vec<i64>> {
        Some(match self {
            Self::F32(_) | Self::F64(_) => return None,
            Self::I64(v) => v.clone(),
            Self::I32(v) => v.iter().map(|v| i64::from(*v)).collect(),
            Self::I16(v) => v.iter().map(|v| i64::from(*v)).collect(),
            Self::U16(v) => v.iter().map(|v| i64::from(*v)).collect(),
            Self::I8(v) | Self::I4(v) => v.iter().map(|v| i64::from(*v)).collect(),
            Self::U8(v) | Self::U4(v) => v.iter().map(|v| i64::from(*v)).collect(),
            Self::Bool(v) => v.iter().map(|v| i64::from(*v)).collect(),
        })
    }

    /// `values` in the type of `self`, an integer type; `None` if one does not fit.
    pub(crate) fn with_i64(&self, values: Vec<i64>) -> Option<Self> {
        fn narrow<T: TryFrom<i64>>(values: Vec<i64>) -> Option<Vec<T>> {
            values.into_iter().map(|v| T::try_from(v).ok()).collect()
        }
        Some(match self {
            Self::I64(_) => Self::I64(values),
            Self::I32(_) => Self::I32(narrow(values)?),
            Self::I16(_) => Self::I16(narrow(values)?),
            Self::U16(_) => Self::U16(narrow(values)?),
            Self::I8(_) => Self::I8(narrow(values)?),
            Self::U8(_) => Self::U8(narrow(values)?),
            Self::I4(_) | Self::U4(_) => {
                let (least, most) = self.limits()?;
                let fits = values.iter().all(|v| (least..=most).contains(v));
                fits.then_some(())?;
                match self {
                    Self::I4(_) => Self::I4(narrow(values)?),
                    _ => Self::U4(narrow(values)?),
                }
            }
            Self::F32(_) | Self::F64(_) | Self::Bool(_) => return None,
        })
    }

    /// Least and greatest number of an integer type.
    pub(crate) fn limits(&self) -> Option<(i64, i64)> {
        Some(match self {
            Self::I64(_) => (i64::MIN, i64::MAX),
            Self::I32(_) => (i32::MIN.into(), i32::MAX.into()),
            Self::I16(_) => (i16::MIN.into(), i16::MAX.into()),
            Self::U16(_) => (0, u16::MAX.into()),
            Self::I8(_) => (i8::MIN.into(), i8::MAX.into()),
            Self::U8(_) => (0, u8::MAX.into()),
            Self::I4(_) => (-8, 7),
            Self::U4(_) => (0, 15),
            Self::F32(_) | Self::F64(_) | Self::Bool(_) => return None,
        })
    }

    pub(crate) fn dtype(&self) -> &'static str {
        match self {
            Self::F32(_) => "float32",
            Self::F64(_) => "float64",
            Self::I64(_) => "int64",
            Self::I32(_) => "int32",
            Self::I16(_) => "int16",
            Self::U16(_) => "uint16",
            Self::I8(_) => "int8",
            Self::U8(_) => "uint8",
            Self::I4(_) => "int4",
            Self::U4(_) => "uint4",
            Self::Bool(_) => "bool",
        }
    }
}

impl Constant {
    /// `shape` and `elements` agree; checked in every build, for it guards all index arithmetic.
    pub(crate) fn new(shape: Shape, elements: Elements) -> Result<Self, ShapeError> {
        if shape.len() != elements.len() {
            let (expected, got) = (shape.len(), elements.len());
            return Err(ShapeError::Length { shape, expected, got });
        }
        Ok(Self { shape, elements })
    }

    /// A tensor of one axis.
    pub(crate) fn vector(elements: Elements) -> Result<Self, ShapeError> {
        Self::new(Shape::new(vec![elements.len()])?, elements)
    }

    /// A tensor of no axes.
    pub(crate) fn scalar(elements: Elements) -> Result<Self, ShapeError> {
        Self::new(Shape::scalar(), elements)
    }
}
