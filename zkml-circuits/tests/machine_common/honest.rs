//! A linted plan of the classifier and an honest run: what tests of damaged row programs begin with.

use super::{LOGITS, RowMachine, classifier, home, set_accumulator, words_of};
use halo2curves::bn256::Fr;
use zkml_circuits::{
    lint::lint,
    machine::Profile,
    plan::{Plan, RowProgram, Source, Visibility},
    testing::random_inputs,
    witness::FirstPhase,
};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Program, Step, TensorId, Term},
};

/// A linted plan of a small model, and an honest run.
pub(crate) struct Honest {
    pub(crate) program: Program,
    pub(crate) plan: Plan,
    pub(crate) trace: Trace,
}

impl Honest {
    pub(crate) fn new(profile: Profile, ignored: usize) -> Self {
        let program = classifier(1, ignored);
        let plan = Plan::new(&program, profile, Visibility::Public).expect("fits");
        lint(&program, &plan).expect("what the planner makes");
        let trace = run(&program, &random_inputs(&program, 5)).expect("in range");
        Self { program, plan, trace }
    }

    pub(crate) fn each() -> Vec<Self> {
        vec![Self::new(Profile::standard()[0], 0), Self::new(Profile::standard()[3], 0)]
    }

    pub(crate) fn damaged(&self, change: impl FnOnce(&mut RowProgram)) -> RowMachine {
        RowMachine::new(&self.plan, change)
    }

    pub(crate) fn first(&self, machine: &RowMachine) -> FirstPhase {
        machine.first(&self.program, &self.trace)
    }

    /// Group and lane of an element.
    pub(crate) fn home(&self, tensor: TensorId, element: usize) -> (usize, usize) {
        home(&self.plan, tensor, element)
    }

    pub(crate) fn at(&self, tensor: TensorId, element: usize) -> usize {
        let (group, lane) = self.home(tensor, element);
        group * self.lanes() + lane
    }

    pub(crate) fn lanes(&self) -> usize {
        self.plan.rows.profile.lanes()
    }

    pub(crate) fn weight(&self, k: usize, j: usize) -> i64 {
        let Step::Affine(affine) = &self.program.tensors[LOGITS.0].step else {
            unreachable!("computed")
        };
        let Term::Contract { weight, .. } = &affine.terms[0] else { unreachable!("a contraction") };
        i64::from(weight.data()[k * 3 + j])
    }

    /// A hidden element whose change by `d` changes some logit for good, or its own copies.
    pub(crate) fn forward(&self, first: &mut FirstPhase, element: usize, d: i64) {
        for j in 0..3 {
            let place = self.home(LOGITS, j);
            let w = self.weight(element, j);
            set_accumulator(&self.plan.rows, first, place, |c| c + w * d);
        }
    }

    /// The equation of the logits, and the first row of its right side.
    pub(crate) fn logits_equation(&self) -> ((Source, Source), usize) {
        let equation = *self.plan.rows.equations.last().expect("the last tensor's");
        let Source::Z(first) = equation.1 else { unreachable!("a right side is a run") };
        (equation, first)
    }

    pub(crate) fn words(&self, first: &FirstPhase) -> Vec<Fr> {
        words_of(&self.plan.rows, first)
    }
}
