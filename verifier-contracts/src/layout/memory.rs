//! The contract's memory map. Nothing else uses memory while a proof is checked: the contract checks
//! that the free pointer still has its initial value, and moves it behind the map before returning.

use super::{Layout, POINT, WORD};
use zkml_circuits::plonk::Protocol;

/// Value of the free memory pointer when a Solidity function starts.
const FREE: usize = 0x80;

/// Byte addresses in memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Copy of the key's words.
    pub(crate) key: usize,
    /// Copy of the proof.
    pub(crate) proof: usize,
    /// The circuit's own challenges.
    pub(crate) challenges: usize,
    /// Permutation challenge `beta`.
    pub(crate) beta: usize,
    /// Permutation challenge `gamma`.
    pub(crate) gamma: usize,
    /// Challenge that separates gates.
    pub(crate) y: usize,
    /// Evaluation point.
    pub(crate) x: usize,
    /// SHPLONK's challenge within a set.
    pub(crate) open_y: usize,
    /// SHPLONK's challenge between sets.
    pub(crate) open_v: usize,
    /// SHPLONK's evaluation point.
    pub(crate) open_u: usize,
    /// `x^n`.
    pub(crate) x_n: usize,
    /// The instance column's evaluation; until the inversion, a fraction's numerator.
    pub(crate) instance: usize,
    /// Lagrange polynomial of row 0 at `x`.
    pub(crate) l_first: usize,
    /// Lagrange polynomial of the last usable row at `x`.
    pub(crate) l_last: usize,
    /// `1 - l_last - l_blind`; until the inversion, the numerator of `l_blind`.
    pub(crate) l_active: usize,
    /// The quotient's expected evaluation.
    pub(crate) quotient: usize,
    /// Values inverted together, then their inverses.
    pub(crate) inverses: Inverses,
    /// Prefix products of the batch inversion.
    pub(crate) prefixes: usize,
    /// For each rotation set, the product of `u - x omega^r` over its rotations.
    pub(crate) vanishing: Vec<usize>,
    /// For each rotation set, the first of its Lagrange weights at `u`.
    pub(crate) weights: Vec<Option<usize>>,
    /// 0xc0 bytes for precompiles: accumulator, point, scalar.
    pub(crate) accumulator: usize,
    /// Slots of compiled expressions.
    pub(crate) slots: usize,
}

/// Addresses of the values inverted together.
#[derive(Clone, Debug)]
pub(crate) struct Inverses {
    /// First value: `u - x omega^r` for each rotation.
    pub(crate) start: usize,
    /// `x`.
    pub(crate) x: usize,
    /// `x^n - 1`.
    pub(crate) vanishing: usize,
    /// Denominator of the instance column's evaluation.
    pub(crate) instance: usize,
    /// `x - 1`.
    pub(crate) first: usize,
    /// `x - omega^last`.
    pub(crate) last: usize,
    /// Product of `x - omega^i` over the last usable row and the blinding rows.
    pub(crate) blind: usize,
    /// End of the values.
    pub(crate) end: usize,
}

impl Memory {
    pub(crate) fn new(protocol: &Protocol, layout: &Layout) -> Self {
        let mut at = FREE;
        let mut take = |bytes: usize| {
            let start = at;
            at += bytes;
            start
        };
        let challenges = take(protocol.challenge_phase.len() * WORD);
        let [beta, gamma, y, x, open_y, open_v, open_u, x_n] = [(); 8].map(|()| take(WORD));
        let [instance, l_first, l_last, l_active, quotient] = [(); 5].map(|()| take(WORD));
        let start = take(layout.opening.rotations.len() * WORD);
        let [ix, vanishing, inst, first, last, blind] = [(); 6].map(|()| take(WORD));
        let end = take(0);
        let inverses =
            Inverses { start, x: ix, vanishing, instance: inst, first, last, blind, end };
        let prefixes = take(end - start);
        let set_products = layout.opening.sets.iter().map(|_| take(WORD)).collect();
        let weights = layout
            .opening
            .sets
            .iter()
            .map(|s| (s.rotations.len() > 1).then(|| take(s.rotations.len() * WORD)))
            .collect();
        let accumulator = take(2 * (POINT + 4 * WORD));
        let key = take(layout.key.words * WORD);
        take(WORD); // room for a hash in front of the proof
        let proof = take(layout.proof.length);
        let slots = take(0);
        Self {
            key,
            proof,
            challenges,
            beta,
            gamma,
            y,
            x,
            open_y,
            open_v,
            open_u,
            x_n,
            instance,
            l_first,
            l_last,
            l_active,
            quotient,
            inverses,
            prefixes,
            vanishing: set_products,
            weights,
            accumulator,
            slots,
        }
    }

    /// Address of a word of the key.
    pub(crate) fn key_word(&self, index: usize) -> usize {
        self.key + index * WORD
    }
}
