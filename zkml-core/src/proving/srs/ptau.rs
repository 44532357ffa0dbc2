//! Import of snarkjs's `.ptau`, the format in which public ceremonies are distributed.
//!
//! ```text
//! magic "ptau" | version u32 = 1 | number of sections u32
//! section:   type u32 | length u64 | content
//!   1 header:  32 u32 | q, 32 bytes | power p u32 | ceremony power u32
//!   2 tauG1:   2^(p+1) - 1 points of G1, x || y
//!   3 tauG2:   2^p points of G2, x.c0 || x.c1 || y.c0 || y.c1
//!   others:    not needed, skipped
//! ```
//!
//! Integers are little-endian; coordinates are 32 bytes, little-endian, in Montgomery form
//! (`x 2^256 mod q`). Source: snarkjs, `powersoftau_utils.js` and `@iden3/binfileutils`.
//!
//! The file is read once, front to back, and hashed on the way; memory is that of the points kept.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use halo2curves::bn256::{Fq, Fq2, G1Affine, G2Affine};
use halo2curves::serde::SerdeObject;

use super::check::{check_powers, check_provenance};
use super::encoding::{G1_BYTES, G2_BYTES, checked_g1, checked_g2};
use super::lagrange::lagrange_from_monomial;
use super::reader::PointReader;
use super::string::require_size;
use super::{Ceremony, MAX_K, PointFault, Provenance, Srs, SrsError};

const MAGIC: [u8; 4] = *b"ptau";
const VERSION: u32 = 1;
/// snarkjs writes 7 sections, 11 when prepared for its phase 2, and a few more when verified.
const MAX_SECTIONS: u32 = 64;
const HEADER_BYTES: u64 = 4 + 32 + 4 + 4;
/// The modulus of BN254's base field, little-endian.
const MODULUS: [u8; 32] = [
    0x47, 0xfd, 0x7c, 0xd8, 0x16, 0x8c, 0x20, 0x3c, 0x8d, 0xca, 0x71, 0x68, 0x91, 0x6a, 0x81, 0x97,
    0x5d, 0x58, 0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];

/// Imports the `.ptau` file at `path`: see [`import_ptau`].
///
/// # Errors
/// Any [`SrsError`] that concerns files.
pub fn import_ptau_file(path: &Path, k: u32) -> Result<Srs, SrsError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| SrsError::Io { file: name.clone(), source })?;
    let source = path.file_name().map(|name| name.to_string_lossy().into_owned());
    import(BufReader::with_capacity(1 << 18, file), &name, &source.unwrap_or_default(), k)
}

/// Reads the `.ptau` content `reader` and takes the string of size `2^k` from it, checking every
/// point taken and the pairing relation between them. `name` is what errors call the file and
/// becomes the provenance's source, with the hash of everything read.
///
/// # Errors
/// Any [`SrsError`] that concerns files.
pub fn import_ptau(reader: impl Read, name: &str, k: u32) -> Result<Srs, SrsError> {
    import(reader, name, name, k)
}

fn import(reader: impl Read, name: &str, source: &str, k: u32) -> Result<Srs, SrsError> {
    require_size("importing a .ptau file", k)?;
    let mut input = PointReader::new(reader, name);
    let (monomial, s_g2) = input.sections(k)?;
    let provenance =
        Provenance::Ceremony(Ceremony { source: source.into(), keccak256: input.digest() });
    check_provenance(name, &s_g2, &provenance)?;
    check_powers(name, &monomial, &s_g2)?;
    let lagrange = lagrange_from_monomial(&monomial[..1 << k]);
    Ok(Srs::from_parts(k, monomial, lagrange, G2Affine::generator(), s_g2, provenance))
}

impl<R: Read> PointReader<'_, R> {
    /// Reads the whole file: the first `2^k + 1` powers in G1, and `[s]_2`.
    fn sections(&mut self, k: u32) -> Result<(Vec<G1Affine>, G2Affine), SrsError> {
        let magic: [u8; 4] = self.array("the magic number")?;
        if magic != MAGIC {
            let got = format!("\"{}\"", magic.escape_ascii());
            return Err(self.header_error("the magic number", "\"ptau\"", got));
        }
        let version = self.u32("the version")?;
        if version != VERSION {
            return Err(self.header_error("the version", "1", version.to_string()));
        }
        let count = self.u32("the number of sections")?;
        if count > MAX_SECTIONS {
            return Err(self.header_error(
                "the number of sections",
                "at most 64",
                count.to_string(),
            ));
        }
        let (mut power, mut tau_g1, mut tau_g2) = (None, None, None);
        for _ in 0..count {
            let kind = self.u32("a section's type")?;
            let length = u64::from_le_bytes(self.array("a section's length")?);
            match kind {
                1 if power.is_none() => power = Some(self.ptau_header(length, k)?),
                2 if tau_g1.is_none() => {
                    let power = power.ok_or_else(|| self.missing("header (1) before tauG1 (2)"))?;
                    tau_g1 = Some(self.tau_g1(length, power, k)?);
                }
                3 if tau_g2.is_none() => {
                    let power = power.ok_or_else(|| self.missing("header (1) before tauG2 (3)"))?;
                    tau_g2 = Some(self.tau_g2(length, power)?);
                }
                1..=3 => {
                    let got = format!("section {kind} twice");
                    return Err(self.header_error("the sections", "unique", got));
                }
                _ => self.skip(length, &format!("section {kind}"))?,
            }
        }
        self.require_end()?;
        Ok((
            tau_g1.ok_or_else(|| self.missing("tauG1 (2)"))?,
            tau_g2.ok_or_else(|| self.missing("tauG2 (3)"))?,
        ))
    }

    /// Reads the header section; gives the power `p`.
    fn ptau_header(&mut self, length: u64, k: u32) -> Result<u32, SrsError> {
        self.require_length("the header section", HEADER_BYTES, length)?;
        let size = self.u32("the header section")?;
        let modulus: [u8; 32] =
            if size == 32 { self.array("the header section")? } else { [0; 32] };
        if modulus != MODULUS {
            return Err(self.header_error(
                "the curve's base field",
                "BN254's (snarkjs calls the curve bn128)",
                format!("a modulus of {size} bytes, {}", hex::encode(modulus)),
            ));
        }
        let power = self.u32("the header section")?;
        let ceremony_power = self.u32("the header section")?;
        if power == 0 || power > MAX_K || ceremony_power < power {
            return Err(self.header_error(
                "the power",
                "between 1 and 28, and at most the ceremony's",
                format!("{power} of a ceremony of {ceremony_power}"),
            ));
        }
        if k > power {
            return Err(SrsError::TooSmall {
                context: self.name().into(),
                wanted: k,
                available: power,
            });
        }
        Ok(power)
    }

    fn tau_g1(&mut self, length: u64, power: u32, k: u32) -> Result<Vec<G1Affine>, SrsError> {
        const WHAT: &str = "tauG1";
        let bytes = ((2u64 << power) - 1) * G1_BYTES as u64;
        self.require_length(WHAT, bytes, length)?;
        // 2^(p+1) - 1 >= 2^k + 1 because 1 <= k <= p.
        let count = (1usize << k) + 1;
        let points = self.g1_points(WHAT, count, g1_from_montgomery)?;
        self.skip(length - (count * G1_BYTES) as u64, WHAT)?;
        Ok(points)
    }

    /// Reads the powers in G2: checks `[1]_2` and gives `[s]_2`.
    fn tau_g2(&mut self, length: u64, power: u32) -> Result<G2Affine, SrsError> {
        const WHAT: &str = "tauG2";
        self.require_length(WHAT, (G2_BYTES as u64) << power, length)?;
        let mut points = [G2Affine::generator(); 2];
        for (index, point) in points.iter_mut().enumerate() {
            let bytes: [u8; G2_BYTES] = self.array(WHAT)?;
            *point =
                g2_from_montgomery(&bytes).map_err(|fault| self.point_error(WHAT, index, fault))?;
        }
        let [one, s] = points;
        if one != G2Affine::generator() {
            return Err(self.point_error(WHAT, 0, PointFault::NotGenerator));
        }
        self.skip(length - 2 * G2_BYTES as u64, WHAT)?;
        Ok(s)
    }

    fn require_length(&self, what: &str, expected: u64, got: u64) -> Result<(), SrsError> {
        if expected == got {
            return Ok(());
        }
        Err(SrsError::Length { file: self.name().into(), what: what.into(), expected, got })
    }

    fn missing(&self, section: &str) -> SrsError {
        self.header_error("the sections", section, "none".into())
    }
}

fn g1_from_montgomery(bytes: &[u8; G1_BYTES]) -> Result<G1Affine, PointFault> {
    let [x, y] = coordinates(bytes)?;
    checked_g1(x, y)
}

fn g2_from_montgomery(bytes: &[u8; G2_BYTES]) -> Result<G2Affine, PointFault> {
    let [x0, x1, y0, y1] = coordinates(bytes)?;
    checked_g2(Fq2::new(x0, x1), Fq2::new(y0, y1))
}

/// Coordinates in Montgomery form, which is also how halo2curves holds them.
fn coordinates<const N: usize>(bytes: &[u8]) -> Result<[Fq; N], PointFault> {
    let mut coordinates = [Fq::zero(); N];
    for (coordinate, chunk) in coordinates.iter_mut().zip(bytes.chunks_exact(32)) {
        *coordinate = Fq::from_raw_bytes(chunk).ok_or(PointFault::NotCanonical)?;
    }
    Ok(coordinates)
}
