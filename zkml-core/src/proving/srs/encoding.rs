//! Points as bytes: uncompressed, affine, big-endian, as EIP-196 and EIP-197 write them.
//!
//! ```text
//! G1   x || y                          64 bytes
//! G2   x.c1 || x.c0 || y.c1 || y.c0   128 bytes   (imaginary part first)
//! ```

use ff::PrimeField;
use group::cofactor::CofactorGroup;
use group::prime::PrimeCurveAffine;
use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, G1Affine, G2Affine};

use super::PointFault;

/// Bytes of an encoded point of G1.
pub(super) const G1_BYTES: usize = 64;
/// Bytes of an encoded point of G2.
pub(super) const G2_BYTES: usize = 128;

pub(super) fn g1_to_bytes(point: &G1Affine) -> [u8; G1_BYTES] {
    let mut bytes = [0; G1_BYTES];
    put(&mut bytes, &[point.x, point.y]);
    bytes
}

pub(super) fn g2_to_bytes(point: &G2Affine) -> [u8; G2_BYTES] {
    let mut bytes = [0; G2_BYTES];
    put(&mut bytes, &[point.x.c1, point.x.c0, point.y.c1, point.y.c0]);
    bytes
}

/// Decodes an element of G1 other than the identity.
pub(super) fn g1_from_bytes(bytes: &[u8; G1_BYTES]) -> Result<G1Affine, PointFault> {
    let [x, y] = take(bytes)?;
    checked_g1(x, y)
}

/// Decodes an element of G2, of prime order, other than the identity.
pub(super) fn g2_from_bytes(bytes: &[u8; G2_BYTES]) -> Result<G2Affine, PointFault> {
    let [x1, x0, y1, y0] = take(bytes)?;
    checked_g2(Fq2::new(x0, x1), Fq2::new(y0, y1))
}

/// A point of G1 other than the identity. The curve has prime order: being on it is enough.
pub(super) fn checked_g1(x: Fq, y: Fq) -> Result<G1Affine, PointFault> {
    let point = G1Affine { x, y };
    if bool::from(point.is_identity()) {
        return Err(PointFault::Identity);
    }
    if !bool::from(point.is_on_curve()) {
        return Err(PointFault::NotOnCurve);
    }
    Ok(point)
}

/// A point of G2 of prime order other than the identity.
pub(super) fn checked_g2(x: Fq2, y: Fq2) -> Result<G2Affine, PointFault> {
    let point = G2Affine { x, y };
    if bool::from(point.is_identity()) {
        return Err(PointFault::Identity);
    }
    if !bool::from(point.is_on_curve()) {
        return Err(PointFault::NotOnCurve);
    }
    if !bool::from(point.to_curve().is_torsion_free()) {
        return Err(PointFault::NotInSubgroup);
    }
    Ok(point)
}

fn put(bytes: &mut [u8], coordinates: &[Fq]) {
    for (chunk, coordinate) in bytes.chunks_exact_mut(32).zip(coordinates) {
        chunk.copy_from_slice(&coordinate.to_repr());
        chunk.reverse();
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<[Fq; N], PointFault> {
    let mut coordinates = [Fq::zero(); N];
    for (coordinate, chunk) in coordinates.iter_mut().zip(bytes.chunks_exact(32)) {
        let mut repr = [0; 32];
        repr.copy_from_slice(chunk);
        repr.reverse();
        *coordinate = Option::from(Fq::from_repr(repr)).ok_or(PointFault::NotCanonical)?;
    }
    Ok(coordinates)
}
