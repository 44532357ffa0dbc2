//! SHPLONK's rotation sets with the places of their evaluations.
//!
//! Grouping and order are [`Openings`]'; challenges `y` (within a set) and `v` (between sets) weigh
//! commitments by their order.

use super::{ProofLayout, WORD};
use crate::error::ContractError;
use zkml_circuits::plonk::{Openings, Poly, Protocol};

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
    pub commitment: Poly,
    /// Its evaluations, in the order of the set's rotations.
    pub evals: Vec<Eval>,
}

/// Commitments opened at the same points.
#[derive(Clone, Debug)]
pub struct RotationSet {
    /// Rotations in rows.
    pub rotations: Vec<i32>,
    /// Commitments in order.
    pub members: Vec<Member>,
}

/// All openings of a proof.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Every rotation used.
    pub rotations: Vec<i32>,
    /// Sets in order.
    pub sets: Vec<RotationSet>,
}

impl Opening {
    pub(super) fn new(protocol: &Protocol, proof: &ProofLayout) -> Result<Self, ContractError> {
        let openings = Openings::new(protocol);
        let mut sets = Vec::with_capacity(openings.sets.len());
        for set in &openings.sets {
            let mut rotations = set.rotations.clone();
            rotations.sort_unstable();
            rotations.dedup();
            if rotations.len() != set.rotations.len() {
                let polys: Vec<Poly> = set.members.iter().map(|m| m.poly).collect();
                let reason = format!("{polys:?} are opened twice at a rotation");
                return Err(ContractError::Protocol(reason));
            }
            let eval = |position: &usize| {
                if *position == openings.quotient_evaluation() {
                    Eval::Quotient
                } else {
                    Eval::Proof(proof.first_eval() + position * WORD)
                }
            };
            let members = set.members.iter().map(|m| Member {
                commitment: m.poly,
                evals: m.evaluations.iter().map(eval).collect(),
            });
            sets.push(RotationSet { rotations: set.rotations.clone(), members: members.collect() });
        }
        Ok(Self { rotations: openings.rotations, sets })
    }

    /// Position of a set's rotation among [`Self::rotations`].
    pub(crate) fn index_of(&self, rotation: i32) -> usize {
        let at = self.rotations.iter().position(|r| *r == rotation);
        at.expect("the list has the rotations of every set")
    }
}
