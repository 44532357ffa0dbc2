//! Shared by the tests of the machine: models with keys, honest and dishonest proofs, all verdicts.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod balanced;
mod cells;
pub(crate) mod damage;
mod forge;
mod forgeries;
mod goals;
mod honest;
mod liar;
mod models;
mod operands;
pub(crate) mod perceptron;
pub(crate) mod pools;
mod rows;
pub(crate) mod transformers;

pub(crate) use balanced::Balanced;
pub(crate) use cells::{CellAt, every_cell, sample, tampered};
pub(crate) use forge::{Lie, carried};
pub(crate) use forgeries::{Breaks, Forgery, computed};
pub(crate) use goals::leading_to;
pub(crate) use honest::Honest;
pub(crate) use liar::{
    Cells, Liar, cell_of, is_operand, logup, recount, set_accumulator, words_of,
};
pub(crate) use models::{
    FIRST, HIDDEN, INPUT, LOGITS, SECOND, classifier, convolutions, forest, padded, strided,
};
pub(crate) use operands::of_other_operands;
pub(crate) use rows::RowMachine;

use halo2curves::bn256::Fr;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkml_circuits::{
    machine::{CircuitProfile, MachineCircuit, Profile},
    model::{CompileConfig, Compiled, ProvingKey},
    plan::{Plan, Visibility},
    plonk::{AdviceColumn, PhaseWitness, ProveError, mock, prove},
    testing::random_inputs,
    witness::{FirstPhase, Witness},
};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Program, TensorId},
    progress::NoProgress,
    proving::{CpuMsm, Srs},
    tensor::Tensor,
};

use crate::plonk_common::referee_of;

/// A model with keys, an SRS and an honest run.
pub(crate) struct Subject {
    pub(crate) key: ProvingKey,
    pub(crate) srs: Srs,
    pub(crate) trace: Trace,
    pub(crate) words: Vec<Fr>,
}

/// What all verifiers and the row-by-row checker say of a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Rejected,
}

impl Subject {
    pub(crate) fn new(program: Program, profile: Profile, visibility: Visibility) -> Self {
        let inputs = random_inputs(&program, 5);
        Self::of(program, profile, visibility, &inputs)
    }

    /// As [`Self::new`], on inputs of choice.
    pub(crate) fn of(
        program: Program,
        profile: Profile,
        visibility: Visibility,
        inputs: &[Tensor<i64>],
    ) -> Self {
        let config = CompileConfig {
            profile: Some(profile),
            input_visibility: visibility,
            ..CompileConfig::default()
        };
        let trace = run(&program, inputs).expect("inputs in range");
        Self::of_run(program, &config, trace)
    }

    /// Of a run that there is.
    pub(crate) fn of_run(program: Program, config: &CompileConfig, trace: Trace) -> Self {
        let compiled = Compiled::new(program, config).expect("compiles");
        let srs = Srs::development(compiled.k()).expect("a small k");
        let key = ProvingKey::generate(&compiled, &srs, &CpuMsm, &NoProgress).expect("keys");
        let words = key.statement(&trace).expect("in range");
        Self { key, srs, trace, words }
    }

    pub(crate) fn honest(&self) -> Witness<'_> {
        self.key.witness(&self.trace).expect("fits")
    }

    /// The witness of a first phase, honest after it.
    pub(crate) fn with(&self, first: FirstPhase) -> Witness<'_> {
        Witness::new(&self.key.compiled().plan().rows, self.geometry(), first)
    }

    /// Group and lane of an element.
    pub(crate) fn home(&self, tensor: TensorId, element: usize) -> (usize, usize) {
        home(self.plan(), tensor, element)
    }

    /// The first phase of any run, a lie or not.
    pub(crate) fn first_of(&self, trace: &Trace) -> FirstPhase {
        let program = self.key.compiled().program();
        FirstPhase::new(program, self.plan(), self.geometry(), trace)
    }

    /// The honest first phase, for tests to change.
    pub(crate) fn first(&self) -> FirstPhase {
        self.honest().first().clone()
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.key.compiled().plan()
    }

    /// The verdict on a first phase with whatever words it packs, multiplicities counted anew: the
    /// most consistent lie there is.
    pub(crate) fn verdict_of(&self, first: FirstPhase) -> Verdict {
        let (words, mut witness) = self.consistent(first);
        self.verdict(&words, &mut witness)
    }

    /// As [`Self::verdict_of`], row by row.
    pub(crate) fn satisfied_by(&self, first: FirstPhase) -> bool {
        let (words, mut witness) = self.consistent(first);
        self.satisfied(&words, &mut witness)
    }

    pub(crate) fn consistent(&self, mut first: FirstPhase) -> (Vec<Fr>, Witness<'_>) {
        let rows = &self.plan().rows;
        recount(rows, self.geometry(), &mut first);
        (words_of(rows, &first), self.with(first))
    }

    /// Whether gates and copies hold for challenges of which the first are known beforehand.
    pub(crate) fn satisfied_at(
        &self,
        words: &[Fr],
        witness: &mut dyn PhaseWitness,
        known: &[Fr],
    ) -> bool {
        self.report(words, witness, known).is_satisfied()
    }

    /// What is broken, row by row, for challenges of which the first are known beforehand.
    pub(crate) fn report(
        &self,
        words: &[Fr],
        witness: &mut dyn PhaseWitness,
        known: &[Fr],
    ) -> mock::Report {
        let mut rng = ChaCha20Rng::seed_from_u64(13);
        mock::check_at(self.key.plonk(), words, witness, known, &mut rng).expect("fits")
    }

    pub(crate) fn geometry(&self) -> zkml_circuits::plan::Geometry {
        zkml_circuits::plan::Geometry::check(&self.key.compiled().plan().rows).expect("fits")
    }

    pub(crate) fn prove(&self, words: &[Fr], witness: &mut dyn PhaseWitness) -> Vec<u8> {
        let mut rng = ChaCha20Rng::seed_from_u64(11);
        prove(self.key.plonk(), &self.srs, &CpuMsm, words, witness, &mut rng, &NoProgress)
            .expect("a proof, true or not")
    }

    /// Proves `words` from `witness` and asks every verifier.
    pub(crate) fn verdict(&self, words: &[Fr], witness: &mut dyn PhaseWitness) -> Verdict {
        let proof = self.prove(words, witness);
        self.verdict_on(words, &proof)
    }

    pub(crate) fn verdict_on(&self, words: &[Fr], proof: &[u8]) -> Verdict {
        let key = self.key.verifying_key();
        let ours = zkml_circuits::plonk::verify(key.plonk(), words, proof).is_ok();
        let params = CircuitProfile(key.profile());
        let theirs = referee_of::<MachineCircuit<'_>>(key.plonk(), params, &self.srs, words, proof);
        assert_eq!(ours, theirs, "our verifier and halo2-axiom's disagree");
        if key.verify(words, proof).is_ok() {
            assert!(ours, "the model's verifier accepts what plonk rejects");
            Verdict::Accepted
        } else {
            Verdict::Rejected
        }
    }

    /// Whether gates and copies hold row by row, challenges drawn from the committed values.
    pub(crate) fn satisfied(&self, words: &[Fr], witness: &mut dyn PhaseWitness) -> bool {
        let mut rng = ChaCha20Rng::seed_from_u64(12);
        mock::check(self.key.plonk(), words, witness, &mut rng).expect("fits").is_satisfied()
    }
}

/// Group and lane of an element.
pub(crate) fn home(plan: &Plan, tensor: TensorId, element: usize) -> (usize, usize) {
    plan.layouts[tensor.0]
        .cells(plan.rows.profile.lanes())
        .find(|(e, _, _)| *e as usize == element)
        .map(|(_, group, lane)| (group, lane))
        .expect("each element has a home")
}

/// A witness with one column changed after the fact.
pub(crate) struct Tampered<'a, F> {
    pub(crate) inner: Witness<'a>,
    pub(crate) column: usize,
    pub(crate) change: F,
}

impl<'a, F: FnMut(&mut Vec<Fr>)> PhaseWitness<'a> for Tampered<'a, F> {
    fn phase(
        &mut self,
        phase: u8,
        challenges: &[Fr],
    ) -> Result<Vec<(usize, AdviceColumn<'a>)>, ProveError> {
        let mut columns = self.inner.phase(phase, challenges)?;
        for (index, values) in &mut columns {
            if *index == self.column {
                let mut full = values.elements(self.inner.geometry().rows());
                (self.change)(&mut full);
                *values = AdviceColumn::Full(full);
            }
        }
        Ok(columns)
    }
}
