//! Scalars as integers.

use ff::PrimeField;
use halo2curves::bn256::Fr;

/// Little-endian limbs of the canonical form.
pub(super) fn limbs(scalar: &Fr) -> [u64; 4] {
    let repr = scalar.to_repr();
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(repr.chunks_exact(8)) {
        *limb = bytes.iter().rev().fold(0, |limb, byte| (limb << 8) | u64::from(*byte));
    }
    limbs
}
