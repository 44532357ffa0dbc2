//! The verifying key, light: no tables, no constraint system of halo2's.
//!
//! ```text
//! "ZKMLVK" 00 01
//! k, fixed commitments, permutation commitments     u32 each
//! words, stride of the public words                 u64 each
//! binding                                           32 bytes
//! transcript_repr                                   32 bytes
//! [1]_2, [s]_2                                      128 bytes each
//! fixed commitments, permutation commitments        64 bytes each, zeros for infinity
//! checksum                                          32 bytes
//! ```

use std::io;

use halo2curves::bn256::{Fr, G1Affine, G2Affine};

use super::codec::{
    CHECKSUM_BYTES, G2_BYTES, KeyFormatError, MAGIC_BYTES, Reader, Writer, commitment_to_bytes,
    g2_to_bytes,
};
use super::digest::digest;
use crate::plonk::domain::{Domain, MAX_K};
use crate::plonk::openings::Openings;
use crate::plonk::protocol::Protocol;
use crate::plonk::transcript::POINT_BYTES;

const MAGIC: &[u8; MAGIC_BYTES] = b"ZKMLVK\x00\x01";
/// Bytes of the fields whose size does not depend on the key.
const HEAD_BYTES: u64 = (MAGIC_BYTES + 3 * 4 + 2 * 8 + 2 * 32 + 2 * G2_BYTES) as u64;

/// `[s]_2` of the development string, as a file holds it. Anybody knows its `s` (`Srs::development`, which
/// verifiers are built without), so a key above it is insecure whatever its header says.
const DEVELOPMENT_S_G2: &str = concat!(
    "1406472469ee22f25489a1e6c2096508df2d96a310cb4a590864ec825293a4ff",
    "16297b1321f7195cf967981e999258a6a2f5a11d4f6f3f9b18b0e3254525a694",
    "1e60d0a7d4bfbdec82a5861dc1b24ff2603236f42696cb0b4e91ed114f0387e0",
    "255738c8a8ca0a412db0c73c6dd5879f919df2085b22b4fe91fe04bbe5b443a0",
);

/// Where the public words stand in the instance column: word `j` in row `j * stride`, zeros
/// between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceLayout {
    /// Number of public words.
    pub words: usize,
    /// Rows from one to the next, at least 1.
    pub stride: usize,
}

/// Why public words cannot stand where they should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A stride of zero.
    #[error("the stride of public words must be at least 1")]
    Stride,
    /// There is no instance column.
    #[error("{words} public words, but the constraint system has no instance column")]
    NoColumn {
        /// Number of words.
        words: usize,
    },
    /// The column is too short.
    #[error("{words} public words {stride} rows apart do not fit in {usable} usable rows")]
    Rows {
        /// Number of words.
        words: usize,
        /// Rows from one to the next.
        stride: usize,
        /// Rows there are.
        usable: usize,
    },
}

impl InstanceLayout {
    /// Rows of the expanded column: `(words - 1) * stride + 1`, or 0 without words.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self.words.checked_sub(1) {
            None => 0,
            Some(gaps) => gaps.saturating_mul(self.stride).saturating_add(1),
        }
    }

    /// The column given to halo2's verifier and absorbed by the transcript.
    #[must_use]
    pub fn expand(&self, words: &[Fr]) -> Vec<Fr> {
        let mut column = vec![Fr::zero(); self.rows()];
        for (to, from) in column.iter_mut().step_by(self.stride.max(1)).zip(words) {
            *to = *from;
        }
        column
    }

    pub(super) fn check(&self, protocol: &Protocol, k: u32) -> Result<(), LayoutError> {
        let Self { words, stride } = *self;
        let usable = protocol.usable_rows(k);
        if stride == 0 {
            Err(LayoutError::Stride)
        } else if words > 0 && protocol.num_instance == 0 {
            Err(LayoutError::NoColumn { words })
        } else if self.rows() > usable {
            Err(LayoutError::Rows { words, stride, usable })
        } else {
            Ok(())
        }
    }
}

/// What a verifier needs to know of a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    protocol: Protocol,
    openings: Openings,
    domain: Domain,
    parts: Parts,
    digest: [u8; 32],
}

/// The fields that a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) k: u32,
    pub(super) instance: InstanceLayout,
    pub(super) binding: [u8; 32],
    pub(super) transcript_repr: Fr,
    pub(super) g2: G2Affine,
    pub(super) s_g2: G2Affine,
    pub(super) fixed: Vec<G1Affine>,
    pub(super) permutation: Vec<G1Affine>,
}

impl VerifyingKey {
    /// A key from parts whose counts, size and layout are checked.
    pub(super) fn new(protocol: Protocol, parts: Parts) -> Self {
        let openings = Openings::new(&protocol);
        let domain = Domain::new(parts.k);
        let mut key = Self { protocol, openings, domain, parts, digest: [0; 32] };
        key.digest = digest(&key);
        key
    }

    /// The constraint system.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// What proofs open.
    #[must_use]
    pub fn openings(&self) -> &Openings {
        &self.openings
    }

    pub(in crate::plonk) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Logarithm of the number of rows.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.parts.k
    }

    /// Where the public words stand.
    #[must_use]
    pub fn instance_layout(&self) -> InstanceLayout {
        self.parts.instance
    }

    /// The 32 bytes that the layer above bound into the key.
    #[must_use]
    pub fn binding(&self) -> &[u8; 32] {
        &self.parts.binding
    }

    /// halo2-axiom's representative of its own key, which it absorbs first.
    #[must_use]
    pub fn transcript_repr(&self) -> Fr {
        self.parts.transcript_repr
    }

    /// `[1]_2` of the SRS.
    #[must_use]
    pub fn g2(&self) -> G2Affine {
        self.parts.g2
    }

    /// `[s]_2` of the SRS.
    #[must_use]
    pub fn s_g2(&self) -> G2Affine {
        self.parts.s_g2
    }

    /// Whether `[s]_2` is the development string's, whose secret is public: proofs under such a key say
    /// nothing.
    #[must_use]
    pub fn is_development(&self) -> bool {
        hex::encode(g2_to_bytes(&self.parts.s_g2)) == DEVELOPMENT_S_G2
    }

    /// Commitments to the fixed columns; that of a zero column is the point at infinity.
    #[must_use]
    pub fn fixed_commitments(&self) -> &[G1Affine] {
        &self.parts.fixed
    }

    /// Commitments to the permutation polynomials, in the argument's order.
    #[must_use]
    pub fn permutation_commitments(&self) -> &[G1Affine] {
        &self.parts.permutation
    }

    /// Keccak digest of all of the above; it starts every transcript.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Size of [`Self::to_bytes`].
    #[must_use]
    pub fn byte_len(&self) -> u64 {
        file_len(&self.protocol)
    }

    /// The key as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("writing to a vector does not fail");
        bytes
    }

    /// Writes the key as a file.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, to: impl io::Write) -> io::Result<()> {
        let parts = &self.parts;
        let mut to = Writer::new(to, MAGIC)?;
        for count in [parts.k, count(&parts.fixed), count(&parts.permutation)] {
            to.bytes(&count.to_be_bytes())?;
        }
        for count in [parts.instance.words, parts.instance.stride] {
            to.bytes(&(count as u64).to_be_bytes())?;
        }
        to.bytes(&parts.binding)?;
        to.scalar(&parts.transcript_repr)?;
        to.bytes(&g2_to_bytes(&parts.g2))?;
        to.bytes(&g2_to_bytes(&parts.s_g2))?;
        for point in parts.fixed.iter().chain(&parts.permutation) {
            to.bytes(&commitment_to_bytes(point))?;
        }
        to.checksum()
    }

    /// Reads a key of `protocol`; the digest is computed from what was read.
    ///
    /// # Errors
    /// A [`KeyFormatError`] for anything but the exact bytes of a key of this constraint system.
    pub fn from_bytes(bytes: &[u8], protocol: &Protocol) -> Result<Self, KeyFormatError> {
        let got = bytes.len() as u64;
        let expected = file_len(protocol);
        if got < HEAD_BYTES {
            return Err(KeyFormatError::Short { expected, got });
        }
        let mut from = Reader::new(bytes, got, MAGIC, "verifying key")?;
        let head = Head::read(&mut from, protocol)?;
        let k = head.k;
        if got != expected {
            return Err(KeyFormatError::Length { k, expected, got });
        }
        let key = head.read_points(&mut from, protocol)?;
        from.checksum(k)?;
        Ok(key)
    }
}

/// The fields before the points.
struct Head {
    k: u32,
    instance: InstanceLayout,
}

impl Head {
    fn read<R: io::Read>(
        from: &mut Reader<R>,
        protocol: &Protocol,
    ) -> Result<Self, KeyFormatError> {
        let k = from.u32()?;
        let min = min_k(protocol);
        if k < min || k > MAX_K {
            return Err(KeyFormatError::Rows { min, max: MAX_K, got: k });
        }
        let counts = [
            ("fixed commitments", protocol.num_fixed),
            ("permutation commitments", protocol.permutation.len()),
        ];
        for (what, expected) in counts {
            let got = u64::from(from.u32()?);
            if got != expected as u64 {
                return Err(KeyFormatError::Count { what, expected, got });
            }
        }
        // Numbers above usize::MAX exceed every column, and are refused as such below.
        let saturated = |v| usize::try_from(v).unwrap_or(usize::MAX);
        let instance =
            InstanceLayout { words: saturated(from.u64()?), stride: saturated(from.u64()?) };
        instance.check(protocol, k)?;
        Ok(Self { k, instance })
    }

    /// The rest; the caller has checked the length.
    fn read_points<R: io::Read>(
        self,
        from: &mut Reader<R>,
        protocol: &Protocol,
    ) -> Result<VerifyingKey, KeyFormatError> {
        let binding = from.array()?;
        let transcript_repr = from.scalar("transcript_repr", 0)?;
        let (g2, s_g2) = (from.g2("[1]_2")?, from.g2("[s]_2")?);
        let mut points = |what, count| {
            (0..count).map(|i| from.commitment(what, i)).collect::<Result<Vec<_>, _>>()
        };
        let fixed = points("fixed commitment", protocol.num_fixed)?;
        let permutation = points("permutation commitment", protocol.permutation.len())?;
        let Self { k, instance } = self;
        let parts = Parts { k, instance, binding, transcript_repr, g2, s_g2, fixed, permutation };
        Ok(VerifyingKey::new(protocol.clone(), parts))
    }
}

/// The least `k` that leaves a usable row and halo2's "breathing room".
pub(super) fn min_k(protocol: &Protocol) -> u32 {
    let rows = protocol.blinding.saturating_add(3);
    rows.checked_next_power_of_two().map_or(MAX_K, usize::trailing_zeros)
}

fn count(points: &[G1Affine]) -> u32 {
    u32::try_from(points.len()).expect("a constraint system has far fewer columns")
}

fn file_len(protocol: &Protocol) -> u64 {
    let points = protocol.num_fixed as u64 + protocol.permutation.len() as u64;
    HEAD_BYTES + points * POINT_BYTES as u64 + CHECKSUM_BYTES as u64
}
