//! Round 3: the quotient polynomial.
//!
//! With `N` the sum of all constraints times powers of `y`, of degree below `d n`, the quotient is
//! `H = N / (X^n - 1)`, split as `H = sum_{i < d - 1} X^(n i) h_i` into pieces of `n` coefficients.
//! On the coset `c <omega>` the power `X^n` is the constant `t = c^n`, so that the coefficients of
//! the polynomial of degree below `n` through the values of `H` there are `sum_i t^i h_i`: `d - 1`
//! cosets of size `n` determine the pieces by a Vandermonde system, and no larger domain is needed.
//! `N` is a sum of constraints of low degree and one of the others. Fewer cosets determine the
//! quotient of the first, and so what it contributes to `N` on the others.
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
use super::rng::random;
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
    let domain = key.verifying_key().domain();
    let nodes: Vec<Fr> = shifts.iter().map(|shift| domain.vanishing_power(*shift)).collect();
    // For each coset the coefficients of what is known of `N` there: sums that the cosets before
    // determine, and in the end all.
    let mut numerators: Vec<Option<Vec<Fr>>> = vec![None; cosets];
    let mut found: Vec<Vec<Vec<Fr>>> = vec![Vec::new(); constraints.cosets.len()];
    for (coset, shift) in shifts.iter().enumerate() {
        let known = numerators[coset].take();
        let known = known.map(|coefficients| on_cosets.values(coefficients, *shift));
        let mut sums = on_cosets.sums(constraints.on_coset(coset), *shift, known);
        let mut total = sums.pop();
        let wanted = constraints.cosets.iter().zip(&mut found).filter(|(all, _)| **all > coset);
        for ((all, found), values) in wanted.zip(sums) {
            found.push(on_cosets.interpolated(&values, *shift));
            total = Some(on_cosets.added(total, values));
            if *all == coset + 1 {
                let (known, rest) = nodes.split_at(*all);
                for (numerator, node) in numerators[*all..].iter_mut().zip(rest) {
                    let factors = extrapolation(known, *node);
                    *numerator = Some(on_cosets.combined(numerator.take(), found, &factors));
                }
                found.drain(..).for_each(|coefficients| on_cosets.reuse(coefficients));
            }
        }
        numerators[coset] = total.map(|total| {
            let coefficients = on_cosets.interpolated(&total, *shift);
            on_cosets.reuse(total);
            coefficients
        });
    }
    drop(on_cosets);
    let numerators: Vec<Vec<Fr>> = numerators.into_iter().flatten().collect();
    quotient(
        &nodes,
        &numerators,
        key.verifying_key().protocol().num_quotient_pieces(),
        key.fft().n(),
    )
}

/// Blinds the commitments to the pieces without changing their sum.
pub(super) fn blind(pieces: &mut [Vec<Fr>], rng: &mut dyn RngCore) {
    for i in 1..pieces.len() {
        let blinding = random(rng);
        pieces[i - 1].push(blinding);
        pieces[i][0] -= blinding;
    }
}

/// The first `pieces` pieces, of `n` coefficients, of the quotient of a polynomial `N` by `X^n - 1`.
/// `numerators` are the coefficients of degree below `n` that have the values of `N` on cosets, whose
/// points to the `n` are `nodes`: divided by `nodes_j - 1` they are `sum_i nodes_j^i h_i`.
fn quotient(nodes: &[Fr], numerators: &[Vec<Fr>], pieces: usize, n: usize) -> Vec<Vec<Fr>> {
    // Room for the blinding.
    let piece = || {
        let mut piece = Vec::with_capacity(n + 1);
        piece.resize(n, Fr::ZERO);
        piece
    };
    let mut pieces: Vec<Vec<Fr>> = std::iter::repeat_with(piece).take(pieces).collect();
    for (piece, factors) in pieces.iter_mut().zip(piece_factors(nodes)) {
        let terms: Vec<(Fr, &[Fr])> =
            factors.into_iter().zip(numerators.iter().map(Vec::as_slice)).collect();
        add_multiples(piece, &terms);
    }
    pieces
}

/// The factors `f` with which `sum_j f_j N_j` are the coefficients of `N`, as in [`quotient`], on a
/// coset whose points to the `n` are `node`, where those at `nodes` determine its quotient.
fn extrapolation(nodes: &[Fr], node: Fr) -> Vec<Fr> {
    let mut factors = vec![Fr::ZERO; nodes.len()];
    for (power, row) in powers(node, nodes.len()).into_iter().zip(piece_factors(nodes)) {
        let of_piece = (node - Fr::ONE) * power;
        factors.iter_mut().zip(row).for_each(|(sum, factor)| *sum += of_piece * factor);
    }
    factors
}

/// Of a product of differences of points to the `n`: cosets differ, and none is the domain.
fn inverse(differences: Fr) -> Fr {
    differences.invert().expect("cosets differ from each other and from the domain")
}

/// Row `i`, column `j`: the factor of `N_j` in piece `h_i`, as in [`quotient`], which is coefficient
/// `i` of the Lagrange polynomial of node `j`, divided by `nodes_j - 1`.
fn piece_factors(nodes: &[Fr]) -> Vec<Vec<Fr>> {
    let size = nodes.len();
    let mut rows = vec![vec![Fr::ZERO; size]; size];
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
        let scale = inverse(denominator * (*node - Fr::ONE));
        for (row, a) in rows.iter_mut().zip(polynomial) {
            row[j] = a * scale;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(t - 1) sum_i t^i h_i`: the numerator on a coset whose points to the `n` are `t`.
    fn numerator(pieces: &[Vec<Fr>], node: Fr) -> Vec<Fr> {
        let factors = powers(node, pieces.len());
        let terms: Vec<(Fr, &[Fr])> =
            factors.iter().zip(pieces).map(|(t, h)| (*t * (node - Fr::ONE), &h[..])).collect();
        let mut sum = vec![Fr::ZERO; pieces[0].len()];
        add_multiples(&mut sum, &terms);
        sum
    }

    #[test]
    fn numerators_on_enough_cosets_determine_the_pieces_and_all_others() {
        let nodes = [5, 7, 11, 13, 17].map(Fr::from);
        let pieces: Vec<Vec<Fr>> =
            (0..4).map(|i| (0..8).map(|j| Fr::from(100 * i + j * j + 1)).collect()).collect();
        for count in 1..=4 {
            let pieces = &pieces[..count];
            let of_nodes: Vec<Vec<Fr>> = nodes.iter().map(|t| numerator(pieces, *t)).collect();
            let (known, rest) = nodes.split_at(count);
            let found = quotient(known, &of_nodes[..count], count, 8);
            assert_eq!(found, pieces);
            assert!(found.iter().all(|piece| piece.capacity() > 8), "room for the blinding");
            for (node, expected) in rest.iter().zip(&of_nodes[count..]) {
                let mut sum = vec![Fr::ZERO; 8];
                let factors = extrapolation(known, *node);
                let terms: Vec<(Fr, &[Fr])> =
                    factors.iter().copied().zip(of_nodes.iter().map(Vec::as_slice)).collect();
                add_multiples(&mut sum, &terms);
                assert_eq!(&sum, expected, "{count} pieces");
            }
        }
    }
}
