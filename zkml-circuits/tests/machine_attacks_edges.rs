//! Row programs that leave what is determined: a run that carries on beyond the last row, values that
//! depend on themselves, an element in a lane that no public word packs.
//!
//! As in `machine_attacks_rows`, each damage is shown to be a hole: keys of the damaged row program prove
//! what is false, before all verifiers; the linter refuses it; the undamaged machine rejects the lie.
//!
//! Rows `GR ..` are under no gate. In the folded machine of four rows a group some of them are no blinding
//! rows either, so that a prover sets them like any other cell.

mod machine_common;
mod plonk_common;

use ff::Field;
use halo2curves::bn256::Fr;
use machine_common::{Cells, Honest, LOGITS, Liar, RowMachine, Verdict, cell_of};
use zkml_circuits::{
    lint::{LintError, lint},
    machine::{MachineColumns, Profile, Unit},
    plan::{
        Base, Carry, Group, Plan, PublicRole, RowProgram, Source, UnitRef, VectorRow, Visibility,
    },
    testing::{encoding, relu, shape},
};
use zkml_core::{
    exec::integer::run,
    program::{Affine, Program, ProgramBuilder, TensorId, Term},
    tensor::Tensor,
};

fn honest() -> Honest {
    Honest::new(Profile::standard()[3], 0)
}

/// The verdict on forged logits whose equation the prover makes true by `choose`, which gets the columns
/// of phase 3 and the value that the damaged side must take.
fn forged(
    honest: &Honest,
    machine: &RowMachine,
    choose: impl Fn(&MachineColumns, &[Fr], Fr, &mut Cells),
) -> Verdict {
    let ((left, _), _) = honest.logits_equation();
    let mut first = honest.first(machine);
    first.lanes[0][honest.at(LOGITS, 0)] += 5;
    first.lanes[0][honest.at(LOGITS, 2)] -= 3;
    let (words, witness) = machine.consistent(first);
    assert_ne!(words, honest.words(&honest.first(machine)), "forged logits");
    let columns = witness.columns().clone();
    let change = |phase: u8, challenges: &[Fr], cells: &mut Cells| {
        if phase == 2 {
            let (column, row) = cell_of(&columns, left);
            let wanted = cells[&column][row];
            choose(&columns, challenges, wanted, cells);
        }
    };
    machine.verdict(&words, &mut Liar::new(witness, machine.geometry, change))
}

/// Sets a cell, of rows beyond the gates too.
fn set(cells: &mut Cells, column: usize, row: usize, value: Fr) {
    let column = cells.get_mut(&column).expect("a column");
    column.resize(column.len().max(row + 1), Fr::ZERO);
    column[row] = value;
}

/// The right side of the logits' equation, in a damaged row program.
fn right_side(rows: &mut RowProgram) -> &mut Source {
    &mut rows.equations.last_mut().expect("the last tensor's").1
}

/// A vector run that carries out of row `GR - 1` reads a cell under no gate, so it is worth what the
/// prover likes.
#[test]
fn a_run_that_leaves_the_machine_makes_any_output_true() {
    let honest = honest();
    let rows = honest.damaged(|_| ()).geometry.rows();
    let choose = |columns: &MachineColumns, _: &[Fr], wanted: Fr, cells: &mut Cells| {
        // The last row has no terms of its own: Z = Z[1].
        set(cells, columns.z.index(), rows, wanted);
        set(cells, columns.z.index(), rows - 1, wanted);
    };
    let runs_on = |carry| {
        honest.damaged(|program| {
            program.vector.resize(rows, VectorRow::default());
            program.vector[rows - 1].carry = carry;
            *right_side(program) = Source::Z(rows - 1);
        })
    };
    let machine = runs_on(Carry::One);
    assert_eq!(forged(&honest, &machine, choose), Verdict::Accepted);
    let at = Source::Z(rows);
    assert_eq!(machine.refusal(&honest.program), LintError::Dangling { at });
    // Without the carry the free cell is read by nobody, and the same lie breaks the last row's gate.
    let ends = runs_on(Carry::None);
    assert_eq!(forged(&honest, &ends, choose), Verdict::Rejected);
    assert!(matches!(ends.refusal(&honest.program), LintError::Equation { .. }));
    let intact = honest.damaged(|_| ());
    assert_eq!(forged(&honest, &intact, |_, _, _, _| ()), Verdict::Rejected);
    assert_eq!(forged(&honest, &intact, choose), Verdict::Rejected);
}

/// The same of a unit: `U1` of the last group carries on into a group that is none.
#[test]
fn a_unit_that_leaves_the_machine_makes_any_output_true() {
    let honest = honest();
    let geometry = honest.damaged(|_| ()).geometry;
    let (last, lanes) = (geometry.groups() - 1, honest.lanes());
    let choose = |columns: &MachineColumns, challenges: &[Fr], wanted: Fr, cells: &mut Cells| {
        // U = lambda^W U', nothing read in the last group.
        let lambda = challenges[1];
        let power = lambda.pow([lanes as u64]).invert().expect("not 0");
        let (column, offset) = columns.unit(Unit::Output);
        set(cells, column.index(), geometry.rows() + offset, wanted * power);
        set(cells, column.index(), last * geometry.fold() + offset, wanted);
    };
    let at = UnitRef::new(Unit::Output, last);
    let runs_on = |output_next| {
        honest.damaged(|program| {
            program.groups.resize(last + 1, Group::default());
            program.groups[last].output = Some(Base::Lambda);
            program.groups[last].output_next = output_next;
            *right_side(program) = Source::Unit(at);
        })
    };
    let machine = runs_on(true);
    assert_eq!(forged(&honest, &machine, choose), Verdict::Accepted);
    let at = Source::Unit(at);
    assert_eq!(machine.refusal(&honest.program), LintError::Dangling { at });
    let ends = runs_on(false);
    assert_eq!(forged(&honest, &ends, choose), Verdict::Rejected);
    let intact = honest.damaged(|_| ());
    assert_eq!(forged(&honest, &intact, choose), Verdict::Rejected);
}

/// Two runs that are each other's operand: `Z1 = A1 = Z2 = A2 = Z1`, so any value will do. And one that
/// is its own.
#[test]
fn values_that_depend_on_themselves_make_any_output_true() {
    let honest = honest();
    let row = honest.plan.rows.vector.len();
    for length in [2, 1] {
        let choose = |columns: &MachineColumns, _: &[Fr], wanted: Fr, cells: &mut Cells| {
            for at in row..row + length {
                set(cells, columns.a.index(), at, wanted);
                set(cells, columns.z.index(), at, wanted);
            }
        };
        let run =
            |of: usize| VectorRow { a: Some(Source::Z(of)), linear: 1, ..VectorRow::default() };
        let machine = honest.damaged(|program| {
            program.vector.extend((1..=length).map(|next| run(row + next % length)));
            *right_side(program) = Source::Z(row);
        });
        assert_eq!(forged(&honest, &machine, choose), Verdict::Accepted, "{length} runs");
        let refusal = machine.refusal(&honest.program);
        assert_eq!(refusal, LintError::Cycle { at: Source::Z(row + length - 1) });
        // The same rows in the order of what they use: no cycle, but the left side against itself.
        let straight = honest.damaged(|program| {
            let ((left, _), _) = honest.logits_equation();
            program.vector.push(VectorRow { a: Some(left), ..run(row) });
            program.vector.extend((1..length).map(|next| run(row + next - 1)));
            *right_side(program) = Source::Z(row + length - 1);
        });
        assert!(matches!(straight.refusal(&honest.program), LintError::Equation { .. }));
        let intact = honest.damaged(|_| ());
        assert_eq!(forged(&honest, &intact, choose), Verdict::Rejected, "{length} runs");
    }
}

/// Tensors of [`model`].
const HIDDEN: TensorId = TensorId(1);

/// `5 -> 9 (Relu) -> 3`. The last input reaches the last hidden value only, which reaches no output; the
/// hidden values are public as well if `shown`.
fn model(shown: bool) -> Program {
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 5]), encoding("x", 4));
    let table = b.table(relu(8));
    let weight = |at: usize| match (at / 9, at % 9) {
        (4, j) => i32::from(j == 8),
        (i, j) => 1 + ((i + j) % 3) as i32,
    };
    let weight = Tensor::new(shape(&[5, 9]), (0..45).map(weight).collect()).expect("45");
    let hidden = Affine::new(vec![Term::Contract { view: b.whole(x), weight }]).table(table);
    let h = b.affine(shape(&[1, 9]), encoding("h", 8), hidden);
    let weight = |at: usize| if at / 3 == 8 { 0 } else { at as i32 % 4 - 1 };
    let weight = Tensor::new(shape(&[9, 3]), (0..27).map(weight).collect()).expect("27");
    let logits = Affine::new(vec![Term::Contract { view: b.whole(h), weight }]);
    let y = b.affine(shape(&[1, 3]), encoding("y", 12), logits);
    let view = b.whole(y);
    b.output("y", view);
    if shown {
        let view = b.whole(h);
        b.output("h", view);
    }
    b.finish().expect("a program")
}

/// The plan in which the hidden values stand nine to a group, with that group's word made public: what a
/// planner would do that forgot how many digits a word has.
fn nine_to_a_word(profile: Profile, digits: usize) -> Plan {
    let right = Plan::new(&model(true), profile, Visibility::Private).expect("fits");
    let mut plan = Plan::new(&model(false), profile, Visibility::Private).expect("fits");
    let [segment] = &plan.layouts[HIDDEN.0].segments[..] else { panic!("one segment") };
    assert_eq!(segment.slots, (0..9).map(Some).collect::<Vec<_>>());
    // Words are those of the first groups: the hidden values trade places with the group behind them.
    let (from, to) = (segment.group, plan.rows.words);
    let place = |group: &mut usize| match *group {
        at if at == from => *group = to,
        at if at == to => *group = from,
        _ => {}
    };
    plan.rows.groups.swap(from, to);
    let settle = |source: &mut Source| {
        if let Source::Unit(at) = source {
            place(&mut at.group);
        }
    };
    for row in &mut plan.rows.vector {
        row.a.iter_mut().chain(&mut row.b).for_each(settle);
    }
    for (left, right) in &mut plan.rows.equations {
        settle(left);
        settle(right);
    }
    plan.layouts.iter_mut().flat_map(|l| &mut l.segments).for_each(|s| place(&mut s.group));
    plan.scalars.iter_mut().for_each(|s| place(&mut s.group));
    lint(&model(false), &plan).expect("the same plan, groups in another order");
    plan.rows.groups[to].public = Some(PublicRole::Y);
    plan.rows.words += 1;
    let mut shown = right.io.outputs[1].clone();
    shown.digits = vec![(0..digits as u32).map(Some).collect()];
    plan.io.outputs.push(shown);
    plan
}

/// Finding 2.3: an element in lane 8 of a public group is in no word. Two runs that differ in it have
/// one statement, so the statement does not say what the output is.
#[test]
fn a_public_element_beyond_the_eighth_lane_is_in_no_word() {
    let profile = Profile::new(16, 1, 64, 1).expect("a machine");
    let runs = [0, 3].map(|last| {
        let input = Tensor::new(shape(&[1, 5]), vec![1, 2, -1, 3, last]).expect("five");
        run(&model(true), &[input]).expect("in range")
    });
    let [one, two] = &runs;
    let hidden = |at: usize| runs.each_ref().map(|run| run.tensors[HIDDEN.0].y[at]);
    assert!((0..8).all(|at| hidden(at)[0] == hidden(at)[1]));
    assert_ne!(hidden(8)[0], hidden(8)[1], "two outputs");
    for digits in [9, 8] {
        let machine = RowMachine::new(&nine_to_a_word(profile, digits), |_| ());
        let word = machine.plan.rows.words - 1;
        assert_ne!(machine.plan.rows.groups[word].mask >> 8, 0, "a live lane");
        let firsts = [one, two].map(|run| machine.first(&model(true), run));
        let [first, second] = firsts.map(|first| {
            let (words, _) = machine.consistent(first.clone());
            assert_eq!(machine.verdict_of(first), Verdict::Accepted, "{digits} digits");
            words
        });
        assert_eq!(first, second, "one statement");
        // A digit too many in this word, or an element in none of the words so far.
        let word = word + usize::from(digits < 9);
        assert_eq!(machine.refusal(&model(true)), LintError::Word { word }, "{digits} digits");
    }
    // What the planner makes says all nine.
    let right = Plan::new(&model(true), profile, Visibility::Private).expect("fits");
    lint(&model(true), &right).expect("what the planner makes");
    let machine = RowMachine::new(&right, |_| ());
    let words = [one, two].map(|run| machine.consistent(machine.first(&model(true), run)).0);
    assert_ne!(words[0], words[1]);
    assert_eq!(machine.verdict_of(machine.first(&model(true), two)), Verdict::Accepted);
}
