//! The value at `x` that the constraints demand of the quotient.
//!
//! All constraints, in halo2's order, weighted by falling powers of `y`: the gates; then, for grand
//! products `z_0 .. z_m` of the permutation argument,
//!
//! ```text
//! l_0 (1 - z_0)
//! l_last (z_m^2 - z_m)
//! l_0 (z_i - z_{i-1}(omega^last x))                                            i = 1 .. m
//! (1 - l_last - l_blind) (z_i(omega x) prod_j (v_j + beta sigma_j + gamma)
//!                         - z_i prod_j (v_j + beta delta^j x + gamma))         i = 0 .. m
//! ```
//!
//! divided by `x^n - 1`.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;

use super::VerifyError;
use super::gates::Leaves;
use super::proof::Proof;
use crate::plonk::keys::VerifyingKey;
use crate::plonk::protocol::Protocol;

/// The sum of all constraints at `x`, divided by `x^n - 1`.
pub(super) fn expected_quotient(
    key: &VerifyingKey,
    proof: &Proof,
    instance: Fr,
) -> Result<Fr, VerifyError> {
    let protocol = key.protocol();
    let vanishing = key.domain().vanishing_power(proof.x) - Fr::ONE;
    let inverse = Option::<Fr>::from(vanishing.invert()).ok_or(VerifyError::ChallengeInDomain)?;
    let evaluations = Evaluations::split(protocol, &proof.evaluations).ok_or(VerifyError::Key)?;
    let leaves = Leaves {
        advice: evaluations.advice,
        fixed: evaluations.fixed,
        instance,
        challenges: &proof.challenges,
    };
    let mut sum = Fr::ZERO;
    for gate in &protocol.gates {
        let value = leaves.evaluate(gate).ok_or(VerifyError::Key)?;
        sum = sum * proof.y + value;
    }
    let rows = Rows::new(key, proof.x, vanishing)?;
    let of_permutation =
        permutation(protocol, proof, &evaluations, leaves, &rows).ok_or(VerifyError::Key)?;
    for value in of_permutation {
        sum = sum * proof.y + value;
    }
    Ok(sum * inverse)
}

/// Evaluations of a proof by what they are of.
struct Evaluations<'a> {
    advice: &'a [Fr],
    fixed: &'a [Fr],
    sigma: &'a [Fr],
    products: Vec<Product>,
}

/// Evaluations of a grand product.
struct Product {
    here: Fr,
    next: Fr,
    /// All but the last have it.
    last: Option<Fr>,
}

impl<'a> Evaluations<'a> {
    fn split(protocol: &Protocol, all: &'a [Fr]) -> Option<Self> {
        let (advice, rest) = all.split_at_checked(protocol.advice_queries.len())?;
        let (fixed, rest) = rest.split_at_checked(protocol.fixed_queries.len())?;
        let (_random, rest) = rest.split_first()?;
        let (sigma, mut rest) = rest.split_at_checked(protocol.permutation.len())?;
        let mut products = Vec::with_capacity(protocol.num_products());
        while let [here, next, after @ ..] = rest {
            let (last, after) = match after.split_first() {
                Some((last, after)) => (Some(*last), after),
                None => (None, after),
            };
            products.push(Product { here: *here, next: *next, last });
            rest = after;
        }
        Some(Self { advice, fixed, sigma, products })
    }
}

/// Selectors of rows at `x`.
struct Rows {
    first: Fr,
    last: Fr,
    active: Fr,
}

impl Rows {
    fn new(key: &VerifyingKey, x: Fr, vanishing: Fr) -> Result<Self, VerifyError> {
        let domain = key.domain();
        let scale = vanishing * domain.n_inverse();
        let lagrange = |rotation: i32| {
            let root = domain.root(rotation);
            let inverse = Option::<Fr>::from((x - root).invert());
            inverse.map(|i| i * root * scale).ok_or(VerifyError::ChallengeInDomain)
        };
        let last_rotation = key.protocol().last_rotation();
        let last = lagrange(last_rotation)?;
        let mut inactive = last;
        for rotation in last_rotation.saturating_add(1)..0 {
            inactive += lagrange(rotation)?;
        }
        Ok(Self { first: lagrange(0)?, last, active: Fr::ONE - inactive })
    }
}

/// The constraints of the permutation argument.
fn permutation(
    protocol: &Protocol,
    proof: &Proof,
    evaluations: &Evaluations<'_>,
    leaves: Leaves<'_>,
    rows: &Rows,
) -> Option<Vec<Fr>> {
    let products = &evaluations.products;
    let (Some(start), Some(end)) = (products.first(), products.last()) else {
        return Some(Vec::new());
    };
    let mut constraints =
        vec![rows.first * (Fr::ONE - start.here), rows.last * (end.here.square() - end.here)];
    for (before, product) in products.iter().zip(products.iter().skip(1)) {
        constraints.push(rows.first * (product.here - before.last?));
    }
    let mut label = proof.beta * proof.x;
    let chunk = protocol.permutation_chunk();
    let sets = protocol.permutation.chunks(chunk).zip(evaluations.sigma.chunks(chunk));
    for (product, (columns, sigma)) in products.iter().zip(sets) {
        let (mut left, mut right) = (product.next, product.here);
        for (column, sigma) in columns.iter().zip(sigma) {
            let value = leaves.evaluate(&protocol.permutation_leaf(column)?)?;
            left *= value + proof.beta * sigma + proof.gamma;
            right *= value + label + proof.gamma;
            label *= Fr::DELTA;
        }
        constraints.push((left - right) * rows.active);
    }
    Some(constraints)
}
