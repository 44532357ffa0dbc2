//! The Lagrange basis from the powers, without the secret.
//!
//! `L_i(X) = 1/n sum_j omega^(-i j) X^j`, so the points `[L_i(s)]_1` are the inverse discrete
//! Fourier transform of the points `[s^j]_1`.

use halo2curves::bn256::{G1, G1Affine};
use halo2curves::fft::best_fft;
use rayon::prelude::*;

use super::domain::{inverse_size, omega_inverse};
use super::generate::normalised;

/// `[L_0(s)]_1, ..., [L_{n-1}(s)]_1` from `[s^0]_1, ..., [s^(n-1)]_1`; `n` is a power of two.
pub(super) fn lagrange_from_monomial(powers: &[G1Affine]) -> Vec<G1Affine> {
    let k = powers.len().ilog2();
    let inverse = inverse_size(k);
    let mut points: Vec<G1> = powers.par_iter().map(|power| power * inverse).collect();
    best_fft(&mut points, omega_inverse(k), k);
    points.par_chunks(512).flat_map_iter(normalised).collect()
}
