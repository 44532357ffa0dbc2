//! The arrays of a file, whatever its format.

use super::{DataError, parse_json, parse_npy, parse_npz};
use crate::tensor::Tensor;
use std::{fs::File, io::Read, path::Path};

/// Format of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `{"name": nested list}` or one nested list.
    Json,
    /// One numpy array.
    Npy,
    /// Numpy arrays by name.
    Npz,
}

/// The arrays of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrays {
    /// One without a name.
    Single(Tensor<f32>),
    /// By name, in the file's order; names are unique.
    Named(Vec<(String, Tensor<f32>)>),
}

impl Format {
    /// The format that the extension of a file name says.
    ///
    /// # Errors
    /// [`DataError::UnknownFormat`].
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("json") => Ok(Self::Json),
            Some("npy") => Ok(Self::Npy),
            Some("npz") => Ok(Self::Npz),
            _ => Err(DataError::UnknownFormat { file: path.display().to_string() }),
        }
    }
}

impl Arrays {
    /// Largest file read, also after unpacking: 1 GiB and a header.
    pub const MAX_BYTES: u64 = (1 << 30) + (1 << 17);

    /// Reads a file by its extension.
    ///
    /// # Errors
    /// [`DataError`] naming the file.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let format = Format::of(path)?;
        let file = path.display().to_string();
        let fail = |source| DataError::Read { file: file.clone(), source };
        let handle = File::open(path).map_err(fail)?;
        let mut bytes = Vec::new();
        // One byte more than allowed tells that there is more, whatever the metadata says.
        handle.take(Self::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
        Self::parse(&bytes, format, &file)
    }

    /// Parses the contents of a file called `file` in messages.
    ///
    /// # Errors
    /// [`DataError`] naming the file.
    pub fn parse(bytes: &[u8], format: Format, file: &str) -> Result<Self, DataError> {
        if bytes.len() as u64 > Self::MAX_BYTES {
            let (limit, unit) = (Self::MAX_BYTES, "bytes");
            return Err(DataError::TooLarge { file: file.into(), limit, unit });
        }
        match format {
            Format::Json => parse_json(bytes, file),
            Format::Npy => parse_npy(bytes, file).map(Self::Single),
            Format::Npz => parse_npz(bytes, file).map(Self::Named),
        }
    }
}
