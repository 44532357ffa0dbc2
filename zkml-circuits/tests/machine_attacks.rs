//! What a dishonest prover would try against the machine, and what stops it.
//!
//! An attack counts only if it would pass for a prover who knew the challenges, or whose lie one
//! named rule does not stop: each lie here is carried through all later cells
//! (`Witness` derives them by the gates' own equations), and where a challenge is what stops it,
//! the test shows that it passes at a challenge known beforehand.
//!
//! | source | covered by |
//! |---|---|
//! | machine.md 1, 2.1 late scalar, late copied operand | `machine_attacks_rows`: `late_scalar_*`, `an_operand_copied_from_nowhere_*` |
//! | 2.3 packing, carry, two preimages of a word | [`a_carry_between_digits`], `machine_attacks_rows`: `a_word_has_one_preimage_*`, `machine_attacks_statement` |
//! | 2.5 dead-lane constants, 2.18, section 5 | [`legal_values_in_dead_lanes_change_nothing`], `machine_attacks_rows`: `a_dead_lane_unmasked_*` |
//! | 2.8 scaled remainder, fraction `t / 2^s` (ToB 6 modular inverse) | [`a_fraction_as_quotient`] |
//! | 2.9 remainder out of range; off-by-one rounding (ToB 7, 33) | [`rounding_has_one_answer`] |
//! | 2.12 sum in place of equality | [`an_error_spread_over_outputs`], [`lies_balanced_for_a_known_challenge`] |
//! | 2.13 owners, 2.17 tag 0 | [`idle_groups_hold_zeros`], `machine_attacks_cells` |
//! | 2.16 the row program is part of the soundness | `machine_attacks_rows`, and `lint/tests` |
//! | 2.21 multiplicities after alpha | [`lies_balanced_for_a_known_challenge`] |
//! | attacks.md 4.1 #4 lookup without multiplicity, #6, #7, #12 | [`multiplicities_matter`], above, `machine_attacks_statement` |
//! | 4.2 Freivalds with a constant challenge (ddkang, uiuc, Artemis; jolt's rule) | [`lies_balanced_for_a_known_challenge`] |
//! | 4.3 default table rows (0 always passes) | [`idle_groups_hold_zeros`]: blank table rows are rows of tag 0 only |
//! | 4.3 key digest, unblinded columns; 4.5 statement | `machine_attacks_statement` |
//! | 4.3 query collision, points at infinity, proof length | `plonk_keys`, `plonk_referee` |
//! | 4.4 challenges after all operands, forged `C` | [`lies_balanced_for_a_known_challenge`], [`forged_logits`] |
//! | 2.2 junk on a live exponent; Rule F for junk; pads and idle lanes (2.18) | `machine_attacks_kernels`, `machine_attacks_windows` |
//! | 2.14, ToB 5, 11 maxima and ties; averages | `machine_attacks_pools` |
//!
//! Not applicable in this version, since it has no such operation (the linter refuses a row program
//! that would): causal and other masks by junk, the lookup of degree 2 (2.4), two axes on one challenge
//! and packed heads (2.6), private weights and commitments to them (2.7, 2.15, "1/3", registration),
//! broadcast under a mask (2.10), merged reads by `eta` (2.12), ArgMax ties, per-channel multipliers
//! (2.19), finite masks (2.20), embeddings and `id` (2.23), shifts between segments (LSTM, `V_{2,j}`),
//! trees. Remainders of more than one limb (2.9) do not exist: the shift is at most 16. Contract
//! attestations (ToB 13 to 16, 34) are `verifier-contracts`' matter.

mod machine_common;
mod plonk_common;

use ff::Field;
use halo2curves::bn256::Fr;
use machine_common::{
    Cells, HIDDEN, INPUT, LOGITS, Liar, Subject, Tampered, Verdict, classifier, logup, recount,
    set_accumulator, words_of,
};
use zkml_circuits::{
    machine::{Profile, Role},
    plan::{TableRow, Visibility},
    testing::Dice,
    witness::{FirstPhase, signed},
};
use zkml_core::program::TensorId;

/// Group and lane of an element.
fn home(subject: &Subject, tensor: TensorId, element: usize) -> (usize, usize) {
    let lanes = subject.plan().rows.profile.lanes();
    subject.plan().layouts[tensor.0]
        .cells(lanes)
        .find(|(e, _, _)| *e as usize == element)
        .map(|(_, group, lane)| (group, lane))
        .expect("each element has a home")
}

/// Index of an element's cells in a first phase.
fn at(subject: &Subject, tensor: TensorId, element: usize) -> usize {
    let (group, lane) = home(subject, tensor, element);
    group * subject.plan().rows.profile.lanes() + lane
}

fn elements(subject: &Subject, tensor: TensorId) -> usize {
    subject.key.compiled().program().tensors[tensor.0].shape.len()
}

/// Scalars follow the values that stand in the lanes.
fn follow(subject: &Subject, first: &mut FirstPhase) {
    for scalar in &subject.plan().scalars {
        let cell = at(subject, scalar.tensor, scalar.element as usize);
        let role = if scalar.tensor == HIDDEN { Role::Y } else { Role::X };
        first.p[scalar.group] = first.role(role)[cell];
    }
}

/// `max(x, 0)`, the hidden function.
fn relu(x: i64) -> i64 {
    x.max(0)
}

fn wide(batch: usize) -> Subject {
    Subject::new(classifier(batch, 0), Profile::standard()[0], Visibility::Public)
}

fn folded(batch: usize) -> Subject {
    Subject::new(classifier(batch, 0), Profile::standard()[3], Visibility::Public)
}

fn odd(batch: usize) -> Subject {
    let profile = Profile::new(6, 3, 6, 1).expect("a machine");
    Subject::new(classifier(batch, 0), profile, Visibility::Private)
}

fn all() -> [Subject; 3] {
    [wide(3), folded(1), odd(3)]
}

/// machine.md "requantisation is unique": for its operands, `2^s x + r` has one `(x, r)`.
#[test]
fn rounding_has_one_answer() {
    for subject in all() {
        for (tensor, shift) in [(HIDDEN, 3), (LOGITS, 2)] {
            for element in 0..elements(&subject, tensor) {
                let cell = at(&subject, tensor, element);
                // Up and down with the remainder that satisfies the equation; and without.
                for (dx, dr) in [(1, -1 << shift), (-1, 1 << shift), (1, 0), (-1, 0), (0, 1)] {
                    let mut first = subject.first();
                    let [x, r, y] = &mut first.lanes;
                    x[cell] += dx;
                    r[cell] += dr;
                    if tensor == HIDDEN {
                        y[cell] = relu(x[cell]);
                    }
                    follow(&subject, &mut first);
                    assert!(
                        !subject.satisfied_by(first.clone()),
                        "{tensor:?} element {element} by ({dx}, {dr})"
                    );
                    if element == 0 && dr != 0 {
                        assert_eq!(subject.verdict_of(first), Verdict::Rejected);
                    }
                }
            }
        }
    }
}

/// Finding 2.8, ToB 6: `r + 1` and `x - 2^-s`, a field element no integer is, satisfy the equation
/// and leave all fingerprints as they were; the exact table of the argument stops them. With
/// `alpha, beta` known beforehand a multiplicity in the field would pay for the missing row.
#[test]
fn a_fraction_as_quotient() {
    for subject in all() {
        let (rows, geometry) = (&subject.plan().rows, subject.geometry());
        let first = subject.first();
        for tensor in [HIDDEN, LOGITS] {
            // A remainder that stays in range.
            let shift = rows.groups[home(&subject, tensor, 0).0].shift;
            let element = (0..elements(&subject, tensor))
                .find(|e| first.lanes[1][at(&subject, tensor, *e)] + 1 < 1 << shift)
                .expect("some remainder is not the greatest");
            let (group, lane) = home(&subject, tensor, element);
            let cell = at(&subject, tensor, element);
            let part = Fr::from(1 << shift).invert().expect("not 0");
            let [x, r, y] = [0, 1, 2].map(|role: usize| signed(first.lanes[role][cell]));
            let [tag_r, tag_f] = [rows.groups[group].tag_r, rows.groups[group].tag_f]
                .map(|t| Fr::from(u64::from(t)));
            let known = [Fr::from(5), Fr::from(6), Fr::from(77), Fr::from(1001)];
            let [alpha, beta] = [known[2], known[3]];
            let inverse = |tag: Fr, input: Fr, output: Fr| {
                let factor = alpha + tag + beta * (input + beta * output);
                factor.invert().expect("not 0")
            };
            let paid = alpha
                * (inverse(tag_f, x - part, y) - inverse(tag_f, x, y)
                    + inverse(tag_r, r + Fr::one(), Fr::zero())
                    - inverse(tag_r, r, Fr::zero()));
            let columns = subject.honest().columns().clone();
            let (x_column, offset) = columns.lane(Role::X, lane);
            let r_column = columns.lane(Role::R, lane).0;
            let row = group * geometry.fold() + offset;
            let change = |paid: Fr| {
                let columns = columns.clone();
                move |phase: u8, challenges: &[Fr], cells: &mut Cells| match phase {
                    0 => {
                        let mut add = |column: usize, row: usize, value: Fr| {
                            cells.get_mut(&column).expect("a column")[row] += value;
                        };
                        add(x_column.index(), row, -part);
                        add(r_column.index(), row, Fr::one());
                        add(columns.tables[0].multiplicity.index(), 0, paid);
                    }
                    2 => logup(rows, &columns, geometry, challenges, cells),
                    _ => {}
                }
            };
            let mut words = subject.words.clone();
            if tensor == LOGITS {
                // The word that agrees with the fraction.
                words[group] -= part * Fr::from(2).pow([16 * lane as u64]);
            }
            let mut liar = Liar::new(subject.honest(), geometry, change(paid));
            assert!(subject.satisfied_at(&words, &mut liar, &known), "{tensor:?}");
            for paid in [Fr::zero(), paid] {
                let mut liar = Liar::new(subject.honest(), geometry, change(paid));
                assert_eq!(subject.verdict(&words, &mut liar), Verdict::Rejected, "{tensor:?}");
            }
        }
    }
}

/// An input beyond its range, in a place that has no effect: nothing but the lookup objects. (That an
/// input with an effect is bound by its range as well follows from the same gate; a computed value
/// beyond its range breaks its definition too.)
#[test]
fn values_outside_their_tables() {
    for profile in [Profile::standard()[0], Profile::standard()[3]] {
        let subject = Subject::new(classifier(1, 2), profile, Visibility::Private);
        let bits = subject.key.compiled().program().tensors[INPUT.0].bits;
        let cell = at(&subject, INPUT, 1);
        let set = |value: i64| {
            let mut first = subject.first();
            first.lanes[0][cell] = value;
            follow(&subject, &mut first);
            first
        };
        for value in [bits.min(), bits.max(), 0] {
            assert!(subject.satisfied_by(set(value)), "{value} has no effect");
        }
        for value in [bits.max() + 1, bits.min() - 1, 1 << 16, 1 << 31, -(1 << 40)] {
            assert!(!subject.satisfied_by(set(value)), "{value}");
        }
        assert_eq!(subject.verdict_of(set(bits.max() + 1)), Verdict::Rejected);
        assert_eq!(subject.verdict_of(set(1 << 31)), Verdict::Rejected);
    }
}

/// `y` that is not the function of `x`: of another argument, with the logits computed from it.
#[test]
fn a_value_that_is_not_the_functions() {
    for subject in all() {
        for element in 0..elements(&subject, HIDDEN) {
            for d in [1, -1, 7] {
                let mut first = subject.first();
                first.lanes[2][at(&subject, HIDDEN, element)] += d;
                forward(&subject, &mut first, element, d);
                follow(&subject, &mut first);
                assert!(!subject.satisfied_by(first.clone()), "element {element} by {d}");
                if element == 4 && d == 1 {
                    assert_eq!(subject.verdict_of(first), Verdict::Rejected);
                }
            }
        }
    }
}

/// Carries a change of one hidden value on to the logits, as the model computes them.
fn forward(subject: &Subject, first: &mut FirstPhase, element: usize, change: i64) {
    use zkml_core::program::{Step, Term};
    let program = subject.key.compiled().program();
    let Step::Affine(affine) = &program.tensors[LOGITS.0].step else { unreachable!("computed") };
    let Term::Contract { weight, .. } = &affine.terms[0] else { unreachable!("a contraction") };
    let (row, k) = (element / 9, element % 9);
    for j in 0..3 {
        let place = home(subject, LOGITS, row * 3 + j);
        let w = i64::from(weight.data()[k * 3 + j]);
        set_accumulator(&subject.plan().rows, first, place, |c| c + w * change);
    }
}

/// `forward` is the model: a hidden value that truly changes is a lie in one place only.
#[test]
fn the_tools_of_the_liar_are_honest() {
    for subject in all() {
        let first = subject.first();
        let (words, _) = subject.consistent(first.clone());
        assert_eq!(words, subject.words);
        let mut counted = first.clone();
        recount(&subject.plan().rows, subject.geometry(), &mut counted);
        assert_eq!(counted, first);
        let mut followed = first.clone();
        follow(&subject, &mut followed);
        assert_eq!(followed, first);
        let (rows, geometry) = (&subject.plan().rows, subject.geometry());
        let columns = subject.honest().columns().clone();
        let repeat = |phase: u8, challenges: &[Fr], cells: &mut Cells| {
            if phase == 2 {
                let before = cells.clone();
                logup(rows, &columns, geometry, challenges, cells);
                assert!(*cells == before, "the gates' own equations");
            }
        };
        let mut liar = Liar::new(subject.honest(), geometry, repeat);
        assert_eq!(subject.verdict(&subject.words, &mut liar), Verdict::Accepted);
    }
}

/// Logits that are not the model's, everywhere the same but in the equation.
#[test]
fn forged_logits() {
    for subject in all() {
        for element in 0..elements(&subject, LOGITS) {
            for d in [1, -1] {
                let mut first = subject.first();
                first.lanes[0][at(&subject, LOGITS, element)] += d;
                assert!(!subject.satisfied_by(first.clone()), "logit {element}");
                if element == 2 {
                    let (words, _) = subject.consistent(first.clone());
                    assert_ne!(words, subject.words, "another statement");
                    assert!(subject.key.verifying_key().io().unpack(&words).is_ok());
                    assert_eq!(subject.verdict_of(first), Verdict::Rejected);
                }
            }
        }
    }
}

/// Finding 2.12: `c_0 += d`, `c_1 -= d` keeps every plain sum.
#[test]
fn an_error_spread_over_outputs() {
    for subject in all() {
        for tensor in [HIDDEN, LOGITS] {
            let pairs = [(0, 1), (1, elements(&subject, tensor) - 1)];
            for (i, j) in pairs {
                let first = spread(&subject, tensor, [(i, 1), (j, -1)]);
                assert!(!subject.satisfied_by(first.clone()));
                assert_eq!(subject.verdict_of(first), Verdict::Rejected, "{tensor:?} {i} {j}");
            }
        }
    }
}

/// Adds multiples of `2^s` to two accumulators of a tensor; later cells follow.
fn spread(subject: &Subject, tensor: TensorId, errors: [(usize, i64); 2]) -> FirstPhase {
    let mut first = subject.first();
    for (element, d) in errors {
        let cell = at(subject, tensor, element);
        first.lanes[0][cell] += d;
        if tensor == HIDDEN {
            let (old, new) = (first.lanes[2][cell], relu(first.lanes[0][cell]));
            first.lanes[2][cell] = new;
            forward(subject, &mut first, element, new - old);
        }
    }
    follow(subject, &mut first);
    first
}

/// attacks.md 4.2, 4.4: errors that a challenge known beforehand makes cancel. Everything holds at
/// that challenge, so nothing but drawing it after the commitment stops the lie.
#[test]
fn lies_balanced_for_a_known_challenge() {
    let random = Fr::from(0x1234_5678_9abc);
    // rho = 2: errors of neighbours along the output axis.
    for subject in [wide(1), folded(1), wide(3), odd(3)] {
        let first = spread(&subject, LOGITS, [(0, -2), (1, 1)]);
        let (words, mut witness) = subject.consistent(first.clone());
        assert!(subject.satisfied_at(&words, &mut witness, &[Fr::from(2)]), "rho known");
        let (words, mut witness) = subject.consistent(first.clone());
        assert!(!subject.satisfied_at(&words, &mut witness, &[Fr::from(3)]), "another rho");
        assert_eq!(subject.verdict_of(first), Verdict::Rejected);
    }
    // lambda = 3: errors of neighbours along the batch axis, element (0, 0) and (1, 0).
    for subject in [wide(3), folded(3), odd(3)] {
        let first = spread(&subject, LOGITS, [(0, -3), (3, 1)]);
        let (words, mut witness) = subject.consistent(first.clone());
        assert!(subject.satisfied_at(&words, &mut witness, &[random, Fr::from(3)]), "lambda known");
        let (words, mut witness) = subject.consistent(first.clone());
        assert!(!subject.satisfied_at(&words, &mut witness, &[random, Fr::from(4)]));
        assert_eq!(subject.verdict_of(first), Verdict::Rejected);
    }
    // alpha and beta: a remainder outside its range, paid for by a multiplicity in the field.
    for subject in all() {
        let (rows, geometry) = (&subject.plan().rows, subject.geometry());
        let known = [random, random + Fr::one(), Fr::from(77), Fr::from(1001)];
        let mut first = subject.first();
        let cell = at(&subject, LOGITS, 0);
        first.lanes[0][cell] -= 1;
        first.lanes[1][cell] += 4;
        let (group, _) = home(&subject, LOGITS, 0);
        let tag = Fr::from(u64::from(rows.groups[group].tag_r));
        let [alpha, beta] = [known[2], known[3]];
        let factor = alpha + tag + beta * signed(first.lanes[1][cell]);
        recount(rows, geometry, &mut first);
        let words = words_of(rows, &first);
        // Paid into the null row, table row 0.
        let paid = alpha * factor.invert().expect("not 0");
        let columns = subject.honest().columns().clone();
        let pay = |phase: u8, challenges: &[Fr], cells: &mut Cells| match phase {
            0 => {
                cells.get_mut(&columns.tables[0].multiplicity.index()).expect("a column")[0] += paid
            }
            2 => logup(rows, &columns, geometry, challenges, cells),
            _ => {}
        };
        let mut liar = Liar::new(subject.with(first.clone()), geometry, pay);
        assert!(subject.satisfied_at(&words, &mut liar, &known), "alpha, beta known");
        let mut liar = Liar::new(subject.with(first), geometry, pay);
        assert_eq!(subject.verdict(&words, &mut liar), Verdict::Rejected);
    }
}

/// Whole values moved to one another's places, with all that belongs to them.
#[test]
fn swapped_values_and_segments() {
    for subject in all() {
        let lanes = subject.plan().rows.profile.lanes();
        for tensor in [INPUT, HIDDEN, LOGITS] {
            let first = subject.first();
            let cells: Vec<usize> =
                (0..elements(&subject, tensor)).map(|e| at(&subject, tensor, e)).collect();
            let values = |cell: usize| [0, 1, 2].map(|role: usize| first.lanes[role][cell]);
            let (i, j) = cells
                .iter()
                .flat_map(|i| cells.iter().map(move |j| (*i, *j)))
                .find(|(i, j)| values(*i) != values(*j))
                .expect("not all the same");
            let mut swapped = first.clone();
            swapped.lanes.iter_mut().for_each(|role| role.swap(i, j));
            follow(&subject, &mut swapped);
            assert_eq!(subject.verdict_of(swapped), Verdict::Rejected, "{tensor:?}");
            // Two groups of the tensor, if it has two of one pattern.
            let groups: Vec<usize> = cells.iter().map(|c| c / lanes).collect();
            let mask = |g: usize| subject.plan().rows.groups[g].mask;
            let all = |g: usize| (g * lanes..(g + 1) * lanes).map(values).collect::<Vec<_>>();
            let pair = groups
                .iter()
                .flat_map(|a| groups.iter().map(move |b| (*a, *b)))
                .find(|(a, b)| mask(*a) == mask(*b) && all(*a) != all(*b));
            if let Some((a, b)) = pair {
                let mut swapped = first.clone();
                for lane in 0..lanes {
                    let cells = (a * lanes + lane, b * lanes + lane);
                    swapped.lanes.iter_mut().for_each(|role| role.swap(cells.0, cells.1));
                }
                follow(&subject, &mut swapped);
                assert!(!subject.satisfied_by(swapped), "{tensor:?}: groups {a} and {b}");
            }
        }
        // Words of the honest proof in another order.
        if subject.words.len() > 1 {
            let mut words = subject.words.clone();
            words.swap(0, 1);
            if words != subject.words {
                assert_eq!(subject.verdict(&words, &mut subject.honest()), Verdict::Rejected);
            }
        }
    }
}

/// A scalar that is not its element, with the logits computed from it (finding 2.1: late operand).
#[test]
fn a_scalar_that_is_not_its_element() {
    let subject = folded(1);
    let scalars = &subject.plan().scalars;
    assert!(scalars.iter().any(|s| s.tensor == INPUT));
    let hidden: Vec<_> = scalars.iter().filter(|s| s.tensor == HIDDEN).collect();
    assert_eq!(hidden.len(), 9);
    for (index, scalar) in scalars.iter().enumerate() {
        let mut first = subject.first();
        first.p[scalar.group] += 1;
        if scalar.tensor == HIDDEN {
            forward(&subject, &mut first, scalar.element as usize, 1);
        }
        assert!(!subject.satisfied_by(first.clone()), "{scalar:?}");
        if index == 0 || scalar == hidden[8] {
            assert_eq!(subject.verdict_of(first), Verdict::Rejected);
        }
    }
    // Two scalars trade.
    let mut first = subject.first();
    let differing = hidden
        .iter()
        .flat_map(|a| hidden.iter().map(move |b| (a.group, b.group)))
        .find(|(a, b)| first.p[*a] != first.p[*b])
        .expect("not all the same");
    first.p.swap(differing.0, differing.1);
    assert_eq!(subject.verdict_of(first), Verdict::Rejected);
}

/// machine.md 5: what stands in a dead lane is looked up but not read. Any legal row will do.
#[test]
fn legal_values_in_dead_lanes_change_nothing() {
    for subject in all() {
        let rows = &subject.plan().rows;
        let lanes = rows.profile.lanes();
        let mut dice = Dice::new(31);
        let mut first = subject.first();
        let legal = |tag: u32, dice: &mut Dice| {
            let of_tag: Vec<&TableRow> = rows.tables.iter().filter(|t| t.tag == tag).collect();
            *of_tag[dice.below(of_tag.len())]
        };
        let mut changed = 0;
        for (index, group) in rows.groups.iter().enumerate() {
            for lane in (0..lanes).filter(|lane| group.mask >> lane & 1 == 0) {
                let (r, f) = (legal(group.tag_r, &mut dice), legal(group.tag_f, &mut dice));
                let cell = index * lanes + lane;
                let new = [f.input, r.input, f.output].map(i64::from);
                for (role, value) in new.into_iter().enumerate() {
                    changed += usize::from(first.lanes[role][cell] != value);
                    first.lanes[role][cell] = value;
                }
            }
        }
        assert!(changed > 4, "{changed}");
        let (words, mut witness) = subject.consistent(first.clone());
        assert_eq!(words, subject.words, "dead digits are 0 whatever the lane holds");
        assert_eq!(subject.verdict(&words, &mut witness), Verdict::Accepted);
        // An illegal row is still no row of the table.
        let (group, lane) = rows
            .groups
            .iter()
            .enumerate()
            .find_map(|(g, group)| {
                let dead = (0..lanes).find(|l| group.mask >> l & 1 == 0);
                dead.filter(|_| group.tag_f != 0).map(|lane| (g, lane))
            })
            .expect("a dead lane");
        first.lanes[2][group * lanes + lane] += 1;
        assert_eq!(subject.verdict_of(first), Verdict::Rejected);
    }
}

/// Finding 2.17: an inactive lookup is one of tag 0, whose table is `(0, 0, 0)`; nothing can hide
/// in idle groups, in use for their units or not.
#[test]
fn idle_groups_hold_zeros() {
    for subject in all() {
        let (rows, geometry) = (&subject.plan().rows, subject.geometry());
        let lanes = rows.profile.lanes();
        let busy = rows.groups.iter().position(|g| g.tag_f == 0);
        assert!(geometry.groups() > rows.groups.len());
        for group in [Some(geometry.groups() - 1), busy].into_iter().flatten() {
            for role in 0..3 {
                for lane in [0, lanes - 1] {
                    for value in [1, -1] {
                        let mut first = subject.first();
                        first.lanes[role][group * lanes + lane] = value;
                        assert!(!subject.satisfied_by(first.clone()), "role {role}");
                        if lane == 0 && value == 1 {
                            assert_eq!(subject.verdict_of(first), Verdict::Rejected);
                        }
                    }
                }
            }
        }
    }
}

/// ToB 4: a lookup argument without multiplicities accepts `[5, 5, 5]` for `[1, 2, 3]`. Ours
/// counts: a lookup counted at another row of its table is one short here, one over there.
#[test]
fn multiplicities_matter() {
    for subject in all() {
        let rows = &subject.plan().rows;
        let first = subject.first();
        let used = (0..rows.tables.len())
            .rev()
            .find(|index| {
                let (table, row) = rows.table_cell(*index);
                first.m[table][row] > 0
            })
            .expect("something is looked up");
        let (from, to) = (rows.table_cell(used), rows.table_cell(used - 1));
        let mut moved = first.clone();
        moved.m[from.0][from.1] -= 1;
        moved.m[to.0][to.1] += 1;
        let verdict = subject.verdict(&subject.words, &mut subject.with(moved));
        assert_eq!(verdict, Verdict::Rejected);
        // Negative counts that add up to the right number.
        let mut negative = first.clone();
        negative.m[from.0][from.1] += 2;
        negative.m[to.0][to.1] -= 2;
        assert!(!subject.satisfied(&subject.words, &mut subject.with(negative)));
        // Among rows of tag 0 it does not matter where the null lookups are counted: blank rows
        // of the tables are all the same row.
        let mut blank = first;
        let last = blank.m[0].len() - 1;
        assert!(last * rows.profile.tables() > rows.tables.len());
        blank.m[0][0] -= 3;
        blank.m[0][last] += 3;
        let verdict = subject.verdict(&subject.words, &mut subject.with(blank));
        assert_eq!(verdict, Verdict::Accepted);
    }
}

/// Finding 2.3: an input `2^16` higher and its neighbour 1 lower make the same word. (The first two
/// inputs of this model have no effect, so that nothing but the range lookup objects; see
/// `machine_attacks_rows` for the machine without it.)
#[test]
fn a_carry_between_digits() {
    for profile in [Profile::standard()[0], Profile::standard()[3]] {
        let subject = Subject::new(classifier(1, 2), profile, Visibility::Public);
        let mut first = subject.first();
        let cells = [0, 1].map(|e| at(&subject, INPUT, e));
        assert_eq!(cells[1], cells[0] + 1, "neighbours in one word");
        first.lanes[0][cells[0]] += 1 << 16;
        first.lanes[0][cells[1]] -= 1;
        follow(&subject, &mut first);
        let (words, _) = subject.consistent(first.clone());
        assert_eq!(words, subject.words, "the same word");
        assert_eq!(subject.verdict_of(first), Verdict::Rejected);
    }
}

/// The blank unit of measure: `Tampered` itself changes nothing when it adds 0.
#[test]
fn a_change_by_nothing_is_no_attack() {
    let subject = wide(1);
    let column = subject.honest().columns().z.index();
    let mut same = Tampered { inner: subject.honest(), column, change: |_: &mut Vec<Fr>| () };
    assert_eq!(subject.verdict(&subject.words, &mut same), Verdict::Accepted);
}
