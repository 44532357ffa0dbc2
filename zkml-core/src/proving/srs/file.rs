//! Our own file of a structured reference string.
//!
//! ```text
//! magic            8   "zkml-srs"
//! version          4   1                                    integers are little-endian
//! k                4
//! provenance       1   0 development seed, 1 local randomness, 2 ceremony
//! file hash       32   Keccak-256 of the ceremony's file; zero otherwise
//! name length      2   at most 255; 0 unless a ceremony
//! name             *   UTF-8
//! [1]_2, [s]_2   256   points as in `encoding`
//! monomial       64 (n + 1)
//! lagrange       64 n
//! checksum        32   Keccak-256 of everything before
//! ```
//!
//! Loading trusts nothing: the length is compared with the header's before anything of that size
//! is allocated, every point is checked, and the points are checked against each other. The
//! checksum only tells damage from malice.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use halo2curves::bn256::G2Affine;
use sha3::{Digest, Keccak256};

use super::check::{check_lagrange, check_powers, check_provenance};
use super::encoding::{G1_BYTES, G2_BYTES, g1_from_bytes, g1_to_bytes, g2_from_bytes, g2_to_bytes};
use super::reader::PointReader;
use super::string::require_size;
use super::{Ceremony, InsecureOrigin, PointFault, Provenance, Srs, SrsError};
use crate::proving::write_atomically;

const MAGIC: [u8; 8] = *b"zkml-srs";
const VERSION: u32 = 1;
const MAX_NAME: usize = 255;
/// Bytes up to and including the name's length.
const FIXED_HEADER: u64 = 8 + 4 + 4 + 1 + 32 + 2;
const CHECKSUM_BYTES: u64 = 32;

impl Srs {
    /// Writes the string to `path`: the file appears complete or not at all.
    ///
    /// # Errors
    /// [`SrsError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), SrsError> {
        write_atomically(path, |file| self.write(file))
            .map_err(|source| SrsError::Io { file: path.display().to_string(), source })
    }

    /// The file that [`Self::save`] writes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("a vector takes every byte");
        bytes
    }

    /// Reads a string from `path` and checks it whole: lengths, checksum, every point, the pairing
    /// relation between all powers, and the Lagrange basis.
    ///
    /// # Errors
    /// Any [`SrsError`] that concerns files.
    pub fn load(path: &Path) -> Result<Self, SrsError> {
        let name = path.display().to_string();
        let io_error = |source| SrsError::Io { file: name.clone(), source };
        let file = File::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        Self::read(BufReader::with_capacity(1 << 18, file), length, &name)
    }

    fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut out = HashingWriter { inner: writer, hash: Keccak256::new() };
        out.put(&MAGIC)?;
        out.put(&VERSION.to_le_bytes())?;
        out.put(&self.k().to_le_bytes())?;
        let (kind, hash, source) = match self.provenance() {
            Provenance::Insecure(InsecureOrigin::DevelopmentSeed) => (0, [0; 32], ""),
            Provenance::Insecure(InsecureOrigin::LocalRandomness) => (1, [0; 32], ""),
            Provenance::Ceremony(ceremony) => (2, ceremony.keccak256, ceremony.source.as_str()),
        };
        let source = truncated(source, MAX_NAME).as_bytes();
        out.put(&[kind])?;
        out.put(&hash)?;
        out.put(&(source.len() as u16).to_le_bytes())?;
        out.put(source)?;
        out.put(&g2_to_bytes(&self.g2()))?;
        out.put(&g2_to_bytes(&self.s_g2()))?;
        for point in self.monomial().iter().chain(self.lagrange()) {
            out.put(&g1_to_bytes(point))?;
        }
        let checksum = out.hash.finalize();
        writer.write_all(&checksum)
    }

    /// Reads a string of `length` bytes in all; `name` is what errors call the file.
    pub(super) fn read(reader: impl Read, length: u64, name: &str) -> Result<Self, SrsError> {
        let mut input = PointReader::new(reader, name);
        let header = input.srs_header(length)?;
        let n = 1usize << header.k;
        let g2 = input.g2_point(0)?;
        let s_g2 = input.g2_point(1)?;
        if g2 != G2Affine::generator() {
            return Err(input.point_error("points in G2", 0, PointFault::NotGenerator));
        }
        let monomial = input.g1_points("powers in G1", n + 1, g1_from_bytes)?;
        let lagrange = input.g1_points("Lagrange basis", n, g1_from_bytes)?;
        input.finish()?;
        check_provenance(name, &s_g2, &header.provenance)?;
        check_powers(name, &monomial, &s_g2)?;
        check_lagrange(name, &monomial, &lagrange)?;
        Ok(Self::from_parts(header.k, monomial, lagrange, g2, s_g2, header.provenance))
    }
}

struct Header {
    k: u32,
    provenance: Provenance,
}

impl<R: Read> PointReader<'_, R> {
    fn srs_header(&mut self, length: u64) -> Result<Header, SrsError> {
        let magic: [u8; 8] = self.array("the magic number")?;
        if magic != MAGIC {
            return Err(self.header_error(
                "the magic number",
                "\"zkml-srs\"",
                format!("\"{}\"", magic.escape_ascii()),
            ));
        }
        let version = self.u32("the version")?;
        if version != VERSION {
            return Err(self.header_error("the version", "1", version.to_string()));
        }
        let k = self.u32("k")?;
        require_size(self.name(), k)?;
        let [kind] = self.array("the provenance")?;
        let hash: [u8; 32] = self.array("the ceremony's hash")?;
        let name_length = usize::from(u16::from_le_bytes(self.array("the name's length")?));
        if name_length > MAX_NAME {
            return Err(self.header_error(
                "the name's length",
                "at most 255",
                name_length.to_string(),
            ));
        }
        let expected = file_length(k, name_length);
        if length != expected {
            return Err(SrsError::Length {
                file: self.name().into(),
                what: format!("an SRS file of k = {k}"),
                expected,
                got: length,
            });
        }
        let mut source = vec![0; name_length];
        self.fill(&mut source, "the ceremony's name")?;
        let provenance = self.provenance(kind, hash, source)?;
        Ok(Header { k, provenance })
    }

    fn provenance(
        &self,
        kind: u8,
        hash: [u8; 32],
        source: Vec<u8>,
    ) -> Result<Provenance, SrsError> {
        if kind != 2 && (hash != [0; 32] || !source.is_empty()) {
            return Err(self.header_error(
                "the ceremony's hash and name",
                "empty, since the string is marked insecure",
                format!("a name of {} bytes, hash {}", source.len(), hex::encode(hash)),
            ));
        }
        match kind {
            0 => Ok(Provenance::Insecure(InsecureOrigin::DevelopmentSeed)),
            1 => Ok(Provenance::Insecure(InsecureOrigin::LocalRandomness)),
            2 => match String::from_utf8(source) {
                Ok(source) => Ok(Provenance::Ceremony(Ceremony { source, keccak256: hash })),
                Err(error) => Err(self.header_error(
                    "the ceremony's name",
                    "UTF-8",
                    error.utf8_error().to_string(),
                )),
            },
            _ => Err(self.header_error("the provenance", "0, 1 or 2", kind.to_string())),
        }
    }

    fn g2_point(&mut self, index: usize) -> Result<G2Affine, SrsError> {
        let bytes: [u8; G2_BYTES] = self.array("the points in G2")?;
        g2_from_bytes(&bytes).map_err(|fault| self.point_error("points in G2", index, fault))
    }

    /// Compares the checksum and makes sure that nothing follows it.
    fn finish(mut self) -> Result<(), SrsError> {
        let got = self.digest();
        let expected: [u8; 32] = self.array("the checksum")?;
        if got != expected {
            return Err(SrsError::Checksum {
                file: self.name().into(),
                expected: hex::encode(expected),
                got: hex::encode(got),
            });
        }
        self.require_end()
    }
}

/// Hashes what it writes.
struct HashingWriter<'a, W> {
    inner: &'a mut W,
    hash: Keccak256,
}

impl<W: Write> HashingWriter<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes)
    }
}

/// The longest prefix of `text` of at most `limit` bytes.
fn truncated(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Length of the file of a string of size `2^k`; cannot overflow for a `k` that exists.
fn file_length(k: u32, name_length: usize) -> u64 {
    let points = 2 * (1u64 << k) + 1;
    FIXED_HEADER
        + name_length as u64
        + 2 * G2_BYTES as u64
        + points * G1_BYTES as u64
        + CHECKSUM_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_string_loads_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dev.srs");
        for k in [1, 5] {
            let srs = Srs::development(k).unwrap();
            srs.save(&path).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().len(), file_length(k, 0));
            assert_eq!(Srs::load(&path).unwrap(), srs);
        }
    }
}
