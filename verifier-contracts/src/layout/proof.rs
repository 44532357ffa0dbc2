//! Order of a proof's contents, which is the order of halo2's transcript.
//!
//! ```text
//! advice points, phase by phase | permutation products | random | quotient pieces
//! evaluations: advice queries | fixed queries | random | sigmas | products (x, next[, last])
//! SHPLONK's two points
//! ```

use super::{POINT, WORD};
use crate::error::ContractError;
use zkml_circuits::plonk::Protocol;

/// Byte offsets in a proof.
#[derive(Clone, Debug)]
pub struct ProofLayout {
    /// Commitment of each advice column.
    pub advice: Vec<usize>,
    /// For each phase, the bytes its commitments take.
    pub phases: Vec<std::ops::Range<usize>>,
    /// Permutation products.
    pub products: Vec<usize>,
    /// Random polynomial.
    pub random: usize,
    /// Quotient pieces.
    pub quotient: Vec<usize>,
    /// Evaluation of each advice query.
    pub advice_evals: Vec<usize>,
    /// Evaluation of each fixed query.
    pub fixed_evals: Vec<usize>,
    /// Evaluation of the random polynomial.
    pub random_eval: usize,
    /// Evaluation of each permutation polynomial.
    pub sigma_evals: Vec<usize>,
    /// Evaluations of each permutation product at `x`, at the next row and, but for the last
    /// product, at the last usable row.
    pub product_evals: Vec<(usize, usize, Option<usize>)>,
    /// SHPLONK's first point; all evaluations end here.
    pub opening_h: usize,
    /// SHPLONK's second point.
    pub opening_w: usize,
    /// Length of the proof in bytes.
    pub length: usize,
}

impl ProofLayout {
    pub(super) fn new(protocol: &Protocol) -> Result<Self, ContractError> {
        if protocol.degree < 3 {
            let reason = format!("degree {} is below 3", protocol.degree);
            return Err(ContractError::Protocol(reason));
        }
        let mut at = 0;
        let mut take = |bytes: usize| {
            let start = at;
            at += bytes;
            start
        };

        let phase_count = protocol.advice_phase.iter().chain(&protocol.challenge_phase);
        let phase_count = phase_count.max().map_or(1, |p| usize::from(*p) + 1);
        let mut advice = vec![0; protocol.advice_phase.len()];
        let mut phases = Vec::with_capacity(phase_count);
        for phase in 0..phase_count {
            let start = take(0);
            for (place, _) in advice
                .iter_mut()
                .zip(&protocol.advice_phase)
                .filter(|(_, p)| usize::from(**p) == phase)
            {
                *place = take(POINT);
            }
            phases.push(start..take(0));
        }
        let product_count = protocol.permutation.len().div_ceil(protocol.degree - 2);
        let products = (0..product_count).map(|_| take(POINT)).collect();
        let random = take(POINT);
        let quotient = (0..protocol.degree - 1).map(|_| take(POINT)).collect();

        let advice_evals = protocol.advice_queries.iter().map(|_| take(WORD)).collect();
        let fixed_evals = protocol.fixed_queries.iter().map(|_| take(WORD)).collect();
        let random_eval = take(WORD);
        let sigma_evals = protocol.permutation.iter().map(|_| take(WORD)).collect();
        let product_evals = (0..product_count)
            .map(|i| (take(WORD), take(WORD), (i + 1 < product_count).then(|| take(WORD))))
            .collect();
        let opening_h = take(POINT);
        let opening_w = take(POINT);
        let length = take(0);
        Ok(Self {
            advice,
            phases,
            products,
            random,
            quotient,
            advice_evals,
            fixed_evals,
            random_eval,
            sigma_evals,
            product_evals,
            opening_h,
            opening_w,
            length,
        })
    }

    /// Points before the evaluations.
    #[must_use]
    pub fn leading_points(&self) -> usize {
        self.first_eval() / POINT
    }

    /// Evaluations in the proof.
    #[must_use]
    pub fn evals(&self) -> usize {
        (self.opening_h - self.first_eval()) / WORD
    }

    /// Offset of the first evaluation.
    #[must_use]
    pub fn first_eval(&self) -> usize {
        self.quotient.last().map_or(0, |q| q + POINT)
    }
}
