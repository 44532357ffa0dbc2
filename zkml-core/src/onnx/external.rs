//! Tensor data in files beside the model (`TensorProto.data_location = EXTERNAL`).
//!
//! The location comes from an untrusted file. It must be a relative path of plain components that
//! stays, symbolic links resolved, below the model's directory and names a regular file; the range
//! must lie in the file and be exactly as long as the tensor. All of that is checked before memory
//! is allocated, and all external data together is limited.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
};

use sha3::{Digest, Keccak256};

use super::proto::TensorProto;

/// Why external data is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalError {
    /// The model came from memory, without a directory.
    #[error("data is external, but the model was not read from a directory")]
    NoDirectory,
    /// No `location` entry.
    #[error("external data names no location")]
    NoLocation,
    /// The location is not a plain relative path below the model's directory.
    #[error("external location `{location}` must be a relative path inside the model's directory")]
    Path {
        /// The location given.
        location: String,
    },
    /// The location, symbolic links resolved, lies outside of the model's directory.
    #[error("external location `{location}` leads out of the model's directory")]
    Escape {
        /// The location given.
        location: String,
    },
    /// The location is a directory, pipe or device.
    #[error("external location `{location}` is not a regular file")]
    NotAFile {
        /// The location given.
        location: String,
    },
    /// The file cannot be read.
    #[error("external location `{location}`: {source}")]
    Io {
        /// The location given.
        location: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// An offset or length that is not a decimal number.
    #[error("external `{key}` is `{value}`, expected a whole number from 0")]
    Number {
        /// Entry.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// An entry given twice.
    #[error("external `{key}` is given twice")]
    Twice {
        /// The entry.
        key: String,
    },
    /// The length is not that of the tensor.
    #[error("external data has {got} bytes, the tensor needs {expected}")]
    Length {
        /// Bytes of the tensor.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// The range is not within the file.
    #[error(
        "external range of {length} bytes at {offset} is outside of `{location}`, {file} bytes"
    )]
    Range {
        /// The location given.
        location: String,
        /// First byte.
        offset: u64,
        /// Number of bytes.
        length: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// More external data than the limit.
    #[error("external data in all takes more than the limit of {limit} bytes")]
    TooLarge {
        /// Bytes accepted.
        limit: u64,
    },
    /// Tensor data both inside and outside of the model.
    #[error("data is external, but the tensor also holds data")]
    Inline,
}

/// Reads external data and keeps a digest of all that was read.
#[derive(Debug)]
pub(crate) struct ExternalData {
    directory: Option<PathBuf>,
    limit: u64,
    used: u64,
    /// Keccak-256 of each range, in the order read.
    digests: Vec<[u8; 32]>,
}

impl ExternalData {
    pub(crate) fn new(directory: Option<PathBuf>, limit: u64) -> Self {
        Self { directory, limit, used: 0, digests: Vec::new() }
    }

    /// Bytes read so far.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    pub(crate) fn digests(&self) -> &[[u8; 32]] {
        &self.digests
    }

    /// The data of `tensor`, which takes `expected` bytes.
    pub(crate) fn read(
        &mut self,
        tensor: &TensorProto,
        expected: u64,
    ) -> Result<Vec<u8>, ExternalError> {
        let entries = Entries::of(tensor)?;
        let location = entries.location;
        let path = self.resolve(location)?;
        let io = |source| ExternalError::Io { location: location.to_owned(), source };
        // Checked before opening, which would wait for ever on a pipe.
        let metadata = std::fs::metadata(&path).map_err(io)?;
        if !metadata.is_file() {
            return Err(ExternalError::NotAFile { location: location.to_owned() });
        }
        let (file, offset) = (metadata.len(), entries.offset);
        let length = entries.length.unwrap_or_else(|| file.saturating_sub(offset));
        if length != expected {
            return Err(ExternalError::Length { expected, got: length });
        }
        if offset.checked_add(length).is_none_or(|end| end > file) {
            let location = location.to_owned();
            return Err(ExternalError::Range { location, offset, length, file });
        }
        self.used = self.used.saturating_add(length);
        if self.used > self.limit {
            return Err(ExternalError::TooLarge { limit: self.limit });
        }
        let mut reader = File::open(&path).map_err(io)?;
        reader.seek(SeekFrom::Start(offset)).map_err(io)?;
        let mut bytes = Vec::new();
        reader.take(length).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 != length {
            // The file shrank meanwhile.
            return Err(ExternalError::Length { expected, got: bytes.len() as u64 });
        }
        self.digests.push(Keccak256::digest(&bytes).into());
        Ok(bytes)
    }

    fn resolve(&self, location: &str) -> Result<PathBuf, ExternalError> {
        let directory = self.directory.as_deref().ok_or(ExternalError::NoDirectory)?;
        let relative = Path::new(location);
        // A backslash or colon separates paths or drives on other platforms; a model must mean
        // the same everywhere.
        let plain = !location.is_empty()
            && !location.contains(['\\', ':', '\0'])
            && relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(ExternalError::Path { location: location.to_owned() });
        }
        let io = |source| ExternalError::Io { location: location.to_owned(), source };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let root = directory.canonicalize().map_err(io)?;
        let path = root.join(relative).canonicalize().map_err(io)?;
        if !path.starts_with(&root) {
            return Err(ExternalError::Escape { location: location.to_owned() });
        }
        Ok(path)
    }
}

/// The entries of `external_data`. A `checksum` or unknown entries do not say where the data is.
struct Entries<'a> {
    location: &'a str,
    offset: u64,
    length: Option<u64>,
}

impl<'a> Entries<'a> {
    fn of(tensor: &'a TensorProto) -> Result<Self, ExternalError> {
        let (mut location, mut offset, mut length) = (None, None, None);
        for entry in &tensor.external_data {
            let slot = match entry.key() {
                "location" => &mut location,
                "offset" => &mut offset,
                "length" => &mut length,
                _ => continue,
            };
            if slot.replace(entry.value()).is_some() {
                return Err(ExternalError::Twice { key: entry.key().to_owned() });
            }
        }
        let number = |key, text: Option<&str>| {
            text.map(|text| {
                text.parse::<u64>().map_err(|_| ExternalError::Number {
                    key,
                    value: text.chars().take(40).collect(),
                })
            })
            .transpose()
        };
        Ok(Self {
            location: location.ok_or(ExternalError::NoLocation)?,
            offset: number("offset", offset)?.unwrap_or(0),
            length: number("length", length)?,
        })
    }
}
