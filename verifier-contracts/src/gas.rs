//! What a verification will cost, before any key is made.
//!
//! Precompiles, calldata and memory have fixed prices; the constraints' opcodes are counted by the
//! generator; the remaining loops cost what the constants below say, fitted to the contracts that
//! ship (`tests/gas.rs` holds the formula to 3 %).

use crate::{
    error::ContractError,
    fork::Fork,
    layout::{Layout, WORD},
    solidity::{generate, scalar_multiplications},
};
use halo2curves::group::prime::PrimeCurveAffine;
use zkml_circuits::plonk::{InstanceLayout, POINT_BYTES, Protocol, VerifyingKey};

/// Gas of a transaction that calls `verify`, by its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gas {
    /// Base cost and calldata.
    pub intrinsic: u64,
    /// Scalar multiplications and additions of points.
    pub msm: u64,
    /// Pairing and modular exponentiation.
    pub fixed: u64,
    /// Evaluating the constraints.
    pub constraints: u64,
    /// Everything else: checks, transcript, Lagrange polynomials, bookkeeping, memory.
    pub rest: u64,
    /// Scalar multiplications, and as many additions, that `msm` pays for.
    pub multiplications: u64,
}

impl Gas {
    /// Gas of the transaction.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.intrinsic + self.execution()
    }

    /// Gas of the execution alone.
    #[must_use]
    pub fn execution(&self) -> u64 {
        self.msm + self.fixed + self.constraints + self.rest
    }
}

/// Dispatch, key access, transcript framing, inversion's framing, pairing's framing.
const BASE: u64 = 6_400;
/// A point's checks and its part in the transcript.
const POINT: u64 = 160;
/// An evaluation's check and its part in the transcript and in the opening.
const EVALUATION: u64 = 85;
/// A public word: check, copy, Lagrange numerator and denominator.
const INSTANCE: u64 = 185;
/// A row of the instance column: hashing.
const ROW: u64 = 6;
/// A scalar multiplication and an addition with their calls.
const MULTIPLICATION: u64 = 6_000 + 150 + 200 + 215;
/// A commitment of the key: is it the identity?
const KEY_POINT: u64 = 75;
/// What skipping the identity saves.
const SKIPPED: u64 = 6_000 + 150 + 200 + 100;
/// A rotation: its point, its inversion, its weights.
const ROTATION: u64 = 330;
/// A blinding row in the boundary polynomials.
const BLINDING: u64 = 85;
/// A squaring of `x`.
const SQUARING: u64 = 55;

/// Predicts the gas of verifying a proof of `protocol` in a domain of `2^k` rows.
///
/// Calldata of proofs is taken as random bytes, public words as packed 16-bit values. A model that
/// leaves fixed columns empty costs less: see [`predict_for`].
///
/// # Errors
/// Those of [`generate`].
pub fn predict(
    protocol: &Protocol,
    k: u32,
    instance: InstanceLayout,
    fork: Fork,
) -> Result<Gas, ContractError> {
    predicted(protocol, k, instance, fork, Empty::default())
}

/// Predicts the gas of verifying a proof of `key`, whose empty fixed columns are cheaper: their
/// commitments are skipped and the bytes of their evaluations are zeros.
///
/// # Errors
/// Those of [`generate`].
pub fn predict_for(key: &VerifyingKey, fork: Fork) -> Result<Gas, ContractError> {
    let protocol = key.protocol();
    let empty = |column: usize| {
        key.fixed_commitments().get(column).is_some_and(|c| bool::from(c.is_identity()))
    };
    let mut columns: Vec<usize> =
        protocol.fixed_queries.iter().map(|q| q.column).filter(|c| empty(*c)).collect();
    let evaluations = columns.len() as u64;
    columns.sort_unstable();
    columns.dedup();
    let empty = Empty { columns: columns.len() as u64, evaluations };
    predicted(protocol, key.k(), key.instance_layout(), fork, empty)
}

/// Fixed columns that are zero everywhere, among those opened.
#[derive(Clone, Copy, Debug, Default)]
struct Empty {
    /// Their number: their commitments are skipped.
    columns: u64,
    /// Their evaluations, all of them zero.
    evaluations: u64,
}

fn predicted(
    protocol: &Protocol,
    k: u32,
    instance: InstanceLayout,
    fork: Fork,
    empty: Empty,
) -> Result<Gas, ContractError> {
    let layout = Layout::new(protocol)?;
    let verifier = generate(protocol)?;
    let words = instance.words as u64;
    let proof_bytes = (layout.proof.length as u64).saturating_sub(empty.evaluations * 32);

    let head = 4 * 16 + 5 * 32 * 4 + 6 * 12;
    // A random byte is zero once in 256.
    let calldata = head
        + empty.evaluations * 32 * 4
        + (proof_bytes * (255 * 16 + 4)).div_ceil(256)
        + words * 16 * (16 + 4);
    let tokens = calldata / 4;
    let multiplications =
        scalar_multiplications(&layout.opening.sets, layout.proof.quotient.len()) as u64;
    let key_points =
        (layout.key.words - layout.key.fixed) as u64 * WORD as u64 / POINT_BYTES as u64;
    let exponentiation = if fork == Fork::Osaka { 4_048 } else { 1_349 };
    let memory_words = verifier.memory as u64 / WORD as u64
        + instance.rows() as u64
        + layout.proof.phases.first().map_or(0, |p| p.end / WORD) as u64;
    let points = layout.proof.leading_points() as u64 + 2;
    let evals = layout.proof.evals() as u64;
    let rotations: usize = layout.opening.sets.iter().map(|s| s.rotations.len()).sum();
    let mut gas = Gas {
        intrinsic: 21_000 + calldata,
        msm: (multiplications * MULTIPLICATION + key_points * KEY_POINT)
            .saturating_sub(empty.columns * SKIPPED),
        fixed: 113_000 + 100 + exponentiation + 100,
        constraints: verifier.constraint_gas,
        rest: BASE
            + points * POINT
            + evals * EVALUATION
            + words * INSTANCE
            + instance.rows() as u64 * ROW
            + rotations as u64 * ROTATION
            + protocol.blinding as u64 * BLINDING
            + u64::from(k) * SQUARING
            + layout.key.words as u64 * 3
            + 3 * memory_words
            + memory_words * memory_words / 512,
        multiplications: multiplications.saturating_sub(empty.columns),
    };
    if fork != Fork::Cancun {
        // EIP-7623: ten gas a token at least.
        let floor = 21_000 + 10 * tokens;
        gas.intrinsic = gas.intrinsic.max(floor.saturating_sub(gas.execution()));
    }
    Ok(gas)
}
