//! Numpy's `.npz`: a zip archive of `.npy` files, stored or deflated.

use super::{Arrays, DataError, parse_npy, write_npy};
use crate::tensor::Tensor;
use std::{
    collections::BTreeSet,
    io::{Cursor, Read, Write},
};
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Most arrays of a file.
const MAX_MEMBERS: usize = 1024;

/// Parses the arrays of an archive, by name, in its order. Members unpack to at most
/// [`Arrays::MAX_BYTES`] together, whatever the archive says of their sizes.
///
/// # Errors
/// [`DataError`] naming `file`, on any input whatever.
pub fn parse_npz(bytes: &[u8], file: &str) -> Result<Vec<(String, Tensor<f32>)>, DataError> {
    let malformed = |what: String| DataError::Malformed { file: file.into(), format: "npz", what };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| malformed(e.to_string()))?;
    if archive.len() > MAX_MEMBERS {
        let (limit, unit) = (MAX_MEMBERS as u64, "arrays");
        return Err(DataError::TooLarge { file: file.into(), limit, unit });
    }
    let mut left = Arrays::MAX_BYTES;
    let mut names = BTreeSet::new();
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(|e| malformed(e.to_string()))?;
        let path = member.name().map_err(|e| malformed(e.to_string()))?.into_owned();
        let name = path
            .strip_suffix(".npy")
            .ok_or_else(|| malformed(format!("member `{path}` is not an .npy file")))?;
        if !names.insert(name.to_owned()) {
            return Err(malformed(format!("two members `{path}`")));
        }
        let too_large = || DataError::TooLarge {
            file: file.into(),
            limit: Arrays::MAX_BYTES,
            unit: "bytes unpacked",
        };
        let mut data = Vec::new();
        member.take(left + 1).read_to_end(&mut data).map_err(|e| malformed(e.to_string()))?;
        if data.len() as u64 > left {
            return Err(too_large());
        }
        let array = parse_npy(&data, &format!("{file} ({path})"))?;
        // Elements of one byte grow to four.
        let held = (4 * array.data().len()).max(data.len()) as u64;
        left = left.checked_sub(held).ok_or_else(too_large)?;
        arrays.push((name.to_owned(), array));
    }
    Ok(arrays)
}

/// The arrays as an archive, deflated; the same bytes for the same arrays.
///
/// # Errors
/// [`DataError::Write`] when the archive cannot hold them.
pub fn write_npz(arrays: &[(String, Tensor<f32>)]) -> Result<Vec<u8>, DataError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut write = || {
        for (name, tensor) in arrays {
            writer.start_file(format!("{name}.npy"), options)?;
            writer.write_all(&write_npy(tensor))?;
        }
        Ok(())
    };
    let fail = |e: zip::result::ZipError| DataError::Write { format: "npz", what: e.to_string() };
    write().map_err(fail)?;
    Ok(writer.finish().map_err(fail)?.into_inner())
}
