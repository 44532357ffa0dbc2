//! Round 3: the quotient polynomial.
//!
//! With `N` the sum of all constraints times powers of `y`, of degree below `d n`, the quotient is
//! `H = N / (X^n - 1)`, split as `H = sum_{i < d - 1} X^(n i) h_i` into pieces of `n` coefficients.
//! On the coset `c <omega>` the power `X^n` is the constant `t = c^n`, so that the coefficients of
//! the polynomial of degree below `n` through the values of `H` there are `sum_i t^i h_i`: `d - 1`
//! cosets of size `n` determine the pieces by a Vandermonde system, and no larger domain is needed.
//!
//! Pieces are blinded by `h_i += b_i X^n`, `h_{i+1} -= b_i`, which leaves the sum as it is: the
//! verifier sees a commitment to each. Source: Sefranek, "How (Not) to Simulate PLONK"
//! (eprint 2024/848), which shows that unblinded pieces are not covered by the simulator.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use rand_core::RngCore;
use rayon::prelude::*;

use super::evaluations::Polynomials;
use super::permutation::Challenges;
use super::witness::random;
use crate::plonk::fft::powers;
use crate::plonk::keys::ProvingKey;
use crate::plonk::program::LeafKind;
use crate::plonk::protocol::{Column, ColumnKind};

/// Rows that one task takes.
const CHUNK: usize = 1 << 9;

/// The pieces, not yet blinded.
pub(super) fn pieces(
    key: &ProvingKey,
    polynomials: &Polynomials,
    challenges: &[Fr],
    permuted: Challenges,
    y: Fr,
) -> Vec<Vec<Fr>> {
    let protocol = key.verifying_key().protocol();
    let (fft, n) = (key.fft(), key.fft().n());
    let selectors = Selectors::new(key);
    let uniforms = key.combined_gates().uniforms(challenges);
    let combinations = combine(key, polynomials, &uniforms);
    // Powers of a generator of the field's group: of large order, so that no two cosets coincide
    // and none is the domain itself.
    let shifts: Vec<Fr> =
        powers(Fr::MULTIPLICATIVE_GENERATOR, protocol.num_quotient_pieces() + 1)[1..].to_vec();
    let on_cosets: Vec<Vec<Fr>> = shifts
        .iter()
        .map(|shift| {
            let coset = Coset::new(key, polynomials, &combinations, &selectors, *shift);
            let mut values = coset.numerator(key, &uniforms, permuted, y);
            let vanishing = coset.shift_to_n - Fr::ONE;
            let inverse = vanishing.invert().expect("the coset is not the domain");
            values.par_iter_mut().for_each(|v| *v *= inverse);
            let back = shift.invert().expect("a generator is not zero");
            fft.coset_interpolate(values, &powers(back, n))
        })
        .collect();
    let domain = key.verifying_key().domain();
    let nodes: Vec<Fr> = shifts.iter().map(|shift| domain.vanishing_power(*shift)).collect();
    solve_vandermonde(&nodes, on_cosets)
}

/// Coefficients of the combinations of columns that gates read.
fn combine(key: &ProvingKey, polynomials: &Polynomials, uniforms: &[Fr]) -> Vec<Vec<Fr>> {
    let column = |kind: LeafKind, index: usize| match kind {
        LeafKind::Advice => polynomials.advice[index].as_slice(),
        LeafKind::Fixed => key.fixed().coefficients[index].as_slice(),
        LeafKind::Instance => polynomials.instance.as_slice(),
        LeafKind::Combination => unreachable!("combinations are of columns"),
    };
    key.combined_gates().combinations().iter().map(|c| c.of(uniforms, column)).collect()
}

/// Blinds the commitments to the pieces without changing their sum.
pub(super) fn blind(pieces: &mut [Vec<Fr>], rng: &mut dyn RngCore) {
    for i in 1..pieces.len() {
        let blinding = random(rng);
        pieces[i - 1].push(blinding);
        pieces[i][0] -= blinding;
    }
}

/// Solves `values_j = sum_i nodes_j^i pieces_i` in every coefficient.
fn solve_vandermonde(nodes: &[Fr], values: Vec<Vec<Fr>>) -> Vec<Vec<Fr>> {
    let inverse = inverse_vandermonde(nodes);
    inverse
        .iter()
        .map(|row| {
            let mut piece = vec![Fr::ZERO; values[0].len()];
            for (factor, values) in row.iter().zip(&values) {
                piece.par_iter_mut().zip(values).for_each(|(a, b)| *a += *factor * b);
            }
            piece
        })
        .collect()
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

/// Coefficients of the polynomials that are 1 on some rows and 0 on others.
struct Selectors {
    first: Vec<Fr>,
    last: Vec<Fr>,
    active: Vec<Fr>,
}

impl Selectors {
    fn new(key: &ProvingKey) -> Self {
        let (fft, n) = (key.fft(), key.fft().n());
        let usable = key.verifying_key().protocol().usable_rows(key.verifying_key().k());
        let on = |rows: std::ops::Range<usize>| {
            let mut values = vec![Fr::ZERO; n];
            values[rows].fill(Fr::ONE);
            fft.interpolate(values)
        };
        Self { first: on(0..1), last: on(usable..usable + 1), active: on(0..usable) }
    }
}

/// All columns that constraints read, on one coset.
struct Coset {
    shift: Fr,
    shift_to_n: Fr,
    advice: Vec<Vec<Fr>>,
    fixed: Vec<Vec<Fr>>,
    instance: Vec<Fr>,
    combinations: Vec<Vec<Fr>>,
    sigma: Vec<Vec<Fr>>,
    products: Vec<Vec<Fr>>,
    first: Vec<Fr>,
    last: Vec<Fr>,
    active: Vec<Fr>,
}

impl Coset {
    fn new(
        key: &ProvingKey,
        polynomials: &Polynomials,
        combinations: &[Vec<Fr>],
        selectors: &Selectors,
        shift: Fr,
    ) -> Self {
        let (fft, protocol) = (key.fft(), key.verifying_key().protocol());
        let shifts = powers(shift, fft.n());
        let values = |coefficients: &[Fr]| fft.coset_values(coefficients, &shifts);
        let all = |polynomials: &[Vec<Fr>]| polynomials.par_iter().map(|p| values(p)).collect();
        // A column that no constraint reads itself is left empty.
        let read = |polynomials: &[Vec<Fr>], leaf: LeafKind, kind: ColumnKind| {
            let permuted = |index| protocol.permutation.contains(&Column { kind, index });
            polynomials
                .par_iter()
                .enumerate()
                .map(|(i, p)| match key.combined_gates().reads(leaf, i) || permuted(i) {
                    true => values(p),
                    false => Vec::new(),
                })
                .collect()
        };
        Self {
            shift,
            shift_to_n: key.verifying_key().domain().vanishing_power(shift),
            advice: read(&polynomials.advice, LeafKind::Advice, ColumnKind::Advice),
            fixed: read(&key.fixed().coefficients, LeafKind::Fixed, ColumnKind::Fixed),
            instance: match protocol.instance_queries.is_empty() {
                true => Vec::new(),
                false => values(&polynomials.instance),
            },
            combinations: all(combinations),
            sigma: all(&key.sigma().coefficients),
            products: all(&polynomials.products),
            first: values(&selectors.first),
            last: values(&selectors.last),
            active: values(&selectors.active),
        }
    }

    /// `N` on the coset.
    fn numerator(&self, key: &ProvingKey, uniforms: &[Fr], permuted: Challenges, y: Fr) -> Vec<Fr> {
        let (gates, protocol) = (key.combined_gates(), key.verifying_key().protocol());
        let n = key.fft().n();
        let rotate = |row: usize, rotation: i32| {
            // n is a power of two: masking is the remainder, of negative numbers too.
            row.wrapping_add_signed(rotation as isize) & (n - 1)
        };
        let leaves: Vec<(&[Fr], i32)> = gates
            .leaves()
            .iter()
            .map(|leaf| {
                let column = leaf.query.column;
                let values = match leaf.kind {
                    LeafKind::Advice => &self.advice[column],
                    LeafKind::Fixed => &self.fixed[column],
                    LeafKind::Instance => &self.instance,
                    LeafKind::Combination => &self.combinations[column],
                };
                (values.as_slice(), leaf.query.rotation)
            })
            .collect();
        let permutation = PermutationRows {
            coset: self,
            columns: protocol.permutation.iter().map(|c| self.column(c)).collect(),
            chunk: protocol.permutation_chunk(),
            last_rotation: protocol.last_rotation(),
            challenges: permuted,
            rotate,
        };
        let omega = key.verifying_key().domain().omega();
        let mut numerator = vec![Fr::ZERO; n];
        numerator.par_chunks_mut(CHUNK).enumerate().for_each(|(task, values)| {
            let first_row = task * CHUNK;
            let mut slots = gates.slots();
            let mut x = self.shift * omega.pow_vartime([first_row as u64]);
            for (row, value) in (first_row..).zip(values) {
                let cell = |leaf: usize| {
                    let (values, rotation) = leaves[leaf];
                    values[rotate(row, rotation)]
                };
                let sum = gates
                    .run(uniforms, &mut slots, cell)
                    .fold(Fr::ZERO, |sum, gate| sum * y + gate);
                *value = permutation.fold(sum, row, x, y);
                x *= omega;
            }
        });
        numerator
    }

    fn column(&self, column: &Column) -> &[Fr] {
        match column.kind {
            ColumnKind::Advice => &self.advice[column.index],
            ColumnKind::Fixed => &self.fixed[column.index],
            ColumnKind::Instance => &self.instance,
        }
    }
}

/// The constraints of the permutation argument, row by row.
struct PermutationRows<'a, R> {
    coset: &'a Coset,
    columns: Vec<&'a [Fr]>,
    chunk: usize,
    last_rotation: i32,
    challenges: Challenges,
    rotate: R,
}

impl<R: Fn(usize, i32) -> usize> PermutationRows<'_, R> {
    /// Appends the constraints at `row`, whose point is `x`, to a sum of powers of `y`.
    fn fold(&self, mut sum: Fr, row: usize, x: Fr, y: Fr) -> Fr {
        let Challenges { beta, gamma } = self.challenges;
        let coset = self.coset;
        let products = &coset.products;
        let (Some(start), Some(end)) = (products.first(), products.last()) else {
            return sum;
        };
        let (first, end) = (coset.first[row], end[row]);
        sum = sum * y + (Fr::ONE - start[row]) * first;
        sum = sum * y + (end.square() - end) * coset.last[row];
        for pair in products.windows(2) {
            let before = pair[0][(self.rotate)(row, self.last_rotation)];
            sum = sum * y + (pair[1][row] - before) * first;
        }
        let mut label = beta * x;
        let sets = self.columns.chunks(self.chunk).zip(coset.sigma.chunks(self.chunk));
        for (z, (columns, sigma)) in products.iter().zip(sets) {
            let (mut left, mut right) = (z[(self.rotate)(row, 1)], z[row]);
            for (values, sigma) in columns.iter().zip(sigma) {
                let value = values[row] + gamma;
                left *= value + beta * sigma[row];
                right *= value + label;
                label *= Fr::DELTA;
            }
            sum = sum * y + (left - right) * coset.active[row];
        }
        sum
    }
}
