//! What a transcript absorbs and draws, byte for byte.

use std::sync::{Arc, Mutex, PoisonError};

use halo2curves::bn256::Fr;
use zkml_core::{
    progress::NoProgress,
    proving::{CpuMsm, Srs},
};

use crate::plonk::prover::prove_into;
use crate::plonk::transcript::{KeccakRead, KeccakWrite};
use crate::plonk::verifier::verify_from;
use crate::plonk::{PhaseWitness, ProveError, ProverRng, ProvingKey, VerifyError, VerifyingKey};

/// A use of the sponge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TranscriptEvent {
    /// The buffer starts with these bytes.
    Start([u8; 32]),
    /// One scalar or point is appended.
    Absorb(Vec<u8>),
    /// A challenge is drawn.
    Squeeze {
        /// What was hashed.
        preimage: Vec<u8>,
        /// Its hash, which becomes the buffer.
        digest: [u8; 32],
    },
}

/// Events of the transcripts that were made with it. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct TranscriptLog {
    /// What the sponge of this clone holds.
    buffer: Vec<u8>,
    events: Arc<Mutex<Vec<TranscriptEvent>>>,
}

impl TranscriptLog {
    /// The events so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<TranscriptEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::plonk) fn start(&mut self, digest: [u8; 32]) {
        self.buffer = digest.to_vec();
        self.push(TranscriptEvent::Start(digest));
    }

    pub(in crate::plonk) fn absorb(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.push(TranscriptEvent::Absorb(bytes.to_vec()));
    }

    /// `suffix` is what the sponge hashed behind its buffer.
    pub(in crate::plonk) fn squeeze(&mut self, suffix: &[u8], digest: [u8; 32]) {
        let mut preimage = std::mem::replace(&mut self.buffer, digest.to_vec());
        preimage.extend_from_slice(suffix);
        self.push(TranscriptEvent::Squeeze { preimage, digest });
    }

    fn push(&self, event: TranscriptEvent) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// As [`prove`](crate::plonk::prove), into a transcript of choice: one that is written down, or one that
/// begins with another key's digest, as a forger's would.
///
/// # Errors
/// Those of the prover.
pub fn prove_from(
    transcript: KeccakWrite,
    key: &ProvingKey,
    srs: &Srs,
    words: &[Fr],
    witness: &mut dyn PhaseWitness<'_>,
    rng: &mut impl ProverRng,
) -> Result<Vec<u8>, ProveError> {
    prove_into(transcript, key, srs, &CpuMsm, words, witness, rng, &NoProgress)
}

/// As [`verify`](crate::plonk::verify), with the transcript written down, whatever the verdict.
///
/// # Errors
/// Those of the verifier.
pub fn verify_logged(
    key: &VerifyingKey,
    words: &[Fr],
    proof: &[u8],
    log: &TranscriptLog,
) -> Result<(), VerifyError> {
    verify_from(KeccakRead::logged(key.digest(), proof, log), key, words, proof.len())
}
