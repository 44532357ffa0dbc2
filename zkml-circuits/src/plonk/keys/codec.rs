//! Bytes of keys: big-endian, canonical, of exact length, closed by a Keccak checksum.
//!
//! ```text
//! magic          8 bytes: six letters, a zero, the version
//! body           as the key's own module says
//! checksum      32 bytes: keccak256 of all that precedes
//! ```
//!
//! The checksum tells a damaged file from a wrong one; it is no protection against an author, so
//! every field is checked as well.

use std::io;

use ff::PrimeField;
use group::{cofactor::CofactorGroup, prime::PrimeCurveAffine};
use halo2curves::{
    CurveAffine,
    bn256::{Fq, Fq2, Fr, G1Affine, G2Affine},
};
use sha3::{Digest, Keccak256};

use super::LayoutError;
use crate::plonk::transcript::{
    POINT_BYTES, SCALAR_BYTES, point_from_bytes, point_to_bytes, scalar_from_bytes, scalar_to_bytes,
};

/// Bytes of the file's head.
pub(super) const MAGIC_BYTES: usize = 8;
/// Bytes of the checksum.
pub(super) const CHECKSUM_BYTES: usize = 32;
/// Bytes of a point of G2.
pub(super) const G2_BYTES: usize = 128;

/// Why bytes are not a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFormatError {
    /// Reading failed.
    #[error("the key could not be read: {0}")]
    Io(#[from] io::Error),
    /// Another kind of file, or another version.
    #[error("not a {expected} of version {version}: its first bytes are {got}")]
    Magic {
        /// Kind of key.
        expected: &'static str,
        /// Supported version.
        version: u8,
        /// What was found, in hexadecimal.
        got: String,
    },
    /// The size does not follow from the head.
    #[error("a key of this constraint system with k = {k} has {expected} bytes, got {got}")]
    Length {
        /// Logarithm of the number of rows, from the file.
        k: u32,
        /// Expected size.
        expected: u64,
        /// Actual size.
        got: u64,
    },
    /// Too short to hold even the fields of fixed size.
    #[error("a key has at least {expected} bytes, got {got}")]
    Short {
        /// Least size.
        expected: u64,
        /// Actual size.
        got: u64,
    },
    /// A count differs from the constraint system's.
    #[error("the key has {got} {what}, the constraint system {expected}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The constraint system's count.
        expected: usize,
        /// The key's count.
        got: u64,
    },
    /// The number of rows is out of range.
    #[error("k is {got}, expected {min} to {max}")]
    Rows {
        /// Least value for the constraint system.
        min: u32,
        /// Greatest value.
        max: u32,
        /// The key's value.
        got: u32,
    },
    /// Public words do not fit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The values of a column are not encoded in the least bytes that hold them.
    #[error("{what} {index} of the key takes {got} bytes a value, not the least of 1, 2, 4 and 32")]
    Width {
        /// What the column is.
        what: &'static str,
        /// Its position.
        index: usize,
        /// Bytes a value.
        got: u8,
    },
    /// A value is not a canonical field element.
    #[error("{what} {index} of the key is not a canonical field element")]
    Scalar {
        /// What the value is.
        what: &'static str,
        /// Its position.
        index: usize,
    },
    /// The number of a cell is greater than those of the permuted columns.
    #[error("permuted column {column} of the key names cell {got} of {cells}")]
    Cell {
        /// Position of the column.
        column: usize,
        /// The number.
        got: u32,
        /// How many cells there are.
        cells: u64,
    },
    /// A point is not a canonical point of the group.
    #[error("{what} {index} of the key is not a point of the group")]
    Point {
        /// What the point is.
        what: &'static str,
        /// Its position.
        index: usize,
    },
    /// The bytes were altered.
    #[error("the key's checksum does not match: the file is damaged")]
    Checksum,
}

/// Writes a key.
#[derive(Debug)]
pub(super) struct Writer<W> {
    to: W,
    hash: Keccak256,
}

impl<W: io::Write> Writer<W> {
    pub(super) fn new(to: W, magic: &[u8; MAGIC_BYTES]) -> io::Result<Self> {
        let mut writer = Self { to, hash: Keccak256::new() };
        writer.bytes(magic)?;
        Ok(writer)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.to.write_all(bytes)
    }

    pub(super) fn scalar(&mut self, scalar: &Fr) -> io::Result<()> {
        self.bytes(&scalar_to_bytes(scalar))
    }

    pub(super) fn checksum(mut self) -> io::Result<()> {
        let sum: [u8; CHECKSUM_BYTES] = self.hash.finalize().into();
        self.to.write_all(&sum)
    }
}

/// Reads a key of known length.
#[derive(Debug)]
pub(super) struct Reader<R> {
    from: R,
    length: u64,
    position: u64,
    hash: Keccak256,
    /// Of the block read last, for its memory.
    #[cfg(feature = "prover")]
    buffer: Vec<u8>,
}

impl<R: io::Read> Reader<R> {
    pub(super) fn new(
        from: R,
        length: u64,
        magic: &[u8; MAGIC_BYTES],
        expected: &'static str,
    ) -> Result<Self, KeyFormatError> {
        let mut reader = Self {
            from,
            length,
            position: 0,
            hash: Keccak256::new(),
            #[cfg(feature = "prover")]
            buffer: Vec::new(),
        };
        let got = reader.array::<MAGIC_BYTES>()?;
        if got == *magic {
            Ok(reader)
        } else {
            let [.., version] = *magic;
            Err(KeyFormatError::Magic { expected, version, got: hex::encode(got) })
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], KeyFormatError> {
        let mut bytes = [0; N];
        self.advance(N as u64)?;
        self.from.read_exact(&mut bytes)?;
        self.hash.update(bytes);
        Ok(bytes)
    }

    /// Reads `length` bytes at once and decodes them while they are hashed.
    #[cfg(feature = "prover")]
    pub(super) fn block<T: Send>(
        &mut self,
        length: u64,
        decode: impl FnOnce(&[u8]) -> Result<T, KeyFormatError> + Send,
    ) -> Result<T, KeyFormatError> {
        let end = self.advance(length)?;
        let short = |_| KeyFormatError::Short { expected: end, got: self.length };
        self.buffer.resize(usize::try_from(length).map_err(short)?, 0);
        self.from.read_exact(&mut self.buffer)?;
        let Self { hash, buffer, .. } = self;
        rayon::join(|| hash.update(&*buffer), || decode(buffer)).1
    }

    /// Moves on by `bytes` that the file must have, and as many more as a checksum takes.
    fn advance(&mut self, bytes: u64) -> Result<u64, KeyFormatError> {
        let end = self.position.saturating_add(bytes);
        let expected = end.saturating_add(CHECKSUM_BYTES as u64);
        if expected > self.length {
            return Err(KeyFormatError::Short { expected, got: self.length });
        }
        self.position = end;
        Ok(end)
    }

    pub(super) fn u32(&mut self) -> Result<u32, KeyFormatError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, KeyFormatError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn scalar(
        &mut self,
        what: &'static str,
        index: usize,
    ) -> Result<Fr, KeyFormatError> {
        let bytes = self.array::<SCALAR_BYTES>()?;
        scalar_from_bytes(&bytes).ok_or(KeyFormatError::Scalar { what, index })
    }

    /// A commitment; that of a zero column is the point at infinity, 64 zero bytes.
    pub(super) fn commitment(
        &mut self,
        what: &'static str,
        index: usize,
    ) -> Result<G1Affine, KeyFormatError> {
        let bytes = self.array::<POINT_BYTES>()?;
        if bytes == [0; POINT_BYTES] {
            return Ok(G1Affine::identity());
        }
        point_from_bytes(&bytes).map_err(|_| KeyFormatError::Point { what, index })
    }

    /// A point of G2 other than the one at infinity.
    pub(super) fn g2(&mut self, what: &'static str) -> Result<G2Affine, KeyFormatError> {
        let bytes = self.array::<G2_BYTES>()?;
        g2_from_bytes(&bytes).ok_or(KeyFormatError::Point { what, index: 0 })
    }

    /// Compares the checksum, with which the key must end. `k` is the key's.
    pub(super) fn checksum(mut self, k: u32) -> Result<(), KeyFormatError> {
        let (expected, got) = (self.position + CHECKSUM_BYTES as u64, self.length);
        if expected != got {
            return Err(KeyFormatError::Length { k, expected, got });
        }
        let expected: [u8; CHECKSUM_BYTES] = self.hash.finalize().into();
        let mut got = [0; CHECKSUM_BYTES];
        self.from.read_exact(&mut got)?;
        if got == expected { Ok(()) } else { Err(KeyFormatError::Checksum) }
    }
}

/// `x || y`; zeros for the point at infinity.
pub(super) fn commitment_to_bytes(point: &G1Affine) -> [u8; POINT_BYTES] {
    point_to_bytes(point).unwrap_or([0; POINT_BYTES])
}

/// `x.c1 || x.c0 || y.c1 || y.c0`, as EIP-197 has it.
pub(super) fn g2_to_bytes(point: &G2Affine) -> [u8; G2_BYTES] {
    let mut bytes = [0; G2_BYTES];
    let coordinates = [point.x.c1, point.x.c0, point.y.c1, point.y.c0];
    for (to, coordinate) in bytes.chunks_exact_mut(32).zip(coordinates) {
        to.copy_from_slice(&coordinate.to_repr());
        to.reverse();
    }
    bytes
}

fn g2_from_bytes(bytes: &[u8; G2_BYTES]) -> Option<G2Affine> {
    let mut coordinates = bytes.chunks_exact(32).map(|chunk| {
        let mut repr = [0; 32];
        for (to, from) in repr.iter_mut().zip(chunk.iter().rev()) {
            *to = *from;
        }
        Option::<Fq>::from(Fq::from_repr(repr))
    });
    let mut next = || coordinates.next().flatten();
    let (x1, x0, y1, y0) = (next()?, next()?, next()?, next()?);
    let point: G2Affine = Option::from(G2Affine::from_xy(Fq2::new(x0, x1), Fq2::new(y0, y1)))?;
    let good = !bool::from(point.is_identity()) && bool::from(point.to_curve().is_torsion_free());
    good.then_some(point)
}
