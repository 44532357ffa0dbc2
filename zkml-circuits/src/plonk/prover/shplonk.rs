//! Round 5: one opening of all evaluations.
//!
//! For each set `S` of points with polynomials `p_i`, `P_S = sum_i y^i p_i` and `R_S` the
//! interpolation of its evaluations on `S`. With `Z_S` vanishing on `S`, `Z_T` on all points and
//! `v` the batching challenge,
//!
//! ```text
//! h = sum_S v^s (P_S - R_S) / Z_S
//! L = sum_S v^s Z_{T \ S}(u) (P_S - R_S(u)) - Z_T(u) h,    L(u) = 0
//! w = L / (Z_{T \ S_0}(u) (X - u))
//! ```
//!
//! and the proof is `[h], [w]`. Source: eprint 2020/081, section 4; the normalisation by the first
//! set is halo2's.

use ff::Field;
use halo2curves::bn256::Fr;
use zkml_core::proving::vector::{add_multiple, add_multiples, divide_by_linear, evaluate, powers};

use super::ProveError;
use super::commit::Committer;
use super::evaluations::{Polynomials, combine};
use crate::plonk::interpolation::{self, interpolate, vanishing_at};
use crate::plonk::keys::ProvingKey;
use crate::plonk::openings::RotationSet;
use crate::plonk::transcript::KeccakWrite;

/// Writes the opening. `evaluations` are the proof's. Polynomials are dropped when they are combined.
pub(super) fn open(
    key: &ProvingKey,
    polynomials: Polynomials<'_>,
    mut evaluations: Vec<Fr>,
    x: Fr,
    committer: &Committer<'_>,
    transcript: &mut KeccakWrite,
) -> Result<(), ProveError> {
    let openings = key.verifying_key().openings();
    let (y, v) = (transcript.challenge(), transcript.challenge());
    evaluations.push(evaluate(polynomials.quotient(), x));

    let sets: Vec<Combined> = openings
        .sets
        .iter()
        .map(|set| Combined::new(key, &polynomials, &evaluations, set, x, y))
        .collect::<Option<_>>()
        .ok_or(ProveError::Unlucky("points of evaluation coincide"))?;
    drop(polynomials);

    let powers_of_v = powers(v, sets.len());
    let mut h = vec![Fr::ZERO; key.fft().n() + 1];
    for (set, power) in sets.iter().zip(&powers_of_v) {
        add_multiple(&mut h, &set.quotient(), *power);
    }
    committer.write_monomial(std::slice::from_ref(&h), transcript)?;

    let u = transcript.challenge();
    let domain = key.verifying_key().domain();
    let points: Vec<Fr> = openings.rotations.iter().map(|r| x * domain.root(*r)).collect();
    let outside = |set: &Combined| {
        vanishing_at(points.iter().filter(|p| !set.points.contains(p)).copied(), u)
    };
    let scale = sets
        .first()
        .and_then(|set| Option::<Fr>::from(outside(set).invert()))
        .ok_or(ProveError::Unlucky("a challenge is a point of evaluation"))?;
    // L times the scale.
    let mut l = vec![Fr::ZERO; key.fft().n() + 1];
    let all = vanishing_at(points.iter().copied(), u);
    let mut terms: Vec<(Fr, &[Fr])> = vec![(-all * scale, &h)];
    for (set, power) in sets.iter().zip(&powers_of_v) {
        let factor = *power * outside(set) * scale;
        l[0] -= factor * interpolation::evaluate(&set.remainder, u);
        terms.push((factor, &set.polynomial));
    }
    add_multiples(&mut l, &terms);
    divide_by_linear(&mut l, u);
    committer.write_monomial(std::slice::from_ref(&l), transcript)
}

/// The polynomials of one set, combined.
struct Combined {
    points: Vec<Fr>,
    polynomial: Vec<Fr>,
    remainder: Vec<Fr>,
}

impl Combined {
    fn new(
        key: &ProvingKey,
        polynomials: &Polynomials<'_>,
        evaluations: &[Fr],
        set: &RotationSet,
        x: Fr,
        y: Fr,
    ) -> Option<Self> {
        let domain = key.verifying_key().domain();
        let points: Vec<Fr> = set.rotations.iter().map(|r| x * domain.root(*r)).collect();
        let mut values = vec![Fr::ZERO; points.len()];
        let mut terms = Vec::with_capacity(set.members.len());
        for (member, power) in set.members.iter().zip(powers(y, set.members.len())) {
            terms.push((power, polynomials.get(member.poly)));
            for (value, position) in values.iter_mut().zip(&member.evaluations) {
                *value += power * evaluations[*position];
            }
        }
        let polynomial = combine(key.fft(), &terms);
        let remainder = interpolate(&points, &values)?;
        Some(Self { points, polynomial, remainder })
    }

    /// `(P - R) / Z`.
    fn quotient(&self) -> Vec<Fr> {
        let mut quotient = self.polynomial.clone();
        quotient.iter_mut().zip(&self.remainder).for_each(|(a, b)| *a -= b);
        self.points.iter().for_each(|point| divide_by_linear(&mut quotient, *point));
        quotient
    }
}
