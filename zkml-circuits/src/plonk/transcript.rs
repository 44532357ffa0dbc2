//! The Fiat-Shamir transcript, laid out for the EVM.
//!
//! A byte buffer starts with the 32-byte digest of the verifying key. Scalars enter it as 32
//! bytes, points as `x || y` of 64, big-endian and canonical. A challenge is
//! `h = keccak256(buffer)` read as a big-endian integer modulo the field's order, after which the
//! buffer holds `h` alone. A second challenge drawn with nothing absorbed in between hashes
//! `h || 0x01`, so that the buffer of a challenge is never the output of an earlier one.
//!
//! The proof is exactly what the prover writes, in that same encoding: nothing before, between or
//! after. [`KeccakRead`] and [`KeccakWrite`] implement halo2-axiom's transcript traits, so that
//! its unmodified `verify_proof` reads our proofs.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use std::io;

use ff::{FromUniformBytes, PrimeField};
use group::prime::PrimeCurveAffine;
use halo2_proofs::transcript::{EncodedChallenge, Transcript, TranscriptRead, TranscriptWrite};
use halo2curves::{
    CurveAffine,
    bn256::{Fq, Fr, G1Affine},
};
use sha3::{Digest, Keccak256};

#[cfg(feature = "testing")]
use super::testing::TranscriptLog;

/// Bytes of a scalar.
pub const SCALAR_BYTES: usize = 32;
/// Bytes of a point.
pub const POINT_BYTES: usize = 64;

/// Why a transcript could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranscriptError {
    /// The proof ends inside or before a field.
    #[error("the proof ends at byte {offset}, where {expected} further bytes were expected")]
    Truncated {
        /// Where the field begins.
        offset: usize,
        /// Its size.
        expected: usize,
    },
    /// Bytes are left after the last field.
    #[error("{extra} bytes follow the proof's end at byte {offset}")]
    Trailing {
        /// Where the proof should end.
        offset: usize,
        /// Bytes that follow.
        extra: usize,
    },
    /// A scalar is not below the order of the group.
    #[error("the scalar at byte {offset} of the proof is not canonical")]
    Scalar {
        /// Where it begins.
        offset: usize,
    },
    /// A coordinate is not below the order of the base field.
    #[error("the point at byte {offset} of the proof has a coordinate that is not canonical")]
    Coordinate {
        /// Where the point begins.
        offset: usize,
    },
    /// A point does not satisfy the curve equation.
    #[error("the point at byte {offset} of the proof is not on the curve")]
    NotOnCurve {
        /// Where it begins.
        offset: usize,
    },
    /// The point at infinity, which has no coordinates.
    #[error("the point at byte {offset} of the proof is the point at infinity")]
    Identity {
        /// Where it begins.
        offset: usize,
    },
}

impl From<TranscriptError> for io::Error {
    fn from(e: TranscriptError) -> Self {
        Self::new(io::ErrorKind::InvalidData, e)
    }
}

/// A challenge as halo2's traits want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge(Fr);

impl EncodedChallenge<G1Affine> for Challenge {
    /// A Keccak digest.
    type Input = [u8; 32];

    fn new(digest: &[u8; 32]) -> Self {
        // The digest is the low half of a 64-byte little-endian integer, which is then reduced.
        let mut wide = [0; 64];
        for (to, from) in wide.iter_mut().zip(digest.iter().rev()) {
            *to = *from;
        }
        Self(Fr::from_uniform_bytes(&wide))
    }

    fn get_scalar(&self) -> Fr {
        self.0
    }
}

/// The buffer, kept as a running hash.
#[derive(Clone, Debug)]
struct State {
    hash: Keccak256,
    /// Nothing was absorbed since the last challenge; false before the first.
    just_squeezed: bool,
    /// Where tests have all of it written down.
    #[cfg(feature = "testing")]
    log: Option<TranscriptLog>,
}

impl State {
    fn new(vk_digest: [u8; 32]) -> Self {
        Self {
            hash: Keccak256::new_with_prefix(vk_digest),
            just_squeezed: false,
            #[cfg(feature = "testing")]
            log: None,
        }
    }

    #[cfg(feature = "testing")]
    fn logged(vk_digest: [u8; 32], log: &TranscriptLog) -> Self {
        let mut log = log.clone();
        log.start(vk_digest);
        Self { log: Some(log), ..Self::new(vk_digest) }
    }

    fn absorb(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.just_squeezed = false;
        #[cfg(feature = "testing")]
        if let Some(log) = &mut self.log {
            log.absorb(bytes);
        }
    }

    fn squeeze(&mut self) -> Challenge {
        let suffix: &[u8] = if self.just_squeezed { &[1] } else { &[] };
        self.hash.update(suffix);
        let digest: [u8; 32] = self.hash.finalize_reset().into();
        self.hash.update(digest);
        self.just_squeezed = true;
        #[cfg(feature = "testing")]
        if let Some(log) = &mut self.log {
            log.squeeze(suffix, digest);
        }
        Challenge::new(&digest)
    }
}

/// Big-endian canonical bytes of a scalar.
#[must_use]
pub fn scalar_to_bytes(scalar: &Fr) -> [u8; SCALAR_BYTES] {
    let mut bytes = scalar.to_repr();
    bytes.reverse();
    bytes
}

/// A scalar from its big-endian bytes, or `None` when they are not canonical.
#[must_use]
pub fn scalar_from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Option<Fr> {
    let mut bytes = *bytes;
    bytes.reverse();
    Fr::from_repr(bytes).into()
}

/// `x || y`, big-endian, or `None` for the point at infinity.
#[must_use]
pub fn point_to_bytes(point: &G1Affine) -> Option<[u8; POINT_BYTES]> {
    if bool::from(point.is_identity()) {
        return None;
    }
    let mut bytes = [0; POINT_BYTES];
    let little_endian = point.y.to_repr().into_iter().chain(point.x.to_repr());
    for (to, from) in bytes.iter_mut().rev().zip(little_endian) {
        *to = from;
    }
    Some(bytes)
}

/// Why 64 bytes are not a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PointError {
    Coordinate,
    NotOnCurve,
    Identity,
}

/// The inverse of [`point_to_bytes`].
pub(super) fn point_from_bytes(bytes: &[u8; POINT_BYTES]) -> Result<G1Affine, PointError> {
    let mut words = bytes.chunks_exact(32).map(|half| {
        let mut repr = [0; 32];
        for (to, from) in repr.iter_mut().zip(half.iter().rev()) {
            *to = *from;
        }
        Option::<Fq>::from(Fq::from_repr(repr)).ok_or(PointError::Coordinate)
    });
    let mut word = || words.next().unwrap_or(Err(PointError::Coordinate));
    let (x, y) = (word()?, word()?);
    let point = Option::<G1Affine>::from(G1Affine::from_xy(x, y)).ok_or(PointError::NotOnCurve)?;
    // The library represents the point at infinity as (0, 0) and calls it "on the curve".
    if bool::from(point.is_identity()) { Err(PointError::Identity) } else { Ok(point) }
}

/// The verifier's side: reads a proof.
#[derive(Clone, Debug)]
pub struct KeccakRead<'a> {
    state: State,
    rest: &'a [u8],
    offset: usize,
}

impl<'a> KeccakRead<'a> {
    /// A transcript bound to a verifying key, reading `proof`.
    #[must_use]
    pub fn new(vk_digest: [u8; 32], proof: &'a [u8]) -> Self {
        Self { state: State::new(vk_digest), rest: proof, offset: 0 }
    }

    /// As [`Self::new`], with everything written into `log`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn logged(vk_digest: [u8; 32], proof: &'a [u8], log: &TranscriptLog) -> Self {
        Self { state: State::logged(vk_digest, log), ..Self::new(vk_digest, proof) }
    }

    /// Absorbs a value that is not in the proof.
    pub fn absorb_scalar(&mut self, scalar: &Fr) {
        self.state.absorb(&scalar_to_bytes(scalar));
    }

    /// Draws a challenge.
    pub fn challenge(&mut self) -> Fr {
        self.state.squeeze().0
    }

    /// Reads and absorbs a scalar.
    ///
    /// # Errors
    /// When the proof ends or the scalar is not canonical.
    pub fn scalar(&mut self) -> Result<Fr, TranscriptError> {
        let offset = self.offset;
        let bytes = self.take::<SCALAR_BYTES>()?;
        let scalar = scalar_from_bytes(bytes).ok_or(TranscriptError::Scalar { offset })?;
        self.state.absorb(bytes);
        Ok(scalar)
    }

    /// Reads and absorbs a point.
    ///
    /// # Errors
    /// When the proof ends, or the point is not canonical, not on the curve or at infinity.
    pub fn point(&mut self) -> Result<G1Affine, TranscriptError> {
        let offset = self.offset;
        let bytes = self.take::<POINT_BYTES>()?;
        let point = point_from_bytes(bytes).map_err(|e| match e {
            PointError::Coordinate => TranscriptError::Coordinate { offset },
            PointError::NotOnCurve => TranscriptError::NotOnCurve { offset },
            PointError::Identity => TranscriptError::Identity { offset },
        })?;
        self.state.absorb(bytes);
        Ok(point)
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`TranscriptError::Trailing`] when the proof goes on.
    pub fn finish(self) -> Result<(), TranscriptError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(TranscriptError::Trailing { offset: self.offset, extra }),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], TranscriptError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(TranscriptError::Truncated { offset: self.offset, expected: N })?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(bytes)
    }
}

impl Transcript<G1Affine, Challenge> for KeccakRead<'_> {
    fn squeeze_challenge(&mut self) -> Challenge {
        self.state.squeeze()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        absorb_point(&mut self.state, &point, self.offset)?;
        Ok(())
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.absorb_scalar(&scalar);
        Ok(())
    }
}

impl TranscriptRead<G1Affine, Challenge> for KeccakRead<'_> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        Ok(self.point()?)
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        Ok(self.scalar()?)
    }
}

/// The prover's side: writes a proof.
#[derive(Clone, Debug)]
pub struct KeccakWrite {
    state: State,
    proof: Vec<u8>,
}

impl KeccakWrite {
    /// A transcript bound to a verifying key, with an empty proof.
    #[must_use]
    pub fn new(vk_digest: [u8; 32]) -> Self {
        Self { state: State::new(vk_digest), proof: Vec::new() }
    }

    /// As [`Self::new`], with everything written into `log`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn logged(vk_digest: [u8; 32], log: &TranscriptLog) -> Self {
        Self { state: State::logged(vk_digest, log), ..Self::new(vk_digest) }
    }

    /// Absorbs a value that is not in the proof.
    pub fn absorb_scalar(&mut self, scalar: &Fr) {
        self.state.absorb(&scalar_to_bytes(scalar));
    }

    /// Draws a challenge.
    pub fn challenge(&mut self) -> Fr {
        self.state.squeeze().0
    }

    /// Writes and absorbs a scalar.
    pub fn scalar(&mut self, scalar: &Fr) {
        let bytes = scalar_to_bytes(scalar);
        self.state.absorb(&bytes);
        self.proof.extend_from_slice(&bytes);
    }

    /// Writes and absorbs a point.
    ///
    /// # Errors
    /// [`TranscriptError::Identity`], which a blinded commitment meets with negligible
    /// probability.
    pub fn point(&mut self, point: &G1Affine) -> Result<(), TranscriptError> {
        let bytes = absorb_point(&mut self.state, point, self.proof.len())?;
        self.proof.extend_from_slice(&bytes);
        Ok(())
    }

    /// The proof.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.proof
    }
}

impl Transcript<G1Affine, Challenge> for KeccakWrite {
    fn squeeze_challenge(&mut self) -> Challenge {
        self.state.squeeze()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        absorb_point(&mut self.state, &point, self.proof.len())?;
        Ok(())
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.absorb_scalar(&scalar);
        Ok(())
    }
}

impl TranscriptWrite<G1Affine, Challenge> for KeccakWrite {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        Ok(self.point(&point)?)
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.scalar(&scalar);
        Ok(())
    }
}

fn absorb_point(
    state: &mut State,
    point: &G1Affine,
    offset: usize,
) -> Result<[u8; POINT_BYTES], TranscriptError> {
    let bytes = point_to_bytes(point).ok_or(TranscriptError::Identity { offset })?;
    state.absorb(&bytes);
    Ok(bytes)
}
