//! SHPLONK's rotation sets, in the order of halo2-axiom's `construct_intermediate_sets`.
//!
//! Queries are listed as `verify_proof` lists them; a commitment's rank is that of its first query,
//! a set's rank that of its first commitment. Challenges `y` (within a set) and `v` (between sets)
//! weigh commitments by these ranks.

use super::ProofLayout;
use crate::error::ContractError;
use zkml_circuits::plonk::Protocol;

/// A commitment that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// An advice column.
    Advice(usize),
    /// A permutation product.
    Product(usize),
    /// A fixed column.
    Fixed(usize),
    /// A permutation polynomial.
    Sigma(usize),
    /// The quotient, from its pieces.
    Quotient,
    /// The random polynomial.
    Random,
}

/// Where an evaluation is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eval {
    /// At this byte of the proof.
    Proof(usize),
    /// Computed: the quotient's.
    Quotient,
}

/// A commitment of a rotation set.
#[derive(Clone, Debug)]
pub struct Member {
    /// What is opened.
    pub commitment: Commitment,
    /// Its evaluations, in the order of the set's rotations.
    pub evals: Vec<Eval>,
}

/// Commitments opened at the same points.
#[derive(Clone, Debug)]
pub struct RotationSet {
    /// Rotations in rows, ascending.
    pub rotations: Vec<i32>,
    /// Commitments, by rank.
    pub members: Vec<Member>,
}

/// All openings of a proof.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Every rotation used, ascending.
    pub rotations: Vec<i32>,
    /// Sets by rank.
    pub sets: Vec<RotationSet>,
}

impl Opening {
    pub(super) fn new(protocol: &Protocol, proof: &ProofLayout) -> Result<Self, ContractError> {
        let mut opened: Vec<(Commitment, Vec<(i32, Eval)>)> = Vec::new();
        for (commitment, rotation, eval) in queries(protocol, proof) {
            match opened.iter_mut().find(|(c, _)| *c == commitment) {
                Some((_, at)) if at.iter().any(|(r, _)| *r == rotation) => {
                    let reason = format!("{commitment:?} is opened twice at rotation {rotation}");
                    return Err(ContractError::Protocol(reason));
                }
                Some((_, at)) => at.push((rotation, eval)),
                None => opened.push((commitment, vec![(rotation, eval)])),
            }
        }

        let mut sets: Vec<RotationSet> = Vec::new();
        for (commitment, mut at) in opened {
            at.sort_unstable_by_key(|(rotation, _)| *rotation);
            let (rotations, evals): (Vec<i32>, Vec<Eval>) = at.into_iter().unzip();
            let member = Member { commitment, evals };
            match sets.iter_mut().find(|s| s.rotations == rotations) {
                Some(set) => set.members.push(member),
                None => sets.push(RotationSet { rotations, members: vec![member] }),
            }
        }

        let mut rotations: Vec<i32> = sets.iter().flat_map(|s| s.rotations.clone()).collect();
        rotations.sort_unstable();
        rotations.dedup();
        Ok(Self { rotations, sets })
    }

    /// Position of a set's rotation among [`Self::rotations`].
    pub(crate) fn index_of(&self, rotation: i32) -> usize {
        self.rotations.binary_search(&rotation).expect("the list has the rotations of every set")
    }
}

/// Queries in the order of halo2-axiom's `verify_proof`.
fn queries(protocol: &Protocol, proof: &ProofLayout) -> Vec<(Commitment, i32, Eval)> {
    let last = -(protocol.blinding as i32 + 1);
    let mut list = Vec::new();
    for (query, eval) in protocol.advice_queries.iter().zip(&proof.advice_evals) {
        list.push((Commitment::Advice(query.column), query.rotation, Eval::Proof(*eval)));
    }
    for (i, (here, next, _)) in proof.product_evals.iter().enumerate() {
        list.push((Commitment::Product(i), 0, Eval::Proof(*here)));
        list.push((Commitment::Product(i), 1, Eval::Proof(*next)));
    }
    for (i, (_, _, at_last)) in proof.product_evals.iter().enumerate().rev() {
        if let Some(eval) = at_last {
            list.push((Commitment::Product(i), last, Eval::Proof(*eval)));
        }
    }
    for (query, eval) in protocol.fixed_queries.iter().zip(&proof.fixed_evals) {
        list.push((Commitment::Fixed(query.column), query.rotation, Eval::Proof(*eval)));
    }
    for (i, eval) in proof.sigma_evals.iter().enumerate() {
        list.push((Commitment::Sigma(i), 0, Eval::Proof(*eval)));
    }
    list.push((Commitment::Quotient, 0, Eval::Quotient));
    list.push((Commitment::Random, 0, Eval::Proof(proof.random_eval)));
    list
}
