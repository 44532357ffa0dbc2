//! The instance column, which no proof holds: words `w_j` in rows `j * stride`, zeros elsewhere.

use ff::Field;
use halo2curves::bn256::Fr;

use super::VerifyError;
use crate::plonk::keys::{InstanceLayout, VerifyingKey};
use crate::plonk::transcript::KeccakRead;

/// Absorbs the expanded column, zeros included, as halo2's verifier does.
pub(super) fn absorb(layout: InstanceLayout, words: &[Fr], transcript: &mut KeccakRead<'_>) {
    for (j, word) in words.iter().enumerate() {
        if j > 0 {
            for _ in 1..layout.stride {
                transcript.absorb_scalar(&Fr::ZERO);
            }
        }
        transcript.absorb_scalar(word);
    }
}

/// The column's value at `x`, with
/// `L_i(x) = omega^i (x^n - 1) / (n (x - omega^i))`.
///
/// All denominators are inverted together: `prefix` products forward, quotients backward.
pub(super) fn evaluate(key: &VerifyingKey, words: &[Fr], x: Fr) -> Result<Fr, VerifyError> {
    let domain = key.domain();
    let stride = u64::try_from(key.instance_layout().stride).map_err(|_| VerifyError::Key)?;
    let step = domain.omega().pow_vartime([stride]);
    let mut root = Fr::ONE;
    let mut prefix = Fr::ONE;
    let mut terms = Vec::with_capacity(words.len());
    for word in words {
        let denominator = x - root;
        terms.push((*word * root, denominator, prefix));
        prefix *= denominator;
        root *= step;
    }
    let mut suffix = Option::<Fr>::from(prefix.invert()).ok_or(VerifyError::ChallengeInDomain)?;
    let mut sum = Fr::ZERO;
    for (numerator, denominator, prefix) in terms.iter().rev() {
        sum += *numerator * prefix * suffix;
        suffix *= denominator;
    }
    Ok(sum * (domain.vanishing_power(x) - Fr::ONE) * domain.n_inverse())
}
