//! The key of a prover.

use super::{
    super::Compiled, Header, ModelKeyError, SrsInfo, VerifyingKey, check_header, encode, layout,
    protocol,
};
use crate::{
    machine::MachineCircuit,
    plonk::{self, KeyOptions, ProverObjective},
};
use std::io::{self, Read};
use zkml_core::{
    progress::Progress,
    proving::{MsmBackend, Srs},
};

const PK_MAGIC: &[u8; 8] = b"ZKMLMP\x00\x01";
/// Bytes of an [`SrsInfo`].
const SRS_BYTES: u64 = 33;

impl SrsInfo {
    fn of(srs: &Srs) -> Self {
        Self { id: srs.id(), insecure: srs.is_insecure() }
    }
}

impl Header {
    fn of(compiled: &Compiled, srs: SrsInfo) -> Self {
        Self {
            profile: compiled.profile(),
            io: compiled.plan().io.clone(),
            model: compiled.digest(),
            srs,
        }
    }
}

/// Makes proofs of one compiled model.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    pub(in crate::model) compiled: Compiled,
    pub(in crate::model) plonk: plonk::ProvingKey,
    verifying: VerifyingKey,
}

impl ProvingKey {
    /// Makes the keys of `compiled`. An SRS larger than needed is cut to size.
    ///
    /// # Errors
    /// [`ModelKeyError`] when the SRS is too small or the backend fails.
    pub fn generate(
        compiled: &Compiled,
        srs: &Srs,
        backend: &dyn MsmBackend,
        progress: &dyn Progress,
    ) -> Result<Self, ModelKeyError> {
        let expected = compiled.k();
        if srs.k() < expected {
            return Err(ModelKeyError::SrsTooSmall { expected, got: srs.k() });
        }
        let cut;
        let srs = if srs.k() == expected {
            srs
        } else {
            cut = srs.truncate(expected)?;
            &cut
        };
        let header = Header::of(compiled, SrsInfo::of(srs));
        let options = KeyOptions { instance: layout(&header), binding: header.binding() };
        let circuit = MachineCircuit::new(&compiled.plan().rows);
        let plonk = plonk::generate_keys(&circuit, srs, backend, &options, progress)?;
        let verifying = VerifyingKey { header, plonk: plonk.verifying_key().clone() };
        Ok(Self { compiled: compiled.clone(), plonk, verifying })
    }

    /// The key whose proofs are made with `objective`.
    #[must_use]
    pub fn with_objective(self, objective: ProverObjective) -> Self {
        Self { plonk: self.plonk.with_objective(objective), ..self }
    }

    /// The key whose proofs are made a part of a coset at a time, of 1, 2, 4 or 8.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_parts(self, parts: usize) -> Self {
        Self { plonk: self.plonk.with_parts(parts), ..self }
    }

    /// The key whose proofs keep computed columns, or do not.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn keeping_computed(self, keeps_computed: bool) -> Self {
        Self { plonk: self.plonk.keeping_computed(keeps_computed), ..self }
    }

    /// The verifying key.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The compiled model.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The generic proving key below.
    pub fn plonk(&self) -> &plonk::ProvingKey {
        &self.plonk
    }

    /// The `model.pk` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let compiled = self.compiled.to_bytes();
        let mut bytes = PK_MAGIC.to_vec();
        bytes.extend_from_slice(&(compiled.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&compiled);
        bytes.extend_from_slice(&encode(&self.verifying.header.srs));
        bytes.extend_from_slice(&self.plonk.to_bytes());
        bytes
    }

    /// Reads a `model.pk` file; the compiled model within is planned and linted again.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelKeyError> {
        Self::read(bytes, bytes.len() as u64, None)
    }

    /// Reads a `model.pk` file from a source of `length` bytes. The compiled model within is planned
    /// and linted again unless it is the one `known`.
    ///
    /// # Errors
    /// [`ModelKeyError`] when it is damaged, or its parts belong to different models.
    pub fn read(
        mut from: impl io::Read,
        length: u64,
        known: Option<&Compiled>,
    ) -> Result<Self, ModelKeyError> {
        let format = |why| ModelKeyError::Format { kind: "proving key of a model", why };
        if take(&mut from, PK_MAGIC.len() as u64)? != PK_MAGIC {
            return Err(format("wrong first bytes or version"));
        }
        let compiled_length = take(&mut from, 8)?;
        let compiled_length = compiled_length.iter().fold(0, |n, b| n << 8 | u64::from(*b));
        let head = [PK_MAGIC.len() as u64 + 8, compiled_length, SRS_BYTES];
        let head = head.into_iter().try_fold(0u64, u64::checked_add);
        let below = head.and_then(|head| length.checked_sub(head));
        let below = below.ok_or(format("it is truncated"))?;
        let compiled = take(&mut from, compiled_length)?;
        let compiled = match known {
            Some(known) if known.to_bytes() == compiled => known.clone(),
            _ => Compiled::from_bytes(&compiled)?,
        };
        let srs = postcard::from_bytes::<SrsInfo>(&take(&mut from, SRS_BYTES)?)
            .map_err(|_| format("its SRS identity does not decode"))?;
        let header = Header::of(&compiled, srs);
        let plonk = plonk::ProvingKey::read(from, below, &protocol(header.profile)?)?;
        check_header(&header, plonk.verifying_key(), "proving key of a model")?;
        let verifying = VerifyingKey { header, plonk: plonk.verifying_key().clone() };
        Ok(Self { compiled, plonk, verifying })
    }
}

/// The next `length` bytes, allocated as they come.
fn take(from: &mut impl io::Read, length: u64) -> Result<Vec<u8>, ModelKeyError> {
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        let kind = "proving key of a model";
        Err(ModelKeyError::Format { kind, why: "it is truncated" })
    }
}
