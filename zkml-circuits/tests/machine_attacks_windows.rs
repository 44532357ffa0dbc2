//! Attacks on convolutions: junk, pads and lanes that nothing stores in.
//!
//! | attack | covered by |
//! |---|---|
//! | junk that would have to absorb a wrong output | [`junk_absorbs_no_wrong_output`] |
//! | a changed junk cell | [`each_junk_cell_has_one_value`] |
//! | junk chosen after `lambda` | [`late_junk_makes_any_output_true`], [`junk_is_committed_before_lambda`] |
//! | errors that cancel between channels or positions | [`errors_balanced_for_a_known_challenge`] |
//! | values in pads and lanes not in use | [`values_in_pads_change_nothing`], [`a_pad_unmasked_is_read`] |
//!
//! Damaged row programs are `machine_attacks_kernels`' matter, pools `machine_attacks_pools`'.

mod machine_common;
mod plonk_common;

use ff::Field;
use halo2curves::bn256::Fr;
use machine_common::{
    Cells, FIRST, INPUT, Liar, Lie, RowMachine, SECOND, Subject, Verdict, cell_of, home, padded,
    strided,
};
use zkml_circuits::{
    lint::LintError,
    machine::Profile,
    plan::{TableRow, Visibility},
    plonk::PhaseWitness,
    testing::Dice,
    witness::FirstPhase,
};
use zkml_core::{
    exec::integer::Trace,
    program::{Program, TensorId},
};

fn profiles() -> [Profile; 3] {
    let [a, b] = [0, 3].map(|i: usize| Profile::standard()[i]);
    [a, b, Profile::new(3, 1, 4, 2).expect("a machine")]
}

fn subjects() -> Vec<Subject> {
    profiles().map(|p| Subject::new(strided(), p, Visibility::Public)).into_iter().collect()
}

fn program(subject: &Subject) -> &Program {
    subject.key.compiled().program()
}

fn elements(subject: &Subject, tensor: TensorId) -> usize {
    program(subject).tensors[tensor.0].shape.len()
}

/// Vector rows that read junk.
fn junk_rows(subject: &Subject) -> Vec<usize> {
    let rows = subject.plan().rows.vector.iter().enumerate();
    rows.filter(|(_, row)| row.junk != 0).map(|(at, _)| at).collect()
}

/// A lie of each kind about an element: up, down, and by the remainder alone.
fn lies(subject: &Subject, tensor: TensorId, element: usize) -> Vec<Trace> {
    let (program, trace) = (program(subject), &subject.trace);
    let step = |dx: i32| Lie::step(program, trace, tensor, element, dx);
    let same = step(0).expect("the truth");
    let [up, down] = [1, -1].map(step);
    let r = same.shifted(0, if same.r == 0 { 1 } else { -1 });
    let all = [up, down, Some(r)].into_iter().flatten();
    all.filter_map(|lie| lie.carried(program, trace)).collect()
}

/// Every element of every channel, with stride 1 and pads and with stride 2: the witness finds the
/// junk anew for each lie, and there is none that fits.
#[test]
fn junk_absorbs_no_wrong_output() {
    for subject in subjects() {
        assert!(junk_rows(&subject).len() > 8, "pads and strides leave junk");
        let verdict = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(verdict, Verdict::Accepted);
        for tensor in [FIRST, SECOND] {
            for element in 0..elements(&subject, tensor) {
                let lies = lies(&subject, tensor, element);
                assert!(lies.len() > 1);
                for (which, lie) in lies.iter().enumerate() {
                    let first = subject.first_of(lie);
                    assert!(!subject.satisfied_by(first.clone()), "{tensor:?} {element}: {which}");
                    if element == 5 && which == 0 {
                        assert_eq!(subject.verdict_of(first), Verdict::Rejected);
                    }
                }
            }
        }
    }
}

/// Each junk cell has the one value that its exponent's coefficient asks for, and what no vector row
/// reads is free.
#[test]
fn each_junk_cell_has_one_value() {
    for subject in subjects() {
        let used = junk_rows(&subject);
        let with = |row: usize, value: Fr| {
            let mut first = subject.first();
            first.j = vec![Fr::ZERO; row + 1];
            first.j[row] = value;
            first
        };
        for row in &used {
            for value in [Fr::ONE, -Fr::ONE, Fr::from(1 << 40)] {
                assert!(!subject.satisfied_by(with(*row, value)), "junk of row {row}");
            }
        }
        let unread = (0..subject.geometry().rows()).find(|row| !used.contains(row));
        let unread = unread.expect("a row without junk");
        assert_eq!(subject.verdict_of(with(unread, Fr::ONE)), Verdict::Accepted);
        assert_eq!(subject.verdict_of(with(used[0], Fr::ONE)), Verdict::Rejected);
        // Two cells of neighbouring exponents trade.
        let mut first = with(used[1], Fr::ONE);
        first.j[used[0]] = -Fr::ONE;
        assert!(!subject.satisfied_by(first));
    }
}

/// `left - right` of every equation at challenges of choice.
fn defects(subject: &Subject, first: &FirstPhase, challenges: &[Fr]) -> Vec<Fr> {
    let (_, mut witness) = subject.consistent(first.clone());
    let columns = witness.columns().clone();
    let mut cells = Cells::new();
    for phase in 0..3u8 {
        let known = if phase == 0 { &[][..] } else { challenges };
        for (index, column) in witness.phase(phase, known).expect("fits") {
            cells.insert(index, column.elements(subject.geometry().rows()));
        }
    }
    let equations = subject.plan().rows.equations.iter();
    let value = |source| {
        let (column, row) = cell_of(&columns, source);
        cells[&column][row]
    };
    equations.map(|(left, right)| value(*left) - value(*right)).collect()
}

/// Rule F for junk: one cell, chosen when `lambda` is known, makes any output true. It is drawn
/// after the junk is committed, and that is all that stops it.
#[test]
fn late_junk_makes_any_output_true() {
    let known = [5, 1009, 77, 1001].map(Fr::from);
    for subject in subjects() {
        let lie = lies(&subject, SECOND, 4).remove(0);
        let mut first = subject.first_of(&lie);
        let (words, _) = subject.consistent(first.clone());
        assert_ne!(words, subject.words, "a forged output");
        let before = defects(&subject, &first, &known);
        let wrong: Vec<usize> = (0..before.len()).filter(|e| before[*e] != Fr::ZERO).collect();
        assert_eq!(wrong.len(), 1, "the equation of the forged output");
        // A junk cell of that equation, at an exponent where no output lives.
        first.j = vec![Fr::ZERO; subject.geometry().rows()];
        let (row, slope) = junk_rows(&subject)
            .into_iter()
            .find_map(|row| {
                let mut moved = first.clone();
                moved.j[row] = Fr::ONE;
                let slope = defects(&subject, &moved, &known)[wrong[0]] - before[wrong[0]];
                (slope != Fr::ZERO).then_some((row, slope))
            })
            .expect("the equation has junk");
        first.j[row] = -before[wrong[0]] * slope.invert().expect("not 0");
        let (words, mut witness) = subject.consistent(first.clone());
        assert!(subject.satisfied_at(&words, &mut witness, &known), "lambda known");
        let (words, mut witness) = subject.consistent(first.clone());
        let other = [known[0], known[1] + Fr::ONE];
        assert!(!subject.satisfied_at(&words, &mut witness, &other), "another lambda");
        assert_eq!(subject.verdict_of(first), Verdict::Rejected);
    }
}

/// After `rho`, which junk may depend on; before `lambda`, which it may not.
#[test]
fn junk_is_committed_before_lambda() {
    for subject in subjects() {
        let protocol = subject.key.plonk().verifying_key().protocol().clone();
        let columns = subject.honest().columns().clone();
        let junk = protocol.advice_phase[columns.junk.index()];
        let phase =
            |challenge: halo2_proofs::plonk::Challenge| protocol.challenge_phase[challenge.index()];
        let challenges = columns.challenges;
        assert!(phase(challenges.rho) < junk, "rho is drawn before");
        for later in [challenges.lambda, challenges.alpha, challenges.beta] {
            assert!(phase(later) >= junk, "drawn after");
        }
        // All that junk is junk of is older than rho.
        let lanes = [zkml_circuits::machine::Role::X, zkml_circuits::machine::Role::R];
        for role in lanes {
            let (column, _) = columns.lane(role, 0);
            assert!(protocol.advice_phase[column.index()] <= phase(challenges.rho));
        }
    }
}

/// Errors of two outputs that cancel at a challenge known beforehand pass at that one only.
#[test]
fn errors_balanced_for_a_known_challenge() {
    for subject in subjects() {
        let at = |element: usize| {
            let (group, lane) = subject.home(SECOND, element);
            group * subject.plan().rows.profile.lanes() + lane
        };
        let with = |errors: [(usize, i64); 2]| {
            let mut first = subject.first();
            errors.iter().for_each(|(element, d)| first.lanes[0][at(*element)] += d);
            first
        };
        let at_known = |first: &FirstPhase, known: &[Fr]| {
            let (words, mut witness) = subject.consistent(first.clone());
            subject.satisfied_at(&words, &mut witness, known)
        };
        // rho = 2: one position of the two channels. lambda^2 = 9: neighbours of a row, two apart.
        let channels = with([(2, -2), (2 + 6, 1)]);
        assert!(at_known(&channels, &[Fr::from(2)]), "rho known");
        assert!(!at_known(&channels, &[Fr::from(3)]));
        let positions = with([(2, -9), (3, 1)]);
        assert!(at_known(&positions, &[Fr::from(77), Fr::from(3)]), "lambda known");
        assert!(!at_known(&positions, &[Fr::from(77), Fr::from(4)]));
        for first in [channels, positions] {
            assert_eq!(subject.verdict_of(first), Verdict::Rejected);
        }
    }
}

/// Slots between image rows and lanes behind a segment: looked up, not read.
#[test]
fn values_in_pads_change_nothing() {
    let mut between = 0;
    for subject in subjects() {
        let rows = &subject.plan().rows;
        let lanes = rows.profile.lanes();
        let mut dice = Dice::new(41);
        let mut first = subject.first();
        let mut changed = 0;
        for (index, group) in rows.groups.iter().enumerate().filter(|(_, g)| g.tag_f != 0) {
            for lane in (0..lanes).filter(|lane| group.mask >> lane & 1 == 0) {
                let mut legal = |tag: u32| {
                    let of_tag: Vec<&TableRow> =
                        rows.tables.iter().filter(|row| row.tag == tag).collect();
                    *of_tag[dice.below(of_tag.len())]
                };
                let (r, f) = (legal(group.tag_r), legal(group.tag_f));
                let cell = index * lanes + lane;
                for (role, value) in [f.input, r.input, f.output].into_iter().enumerate() {
                    changed += usize::from(first.lanes[role][cell] != i64::from(value));
                    first.lanes[role][cell] = value.into();
                }
                between += usize::from(group.mask >> lane != 0);
            }
        }
        assert!(changed > 8, "{changed}");
        let (words, mut witness) = subject.consistent(first.clone());
        assert_eq!(words, subject.words);
        assert_eq!(subject.verdict(&words, &mut witness), Verdict::Accepted);
        // What is no row of the tables does not pass there either.
        let dead = rows.groups.iter().position(|g| g.tag_f != 0 && g.mask & 1 == 0);
        if let Some(group) = dead {
            first.lanes[2][group * lanes] += 1;
            assert!(!subject.satisfied_by(first));
        }
    }
    assert!(between > 8, "slots between rows of an image");
}

/// Machine.md 5: the slot after an image row is a pad of two rows. Unmasked, it is read: a prover
/// then convolves an image of his choice around the edges.
#[test]
fn a_pad_unmasked_is_read() {
    for profile in profiles() {
        // Private inputs, so that they stand in frames whatever the lanes.
        let subject = Subject::new(strided(), profile, Visibility::Private);
        let (program, plan) = (program(&subject), subject.plan());
        let lanes = plan.rows.profile.lanes();
        // The slot after the last pixel of row 1 of channel 0.
        let (group, lane) = home(plan, INPUT, 4 + 3);
        let (group, lane) = (group + (lane + 1) / lanes, (lane + 1) % lanes);
        assert_eq!(plan.rows.groups[group].mask >> lane & 1, 0, "a pad");
        let damaged = RowMachine::new(plan, |rows| rows.groups[group].mask |= 1 << lane);
        let intact = RowMachine::new(plan, |_| ());
        let with = |machine: &RowMachine, value: i64, follow: bool| {
            let mut trace = subject.trace.clone();
            if follow {
                trace = around_the_edge(program, &trace, value as i32);
            }
            let mut first = machine.first(program, &trace);
            first.lanes[0][group * lanes + lane] = value;
            machine.satisfied_by(first)
        };
        assert!(with(&intact, 0, false));
        assert!(with(&intact, 3, false), "not read");
        assert!(!with(&intact, 3, true), "another output");
        assert!(with(&damaged, 0, false));
        assert!(!with(&damaged, 3, false), "read");
        assert!(with(&damaged, 3, true), "an image of his choice");
        assert!(matches!(damaged.refusal(program), LintError::Equation { .. }));
    }
}

/// The run whose input has `value` where row 1 of channel 0 ends and row 2 begins.
fn around_the_edge(program: &Program, trace: &Trace, value: i32) -> Trace {
    use zkml_core::program::{Step, Term};
    let Step::Affine(affine) = &program.tensors[FIRST.0].step else { unreachable!("computed") };
    let Term::Correlate { weight, .. } = &affine.terms[0] else { unreachable!("a convolution") };
    let window = padded();
    let mut after = trace.clone();
    for element in 0..program.tensors[FIRST.0].shape.len() {
        let (o, h, w) = (element / 20, element / 4 % 5, element % 4);
        // Taps that meet column 4 of row 1, or column -1 of row 2.
        let mut more = 0;
        for (i, j) in (0..9).map(|t| (t / 3, t % 3)) {
            let row = h as i64 - window.height.origin + i as i64;
            let column = w as i64 - window.width.origin + j as i64;
            if (row, column) == (1, 4) || (row, column) == (2, -1) {
                more += weight.data()[o * 18 + i * 3 + j] * value;
            }
        }
        let cells = &after.tensors[FIRST.0];
        let c = (cells.x[element] << affine.shift) + cells.r[element] + more;
        let (x, r) = (c >> affine.shift, c & ((1 << affine.shift) - 1));
        let lie = Lie { tensor: FIRST, element, x, r, y: Some(x.max(0)) };
        after = lie.carried(program, &after).expect("in range");
    }
    after
}

/// The tools change nothing by themselves.
#[test]
fn the_tools_are_honest() {
    let subject = &subjects()[0];
    for tensor in [FIRST, SECOND] {
        let truth = Lie::step(program(subject), &subject.trace, tensor, 1, 0).expect("the truth");
        assert_eq!(truth.carried(program(subject), &subject.trace).as_ref(), Some(&subject.trace));
    }
    assert_eq!(around_the_edge(program(subject), &subject.trace, 0), subject.trace);
    let zero = defects(subject, &subject.first(), &[5, 1009, 77, 1001].map(Fr::from));
    assert!(zero.iter().all(|d| *d == Fr::ZERO));
    let nothing = |_: u8, _: &[Fr], _: &mut Cells| ();
    let mut liar = Liar::new(subject.honest(), subject.geometry(), nothing);
    assert!(subject.satisfied(&subject.words, &mut liar));
}
