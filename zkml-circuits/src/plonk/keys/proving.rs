//! The proving key: the verifying key, and the values of fixed columns and of the permutation.
//!
//! ```text
//! "ZKMLPK" 00 01
//! length of the verifying key, then its bytes       u64, as its module says
//! fixed columns, permutation columns                n field elements of 32 bytes each
//! checksum                                          32 bytes
//! ```
//!
//! The values are not compared with the commitments at load, which would cost a setup: a key whose
//! values differ makes proofs that its own verifying key rejects.

use std::io;

use halo2curves::bn256::Fr;
use zkml_core::proving::Fft;

use super::codec::{CHECKSUM_BYTES, KeyFormatError, MAGIC_BYTES, Reader, Writer};
use super::verifying::VerifyingKey;
use crate::plonk::program::Constraints;
use crate::plonk::protocol::Protocol;
use crate::plonk::transcript::SCALAR_BYTES;

const MAGIC: &[u8; MAGIC_BYTES] = b"ZKMLPK\x00\x01";

/// What a prover needs to know of a circuit.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    verifying: VerifyingKey,
    fixed: Columns,
    sigma: Columns,
    fft: Fft,
    constraints: Constraints,
}

/// Columns as values on the rows and as coefficients.
#[derive(Clone, Debug)]
pub(in crate::plonk) struct Columns {
    /// Values of the rows.
    pub(in crate::plonk) values: Vec<Vec<Fr>>,
    /// Coefficients of the polynomials through them.
    pub(in crate::plonk) coefficients: Vec<Vec<Fr>>,
}

impl Columns {
    fn new(values: Vec<Vec<Fr>>, fft: &Fft) -> Self {
        let coefficients = fft.interpolate_all(&values);
        Self { values, coefficients }
    }
}

impl ProvingKey {
    /// A key from columns of `2^k` values, in the numbers of the verifying key's protocol.
    pub(super) fn new(verifying: VerifyingKey, fixed: Vec<Vec<Fr>>, sigma: Vec<Vec<Fr>>) -> Self {
        let fft = Fft::new(verifying.k());
        let constraints = Constraints::new(verifying.protocol());
        Self {
            fixed: Columns::new(fixed, &fft),
            sigma: Columns::new(sigma, &fft),
            verifying,
            fft,
            constraints,
        }
    }

    /// The verifying key.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Fixed columns.
    pub(in crate::plonk) fn fixed(&self) -> &Columns {
        &self.fixed
    }

    /// Permutation columns: the cell `(i, row)` holds `delta^i' omega^row'` of its successor.
    pub(in crate::plonk) fn sigma(&self) -> &Columns {
        &self.sigma
    }

    pub(in crate::plonk) fn fft(&self) -> &Fft {
        &self.fft
    }

    /// All constraints, as the quotient needs them.
    pub(in crate::plonk) fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// Size of the file.
    #[must_use]
    pub fn byte_len(&self) -> u64 {
        file_len(self.verifying.protocol(), self.verifying.byte_len(), self.verifying.k())
    }

    /// Writes the key as a file.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, to: impl io::Write) -> io::Result<()> {
        let mut to = Writer::new(to, MAGIC)?;
        to.bytes(&self.verifying.byte_len().to_be_bytes())?;
        to.bytes(&self.verifying.to_bytes())?;
        for value in self.fixed.values.iter().chain(&self.sigma.values).flatten() {
            to.scalar(value)?;
        }
        to.checksum()
    }

    /// The key as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("writing to a vector does not fail");
        bytes
    }

    /// Reads a key of `protocol` from a source of `length` bytes. Nothing larger than `length` is
    /// allocated.
    ///
    /// # Errors
    /// A [`KeyFormatError`] for anything but the exact bytes of a key of this constraint system.
    pub fn read(
        from: impl io::Read,
        length: u64,
        protocol: &Protocol,
    ) -> Result<Self, KeyFormatError> {
        let mut from = Reader::new(from, MAGIC, "proving key")?;
        let verifying_len = from.u64()?;
        let got = length;
        let verifying_len = usize::try_from(verifying_len)
            .ok()
            .filter(|len| *len as u64 <= length)
            .ok_or(KeyFormatError::Short { expected: verifying_len, got })?;
        let verifying_bytes = read_bytes(&mut from, verifying_len)?;
        let verifying = VerifyingKey::from_bytes(&verifying_bytes, protocol)?;
        let k = verifying.k();
        let expected = file_len(protocol, verifying_len as u64, k);
        if got != expected {
            return Err(KeyFormatError::Length { k, expected, got });
        }
        let mut columns = |what, count| {
            (0..count)
                .map(|_| (0..1usize << k).map(|row| from.scalar(what, row)).collect())
                .collect::<Result<Vec<Vec<Fr>>, _>>()
        };
        let fixed = columns("fixed value of row", protocol.num_fixed)?;
        let sigma = columns("permutation value of row", protocol.permutation.len())?;
        from.checksum()?;
        Ok(Self::new(verifying, fixed, sigma))
    }

    /// Reads a key of `protocol`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_bytes(bytes: &[u8], protocol: &Protocol) -> Result<Self, KeyFormatError> {
        Self::read(bytes, bytes.len() as u64, protocol)
    }
}

/// Reads `len` bytes, allocating as they come.
fn read_bytes<R: io::Read>(from: &mut Reader<R>, len: usize) -> Result<Vec<u8>, KeyFormatError> {
    let mut bytes = Vec::new();
    for _ in 0..len {
        bytes.push(from.array::<1>()?[0]);
    }
    Ok(bytes)
}

fn file_len(protocol: &Protocol, verifying_len: u64, k: u32) -> u64 {
    let columns = (protocol.num_fixed + protocol.permutation.len()) as u64;
    let head = (MAGIC_BYTES + 8 + CHECKSUM_BYTES) as u64;
    // At most 2^28 rows of 32 bytes in as many columns as the protocol holds in memory.
    head + verifying_len + columns * SCALAR_BYTES as u64 * (1u64 << k)
}
