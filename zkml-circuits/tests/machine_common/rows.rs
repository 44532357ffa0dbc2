//! Keys of any row program, linted or not: what the machine alone accepts.

use std::{collections::BTreeMap, sync::Mutex};

use halo2curves::bn256::{Fr, G1, G1Affine};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkml_circuits::{
    lint::{LintError, lint},
    machine::{CircuitProfile, MachineCircuit},
    plan::{Geometry, Plan, RowProgram},
    plonk::{self, InstanceLayout, KeyOptions, PhaseWitness, generate_keys, mock, prove},
    witness::{FirstPhase, Witness},
};
use zkml_core::{
    exec::integer::Trace,
    program::Program,
    progress::NoProgress,
    proving::{CpuMsm, MsmBackend, MsmError, Scalars, Srs},
};

use super::{Verdict, recount, words_of};
use crate::plonk_common::referee_of;

/// A plan whose row program was changed, with keys made from it as they are, past the linter.
pub(crate) struct RowMachine {
    pub(crate) plan: Plan,
    pub(crate) geometry: Geometry,
    key: plonk::ProvingKey,
    srs: Srs,
}

impl RowMachine {
    /// Keys of `plan` after `change`.
    pub(crate) fn new(plan: &Plan, change: impl FnOnce(&mut RowProgram)) -> Self {
        let mut plan = plan.clone();
        change(&mut plan.rows);
        Self::with(plan, &CpuMsm)
    }

    /// Keys of a row program for the row-by-row checker only: no proof verifies under them, and they
    /// take no time.
    pub(crate) fn unproven(plan: Plan) -> Self {
        Self::with(plan, &NoMsm)
    }

    fn with(plan: Plan, backend: &dyn MsmBackend) -> Self {
        let geometry = Geometry::check(&plan.rows).expect("fits");
        let srs = srs(plan.rows.k);
        let instance = InstanceLayout { words: plan.rows.words, stride: geometry.fold() };
        let options = KeyOptions { instance, binding: [7; 32] };
        let circuit = MachineCircuit::new(&plan.rows);
        let key = generate_keys(&circuit, &srs, backend, &options, &NoProgress).expect("keys");
        Self { plan, geometry, key, srs }
    }

    /// Why the linter refuses the row program.
    pub(crate) fn refusal(&self, program: &Program) -> LintError {
        lint(program, &self.plan).expect_err("the linter refuses this row program")
    }

    /// The first phase of an honest run, as far as the row program calls for it.
    pub(crate) fn first(&self, program: &Program, trace: &Trace) -> FirstPhase {
        FirstPhase::new(program, &self.plan, self.geometry, trace)
    }

    /// Words and witness that agree with `first`.
    pub(crate) fn consistent(&self, first: FirstPhase) -> (Vec<Fr>, Witness<'_>) {
        (words_of(&self.plan.rows, &first), self.witness(first))
    }

    /// A witness that agrees with `first`, multiplicities counted anew.
    pub(crate) fn witness(&self, mut first: FirstPhase) -> Witness<'_> {
        recount(&self.plan.rows, self.geometry, &mut first);
        Witness::new(&self.plan.rows, self.geometry, first)
    }

    /// Whether gates and copies hold, row by row, for the most consistent lie from `first`.
    pub(crate) fn satisfied_by(&self, first: FirstPhase) -> bool {
        let (words, mut witness) = self.consistent(first);
        self.report(&words, &mut witness).is_satisfied()
    }

    /// What a witness breaks, row by row.
    pub(crate) fn report(&self, words: &[Fr], witness: &mut dyn PhaseWitness) -> mock::Report {
        let mut rng = ChaCha20Rng::seed_from_u64(15);
        mock::check(&self.key, words, witness, &mut rng).expect("fits")
    }

    /// What all verifiers say of a proof by `witness`.
    pub(crate) fn verdict(&self, words: &[Fr], witness: &mut dyn PhaseWitness) -> Verdict {
        let key = self.key.verifying_key();
        let mut rng = ChaCha20Rng::seed_from_u64(14);
        let proof = prove(&self.key, &self.srs, &CpuMsm, words, witness, &mut rng, &NoProgress)
            .expect("fits");
        let ours = plonk::verify(key, words, &proof).is_ok();
        let params = CircuitProfile(self.plan.rows.profile);
        let theirs = referee_of::<MachineCircuit<'_>>(key, params, &self.srs, words, &proof);
        assert_eq!(ours, theirs, "our verifier and halo2-axiom's disagree");
        if ours { Verdict::Accepted } else { Verdict::Rejected }
    }

    /// As [`Self::verdict`], of the most consistent lie from `first`.
    pub(crate) fn verdict_of(&self, first: FirstPhase) -> Verdict {
        let (words, mut witness) = self.consistent(first);
        self.verdict(&words, &mut witness)
    }
}

/// The development string, made once a size.
fn srs(k: u32) -> Srs {
    static KNOWN: Mutex<BTreeMap<u32, Srs>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().expect("no panic while it is held");
    known.entry(k).or_insert_with(|| Srs::development(k).expect("a small k")).clone()
}

/// Commits to nothing.
struct NoMsm;

impl MsmBackend for NoMsm {
    fn name(&self) -> &str {
        "none"
    }

    fn msm(&self, _: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        Ok(vec![G1::from(G1Affine::generator()); columns.len()])
    }
}
