//! SHPLONK: all evaluations are those of the committed polynomials.
//!
//! With the notation of the prover's module and commitments `C_i`,
//!
//! ```text
//! F = sum_S v^s Z_{T \ S}(u) / Z_{T \ S_0}(u) sum_i y^i (C_i - [R_i(u)])
//!     - Z_{S_0}(u) [h] + u [w]
//! e([w], [s]_2) = e(F, [1]_2)
//! ```
//!
//! Source: eprint 2020/081, section 4, normalised as halo2 does.

use ff::Field;
use group::{Curve, Group, prime::PrimeCurveAffine};
use halo2curves::{
    bn256::{Bn256, Fr, G1, G1Affine, G2Prepared},
    msm::msm_serial,
};
use pairing::{MillerLoopResult, MultiMillerLoop};

use super::VerifyError;
use super::proof::Proof;
use crate::plonk::interpolation::{evaluate, interpolate, vanishing_at};
use crate::plonk::keys::VerifyingKey;
use crate::plonk::openings::Poly;
use crate::plonk::transcript::KeccakRead;

/// Reads the opening, to the proof's end, and checks it.
pub(super) fn verify(
    key: &VerifyingKey,
    proof: &Proof,
    quotient: Fr,
    mut transcript: KeccakRead<'_>,
) -> Result<(), VerifyError> {
    let (y, v) = (transcript.challenge(), transcript.challenge());
    let h = transcript.point()?;
    let u = transcript.challenge();
    let w = transcript.point()?;
    transcript.finish()?;

    let mut sum = combined(key, proof, quotient, [y, v, u])?;
    sum.add(-sum.first_vanishing, &h);
    sum.add(u, &w);
    let right = sum.value().to_affine();

    let s_g2 = G2Prepared::from(key.s_g2());
    let minus_g2 = G2Prepared::from(-key.g2());
    let pairing = Bn256::multi_miller_loop(&[(&w, &s_g2), (&right, &minus_g2)]);
    if bool::from(pairing.final_exponentiation().is_identity()) {
        Ok(())
    } else {
        Err(VerifyError::Invalid)
    }
}

/// `F` without its last two terms, as points and factors.
fn combined(
    key: &VerifyingKey,
    proof: &Proof,
    quotient: Fr,
    [y, v, u]: [Fr; 3],
) -> Result<Sum, VerifyError> {
    let openings = key.openings();
    let domain = key.domain();
    let at = |rotations: &[i32]| -> Vec<Fr> {
        rotations.iter().map(|r| proof.x * domain.root(*r)).collect()
    };
    let points = at(&openings.rotations);
    let mut sum = Sum::default();
    let mut of_set = Fr::ONE; // v^s / Z_{T \ S_0}(u)
    let mut evaluated = Fr::ZERO;
    for (s, set) in openings.sets.iter().enumerate() {
        let inside = at(&set.rotations);
        let outside = vanishing_at(points.iter().filter(|p| !inside.contains(p)).copied(), u);
        if s == 0 {
            of_set = Option::from(outside.invert()).ok_or(VerifyError::ChallengeInDomain)?;
            sum.first_vanishing = vanishing_at(inside.iter().copied(), u);
        }
        let mut factor = of_set * outside;
        let mut values = vec![Fr::ZERO; inside.len()];
        let mut power = Fr::ONE;
        for member in &set.members {
            sum.add_commitment(key, proof, member.poly, factor).ok_or(VerifyError::Key)?;
            for (value, position) in values.iter_mut().zip(&member.evaluations) {
                let evaluation = match proof.evaluations.get(*position) {
                    Some(evaluation) => *evaluation,
                    None if *position == openings.quotient_evaluation() => quotient,
                    None => return Err(VerifyError::Key),
                };
                *value += power * evaluation;
            }
            power *= y;
            factor *= y;
        }
        let remainder = interpolate(&inside, &values).ok_or(VerifyError::ChallengeInDomain)?;
        evaluated += of_set * outside * evaluate(&remainder, u);
        of_set *= v;
    }
    sum.add(-evaluated, &G1Affine::generator());
    Ok(sum)
}

/// A multi-scalar multiplication to be done.
#[derive(Debug, Default)]
struct Sum {
    scalars: Vec<Fr>,
    points: Vec<G1Affine>,
    /// `Z_{S_0}(u)`.
    first_vanishing: Fr,
}

impl Sum {
    fn add(&mut self, scalar: Fr, point: &G1Affine) {
        // Commitments to zero columns add nothing.
        if !bool::from(point.is_identity()) {
            self.scalars.push(scalar);
            self.points.push(*point);
        }
    }

    fn add_commitment(
        &mut self,
        key: &VerifyingKey,
        proof: &Proof,
        poly: Poly,
        factor: Fr,
    ) -> Option<()> {
        match poly {
            Poly::Advice(i) => self.add(factor, proof.advice.get(i)?),
            Poly::Product(i) => self.add(factor, proof.products.get(i)?),
            Poly::Fixed(i) => self.add(factor, key.fixed_commitments().get(i)?),
            Poly::Sigma(i) => self.add(factor, key.permutation_commitments().get(i)?),
            Poly::Random => self.add(factor, &proof.random),
            Poly::Quotient => {
                let xn = key.domain().vanishing_power(proof.x);
                let mut power = factor;
                for piece in &proof.quotient {
                    self.add(power, piece);
                    power *= xn;
                }
            }
        }
        Some(())
    }

    fn value(&self) -> G1 {
        let mut sum = G1::identity();
        msm_serial(&self.scalars, &self.points, &mut sum);
        sum
    }
}
