//! Reads a proof up to its evaluations, drawing the challenges on the way.

use ff::Field;
use halo2curves::bn256::{Fr, G1Affine};

use crate::plonk::protocol::Protocol;
use crate::plonk::transcript::{KeccakRead, TranscriptError};

/// A proof without its opening, and the challenges.
#[derive(Debug)]
pub(super) struct Proof {
    /// Commitments to advice columns, by index.
    pub(super) advice: Vec<G1Affine>,
    /// Commitments to grand products.
    pub(super) products: Vec<G1Affine>,
    /// Commitment to the random polynomial.
    pub(super) random: G1Affine,
    /// Commitments to the pieces of the quotient.
    pub(super) quotient: Vec<G1Affine>,
    /// Evaluations, in the order of [`Openings`](crate::plonk::Openings).
    pub(super) evaluations: Vec<Fr>,
    /// Challenges of the circuit, by index.
    pub(super) challenges: Vec<Fr>,
    pub(super) beta: Fr,
    pub(super) gamma: Fr,
    pub(super) y: Fr,
    pub(super) x: Fr,
}

impl Proof {
    pub(super) fn read(
        protocol: &Protocol,
        from: &mut KeccakRead<'_>,
    ) -> Result<Self, TranscriptError> {
        let mut advice = vec![G1Affine::default(); protocol.advice_phase.len()];
        let mut challenges = vec![Fr::ZERO; protocol.challenge_phase.len()];
        for phase in 0..protocol.num_phases() {
            for (point, of) in advice.iter_mut().zip(&protocol.advice_phase) {
                if *of == phase {
                    *point = from.point()?;
                }
            }
            for (challenge, of) in challenges.iter_mut().zip(&protocol.challenge_phase) {
                if *of == phase {
                    *challenge = from.challenge();
                }
            }
        }
        let _theta = from.challenge(); // of halo2's own lookups, which there are none of
        let (beta, gamma) = (from.challenge(), from.challenge());
        let products = points(from, protocol.num_products())?;
        let random = from.point()?;
        let y = from.challenge();
        let quotient = points(from, protocol.num_quotient_pieces())?;
        let x = from.challenge();
        let evaluations =
            (0..protocol.num_evaluations()).map(|_| from.scalar()).collect::<Result<_, _>>()?;
        Ok(Self { advice, products, random, quotient, evaluations, challenges, beta, gamma, y, x })
    }
}

fn points(from: &mut KeccakRead<'_>, count: usize) -> Result<Vec<G1Affine>, TranscriptError> {
    (0..count).map(|_| from.point()).collect()
}
