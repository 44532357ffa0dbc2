//! Consistency of points read from a file, each already known to be an element of its group.
//!
//! Both checks are random linear combinations whose coefficients are drawn after the points are
//! fixed.

use ff::PrimeField;
use group::Curve;
use halo2curves::bn256::{Fr, G1Affine, G2Affine, pairing};
use halo2curves::fft::best_fft;
use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, RngCore, SeedableRng};

use super::generate::development_s_g2;
use super::{InsecureOrigin, PointFault, Provenance, SrsError};
use crate::proving::domain::{inverse_size, omega_inverse};
use crate::proving::msm::bounded_sum;

/// Bits of a random coefficient: a violated relation passes with probability `2^-128`.
const COEFFICIENT_BITS: u32 = 128;

/// Checks that `monomial` and `s_g2` are powers of one secret: the first power is the generator and
/// `e([s^(i+1)]_1, [1]_2) = e([s^i]_1, [s]_2)` for every `i`, in two pairings.
pub(super) fn check_powers(
    file: &str,
    monomial: &[G1Affine],
    s_g2: &G2Affine,
) -> Result<(), SrsError> {
    if monomial.first() != Some(&G1Affine::generator()) {
        return Err(SrsError::Point {
            file: file.into(),
            what: "powers in G1",
            index: 0,
            fault: PointFault::NotGenerator,
        });
    }
    let (lower, upper) = (&monomial[..monomial.len() - 1], &monomial[1..]);
    let coefficients = random_coefficients(lower.len())?;
    let lower = bounded_sum(&coefficients, COEFFICIENT_BITS, lower).to_affine();
    let upper = bounded_sum(&coefficients, COEFFICIENT_BITS, upper).to_affine();
    if pairing(&upper, &G2Affine::generator()) == pairing(&lower, s_g2) {
        Ok(())
    } else {
        Err(SrsError::Inconsistent {
            file: file.into(),
            what: "the points in G1 are not consecutive powers of the secret in G2 (pairing check)",
        })
    }
}

/// Checks that `lagrange` is the Lagrange basis of the first `n` powers: for random `r`,
/// `sum_i r_i [L_i(s)]_1 = sum_j c_j [s^j]_1`, where `c` interpolates `r` on the domain.
pub(super) fn check_lagrange(
    file: &str,
    monomial: &[G1Affine],
    lagrange: &[G1Affine],
) -> Result<(), SrsError> {
    let k = lagrange.len().ilog2();
    let evaluations = random_coefficients(lagrange.len())?;
    let from_lagrange = bounded_sum(&evaluations, COEFFICIENT_BITS, lagrange);
    let mut coefficients = evaluations;
    best_fft(&mut coefficients, omega_inverse(k), k);
    let inverse = inverse_size(k);
    coefficients.iter_mut().for_each(|coefficient| *coefficient *= inverse);
    if bounded_sum(&coefficients, Fr::NUM_BITS, monomial) == from_lagrange {
        Ok(())
    } else {
        Err(SrsError::Inconsistent {
            file: file.into(),
            what: "the Lagrange basis is not that of the powers",
        })
    }
}

/// Checks that the provenance does not contradict the one secret that everybody knows.
pub(super) fn check_provenance(
    file: &str,
    s_g2: &G2Affine,
    provenance: &Provenance,
) -> Result<(), SrsError> {
    let is_development = *s_g2 == development_s_g2();
    let says_development = *provenance == Provenance::Insecure(InsecureOrigin::DevelopmentSeed);
    let what = match (is_development, says_development) {
        (true, false) => "this is the development string under another name: its secret is public",
        (false, true) => "the file claims the development seed, but its points are others",
        _ => return Ok(()),
    };
    Err(SrsError::Inconsistent { file: file.into(), what })
}

fn random_coefficients(count: usize) -> Result<Vec<Fr>, SrsError> {
    let mut seed = [0; 32];
    OsRng
        .try_fill_bytes(&mut seed)
        .map_err(|error| SrsError::Randomness { reason: error.to_string() })?;
    let mut rng = ChaCha20Rng::from_seed(seed);
    Ok((0..count).map(|_| Fr::from_raw([rng.next_u64(), rng.next_u64(), 0, 0])).collect())
}
