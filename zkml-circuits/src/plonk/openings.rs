//! Which polynomials a proof opens, where, and how SHPLONK groups them.
//!
//! The order is halo2-axiom's: evaluations are written as advice, fixed, random, sigma, grand
//! products; the opening argument meets the queries as advice, grand products, fixed, sigma,
//! quotient, random, and groups polynomials that are opened at the same set of points, in the
//! order of first appearance. Source: Boneh, Drake, Fisch, Gabizon, "Efficient polynomial
//! commitment schemes for multiple points and polynomials" (eprint 2020/081), section 4.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use super::protocol::Protocol;

/// A committed polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Poly {
    /// Advice column `.0`.
    Advice(usize),
    /// Grand product `.0` of the permutation argument.
    Product(usize),
    /// Fixed column `.0`.
    Fixed(usize),
    /// Permutation polynomial of the `.0`-th column of the argument.
    Sigma(usize),
    /// The quotient, `sum_i x^(n i) h_i`.
    Quotient,
    /// The random polynomial of degree `n - 1`.
    Random,
}

/// A polynomial opened at all points of its set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The polynomial.
    pub poly: Poly,
    /// For each rotation of the set, the position of its evaluation among the proof's; the
    /// quotient's, which the verifier computes, has position [`Openings::quotient_evaluation`].
    pub evaluations: Vec<usize>,
}

/// Polynomials opened at the same points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationSet {
    /// Rotations of the points `x * omega^rotation`.
    pub rotations: Vec<i32>,
    /// The polynomials, in order.
    pub members: Vec<Opened>,
}

/// Everything a proof opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openings {
    /// Evaluations in the order of the proof.
    pub evaluations: Vec<(Poly, i32)>,
    /// All rotations, in the order in which the sets first name them.
    pub rotations: Vec<i32>,
    /// Groups in the order of the powers of `v`.
    pub sets: Vec<RotationSet>,
}

impl Openings {
    /// What a proof of `protocol` opens.
    #[must_use]
    pub fn new(protocol: &Protocol) -> Self {
        let evaluations = evaluations(protocol);
        let mut polys: Vec<(Poly, Vec<i32>)> = Vec::new();
        for (poly, rotation) in queries(protocol) {
            match polys.iter_mut().find(|(p, _)| *p == poly) {
                Some((_, rotations)) => rotations.push(rotation),
                None => polys.push((poly, vec![rotation])),
            }
        }
        let mut all = Vec::new();
        let mut sets: Vec<RotationSet> = Vec::new();
        for (poly, rotations) in polys {
            for rotation in &rotations {
                if !all.contains(rotation) {
                    all.push(*rotation);
                }
            }
            let same = |set: &RotationSet| {
                set.rotations.len() == rotations.len()
                    && rotations.iter().all(|r| set.rotations.contains(r))
            };
            let position = |rotation: &i32| {
                evaluations
                    .iter()
                    .position(|e| *e == (poly, *rotation))
                    .unwrap_or(evaluations.len())
            };
            match sets.iter_mut().find(|set| same(set)) {
                Some(set) => {
                    let evaluations = set.rotations.iter().map(position).collect();
                    set.members.push(Opened { poly, evaluations });
                }
                None => {
                    let evaluations = rotations.iter().map(position).collect();
                    sets.push(RotationSet {
                        rotations,
                        members: vec![Opened { poly, evaluations }],
                    });
                }
            }
        }
        Self { evaluations, rotations: all, sets }
    }

    /// Position given to the evaluation of the quotient: one past the proof's.
    #[must_use]
    pub fn quotient_evaluation(&self) -> usize {
        self.evaluations.len()
    }
}

/// Evaluations in the order of the proof.
fn evaluations(protocol: &Protocol) -> Vec<(Poly, i32)> {
    let products = protocol.num_products();
    let mut list = Vec::with_capacity(protocol.num_evaluations());
    list.extend(protocol.advice_queries.iter().map(|q| (Poly::Advice(q.column), q.rotation)));
    list.extend(protocol.fixed_queries.iter().map(|q| (Poly::Fixed(q.column), q.rotation)));
    list.push((Poly::Random, 0));
    list.extend((0..protocol.permutation.len()).map(|i| (Poly::Sigma(i), 0)));
    for i in 0..products {
        list.extend([(Poly::Product(i), 0), (Poly::Product(i), 1)]);
        if i.saturating_add(1) < products {
            list.push((Poly::Product(i), protocol.last_rotation()));
        }
    }
    list
}

/// Queries in the order in which the opening argument meets them.
fn queries(protocol: &Protocol) -> Vec<(Poly, i32)> {
    let products = protocol.num_products();
    let mut list = Vec::with_capacity(protocol.num_evaluations().saturating_add(1));
    list.extend(protocol.advice_queries.iter().map(|q| (Poly::Advice(q.column), q.rotation)));
    list.extend((0..products).flat_map(|i| [(Poly::Product(i), 0), (Poly::Product(i), 1)]));
    let all_but_last = 0..products.saturating_sub(1);
    list.extend(all_but_last.rev().map(|i| (Poly::Product(i), protocol.last_rotation())));
    list.extend(protocol.fixed_queries.iter().map(|q| (Poly::Fixed(q.column), q.rotation)));
    list.extend((0..protocol.permutation.len()).map(|i| (Poly::Sigma(i), 0)));
    list.extend([(Poly::Quotient, 0), (Poly::Random, 0)]);
    list
}
