//! The Lagrange basis from the powers, without the secret.
//!
//! `L_i(X) = 1/n sum_j omega^(-i j) X^j`, so the points `[L_i(s)]_1` are the inverse discrete
//! Fourier transform of the points `[s^j]_1`. Radix-2 decimation in time; the multiplications by
//! powers of `omega` are nearly all of the work, about `n/2 (k - 1)` of them with the division by
//! `n`, which the last level does on the way.

use ff::Field;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use super::generate::normalised;
use crate::proving::domain::{geometric, inverse_size, omega_inverse};
use crate::proving::wnaf::Form;

/// `[L_0(s)]_1, ..., [L_{n-1}(s)]_1` from `[s^0]_1, ..., [s^(n-1)]_1`; `n = 2^k` with `k >= 1`.
pub(super) fn lagrange_from_monomial(powers: &[G1Affine]) -> Vec<G1Affine> {
    let k = powers.len().ilog2();
    let reversal = usize::BITS - k;
    let mut points: Vec<G1> =
        (0..powers.len()).map(|index| G1::from(powers[index.reverse_bits() >> reversal])).collect();
    for level in 1..k {
        let twiddles = geometric(omega_inverse(level), Fr::ONE, 1 << (level - 1));
        points.par_chunks_exact_mut(1 << level).for_each(|block| {
            butterflies(block, &twiddles, |low| *low);
        });
    }
    let scale = inverse_size(k);
    let scale_form = Form::new(&scale);
    let twiddles = geometric(omega_inverse(k), scale, 1 << (k - 1));
    butterflies(&mut points, &twiddles, |low| scale_form.multiply(low));
    points.par_chunks(512).flat_map_iter(normalised).collect()
}

/// `(low, high) <- (f(low) + w high, f(low) - w high)` for each pair of the halves of `block`.
fn butterflies(block: &mut [G1], twiddles: &[Fr], map_low: impl Fn(&G1) -> G1 + Sync) {
    let (low, high) = block.split_at_mut(twiddles.len());
    low.par_iter_mut().zip(high).zip(twiddles).for_each(|((low, high), twiddle)| {
        let turned = if *twiddle == Fr::ONE { *high } else { Form::new(twiddle).multiply(high) };
        let kept = map_low(low);
        *low = kept + turned;
        *high = kept - turned;
    });
}
