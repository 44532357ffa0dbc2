//! Reading a file of points front to back: bounded, hashed, and with errors that name the file.

use std::io::{self, Read};

use halo2curves::bn256::G1Affine;
use rayon::prelude::*;
use sha3::{Digest, Keccak256};

use super::encoding::G1_BYTES;
use super::{PointFault, SrsError};

/// Points decoded at a time: what reading allocates beyond the points kept.
const CHUNK: usize = 1 << 14;

/// Reads a file and hashes what it reads.
pub(super) struct PointReader<'a, R> {
    inner: R,
    hash: Keccak256,
    name: &'a str,
}

impl<'a, R: Read> PointReader<'a, R> {
    /// Reads from `inner`, which errors call `name`.
    pub(super) fn new(inner: R, name: &'a str) -> Self {
        Self { inner, hash: Keccak256::new(), name }
    }

    /// What errors call the file.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// Keccak-256 of everything read so far.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    /// Fills `bytes`, or says that the file ends `inside` the thing being read.
    pub(super) fn fill(&mut self, bytes: &mut [u8], inside: &str) -> Result<(), SrsError> {
        self.read(bytes, inside)?;
        self.hash.update(bytes);
        Ok(())
    }

    /// [`Self::fill`] without the hash.
    fn read(&mut self, bytes: &mut [u8], inside: &str) -> Result<(), SrsError> {
        self.inner.read_exact(bytes).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                SrsError::Truncated { file: self.name.into(), inside: inside.into() }
            }
            _ => SrsError::Io { file: self.name.into(), source },
        })
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, inside: &str) -> Result<[u8; N], SrsError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, inside)?;
        Ok(bytes)
    }

    /// The next four bytes, little-endian.
    pub(super) fn u32(&mut self, inside: &str) -> Result<u32, SrsError> {
        Ok(u32::from_le_bytes(self.array(inside)?))
    }

    /// Reads `length` bytes without keeping them.
    pub(super) fn skip(&mut self, mut length: u64, inside: &str) -> Result<(), SrsError> {
        let mut buffer = [0; 1 << 14];
        while length > 0 {
            let step = length.min(buffer.len() as u64) as usize;
            self.fill(&mut buffer[..step], inside)?;
            length -= step as u64;
        }
        Ok(())
    }

    /// Reads `count` points of G1 with `decode`; the caller has bounded `count`.
    pub(super) fn g1_points(
        &mut self,
        what: &'static str,
        count: usize,
        decode: fn(&[u8; G1_BYTES]) -> Result<G1Affine, PointFault>,
    ) -> Result<Vec<G1Affine>, SrsError> {
        // Grows with what the file really holds, whatever its header promised.
        let mut points = Vec::new();
        let mut buffer = vec![[0; G1_BYTES]; CHUNK.min(count)];
        while points.len() < count {
            let chunk = &mut buffer[..CHUNK.min(count - points.len())];
            self.read(chunk.as_flattened_mut(), what)?;
            let (name, first) = (self.name, points.len());
            let decode = |(offset, bytes)| {
                decode(bytes).map_err(|fault| SrsError::Point {
                    file: name.into(),
                    what,
                    index: first + offset,
                    fault,
                })
            };
            let (decoded, ()) = rayon::join(
                || chunk.par_iter().enumerate().map(decode).collect::<Result<Vec<_>, _>>(),
                || self.hash.update(chunk.as_flattened()),
            );
            points.append(&mut decoded?);
        }
        points.shrink_to_fit();
        Ok(points)
    }

    /// Makes sure that nothing follows.
    pub(super) fn require_end(&mut self) -> Result<(), SrsError> {
        match io::copy(&mut self.inner.by_ref().take(1), &mut io::sink()) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.header_error("the end of the file", "here", "more bytes".into())),
            Err(source) => Err(SrsError::Io { file: self.name.into(), source }),
        }
    }

    /// The error that field `what` is not as `expected`.
    pub(super) fn header_error(&self, what: &str, expected: &str, got: String) -> SrsError {
        SrsError::Header {
            file: self.name.into(),
            what: what.into(),
            expected: expected.into(),
            got,
        }
    }

    /// The error that point `index` of `what` has a `fault`.
    pub(super) fn point_error(
        &self,
        what: &'static str,
        index: usize,
        fault: PointFault,
    ) -> SrsError {
        SrsError::Point { file: self.name.into(), what, index, fault }
    }
}
