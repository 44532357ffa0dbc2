//! The row program is part of the soundness (machine.md, finding 2.16).
//!
//! Each test damages the fixed data in one place, makes keys from it past the linter, and shows
//! two things: the machine as such *accepts* a forged run, before all verifiers, so the damage is
//! a real hole; and the linter refuses the row program, so no such key is ever made. The same lie
//! is rejected by the machine of the undamaged row program.

mod machine_common;
mod plonk_common;

use halo2curves::bn256::Fr;
use machine_common::{
    Cells, HIDDEN, Honest, INPUT, LOGITS, Liar, RowMachine, Verdict, cell_of, is_operand, recount,
};
use zkml_circuits::{
    lint::{LintError, lint},
    machine::Profile,
    plan::{OperandRead, Plan, RowProgram, Source, TableRow, Visibility},
};
use zkml_core::program::Bits;

/// Finding 2.1, late scalars: without its tie, a scalar is any operand the prover likes, and the
/// logits are any combination of the weights.
#[test]
fn late_scalar_without_its_tie() {
    for honest in Honest::each() {
        let tie = honest
            .plan
            .rows
            .equations
            .iter()
            .rposition(|(_, right)| is_operand(*right))
            .expect("scalars are tied");
        let machine = honest.damaged(|rows| {
            rows.equations.remove(tie);
        });
        let scalar = honest
            .plan
            .scalars
            .iter()
            .find(|s| s.tensor == HIDDEN && honest.weight(s.element as usize, 0) != 0)
            .expect("some weight is not 0");
        let mut first = honest.first(&machine);
        let truth = honest.words(&first);
        first.p[scalar.group] += 4;
        honest.forward(&mut first, scalar.element as usize, 4);
        assert_ne!(honest.words(&first), truth, "a forged output");
        assert_eq!(machine.verdict_of(first.clone()), Verdict::Accepted);
        assert!(matches!(machine.refusal(&honest.program), LintError::Claims { .. }));
        assert_eq!(honest.damaged(|_| ()).verdict_of(first), Verdict::Rejected);
    }
}

/// Finding 2.1, late copies (Rule F): an operand copied from nowhere is chosen after all
/// challenges, so it makes any output true.
#[test]
fn an_operand_copied_from_nowhere_makes_any_output_true() {
    for honest in Honest::each() {
        let ((left, _), run_start) = honest.logits_equation();
        let row = run_start;
        let damage = |rows: &mut RowProgram| {
            assert!(rows.vector[row].product);
            rows.vector[row].a = None;
        };
        let machine = honest.damaged(damage);
        let forge = |machine: &RowMachine| {
            let mut first = honest.first(machine);
            first.lanes[0][honest.at(LOGITS, 0)] += 5;
            first.lanes[0][honest.at(LOGITS, 2)] -= 3;
            let (words, witness) = machine.consistent(first);
            let columns = witness.columns().clone();
            // A such that the accumulator is the left side: Z += A B.
            let choose = move |phase: u8, _: &[Fr], cells: &mut Cells| {
                if phase != 2 {
                    return;
                }
                let (column, at) = cell_of(&columns, left);
                let missing = cells[&column][at] - cells[&columns.z.index()][row];
                let b = cells[&columns.b.index()][row];
                cells.get_mut(&columns.a.index()).expect("a column")[row] +=
                    missing * b.invert().expect("weights do not vanish");
                cells.get_mut(&columns.z.index()).expect("a column")[row] += missing;
            };
            machine.verdict(&words, &mut Liar::new(witness, machine.geometry, choose))
        };
        assert_eq!(forge(&machine), Verdict::Accepted);
        assert_eq!(machine.refusal(&honest.program), LintError::FreeOperand { row });
        assert_eq!(forge(&honest.damaged(|_| ())), Verdict::Rejected);
    }
}

/// Finding 2.2: junk read by an equation is a free term; here it is committed before `lambda`, but
/// the equation of one row contains `rho` only, and junk comes after it.
#[test]
fn junk_read_by_an_equation_makes_any_output_true() {
    for honest in Honest::each() {
        let (_, row) = honest.logits_equation();
        let machine = honest.damaged(|rows| rows.vector[row].junk = 1);
        let forge = |machine: &RowMachine| {
            let mut first = honest.first(machine);
            first.lanes[0][honest.at(LOGITS, 0)] += 5;
            // The witness finds the junk that makes the equation hold.
            machine.verdict_of(first)
        };
        assert_eq!(forge(&machine), Verdict::Accepted);
        assert!(matches!(machine.refusal(&honest.program), LintError::Equation { .. }));
        assert_eq!(forge(&honest.damaged(|_| ())), Verdict::Rejected);
    }
}

/// Machine.md 5: a mask bit set on a dead lane. The lane is then read, harmless only while it holds
/// what adds nothing; in the undamaged machine it may hold anything legal.
#[test]
fn a_dead_lane_unmasked_is_read() {
    for honest in Honest::each() {
        let rows = &honest.plan.rows;
        let lanes = honest.lanes();
        let group = honest.home(HIDDEN, 8).0;
        let lane = (0..lanes).find(|l| rows.groups[group].mask >> l & 1 == 0).expect("9 values");
        let machine = honest.damaged(|rows| rows.groups[group].mask |= 1 << lane);
        let with = |machine: &RowMachine, x: i64| {
            let mut first = honest.first(machine);
            first.lanes[0][group * lanes + lane] = x;
            first.lanes[2][group * lanes + lane] = x.max(0);
            machine.verdict_of(first)
        };
        assert_eq!(with(&machine, 0), Verdict::Accepted);
        assert_eq!(with(&machine, 7), Verdict::Rejected);
        assert_eq!(with(&machine, -7), Verdict::Rejected);
        let intact = honest.damaged(|_| ());
        assert_eq!(with(&intact, 0), Verdict::Accepted);
        assert_eq!(with(&intact, 7), Verdict::Accepted);
        assert_eq!(with(&intact, -7), Verdict::Accepted);
        assert!(matches!(machine.refusal(&honest.program), LintError::Equation { .. }));
    }
}

/// A mask bit missing on a live lane: its accumulator is in no equation, and its output free.
#[test]
fn a_live_lane_masked_is_free() {
    for honest in Honest::each() {
        let (group, lane) = honest.home(LOGITS, 1);
        // The equation must hold without the logit: take its column out of the right side too.
        let machine = honest.damaged(|rows| {
            rows.groups[group].mask ^= 1 << lane;
            let (_, first) = honest.logits_equation();
            for row in first.. {
                let step = &rows.vector[row];
                let weights = if step.product { step.b } else { step.a };
                if let Some(Source::Unit(at)) = weights {
                    // Output j stands at rho^j.
                    if let Some(w) = rows.groups[at.group].weights.get_mut(1) {
                        *w = 0;
                    }
                }
                if rows.vector[row].carry == zkml_circuits::plan::Carry::None {
                    break;
                }
            }
        });
        let mut first = honest.first(&machine);
        first.lanes[0][honest.at(LOGITS, 1)] += 9;
        assert_eq!(machine.verdict_of(first), Verdict::Accepted);
        assert!(matches!(machine.refusal(&honest.program), LintError::Word { .. }));
    }
}

/// Finding 2.17: rows too many in a table accept what the function is not.
#[test]
fn a_table_row_too_many_is_a_lie_allowed() {
    for honest in Honest::each() {
        let intact = honest.damaged(|_| ());
        let (group, _) = honest.home(LOGITS, 0);
        let groups = &honest.plan.rows.groups;
        let (tag_r, shift) = (groups[group].tag_r, groups[group].shift);
        let hidden = honest.home(HIDDEN, 2).0;
        let tag_f = groups[hidden].tag_f;

        // A remainder of 2^s to 2^(s+1): the quotient one lower.
        let truth = honest.first(&intact);
        let mut low = truth.clone();
        low.lanes[0][honest.at(LOGITS, 0)] -= 1;
        low.lanes[1][honest.at(LOGITS, 0)] += 1 << shift;
        let input = low.lanes[1][honest.at(LOGITS, 0)] as i32;
        let machine =
            honest.damaged(|rows| rows.tables.push(TableRow { tag: tag_r, input, output: 0 }));
        assert_eq!(machine.verdict_of(low.clone()), Verdict::Accepted);
        assert_eq!(machine.refusal(&honest.program), LintError::Table { tag: tag_r });
        assert_eq!(intact.verdict_of(low), Verdict::Rejected);

        // Two values of one argument: a tag that occurs twice.
        let element = 2;
        let cell = honest.at(HIDDEN, element);
        let mut other = truth.clone();
        let (x, y) = (other.lanes[0][cell], other.lanes[2][cell]);
        other.lanes[2][cell] = y + 3;
        honest.forward(&mut other, element, 3);
        for scalar in honest.plan.scalars.iter().filter(|s| s.tensor == HIDDEN) {
            other.p[scalar.group] += if scalar.element as usize == element { 3 } else { 0 };
        }
        let row = TableRow { tag: tag_f, input: x as i32, output: y as i32 + 3 };
        let machine = honest.damaged(|rows| rows.tables.push(row));
        assert_eq!(machine.verdict_of(other.clone()), Verdict::Accepted);
        assert_eq!(machine.refusal(&honest.program), LintError::Table { tag: tag_f });
        assert_eq!(intact.verdict_of(other), Verdict::Rejected);

        // A second row of tag 0: idle lanes hold something.
        let mut idle = truth;
        let last = intact.geometry.groups() - 1;
        idle.lanes[0][last * honest.lanes()] = 5;
        idle.lanes[2][last * honest.lanes()] = 6;
        let row = TableRow { tag: 0, input: 5, output: 6 };
        let machine = honest.damaged(|rows| rows.tables.push(row));
        assert_eq!(machine.verdict_of(idle.clone()), Verdict::Accepted);
        assert_eq!(machine.refusal(&honest.program), LintError::Table { tag: 0 });
        assert_eq!(intact.verdict_of(idle), Verdict::Rejected);
    }
}

/// A table that is missing denies what is true, and one that stands under another tag as well.
#[test]
fn a_table_missing_denies_the_truth() {
    let honest = Honest::new(Profile::standard()[3], 0);
    let tag = honest.plan.rows.groups[honest.home(HIDDEN, 0).0].tag_f;
    let gone = honest.damaged(|rows| rows.tables.retain(|row| row.tag != tag));
    assert_eq!(gone.verdict_of(honest.first(&gone)), Verdict::Rejected);
    assert_eq!(gone.refusal(&honest.program), LintError::Table { tag });
    let renamed = honest.damaged(|rows| {
        rows.tables.iter_mut().filter(|row| row.tag == tag).for_each(|row| row.tag += 90);
    });
    assert_eq!(renamed.verdict_of(honest.first(&renamed)), Verdict::Rejected);
    assert_eq!(renamed.refusal(&honest.program), LintError::Table { tag });
    // Rows that nothing looks up can go without anybody noticing, but the linter.
    let used = honest.first(&gone);
    let x: Vec<i64> = (0..9).map(|e| used.lanes[0][honest.at(HIDDEN, e)]).collect();
    let unused = honest.damaged(|rows| {
        let at = rows
            .tables
            .iter()
            .position(|row| row.tag == tag && row.input != 0 && !x.contains(&row.input.into()))
            .expect("64 rows, 9 values");
        rows.tables.remove(at);
    });
    assert_eq!(unused.verdict_of(honest.first(&unused)), Verdict::Accepted);
    assert_eq!(unused.refusal(&honest.program), LintError::Table { tag });
}

/// Finding 2.3: without the range lookup of packed cells a word has a second preimage: one digit
/// `2^16` higher, the next one lower.
#[test]
fn a_word_has_one_preimage_because_cells_are_ranged() {
    for profile in [Profile::standard()[0], Profile::standard()[3]] {
        let honest = Honest::new(profile, 2);
        let cells = [0, 1].map(|e| honest.at(INPUT, e));
        assert_eq!(cells[1], cells[0] + 1, "neighbours in one word");
        let intact = honest.damaged(|_| ());
        let mut carried = honest.first(&intact);
        let truth = honest.words(&carried);
        carried.lanes[0][cells[0]] += 1 << 16;
        carried.lanes[0][cells[1]] -= 1;
        for scalar in honest.plan.scalars.iter().filter(|s| s.tensor == INPUT) {
            carried.p[scalar.group] = carried.lanes[0][honest.at(INPUT, scalar.element as usize)];
        }
        assert_eq!(honest.words(&carried), truth);
        let tag = honest.plan.rows.groups[0].tag_f;
        let row = |cell: usize| TableRow { tag, input: carried.lanes[0][cell] as i32, output: 0 };
        let new = row(cells[0]);
        let machine = honest.damaged(|rows| rows.tables.push(new));
        let mut counted = carried.clone();
        recount(&machine.plan.rows, machine.geometry, &mut counted);
        assert_eq!(machine.verdict_of(counted), Verdict::Accepted);
        assert_eq!(machine.refusal(&honest.program), LintError::Table { tag });
        assert_eq!(intact.verdict_of(carried), Verdict::Rejected);
    }
}

/// A public word that packs nothing: the output is not part of the statement.
#[test]
fn a_word_that_packs_nothing_says_nothing() {
    let honest = Honest::new(Profile::standard()[3], 0);
    let group = honest.home(LOGITS, 0).0;
    let machine = honest.damaged(|rows| rows.groups[group].public = None);
    let first = honest.first(&machine);
    let mut words = honest.words(&first);
    let mut witness = machine.witness(first);
    words[group] += Fr::from(1 << 16);
    assert_eq!(machine.verdict(&words, &mut witness), Verdict::Accepted);
    assert!(matches!(machine.refusal(&honest.program), LintError::Word { .. }));
}

/// A statement that leaves an output out, or says it in other units or under another name: the
/// machine would prove it, so the linter compares the schema with the program.
#[test]
fn a_statement_that_is_not_the_programs_is_refused() {
    let honest = Honest::new(Profile::standard()[3], 0);
    let refuse = |change: &dyn Fn(&mut Plan)| {
        let mut plan = honest.plan.clone();
        change(&mut plan);
        assert_ne!(plan, honest.plan);
        let got = lint(&honest.program, &plan);
        assert!(matches!(got, Err(LintError::Statement { .. })), "{got:?}");
    };
    // Consistently: no schema entry, no word, nothing packed.
    let without = |plan: &mut Plan, words: std::ops::Range<usize>| {
        plan.rows.groups[words.clone()].iter_mut().for_each(|group| group.public = None);
        plan.rows.words -= words.len();
    };
    let inputs: usize = honest.plan.io.inputs.iter().map(|t| t.digits.len()).sum();
    let hidden_output = |plan: &mut Plan| {
        plan.io.outputs.clear();
        let words = plan.rows.words;
        without(plan, inputs..words);
    };
    refuse(&hidden_output);
    let mut plan = honest.plan.clone();
    hidden_output(&mut plan);
    let machine = RowMachine::new(&plan, |_| ());
    let first = honest.first(&machine);
    assert_eq!(machine.verdict_of(first), Verdict::Accepted, "a proof of nothing but inputs");
    refuse(&|plan| plan.io.input_visibility = Visibility::Private);
    refuse(&|plan| plan.io.outputs[0].name = "z".into());
    refuse(&|plan| plan.io.outputs[0].scale.0 += 1);
    refuse(&|plan| plan.io.outputs[0].bits = Bits::new(7).expect("in range"));
    refuse(&|plan| plan.io.outputs[0].tensor = HIDDEN);
    refuse(&|plan| plan.io.outputs.push(plan.io.outputs[0].clone()));
    refuse(&|plan| {
        plan.io.inputs.pop();
    });
}

/// An operand read with the tail of its segment cut off, or run on into the next one.
#[test]
fn segments_that_end_elsewhere_are_refused() {
    let honest = Honest::new(Profile::standard()[3], 0);
    let group = honest.home(HIDDEN, 0).0;
    assert!(honest.plan.rows.groups[group].operand_next);
    let cut = honest.damaged(|rows| rows.groups[group].operand_next = false);
    assert_eq!(cut.verdict_of(honest.first(&cut)), Verdict::Rejected, "scalars of cut elements");
    let _ = cut.refusal(&honest.program);
    let last = honest.home(HIDDEN, 8).0;
    let on = honest.damaged(|rows| {
        rows.groups[last].operand_next = true;
        if rows.groups.get(last + 1).is_none_or(|g| g.operand.is_none()) {
            rows.groups[last + 1].operand = Some(OperandRead::One);
            rows.groups[last + 1].mask = 1;
        }
    });
    assert_eq!(on.verdict_of(honest.first(&on)), Verdict::Rejected);
    let _ = on.refusal(&honest.program);
}
