//! Checks a witness row by row and names what it breaks, for any number of phases.
//!
//! Challenges are drawn from a hash of all values of the phases before, so they bind what the
//! prover's bind, without commitments or an SRS. Constraints are checked on every row, the
//! unusable ones included, which hold random values as they do in a proof.

use std::borrow::Cow;

use ff::Field;
use halo2curves::bn256::Fr;
use rayon::prelude::*;

use super::keys::ProvingKey;
use super::program::{Input, LeafKind, WithUniforms};
use super::protocol::Column;
use super::prover::{PhaseWitness, ProveError, ProverRng, columns_of_phase};
use super::transcript::KeccakWrite;
use super::values::Values;

/// Rows that one task takes.
const CHUNK: usize = 1 << 9;

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its column.
    pub column: Column,
    /// Its row.
    pub row: usize,
}

/// A broken constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A gate is not zero on a row.
    #[error("gate {gate} is not zero on row {row}")]
    Gate {
        /// Index of the gate polynomial.
        gate: usize,
        /// The row.
        row: usize,
    },
    /// Two cells that are copies of each other differ.
    #[error("{a:?} and {b:?} are copies of each other and differ")]
    Copy {
        /// A cell.
        a: Cell,
        /// The one after it in its cycle.
        b: Cell,
    },
}

/// What [`check`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Broken constraints: gates by row, then copies.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Whether the witness satisfies the circuit.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        self.violations.is_empty()
    }

    /// Indices of the gates that are broken, each once, in order.
    #[must_use]
    pub fn gates(&self) -> Vec<usize> {
        let mut gates: Vec<usize> = self
            .violations
            .iter()
            .filter_map(|v| match v {
                Violation::Gate { gate, .. } => Some(*gate),
                Violation::Copy { .. } => None,
            })
            .collect();
        gates.sort_unstable();
        gates.dedup();
        gates
    }
}

/// Evaluates all gates and copies of the circuit of `key` on the witness.
///
/// # Errors
/// A [`ProveError`] when words or columns do not fit the key, or the witness cannot be computed.
pub fn check(
    key: &ProvingKey,
    words: &[Fr],
    witness: &mut dyn PhaseWitness<'_>,
    rng: &mut impl ProverRng,
) -> Result<Report, ProveError> {
    check_at(key, words, witness, &[], rng)
}

/// As [`check`], but the first challenges are `known` instead of drawn: what a prover could get
/// away with who knew them before committing. An attack that fails here too shows nothing about
/// the challenges.
///
/// # Errors
/// As [`check`].
pub fn check_at(
    key: &ProvingKey,
    words: &[Fr],
    witness: &mut dyn PhaseWitness<'_>,
    known: &[Fr],
    rng: &mut impl ProverRng,
) -> Result<Report, ProveError> {
    let verifying = key.verifying_key();
    let layout = verifying.instance_layout();
    if words.len() != layout.words {
        return Err(ProveError::Words { expected: layout.words, got: words.len() });
    }
    let mut instance = layout.expand(words);
    instance.resize(key.fft().n(), Fr::ZERO);
    let (advice, challenges) = assign(key, &instance, witness, known, rng)?;
    let fixed = key.fixed().iter().map(Values::elements).collect();
    let table = Table { key, advice, fixed, instance };
    let mut violations = table.broken_gates(&challenges);
    violations.extend(table.broken_copies());
    Ok(Report { violations })
}

/// All advice columns, and the challenges.
fn assign(
    key: &ProvingKey,
    instance: &[Fr],
    witness: &mut dyn PhaseWitness<'_>,
    known: &[Fr],
    rng: &mut impl ProverRng,
) -> Result<(Vec<Vec<Fr>>, Vec<Fr>), ProveError> {
    let verifying = key.verifying_key();
    let protocol = verifying.protocol();
    let mut transcript = KeccakWrite::new(verifying.digest());
    instance.iter().for_each(|v| transcript.absorb_scalar(v));
    let mut advice = vec![Vec::new(); protocol.advice_phase.len()];
    let mut challenges: Vec<Option<Fr>> = vec![None; protocol.challenge_phase.len()];
    for phase in 0..protocol.num_phases() {
        let rng = rng.generator();
        let columns = columns_of_phase(protocol, verifying.k(), phase, &challenges, witness, rng)?;
        for (index, column) in columns {
            let values = column.keep().elements().into_owned();
            values.iter().for_each(|v| transcript.absorb_scalar(v));
            advice[index] = values;
        }
        for (index, of) in protocol.challenge_phase.iter().enumerate() {
            if *of == phase {
                let drawn = transcript.challenge();
                challenges[index] = Some(known.get(index).copied().unwrap_or(drawn));
            }
        }
    }
    Ok((advice, challenges.into_iter().flatten().collect()))
}

/// A filled circuit.
struct Table<'a> {
    key: &'a ProvingKey,
    advice: Vec<Vec<Fr>>,
    fixed: Vec<Cow<'a, [Fr]>>,
    instance: Vec<Fr>,
}

impl Table<'_> {
    fn values(&self, kind: LeafKind, column: usize) -> &[Fr] {
        match kind {
            LeafKind::Advice => &self.advice[column],
            LeafKind::Fixed => &self.fixed[column],
            LeafKind::Instance => &self.instance,
            other => unreachable!("neither a gate nor a copy reads {other:?}"),
        }
    }

    fn value(&self, Cell { column, row }: Cell) -> Fr {
        self.values(column.kind.into(), column.index)[row]
    }

    fn broken_gates(&self, challenges: &[Fr]) -> Vec<Violation> {
        let protocol = self.key.verifying_key().protocol();
        let WithUniforms { uniforms, program } = WithUniforms::gates(protocol);
        let n = self.key.fft().n();
        let uniforms = uniforms.values(|input| match input {
            Input::Challenge(i) => challenges[i],
            Input::Beta | Input::Gamma | Input::Y => unreachable!("no gate reads it"),
        });
        let run = program.on_columns(&uniforms, |kind, column| self.values(kind, column));
        let broken = |task: usize| {
            let rows = task * CHUNK..n.min((task + 1) * CHUNK);
            let mut values = vec![vec![Fr::ZERO; rows.len()]; program.outputs()];
            let mut slices: Vec<&mut [Fr]> = values.iter_mut().map(Vec::as_mut_slice).collect();
            run.write(rows.start, &mut slices);
            let of_row = |row: usize| {
                let values = values.iter().map(move |of_gate| of_gate[row - rows.start]);
                let broken = values.enumerate().filter(|(_, value)| *value != Fr::ZERO);
                broken.map(move |(gate, _)| Violation::Gate { gate, row })
            };
            rows.clone().flat_map(of_row).collect::<Vec<_>>()
        };
        (0..n.div_ceil(CHUNK)).into_par_iter().flat_map_iter(broken).collect()
    }

    fn broken_copies(&self) -> Vec<Violation> {
        let columns = &self.key.verifying_key().protocol().permutation;
        let copies = self.key.copies();
        let mut violations = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            for (row, successor) in copies.successors(index).iter().enumerate() {
                let a = Cell { column: *column, row };
                let (column, row) = copies.cell(*successor);
                let b = Cell { column: columns[column], row };
                if self.value(a) != self.value(b) {
                    violations.push(Violation::Copy { a, b });
                }
            }
        }
        violations
    }
}
