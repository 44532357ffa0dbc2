//! Products whose elements share an exponent (machine.md, finding 2.6): what an equation says of two
//! elements at one place is their sum, and nothing of either.
//!
//! The right operand is read along `rho`, so that element `(i, k)` stands at `lambda^i rho^k`. Read along
//! `lambda` it stands at `lambda^(i + k)`, with `(k, i)`. Heads stand `lambda^off` apart; at one offset
//! only their sum counts. Keys of such a row program prove products with elements traded; the linter
//! refuses it.

mod machine_common;
mod plonk_common;

use machine_common::{RowMachine, Verdict};
use zkml_circuits::{
    lint::{LintError, lint},
    machine::{Profile, Unit},
    plan::{Base, Carry, LaneRead, OperandRead, Plan, RowProgram, Source, Visibility},
    testing::{encoding, random_inputs, shape},
};
use zkml_core::{
    exec::integer::{Trace, run},
    program::{Affine, Program, ProgramBuilder, TensorId, Term},
};

const PRODUCT: TensorId = TensorId(2);
/// Positions, and features of the right operand.
const SIDE: usize = 3;

/// `x z` by heads, without bias or shift.
fn product(heads: usize) -> Program {
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[heads, SIDE, 2]), encoding("x", 4));
    let z = b.input("z", shape(&[heads, 2, SIDE]), encoding("z", 4));
    let product = Term::Product { left: b.whole(x), right: b.whole(z), factor: 1 };
    let dims = shape(&[heads, SIDE, SIDE]);
    let y = b.affine(dims, encoding("y", 9), Affine::new(vec![product]));
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

/// A linted plan, and an honest run.
fn planned(heads: usize, profile: Profile) -> (Program, Plan, Trace) {
    let program = product(heads);
    let plan = Plan::new(&program, profile, Visibility::Public).expect("fits");
    lint(&program, &plan).expect("what the planner makes");
    let trace = run(&program, &random_inputs(&program, 5)).expect("in range");
    (program, plan, trace)
}

/// The run with elements of the product traded.
fn traded(trace: &Trace, pairs: impl IntoIterator<Item = (usize, usize)>) -> Trace {
    let mut traded = trace.clone();
    for (a, b) in pairs {
        traded.tensors[PRODUCT.0].x.swap(a, b);
    }
    assert_ne!(traded, *trace, "they differ");
    traded
}

/// The one equation, `sum_i lambda^i U1(i) = sum A B`: rows of its sides.
fn sides(rows: &RowProgram) -> (usize, usize) {
    let [(Source::Z(left), Source::Z(right))] = rows.equations[..] else { panic!("two runs") };
    (left, right)
}

/// `damage` makes a machine that proves the lie, and that the linter refuses; the undamaged one rejects it.
fn forges(
    (program, plan, trace): &(Program, Plan, Trace),
    lie: &Trace,
    damage: impl FnOnce(&mut RowProgram),
) {
    let profile = plan.rows.profile;
    let machine = RowMachine::new(plan, damage);
    let truth = machine.first(program, trace);
    assert_eq!(machine.verdict_of(truth), Verdict::Accepted, "{profile}: as true as it was");
    let forged = machine.first(program, lie);
    assert_eq!(machine.verdict_of(forged.clone()), Verdict::Accepted, "{profile}: a hole");
    assert!(matches!(machine.refusal(program), LintError::Equation { .. }), "{profile}");
    let intact = RowMachine::new(plan, |_| ());
    assert_eq!(intact.verdict_of(forged), Verdict::Rejected, "{profile}");
}

#[test]
fn a_right_operand_along_lambda_lets_elements_trade() {
    for profile in [Profile::standard()[0], Profile::standard()[3]] {
        let planned = planned(1, profile);
        let lie = traded(&planned.2, [(1, SIDE)]);
        forges(&planned, &lie, |rows| {
            for group in &mut rows.groups {
                if let Some(read) = group.feature.take() {
                    assert_eq!(group.operand, None, "read one way only");
                    group.operand = Some(match read {
                        LaneRead::X => OperandRead::X,
                        LaneRead::Y => OperandRead::Y,
                    });
                    group.operand_next = std::mem::take(&mut group.feature_next);
                }
                // The product itself, by the same exponents.
                if group.output.is_some() {
                    assert_eq!(group.output, Some(Base::Rho));
                    group.output = Some(Base::Lambda);
                }
            }
            let mut reads = 0;
            for row in &mut rows.vector {
                if let Some(Source::Unit(at)) = &mut row.b {
                    assert_eq!(at.unit, Unit::Feature);
                    at.unit = Unit::Operand;
                    reads += 1;
                }
            }
            assert_eq!(reads, 2, "a row for each inner feature");
        });
    }
}

#[test]
fn heads_at_one_offset_may_trade() {
    let profile = Profile::standard()[0];
    let planned = planned(2, profile);
    let head = SIDE * SIDE;
    let lie = traded(&planned.2, (0..head).map(|at| (at, head + at)));
    forges(&planned, &lie, |rows| {
        let (left, right) = sides(rows);
        // Right: the second head is carried on by lambda^3.
        let carries = rows.vector[right..].iter_mut().take_while(|row| row.carry != Carry::None);
        let mut by_lambda = carries.filter(|row| row.carry == Carry::Lambda);
        let count = by_lambda.by_ref().map(|row| row.carry = Carry::One).count();
        assert_eq!(count, SIDE, "positions of a head");
        // Left: U(0) + U(3) + lambda (U(1) + U(4) + lambda (U(2) + U(5))).
        let sources: Vec<_> = rows.vector[left..left + 2 * SIDE].iter().map(|row| row.a).collect();
        for (at, row) in rows.vector[left..left + 2 * SIDE].iter_mut().enumerate() {
            row.a = sources[at / 2 + SIDE * (at % 2)];
            row.carry = match at {
                at if at + 1 == 2 * SIDE => Carry::None,
                at if at % 2 == 0 => Carry::One,
                _ => Carry::Lambda,
            };
        }
    });
}
