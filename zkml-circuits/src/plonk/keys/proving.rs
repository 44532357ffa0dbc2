//! The proving key: the verifying key, and the values of fixed columns and the permutation.
//!
//! ```text
//! "ZKMLPK" 00 03
//! length of the verifying key, then its bytes       u64, as its module says
//! fixed columns, permuted columns                   as `columns` says
//! checksum                                          32 bytes
//! ```
//!
//! The values are not compared with the commitments at load, which would cost a setup: a key whose
//! values differ makes proofs that its own verifying key rejects.

use std::io;

use zkml_core::proving::Fft;

use super::codec::{KeyFormatError, MAGIC_BYTES, Reader, Writer};
use super::columns::{self, ColumnReader};
use super::verifying::VerifyingKey;
use crate::plonk::copies::Copies;
use crate::plonk::program::Constraints;
use crate::plonk::protocol::Protocol;
use crate::plonk::prover::ProverObjective;
use crate::plonk::values::Values;

const MAGIC: &[u8; MAGIC_BYTES] = b"ZKMLPK\x00\x03";

/// What a prover needs to know of a circuit.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    verifying: VerifyingKey,
    fixed: Vec<Values>,
    copies: Copies,
    fft: Fft,
    objective: ProverObjective,
    constraints: Constraints,
}

impl ProvingKey {
    /// A key from columns of `2^k` values and permuted columns, in the numbers of the verifying
    /// key's protocol.
    pub(super) fn new(verifying: VerifyingKey, fixed: Vec<Values>, copies: Copies) -> Self {
        let (protocol, k) = (verifying.protocol(), verifying.k());
        let objective = ProverObjective::default();
        let constraints = Constraints::new(protocol, k, objective);
        Self { fixed, copies, fft: Fft::new(k), verifying, objective, constraints }
    }

    /// The key whose proofs are made with `objective`; it is not part of the file.
    #[must_use]
    pub fn with_objective(self, objective: ProverObjective) -> Self {
        if objective == self.objective {
            return self;
        }
        let (protocol, k) = (self.verifying.protocol(), self.verifying.k());
        Self { objective, constraints: Constraints::new(protocol, k, objective), ..self }
    }

    /// The key whose proofs keep computed columns, or do not.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn keeping_computed(self, keeps_computed: bool) -> Self {
        Self { constraints: self.constraints.keeping_computed(keeps_computed), ..self }
    }

    /// The key whose proofs are made a part of a coset at a time, of 1, 2, 4 or 8.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_parts(self, parts: usize) -> Self {
        Self { constraints: self.constraints.with_parts(parts), ..self }
    }

    /// The verifying key.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Fixed columns.
    pub(in crate::plonk) fn fixed(&self) -> &[Values] {
        &self.fixed
    }

    /// Which cells are copies of each other.
    pub(in crate::plonk) fn copies(&self) -> &Copies {
        &self.copies
    }

    pub(in crate::plonk) fn fft(&self) -> &Fft {
        &self.fft
    }

    /// All constraints, as the quotient needs them.
    pub(in crate::plonk) fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// Writes the key as a file.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, to: impl io::Write) -> io::Result<()> {
        let mut to = Writer::new(to, MAGIC)?;
        to.bytes(&self.verifying.byte_len().to_be_bytes())?;
        to.bytes(&self.verifying.to_bytes())?;
        columns::write(&mut to, &self.fixed)?;
        columns::write_copies(&mut to, &self.copies)?;
        to.checksum()
    }

    /// The key as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("writing to a vector does not fail");
        bytes
    }

    /// Reads a key of `protocol` from a source of `length` bytes, column by column: a byte
    /// of memory for each of the source, and nine for each of one column, are allocated before all
    /// is read.
    ///
    /// # Errors
    /// A [`KeyFormatError`] for anything but the exact bytes of a key of this constraint system.
    pub fn read(
        from: impl io::Read,
        length: u64,
        protocol: &Protocol,
    ) -> Result<Self, KeyFormatError> {
        let mut from = Reader::new(from, length, MAGIC, "proving key")?;
        let verifying_length = from.u64()?;
        let verifying =
            from.block(verifying_length, |bytes| VerifyingKey::from_bytes(bytes, protocol))?;
        let k = verifying.k();
        let columns = ColumnReader::new(1 << k);
        let fixed = columns.read(&mut from, "fixed column", protocol.num_fixed)?;
        let successors = columns.read_copies(&mut from, protocol.permutation.len())?;
        from.checksum(k)?;
        Ok(Self::new(verifying, fixed, Copies::new(k, successors)))
    }

    /// Reads a key of `protocol`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_bytes(bytes: &[u8], protocol: &Protocol) -> Result<Self, KeyFormatError> {
        Self::read(bytes, bytes.len() as u64, protocol)
    }
}
