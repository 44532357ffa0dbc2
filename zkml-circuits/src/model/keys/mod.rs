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
//!
//! What a header says of the SRS is its maker's word, but for one thing: a key above the development
//! string, known by its `[s]_2`, must be marked insecure. Which ceremony another `[s]_2` comes from only
//! the SRS itself can tell (`zkml verify-vk --srs`).

#[cfg(feature = "prover")]
mod proving;
mod verifying;

#[cfg(feature = "prover")]
pub use proving::ProvingKey;
pub use verifying::{RejectedProof, VerifyingKey};

use crate::{
    machine::{Profile, configure},
    plonk::{self, InstanceLayout, KeyFormatError, Protocol, ProtocolError},
    statement::{IoSchema, StatementError},
};
#[cfg(feature = "prover")]
use crate::{model::CompileError, plonk::KeyError};
use halo2_proofs::plonk::ConstraintSystem;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use std::io;

/// Domain of the hash that binds a header into the plonk key.
const BINDING_DOMAIN: &[u8] = b"zkml-binding-v1";

/// The SRS a key was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrsInfo {
    /// Its identity, as the maker of the key wrote it.
    pub id: [u8; 32],
    /// Whether somebody may know its secret: proofs made with it convince nobody. Never false above the
    /// development string; otherwise as the maker of the key wrote it.
    pub insecure: bool,
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
    fn binding(&self) -> [u8; 32] {
        let body = encode(self);
        let mut hash = Keccak256::new();
        hash.update(BINDING_DOMAIN);
        hash.update((body.len() as u64).to_be_bytes());
        hash.update(&body);
        hash.finalize().into()
    }
}

/// Why keys could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelKeyError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Key generation failed.
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Generate(#[from] KeyError),
    /// The constraint system is not one of the supported ones.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The plonk key is damaged.
    #[error(transparent)]
    Plonk(#[from] KeyFormatError),
    /// The compiled model within a proving key is damaged.
    #[cfg(feature = "prover")]
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
    /// The header calls the development string secure.
    #[error(
        "the {kind} was made with the development SRS, whose secret is public, and its header says that it \
         was not"
    )]
    DevelopmentSrs {
        /// What the file is.
        kind: &'static str,
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
    #[cfg(feature = "prover")]
    #[error(transparent)]
    Srs(#[from] zkml_core::proving::SrsError),
}

/// The constraint system of a profile, as provers and verifiers see it.
///
/// # Errors
/// None for the machine's own profiles; see [`Protocol::new`].
pub fn protocol(profile: Profile) -> Result<Protocol, ProtocolError> {
    let mut cs = ConstraintSystem::default();
    configure(&mut cs, profile);
    Protocol::new(&cs)
}

fn layout(header: &Header) -> InstanceLayout {
    InstanceLayout { words: header.io.words(), stride: header.profile.fold() }
}

/// Checks that a header is the one bound into `key`, and true as far as the key itself can tell.
fn check_header(
    header: &Header,
    key: &plonk::VerifyingKey,
    kind: &'static str,
) -> Result<(), ModelKeyError> {
    if *key.binding() != header.binding() || key.instance_layout() != layout(header) {
        let why = "its parts belong to different models";
        return Err(ModelKeyError::Format { kind, why });
    }
    if key.is_development() && !header.srs.insecure {
        return Err(ModelKeyError::DevelopmentSrs { kind });
    }
    Ok(())
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("writing to memory does not fail")
}
