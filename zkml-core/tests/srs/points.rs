//! Points that a file must not hold.

use ff::{Field, PrimeField};
use group::cofactor::CofactorGroup;
use group::prime::PrimeCurveAffine;
use halo2curves::CurveAffine;
use halo2curves::bn256::{Fq, Fq2, G2Affine};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// The modulus of the base field, big-endian.
pub(crate) fn modulus() -> [u8; 32] {
    // -1 is even bigger than the field by nothing: its canonical form plus one is the modulus.
    let mut bytes = (-Fq::ONE).to_repr();
    bytes[0] += 1;
    bytes.reverse();
    bytes
}

/// A point of the twist that is not of prime order.
pub(crate) fn outside_the_subgroup() -> G2Affine {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    loop {
        let x = Fq2::random(&mut rng);
        let y: Option<Fq2> = (x.square() * x + G2Affine::b()).sqrt().into();
        if let Some(y) = y {
            let point = G2Affine { x, y };
            assert!(bool::from(point.is_on_curve()));
            assert!(!bool::from(point.to_curve().is_torsion_free()));
            return point;
        }
    }
}
