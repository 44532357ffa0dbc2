//! Keys of a compiled model.
//!
//! ```text
//! model.vk:  magic "ZKMLMV" 00 01 | header length u32 | header (postcard) | plonk verifying key
//! model.pk:  magic "ZKMLMP" 00 01 | .zkc length u64 | .zkc | SRS (postcard, 33 bytes) | plonk proving key
//! ```
//!
//! The header of a verifying key says what proofs are about: machine, statement, model, SRS. It is
//! bound into the plonk key's digest, which starts every transcript: a proof made for one header
//! is rejected under another. The binding is recomputed on load, never read.

use super::{CompileError, Compiled};
use crate::{
    machine::{CircuitProfile, MachineCircuit, Profile},
    plan::{IoSchema, StatementError},
    plonk::{
        self, InstanceLayout, KeyError, KeyFormatError, KeyOptions, Protocol, ProtocolError,
        ProverObjective, VerifyError,
    },
};
use halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use std::io::{self, Read};
use zkml_core::{
    progress::Progress,
    proving::{MsmBackend, Srs},
};

const VK_MAGIC: &[u8; 8] = b"ZKMLMV\x00\x01";
const PK_MAGIC: &[u8; 8] = b"ZKMLMP\x00\x01";
/// Domain of the hash that binds a header into the plonk key.
const BINDING_DOMAIN: &[u8] = b"zkml-binding-v1";
/// Bytes of an [`SrsInfo`].
const SRS_BYTES: u64 = 33;
/// Largest header: the digits of `2^20` public values.
const MAX_HEADER: usize = 1 << 24;

/// The SRS a key was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrsInfo {
    /// Its identity.
    pub id: [u8; 32],
    /// Whether somebody may know its secret: proofs made with it convince nobody.
    pub insecure: bool,
}

impl SrsInfo {
    fn of(srs: &Srs) -> Self {
        Self { id: srs.id(), insecure: srs.is_insecure() }
    }
}

/// What the proofs of a key are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    profile: Profile,
    io: IoSchema,
    model: [u8; 32],
    srs: SrsInfo,
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

    fn binding(&self) -> [u8; 32] {
        let body = encode(self);
        let mut hash = Keccak256::new();
        hash.update(BINDING_DOMAIN);
        hash.update((body.len() as u64).to_be_bytes());
        hash.update(&body);
        hash.finalize().into()
    }
}

/// Verifies proofs of one compiled model.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    header: Header,
    plonk: plonk::VerifyingKey,
}

/// Makes proofs of one compiled model.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    pub(super) compiled: Compiled,
    pub(super) plonk: plonk::ProvingKey,
    verifying: VerifyingKey,
}

/// Why keys could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelKeyError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Key generation failed.
    #[error(transparent)]
    Generate(#[from] KeyError),
    /// The constraint system is not one of the supported ones.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The plonk key is damaged.
    #[error(transparent)]
    Plonk(#[from] KeyFormatError),
    /// The compiled model within a proving key is damaged.
    #[error(transparent)]
    Compiled(#[from] CompileError),
    /// The statement in a header is no statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The file is no key of a model.
    #[error("not a {kind}: {why}")]
    Format {
        /// What it should be.
        kind: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The SRS is smaller than the machine.
    #[error("the model needs an SRS of k = {expected}, got k = {got}: make or import a larger one")]
    SrsTooSmall {
        /// The machine's.
        expected: u32,
        /// The SRS's.
        got: u32,
    },
    /// The SRS could not be cut to the machine's size.
    #[error(transparent)]
    Srs(#[from] zkml_core::proving::SrsError),
}

/// Why a proof is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedProof {
    /// The public words are no statement of this model.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] VerifyError),
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
        check_binding(&header, plonk.verifying_key(), "proving key of a model")?;
        let verifying = VerifyingKey { header, plonk: plonk.verifying_key().clone() };
        Ok(Self { compiled, plonk, verifying })
    }
}

impl VerifyingKey {
    /// Checks that `proof` proves the statement `words`. Neither panics on any input.
    ///
    /// # Errors
    /// [`RejectedProof`] saying what does not hold.
    pub fn verify(&self, words: &[Fr], proof: &[u8]) -> Result<(), RejectedProof> {
        self.header.io.unpack(words)?;
        plonk::verify(&self.plonk, words, proof)?;
        Ok(())
    }

    /// How the statement is packed into words.
    pub fn io(&self) -> &IoSchema {
        &self.header.io
    }

    /// Shape of the machine.
    pub fn profile(&self) -> Profile {
        self.header.profile
    }

    /// Identity of the compiled model.
    pub fn model_digest(&self) -> [u8; 32] {
        self.header.model
    }

    /// The SRS the key was made with.
    pub fn srs(&self) -> SrsInfo {
        self.header.srs
    }

    /// Digest of the key: binds gates, phases, program, tables, scales, visibility, instance
    /// layout and SRS, and starts every transcript.
    pub fn digest(&self) -> [u8; 32] {
        self.plonk.digest()
    }

    /// The generic verifying key below.
    pub fn plonk(&self) -> &plonk::VerifyingKey {
        &self.plonk
    }

    /// The `model.vk` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = encode(&self.header);
        let mut bytes = VK_MAGIC.to_vec();
        // A header is far below 4 GiB: its digits are bounded by the machine's rows.
        bytes.extend_from_slice(&(header.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&self.plonk.to_bytes());
        bytes
    }

    /// Reads a `model.vk` file.
    ///
    /// # Errors
    /// [`ModelKeyError`] when it is damaged, or its header is not the one bound into the key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelKeyError> {
        let kind = "verifying key of a model";
        let format = |why| ModelKeyError::Format { kind, why };
        let rest = bytes.strip_prefix(VK_MAGIC).ok_or(format("wrong first bytes or version"))?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(format("it is truncated"))?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_HEADER {
            return Err(format("its header is too long"));
        }
        let (header, rest) = rest.split_at_checked(length).ok_or(format("it is truncated"))?;
        let (header, after) = postcard::take_from_bytes::<Header>(header)
            .map_err(|_| format("its header does not decode"))?;
        if !after.is_empty() {
            return Err(format("bytes after its header"));
        }
        header.io.check()?;
        let plonk = plonk::VerifyingKey::from_bytes(rest, &protocol(header.profile)?)?;
        check_binding(&header, &plonk, kind)?;
        Ok(Self { header, plonk })
    }
}

/// The constraint system of a profile, as provers and verifiers see it.
///
/// # Errors
/// None for the machine's own profiles; see [`Protocol::of_circuit`].
pub fn protocol(profile: Profile) -> Result<Protocol, ProtocolError> {
    Protocol::of_circuit::<MachineCircuit<'_>>(CircuitProfile(profile))
}

fn layout(header: &Header) -> InstanceLayout {
    InstanceLayout { words: header.io.words(), stride: header.profile.fold() }
}

fn check_binding(
    header: &Header,
    key: &plonk::VerifyingKey,
    kind: &'static str,
) -> Result<(), ModelKeyError> {
    if *key.binding() != header.binding() || key.instance_layout() != layout(header) {
        let why = "its parts belong to different models";
        return Err(ModelKeyError::Format { kind, why });
    }
    Ok(())
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

fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("writing to memory does not fail")
}
