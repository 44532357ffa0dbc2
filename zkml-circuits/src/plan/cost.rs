//! What a plan will cost, before any key is made.

use super::{Geometry, Plan, RowProgram};
use crate::{
    machine::{self, Profile},
    plonk::{Protocol, ProverObjective},
};
use halo2_proofs::{halo2curves::bn256::Fr, plonk::ConstraintSystem};
use serde::{Deserialize, Serialize};

/// Predicted cost of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Shape of the machine.
    pub profile: Profile,
    /// `2^k` rows.
    pub k: u32,
    /// Groups in use, of those there are.
    pub groups: (usize, usize),
    /// Vector rows in use, of the rows there are.
    pub vector_rows: (usize, usize),
    /// Table rows, all tables.
    pub table_rows: usize,
    /// Advice columns of small integers.
    pub small_columns: usize,
    /// Advice columns of field elements, permutation products and random polynomial included.
    pub full_columns: usize,
    /// Fixed and permutation columns.
    pub fixed_columns: usize,
    /// Public words.
    pub words: usize,
    /// CPU seconds of one proof.
    pub prove_seconds: f64,
    /// Peak memory of the prover, bytes.
    pub memory: u64,
    /// Peak memory of a prover that saves it ([`ProverObjective::Memory`]), bytes.
    pub least_memory: u64,
    /// CPU seconds of one proof by such a prover.
    pub least_memory_seconds: f64,
    /// Peak memory of key generation, bytes.
    pub setup_memory: u64,
    /// Proof length, bytes.
    pub proof_bytes: usize,
    /// Gas of one verification transaction (Cancun), roughly.
    pub gas: u64,
}

impl Cost {
    /// Peak memory of a prover with this objective, bytes.
    pub fn memory_with(&self, objective: ProverObjective) -> u64 {
        match objective {
            ProverObjective::Time => self.memory,
            ProverObjective::Memory => self.least_memory,
        }
    }

    /// Cells of small integers, and cells of field elements, that a proof commits to.
    pub fn cells(&self) -> (u64, u64) {
        let n = 1u64 << self.k;
        (self.small_columns as u64 * n, self.full_columns as u64 * n)
    }
}

/// Measured unit costs; see `benches/README.md`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostModel {
    /// What a proof takes.
    pub seconds: UnitSeconds,
    /// What a proof and its keys take at their peak.
    pub bytes: UnitBytes,
}

/// Processor seconds of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitSeconds {
    /// A row of a column of small integers.
    pub small: f64,
    /// A row of a column of field elements.
    pub full: f64,
    /// A row of a fixed or permutation column.
    pub fixed: f64,
    /// A row, whatever the columns: quotient pieces, opening.
    pub row: f64,
    /// A proof.
    pub proof: f64,
    /// How many times as long a proof takes that saves memory, where another keeps its columns. Measured
    /// with vectors.
    pub saving: f64,
}

impl UnitSeconds {
    /// On a processor that takes `factor` times as long.
    fn times(self, factor: f64) -> Self {
        let Self { small, full, fixed, row, proof, saving } = self;
        let [small, full, fixed, row, proof] =
            [small, full, fixed, row, proof].map(|seconds| seconds * factor);
        Self { small, full, fixed, row, proof, saving }
    }
}

/// Bytes of memory of a prover, and of key generation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitBytes {
    /// A row of a column of small integers.
    pub small: f64,
    /// A row of a column of field elements that is kept.
    pub full: f64,
    /// A row, whatever the columns: those that the quotient has on a coset at a time, its pieces.
    pub row: f64,
    /// A cell, if the three above come to more: then columns are computed rather than kept.
    pub cell: f64,
    /// What columns are kept for however few the cells.
    pub least: f64,
    /// A cell, where the prover saves memory.
    pub saved_cell: f64,
    /// A row, whatever the columns, where the prover saves memory.
    pub saved_row: f64,
    /// A row of a fixed or permutation column.
    pub fixed: f64,
    /// A row of the reference string.
    pub srs: f64,
    /// A weight of a group in use: the compiled model.
    pub weight: f64,
    /// A row of a fixed or permutation column in key generation.
    pub setup: f64,
    /// The process.
    pub process: f64,
}

impl Default for CostModel {
    /// On the processor that it was fitted on, which [is vectorised]. The search for a plan uses
    /// this model everywhere, so that a model compiles to the same plan on every machine.
    ///
    /// [is vectorised]: zkml_core::proving::vectorised
    fn default() -> Self {
        Self {
            seconds: UnitSeconds {
                small: 0.48e-6,
                full: 3.84e-6,
                fixed: 0.156e-6,
                row: 5.64e-6,
                proof: 0.012,
                saving: 1.38,
            },
            bytes: UnitBytes {
                small: 1.6,
                full: 37.5,
                row: 690.0,
                cell: 38.5,
                least: 6.0e6,
                saved_cell: 8.0,
                saved_row: 450.0,
                fixed: 6.5,
                srs: 128.0,
                weight: 11.6,
                setup: 155.0,
                process: 14.8e6,
            },
        }
    }
}

impl CostModel {
    /// On a processor without vector instructions that the prover knows.
    pub fn portable() -> Self {
        let model = Self::default();
        let seconds = UnitSeconds {
            small: 3.2e-6,
            full: 13.8e-6,
            fixed: 0.69e-6,
            row: 43.0e-6,
            proof: 0.01,
            ..model.seconds
        };
        Self { seconds, ..model }
    }

    /// On this processor: seconds of its kind, as many times longer as a short computation takes
    /// here, which is measured once a process.
    pub fn of_this_processor() -> Self {
        let kind =
            if zkml_core::proving::vectorised() { Self::default() } else { Self::portable() };
        #[cfg(target_arch = "wasm32")]
        return kind;
        #[cfg(not(target_arch = "wasm32"))]
        Self { seconds: kind.seconds.times(super::speed::slowness()), ..kind }
    }

    /// Predicts the cost of `plan`.
    pub fn predict(&self, plan: &Plan) -> Cost {
        self.predict_rows(&plan.rows)
    }

    /// Predicts the cost of a row program.
    pub fn predict_rows(&self, rows: &RowProgram) -> Cost {
        let RowProgram { profile, k, words, .. } = *rows;
        let shape = Columns::of(profile);
        let n = (1u64 << k) as f64;
        let geometry = Geometry::new(profile, k);
        let [small, full, fixed] = [shape.small, shape.full, shape.fixed].map(|c| c as f64);
        let Self { seconds, bytes } = self;
        let seconds_of_row =
            seconds.small * small + seconds.full * full + seconds.fixed * fixed + seconds.row;
        let kept = bytes.small * small + bytes.full * full + bytes.row;
        let computed = (bytes.cell * (small + full)).max(bytes.least / n);
        let most = kept.min(computed);
        let prove_seconds = seconds.proof + n * seconds_of_row;
        let slower = if kept < computed { seconds.saving } else { 1.0 };
        let least = bytes.saved_row + bytes.saved_cell * (small + full);
        let of_keys = bytes.fixed * fixed + bytes.srs;
        let weights = (rows.groups.len() * profile.weight_lanes()) as f64;
        let process = bytes.process + bytes.weight * weights;
        Cost {
            profile,
            k,
            groups: (rows.groups.len(), geometry.groups()),
            vector_rows: (rows.vector.len(), geometry.rows()),
            table_rows: rows.tables.len(),
            small_columns: shape.small,
            full_columns: shape.full,
            fixed_columns: shape.fixed,
            words,
            prove_seconds,
            memory: (process + n * (of_keys + most)) as u64,
            least_memory: (process + n * (of_keys + most.min(least))) as u64,
            least_memory_seconds: slower * prove_seconds,
            setup_memory: (process + n * bytes.setup * fixed) as u64,
            proof_bytes: 64 * shape.points + 32 * shape.evaluations,
            gas: shape.gas(words),
        }
    }
}

/// Column counts of a profile.
struct Columns {
    small: usize,
    full: usize,
    fixed: usize,
    points: usize,
    evaluations: usize,
    multiplications: usize,
}

impl Columns {
    fn of(profile: Profile) -> Self {
        let mut cs = ConstraintSystem::<Fr>::default();
        machine::configure(&mut cs, profile);
        let protocol = Protocol::new(&cs).expect("the machine is within the supported systems");
        let advice = protocol.advice_phase.len();
        let small = protocol.advice_phase.iter().filter(|phase| **phase == 0).count();
        let sigma = protocol.permutation.len();
        let products = sigma.div_ceil(protocol.degree - 2);
        let pieces = protocol.degree - 1;
        let evaluations = protocol.advice_queries.len()
            + protocol.fixed_queries.len()
            + 1
            + sigma
            + (3 * products).saturating_sub(1);
        Self {
            small,
            full: advice - small + products + 1,
            fixed: protocol.num_fixed + sigma,
            points: advice + products + 1 + pieces + 2,
            evaluations,
            multiplications: advice + protocol.num_fixed + sigma + products + 2 + pieces + 1,
        }
    }

    /// Gas of a verification, good enough to rank machines; `verifier-contracts` has the exact
    /// formula, which needs the generated contract.
    fn gas(&self, words: usize) -> u64 {
        let calldata = 16 * (64 * self.points + 32 * self.evaluations) + 320 * words + 600;
        (21_000
            + calldata
            + 113_000
            + 12_000
            + 6_640 * self.multiplications
            + 190 * self.evaluations
            + 255 * words) as u64
    }
}
