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
use rayon::prelude::*;

use super::ProveError;
use super::commit::Committer;
use super::evaluations::Polynomials;
use crate::plonk::interpolation::{evaluate, interpolate, vanishing_at};
use crate::plonk::keys::ProvingKey;
use crate::plonk::openings::RotationSet;
use crate::plonk::transcript::KeccakWrite;

/// Coefficients that one task takes.
const CHUNK: usize = 1 << 12;

/// Writes the opening. `evaluations` are the proof's.
pub(super) fn open(
    key: &ProvingKey,
    polynomials: &Polynomials,
    mut evaluations: Vec<Fr>,
    x: Fr,
    committer: &Committer<'_>,
    transcript: &mut KeccakWrite,
) -> Result<(), ProveError> {
    let openings = key.verifying_key().openings();
    let (y, v) = (transcript.challenge(), transcript.challenge());
    evaluations.push(evaluate(polynomials.get(key, crate::plonk::Poly::Quotient), x));

    let sets: Vec<Combined> = openings
        .sets
        .iter()
        .map(|set| Combined::new(key, polynomials, &evaluations, set, x, y))
        .collect::<Option<_>>()
        .ok_or(ProveError::Unlucky("points of evaluation coincide"))?;

    let quotients: Vec<Vec<Fr>> = sets.par_iter().map(Combined::quotient).collect();
    let mut h = vec![Fr::ZERO; key.fft().n() + 1];
    let mut power = Fr::ONE;
    for quotient in &quotients {
        add_multiple(&mut h, quotient, power);
        power *= v;
    }
    committer.write_monomial(std::slice::from_ref(&h), transcript)?;

    let u = transcript.challenge();
    let domain = key.verifying_key().domain();
    let points: Vec<Fr> = openings.rotations.iter().map(|r| x * domain.root(*r)).collect();
    let mut l = vec![Fr::ZERO; key.fft().n() + 1];
    let mut power = Fr::ONE;
    let mut first = None;
    for set in &sets {
        let outside = points.iter().filter(|p| !set.points.contains(p)).copied();
        let outside = vanishing_at(outside, u);
        first.get_or_insert(outside);
        let factor = power * outside;
        add_multiple(&mut l, &set.polynomial, factor);
        l[0] -= factor * evaluate(&set.remainder, u);
        power *= v;
    }
    let all = vanishing_at(points.iter().copied(), u);
    add_multiple(&mut l, &h, -all);
    let scale = first
        .and_then(|z| Option::<Fr>::from(z.invert()))
        .ok_or(ProveError::Unlucky("a challenge is a point of evaluation"))?;
    let mut w = divide(&l, u);
    w.par_iter_mut().for_each(|a| *a *= scale);
    committer.write_monomial(std::slice::from_ref(&w), transcript)
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
        polynomials: &Polynomials,
        evaluations: &[Fr],
        set: &RotationSet,
        x: Fr,
        y: Fr,
    ) -> Option<Self> {
        let domain = key.verifying_key().domain();
        let points: Vec<Fr> = set.rotations.iter().map(|r| x * domain.root(*r)).collect();
        let mut polynomial = vec![Fr::ZERO; key.fft().n() + 1];
        let mut values = vec![Fr::ZERO; points.len()];
        let mut power = Fr::ONE;
        for member in &set.members {
            add_multiple(&mut polynomial, polynomials.get(key, member.poly), power);
            for (value, position) in values.iter_mut().zip(&member.evaluations) {
                *value += power * evaluations[*position];
            }
            power *= y;
        }
        let remainder = interpolate(&points, &values)?;
        Some(Self { points, polynomial, remainder })
    }

    /// `(P - R) / Z`.
    fn quotient(&self) -> Vec<Fr> {
        let mut quotient = self.polynomial.clone();
        quotient.iter_mut().zip(&self.remainder).for_each(|(a, b)| *a -= b);
        self.points.iter().fold(quotient, |quotient, point| divide(&quotient, *point))
    }
}

fn add_multiple(to: &mut [Fr], polynomial: &[Fr], factor: Fr) {
    to.par_chunks_mut(CHUNK)
        .zip(polynomial.par_chunks(CHUNK))
        .for_each(|(to, from)| to.iter_mut().zip(from).for_each(|(a, b)| *a += factor * b));
}

/// The quotient by `X - point`, the remainder dropped.
fn divide(polynomial: &[Fr], point: Fr) -> Vec<Fr> {
    let mut quotient = vec![Fr::ZERO; polynomial.len().saturating_sub(1)];
    let mut carry = Fr::ZERO;
    for (to, a) in quotient.iter_mut().zip(&polynomial[1..]).rev() {
        carry = carry * point + a;
        *to = carry;
    }
    quotient
}
