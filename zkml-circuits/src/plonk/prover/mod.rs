//! The prover.
//!
//! Rounds, in the order of halo2-axiom's `verify_proof`, which accepts the proofs unchanged:
//!
//! 1. absorb the key's representative and the public words; for each phase commit its advice
//!    columns, then draw its challenges ([`phases`]); computed columns are kept, or computed again;
//! 2. draw `theta, beta, gamma`; commit the grand products of the permutation ([`permutation`]);
//! 3. commit a random polynomial; draw `y`; commit the pieces of the quotient, blinded
//!    ([`quotient`]);
//! 4. draw `x`; write all evaluations ([`evaluations`]);
//! 5. open them together with SHPLONK ([`shplonk`]).
//!
//! The witness is not checked: a false one gives a proof that verifiers reject.
//! [`mock::check`](super::mock::check) says which constraint it breaks.

mod commit;
mod cosets;
mod error;
mod evaluations;
mod objective;
mod permutation;
mod phases;
mod quotient;
mod rng;
mod shplonk;
pub mod stages;
mod witness;

use halo2curves::bn256::Fr;
use zkml_core::{
    progress::{Progress, stage},
    proving::{MsmBackend, Srs},
};

use self::commit::Committer;
use self::evaluations::Polynomials;
use super::keys::ProvingKey;
use super::transcript::KeccakWrite;

pub use self::error::ProveError;
pub use self::objective::ProverObjective;
pub use self::rng::ProverRng;
use self::rng::RandomPolynomial;
pub(super) use self::witness::columns_of_phase;
pub use self::witness::{AdviceColumn, ComputedColumn, PhaseWitness};

/// Proves that `witness` satisfies the circuit of `key` with the public `words`.
///
/// `rng` blinds; pass [`rand_core::OsRng`].
///
/// # Errors
/// A [`ProveError`] when key, SRS, words and witness do not fit each other, or the backend fails.
pub fn prove(
    key: &ProvingKey,
    srs: &Srs,
    backend: &dyn MsmBackend,
    words: &[Fr],
    witness: &mut dyn PhaseWitness<'_>,
    rng: &mut impl ProverRng,
    progress: &dyn Progress,
) -> Result<Vec<u8>, ProveError> {
    let transcript = KeccakWrite::new(key.verifying_key().digest());
    prove_into(transcript, key, srs, backend, words, witness, rng, progress)
}

/// As [`prove`], into a transcript that begins with the key's digest.
#[expect(clippy::too_many_arguments, reason = "those of `prove`, and what it writes into")]
pub(super) fn prove_into(
    mut transcript: KeccakWrite,
    key: &ProvingKey,
    srs: &Srs,
    backend: &dyn MsmBackend,
    words: &[Fr],
    witness: &mut dyn PhaseWitness<'_>,
    rng: &mut impl ProverRng,
    progress: &dyn Progress,
) -> Result<Vec<u8>, ProveError> {
    let rng = rng.generator();
    let verifying = key.verifying_key();
    check_fit(key, srs, words)?;
    let committer = Committer { srs, backend };

    transcript.absorb_scalar(&verifying.transcript_repr());
    let instance = verifying.instance_layout().expand(words);
    instance.iter().for_each(|value| transcript.absorb_scalar(value));
    let (advice, challenges) =
        phases::commit(key, &committer, witness, &mut transcript, rng, progress)?;

    let _theta = transcript.challenge(); // of halo2's own lookups, which there are none of
    let permuted =
        permutation::Challenges { beta: transcript.challenge(), gamma: transcript.challenge() };
    let products = stage(progress, stages::PRODUCTS, || {
        permutation::products(key, &advice, &instance, permuted, rng)
    });
    let random = RandomPolynomial::new(key.fft().n(), rng);
    stage(progress, stages::COMMIT_PRODUCTS, || {
        committer.write_lagrange(&products, &mut transcript)?;
        committer.write_monomial(&[random.coefficients()], &mut transcript)
    })?;

    let y = transcript.challenge();
    let mut polynomials = stage(progress, stages::INTERPOLATION, || {
        Polynomials::interpolate(key, advice, instance, products)
    });
    let mut pieces = stage(progress, stages::QUOTIENT, || {
        quotient::pieces(key, &polynomials, &challenges, permuted, y)
    });
    quotient::blind(&mut pieces, rng);
    stage(progress, stages::COMMIT_QUOTIENT, || {
        committer.write_monomial(&pieces, &mut transcript)
    })?;

    let x = transcript.challenge();
    let evaluations = stage(progress, stages::EVALUATIONS, || {
        polynomials.set_quotient(pieces, x);
        polynomials.set_random(random.coefficients());
        polynomials.evaluate(x)
    });
    evaluations.iter().for_each(|value| transcript.scalar(value));

    stage(progress, stages::OPENING, || {
        shplonk::open(key, polynomials, evaluations, x, &committer, &mut transcript)
    })?;
    Ok(transcript.finish())
}

fn check_fit(key: &ProvingKey, srs: &Srs, words: &[Fr]) -> Result<(), ProveError> {
    let verifying = key.verifying_key();
    let (expected, got) = (verifying.k(), srs.k());
    if expected != got {
        return Err(ProveError::SrsSize { expected, got });
    }
    if (verifying.g2(), verifying.s_g2()) != (srs.g2(), srs.s_g2()) {
        return Err(ProveError::OtherSrs);
    }
    let (expected, got) = (verifying.instance_layout().words, words.len());
    if expected == got { Ok(()) } else { Err(ProveError::Words { expected, got }) }
}
