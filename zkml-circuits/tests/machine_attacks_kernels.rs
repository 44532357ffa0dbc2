//! The row program of a convolution is part of the soundness (machine.md, finding 2.16).
//!
//! As `machine_attacks_rows`, for windows: each test damages the fixed data in one place, past the
//! linter, shows a run that the damaged machine accepts and the model does not have, and that the
//! linter refuses the damage. The undamaged machine rejects that run.

mod machine_common;
mod plonk_common;

use machine_common::{FIRST, Lie, RowMachine, SECOND, Verdict, convolutions, home, strided};
use zkml_circuits::{
    lint::{LintError, lint},
    machine::{Profile, Unit},
    plan::{Base, Carry, Plan, RowProgram, Source, UnitRef, VectorRow, Visibility},
    testing::random_inputs,
};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Program, Step, TensorId, Term},
    tensor::Tensor,
};

/// A linted plan of [`strided`] and an honest run.
struct Honest {
    program: Program,
    plan: Plan,
    trace: Trace,
}

impl Honest {
    fn each() -> Vec<Self> {
        let odd = Profile::new(3, 1, 4, 2).expect("a machine");
        [Profile::standard()[0], Profile::standard()[3], odd].map(Self::new).into()
    }

    fn new(profile: Profile) -> Self {
        let program = strided();
        let plan = Plan::new(&program, profile, Visibility::Private).expect("fits");
        lint(&program, &plan).expect("what the planner makes");
        let trace = run(&program, &random_inputs(&program, 5)).expect("in range");
        Self { program, plan, trace }
    }

    fn damaged(&self, change: impl FnOnce(&mut RowProgram)) -> RowMachine {
        RowMachine::new(&self.plan, change)
    }

    fn accepts(&self, machine: &RowMachine, trace: &Trace) -> bool {
        machine.satisfied_by(machine.first(&self.program, trace))
    }

    fn rows(&self) -> &[VectorRow] {
        &self.plan.rows.vector
    }

    /// Rows of the run that begins at `first`.
    fn run_of(&self, first: usize) -> std::ops::Range<usize> {
        let length = self.rows()[first..].iter().position(|row| row.carry == Carry::None);
        first..first + length.expect("each run ends") + 1
    }

    /// The product rows of a step's right side: operand channel times kernel.
    fn products(&self, step: TensorId) -> Vec<usize> {
        let equation = self.plan.claims.iter().position(
            |claim| matches!(claim, zkml_circuits::plan::Claim::Step { tensor, .. } if *tensor == step),
        );
        let (_, right) = self.plan.rows.equations[equation.expect("each step has an equation")];
        let Source::Z(first) = right else { unreachable!("a right side is a run") };
        let kernel = |source: Option<Source>| match source {
            Some(Source::Z(at)) => self.run_of(at).len() == 9,
            _ => false,
        };
        self.run_of(first)
            .filter(|at| self.rows()[*at].product && kernel(self.rows()[*at].b))
            .collect()
    }

    /// The rows of the kernel of a channel, one a tap.
    fn taps(&self, step: TensorId, channel: usize) -> Vec<usize> {
        let Some(Source::Z(first)) = self.rows()[self.products(step)[channel]].b else {
            unreachable!("a kernel is a run")
        };
        self.run_of(first).collect()
    }

    fn weights(&self, step: TensorId) -> Tensor<i32> {
        let Step::Affine(affine) = &self.program.tensors[step.0].step else {
            unreachable!("computed")
        };
        let Term::Correlate { weight, .. } = &affine.terms[0] else {
            unreachable!("a convolution")
        };
        weight.clone()
    }

    /// The damaged machine computes the model whose first kernels are `change`d, not the program's.
    fn computes_another(
        &self,
        what: &str,
        damage: impl Fn(&mut RowProgram),
        change: impl Fn(&mut [i32], &dyn Fn(usize, usize, usize) -> usize),
    ) {
        let mut data = self.weights(FIRST).data().to_vec();
        change(&mut data, &|o, c, tap| (o * 2 + c) * 9 + tap);
        let kernels = Tensor::new(self.weights(FIRST).shape().clone(), data).expect("as many");
        let other = convolutions(kernels, self.weights(SECOND));
        let forged = run(&other, &random_inputs(&other, 5)).expect("in range");
        assert_ne!(forged, self.trace, "{what}: another model");
        let machine = self.damaged(damage);
        assert!(self.accepts(&machine, &forged), "{what}: the damage has no effect");
        assert!(!self.accepts(&machine, &self.trace), "{what}: the truth");
        assert!(!self.accepts(&self.damaged(|_| ()), &forged), "{what}: the intact machine");
        let refusal = machine.refusal(&self.program);
        assert!(matches!(refusal, LintError::Equation { .. }), "{what}: {refusal}");
        let first = machine.first(&self.program, &forged);
        assert_eq!(machine.verdict_of(first), Verdict::Accepted, "{what}: a proof of it");
    }
}

#[test]
fn a_swapped_tap_is_another_kernel() {
    for honest in Honest::each() {
        let taps = honest.taps(FIRST, 0);
        let swap = |rows: &mut RowProgram| {
            let (one, two) = (rows.vector[taps[1]].a, rows.vector[taps[5]].a);
            (rows.vector[taps[1]].a, rows.vector[taps[5]].a) = (two, one);
        };
        honest.computes_another("taps 1 and 5 of channel 0", swap, |weights, at| {
            (0..3).for_each(|o| weights.swap(at(o, 0, 1), at(o, 0, 5)));
        });
    }
}

#[test]
fn swapped_channels_are_another_kernel() {
    for honest in Honest::each() {
        let products = honest.products(FIRST);
        assert_eq!(products.len(), 2, "a product each channel");
        let swap = |rows: &mut RowProgram| {
            let (one, two) = (rows.vector[products[0]].a, rows.vector[products[1]].a);
            (rows.vector[products[0]].a, rows.vector[products[1]].a) = (two, one);
        };
        honest.computes_another("channels 0 and 1", swap, |weights, at| {
            for (o, tap) in (0..27).map(|i| (i / 9, i % 9)) {
                weights.swap(at(o, 0, tap), at(o, 1, tap));
            }
        });
    }
}

/// A power of `lambda` one row stride off: the tap reads the row below.
#[test]
fn a_tap_of_another_row_is_another_kernel() {
    for honest in Honest::each() {
        let taps = honest.taps(FIRST, 1);
        let shift = |rows: &mut RowProgram| rows.vector[taps[0]].b = rows.vector[taps[3]].b;
        honest.computes_another("tap 0 on the row of tap 3", shift, |weights, at| {
            for o in 0..3 {
                weights[at(o, 1, 3)] += std::mem::take(&mut weights[at(o, 1, 0)]);
            }
        });
    }
}

/// Outputs of a stride are read row by row, each shifted to its place: rows that trade places are
/// outputs that trade places.
#[test]
fn outputs_read_at_the_place_of_others() {
    for honest in Honest::each() {
        let units = [0, 2].map(|e| {
            let (group, lane) = home(&honest.plan, SECOND, e);
            assert_eq!(lane, 0, "rows of images stand by themselves");
            Source::Unit(UnitRef::new(Unit::Output, group))
        });
        let machine = honest.damaged(|rows| {
            let mut swapped = 0;
            let reads = rows.vector.iter_mut().flat_map(|row| [&mut row.a, &mut row.b]);
            for source in reads.flatten() {
                if let Some(at) = units.iter().position(|unit| unit == source) {
                    *source = units[1 - at];
                    swapped += 1;
                }
            }
            assert_eq!(swapped, 2, "one read each");
        });
        // Row 0 and row 1 of channel 0.
        let mut forged = honest.trace.clone();
        let cells = &mut forged.tensors[SECOND.0];
        for column in 0..2 {
            cells.x.swap(column, 2 + column);
            cells.r.swap(column, 2 + column);
        }
        assert_ne!(forged.tensors[SECOND.0].x, honest.trace.tensors[SECOND.0].x);
        assert!(honest.accepts(&machine, &forged));
        assert!(!honest.accepts(&machine, &honest.trace));
        assert!(!honest.accepts(&honest.damaged(|_| ()), &forged));
        assert!(matches!(machine.refusal(&honest.program), LintError::Equation { .. }));
    }
}

/// Elements two exponents apart read one apart, and the other way round.
#[test]
fn another_base_is_refused() {
    let mut squares = 0;
    for honest in Honest::each() {
        let groups = &honest.plan.rows.groups;
        let reads: Vec<usize> = (0..groups.len())
            .filter(|g| groups[*g].output.is_some() && groups[*g].mask > 1)
            .collect();
        squares += reads.iter().filter(|g| groups[**g].output == Some(Base::LambdaSquared)).count();
        // The first read of either base.
        for base in [Base::Lambda, Base::LambdaSquared] {
            let Some(group) = reads.iter().find(|g| groups[**g].output == Some(base)) else {
                continue;
            };
            let other = match base {
                Base::Lambda => Base::LambdaSquared,
                _ => Base::Lambda,
            };
            let machine = honest.damaged(|rows| rows.groups[*group].output = Some(other));
            assert!(!honest.accepts(&machine, &honest.trace), "{base:?} of group {group}");
            assert!(matches!(machine.refusal(&honest.program), LintError::Equation { .. }));
        }
        let operand = (0..groups.len())
            .find(|g| groups[*g].operand.is_some() && groups[*g].mask > 1 && groups[*g].tag_f != 0)
            .expect("operands are read");
        let machine = honest.damaged(|rows| rows.groups[operand].operand_squared ^= true);
        assert!(!honest.accepts(&machine, &honest.trace));
        assert!(matches!(machine.refusal(&honest.program), LintError::Equation { .. }));
    }
    assert!(squares > 0, "outputs of stride 2");
}

/// Finding 2.2: junk at the exponent of an output frees that output, in all its channels. Every gap in
/// the junk is tried: the linter refuses junk there exactly if some output can be forged with it.
#[test]
fn junk_on_a_live_exponent_frees_an_output() {
    for honest in Honest::each() {
        let intact = honest.damaged(|_| ());
        let lies: Vec<(Lie, Trace)> = [FIRST, SECOND]
            .into_iter()
            .flat_map(|t| (0..honest.program.tensors[t.0].shape.len()).map(move |e| (t, e)))
            .filter_map(|(tensor, element)| {
                [1, -1].into_iter().find_map(|dx| {
                    let lie = Lie::step(&honest.program, &honest.trace, tensor, element, dx)?;
                    Some((lie, lie.carried(&honest.program, &honest.trace)?))
                })
            })
            .collect();
        assert_eq!(lies.len(), 60 + 12);
        assert!(lies.iter().all(|(_, trace)| !honest.accepts(&intact, trace)));
        let gaps: Vec<usize> = (0..honest.rows().len())
            .filter(|at| {
                honest.rows()[*at].carry == Carry::Lambda && honest.rows()[*at].a.is_none()
            })
            .filter(|at| honest.rows()[*at].junk == 0 && in_junk(&honest, *at))
            .collect();
        assert!(gaps.len() > 4, "{}", gaps.len());
        let mut refused = 0;
        for gap in gaps {
            let machine = honest.damaged(|rows| rows.vector[gap].junk = 1);
            assert!(honest.accepts(&machine, &honest.trace), "junk {gap}: the truth");
            let forged: Vec<&Lie> = lies
                .iter()
                .filter(|(_, trace)| honest.accepts(&machine, trace))
                .map(|(lie, _)| lie)
                .collect();
            let verdict = lint(&honest.program, &machine.plan);
            assert_eq!(verdict.is_err(), !forged.is_empty(), "junk {gap}: {verdict:?} {forged:?}");
            if verdict.is_err() {
                assert!(matches!(verdict, Err(LintError::Equation { .. })), "junk {gap}");
                // One position of each output channel.
                let channels = [3, 2][forged[0].tensor.0 - 1];
                assert_eq!(forged.len(), channels, "junk {gap}: {forged:?}");
                refused += 1;
            }
        }
        assert!(refused > 2, "{refused}");
    }
}

/// Whether a row belongs to a run of junk.
fn in_junk(honest: &Honest, at: usize) -> bool {
    let start = (0..at).rev().find(|row| honest.rows()[*row].carry == Carry::None);
    honest.run_of(start.map_or(0, |row| row + 1)).any(|row| honest.rows()[row].junk != 0)
}
