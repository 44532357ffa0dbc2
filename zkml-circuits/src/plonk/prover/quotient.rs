//! Round 3: the quotient polynomial.
//!
//! With `N` the sum of all constraints times powers of `y`, of degree below `d n`, the quotient is
//! `H = N / (X^n - 1)`, split as `H = sum_{i < d - 1} X^(n i) h_i` into pieces of `n` coefficients.
//! On the coset `c <omega>` the power `X^n` is the constant `t = c^n`, so that the coefficients of
//! the polynomial of degree below `n` through the values of `H` there are `sum_i t^i h_i`: `d - 1`
//! cosets of size `n` determine the pieces by a Vandermonde system, and no larger domain is needed.
//! `N` is taken as a sum of constraints of low degree and one of the others, and `H` as the sum of
//! their quotients, since fewer cosets determine the first.
//!
//! Pieces are blinded by `h_i += b_i X^n`, `h_{i+1} -= b_i`, which leaves the sum as it is: the
//! verifier sees a commitment to each. Source: Sefranek, "How (Not) to Simulate PLONK"
//! (eprint 2024/848), which shows that unblinded pieces are not covered by the simulator.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use rand_core::RngCore;
use zkml_core::proving::vector::{add_multiples, powers};

use super::cosets::Cosets;
use super::evaluations::Polynomials;
use super::permutation::Challenges;
use super::witness::random;
use crate::plonk::keys::ProvingKey;
use crate::plonk::program::Input;

/// The pieces, not yet blinded.
pub(super) fn pieces(
    key: &ProvingKey,
    polynomials: &Polynomials<'_>,
    challenges: &[Fr],
    permuted: Challenges,
    y: Fr,
) -> Vec<Vec<Fr>> {
    let constraints = key.constraints();
    let uniforms = constraints.uniforms.values(|input| match input {
        Input::Challenge(i) => challenges[i],
        Input::Beta => permuted.beta,
        Input::Gamma => permuted.gamma,
        Input::Y => y,
    });
    let on_cosets = Cosets::new(key, polynomials, &uniforms);
    // Powers of a generator of the field's group: of large order, so that no two cosets coincide
    // and none is the domain itself.
    let cosets = constraints.cosets.last().copied().unwrap_or(0);
    let shifts: Vec<Fr> = powers(Fr::MULTIPLICATIVE_GENERATOR, cosets + 1)[1..].to_vec();
    // For each sum, the coefficients found on each of its cosets.
    let mut found: Vec<Vec<Vec<Fr>>> = vec![Vec::new(); constraints.cosets.len()];
    for (coset, shift) in shifts.iter().enumerate() {
        let sums = on_cosets.interpolated(constraints.on_coset(coset), *shift);
        let wanted = found.iter_mut().zip(&constraints.cosets).filter(|(_, all)| **all > coset);
        wanted.zip(sums).for_each(|((found, _), coefficients)| found.push(coefficients));
    }
    drop(on_cosets);
    let domain = key.verifying_key().domain();
    let nodes: Vec<Fr> = shifts.iter().map(|shift| domain.vanishing_power(*shift)).collect();
    let pieces = key.verifying_key().protocol().num_quotient_pieces();
    let mut pieces = vec![vec![Fr::ZERO; key.fft().n()]; pieces];
    for numerators in found {
        add_quotient(&mut pieces, &nodes[..numerators.len()], &numerators);
    }
    pieces
}

/// Blinds the commitments to the pieces without changing their sum.
pub(super) fn blind(pieces: &mut [Vec<Fr>], rng: &mut dyn RngCore) {
    for i in 1..pieces.len() {
        let blinding = random(rng);
        pieces[i - 1].push(blinding);
        pieces[i][0] -= blinding;
    }
}

/// Adds the quotient of a polynomial `N` by `X^n - 1` to pieces. `numerators` are the coefficients
/// of degree below `n` that have the values of `N` on cosets, whose points to the `n` are `nodes`:
/// divided by `nodes_j - 1` they are `sum_i nodes_j^i h_i`.
fn add_quotient(pieces: &mut [Vec<Fr>], nodes: &[Fr], numerators: &[Vec<Fr>]) {
    let vanishing = |node: &Fr| (*node - Fr::ONE).invert().expect("the coset is not the domain");
    let divisors: Vec<Fr> = nodes.iter().map(vanishing).collect();
    for (piece, row) in pieces.iter_mut().zip(inverse_vandermonde(nodes)) {
        let factors = row.iter().zip(&divisors).map(|(factor, divisor)| *factor * divisor);
        let terms: Vec<(Fr, &[Fr])> = factors.zip(numerators.iter().map(Vec::as_slice)).collect();
        add_multiples(piece, &terms);
    }
}

/// Row `i`, column `j`: coefficient `i` of the Lagrange polynomial of node `j`.
fn inverse_vandermonde(nodes: &[Fr]) -> Vec<Vec<Fr>> {
    let size = nodes.len();
    let mut inverse = vec![vec![Fr::ZERO; size]; size];
    for (j, node) in nodes.iter().enumerate() {
        let mut polynomial = vec![Fr::ONE];
        let mut denominator = Fr::ONE;
        for other in nodes.iter().enumerate().filter(|(i, _)| *i != j).map(|(_, other)| other) {
            // times (X - other)
            let mut next = vec![Fr::ZERO; polynomial.len() + 1];
            for (i, a) in polynomial.iter().enumerate() {
                next[i + 1] += a;
                next[i] -= *a * other;
            }
            polynomial = next;
            denominator *= *node - other;
        }
        let scale = denominator.invert().expect("cosets differ");
        for (row, a) in inverse.iter_mut().zip(polynomial) {
            row[j] = a * scale;
        }
    }
    inverse
}
