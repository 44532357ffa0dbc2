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
//! | 2.3 packing, carry, two preimages of a word | `machine_attacks_lanes`: `a_carry_between_digits`, `machine_attacks_rows`: `a_word_has_one_preimage_*`, `machine_attacks_statement` |
//! | 2.5 dead-lane constants, 2.18, section 5 | `machine_attacks_lanes`: `legal_values_in_dead_lanes_change_nothing`, `machine_attacks_rows`: `a_dead_lane_unmasked_*` |
//! | 2.8 scaled remainder, fraction `t / 2^s` (ToB 6 modular inverse) | [`a_fraction_as_quotient`] |
//! | 2.9 remainder out of range; off-by-one rounding (ToB 7, 33) | [`rounding_has_one_answer`] |
//! | 2.12 sum in place of equality | `machine_attacks_balance`: `an_error_spread_over_outputs`, `machine_attacks_balance`: `lies_balanced_for_a_known_challenge` |
//! | 2.13 owners, 2.17 tag 0 | `machine_attacks_lanes`: `idle_groups_hold_zeros`, `machine_attacks_cells` |
//! | 2.16 the row program is part of the soundness | `machine_attacks_rows`, and `lint/tests` |
//! | 2.21 multiplicities after alpha | `machine_attacks_balance`: `lies_balanced_for_a_known_challenge` |
//! | attacks.md 4.1 #4 lookup without multiplicity, #6, #7, #12 | `machine_attacks_lanes`: `multiplicities_matter`, above, `machine_attacks_statement` |
//! | 4.2 Freivalds with a constant challenge (ddkang, uiuc, Artemis; jolt's rule) | `machine_attacks_balance`: `lies_balanced_for_a_known_challenge` |
//! | 4.3 default table rows (0 always passes) | `machine_attacks_lanes`: `idle_groups_hold_zeros`: blank table rows are rows of tag 0 only |
//! | 4.3 key digest, unblinded columns; 4.5 statement | `machine_attacks_statement` |
//! | 4.3 query collision, points at infinity, proof length | `plonk_keys`, `plonk_referee` |
//! | 4.4 challenges after all operands, forged `C` | `machine_attacks_balance`: `lies_balanced_for_a_known_challenge`, [`forged_logits`] |
//! | 2.2 junk on a live exponent; Rule F for junk; pads and idle lanes (2.18) | `machine_attacks_kernels`, `machine_attacks_windows` |
//! | 2.14, ToB 5, 11 maxima and ties; averages | `machine_attacks_pools` |
//!
//! Models with embeddings, finite masks, ArgMax, LSTM and trees compile; none has a gate or a free cell of
//! its own. Each is a program of sums, products and tables, whose cells are determined like all others:
//! an id is ranged and compared by a table (2.23; `machine_attacks_transformers`: `the_embedding_of_another_token`,
//! `an_id_out_of_range`), a mask is a table or a weight of the program (2.20; `a_weight_on_a_masked_position`,
//! `other_attentions`), a decision is a table of integers (ties of ArgMax, thresholds of trees), a
//! state of an LSTM a stored tensor. Consistent lies about each: `machine_attacks_operators`. For programs at
//! large: `machine_tables`, and `lint/tests`.
//!
//! Two axes on one challenge and heads at one offset (2.6) are row programs that the linter refuses:
//! `machine_attacks_offsets`. Runs beyond the last row, cycles and lanes beyond a word's digits (2.3):
//! `machine_attacks_edges`. A helper that is free at one `alpha` (2.21): `machine_attacks_balance`.
//!
//! Not applicable, since nothing of the kind is built: the lookup of degree 2 (2.4), private weights and
//! commitments to them (2.7, 2.15, "1/3", registration; weights are public in effect), broadcast under a
//! mask (2.10), merged reads by `eta` (2.12), per-channel multipliers (2.19), shifts between
//! segments (`V_{2,j}`). Remainders of more than one limb (2.9) do not exist: the shift is at most 16.
//! Contract attestations (ToB 13 to 16, 34) are `verifier-contracts`' matter.

mod machine_common;
mod plonk_common;

use ff::Field;
use halo2curves::bn256::Fr;
use machine_common::{
    Cells, HIDDEN, INPUT, LOGITS, Liar, Subject, Tampered, Verdict, classifier, logup,
    perceptron::{all, at, elements, follow, forward, relu, wide},
    recount,
};
use zkml_circuits::{
    machine::{Profile, Role},
    plan::Visibility,
    witness::signed,
};

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
            let shift = rows.groups[subject.home(tensor, 0).0].shift;
            let element = (0..elements(&subject, tensor))
                .find(|e| first.lanes[1][at(&subject, tensor, *e)] + 1 < 1 << shift)
                .expect("some remainder is not the greatest");
            let (group, lane) = subject.home(tensor, element);
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
                    2 => {
                        logup(rows, &columns, geometry, challenges, cells);
                    }
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

/// The blank unit of measure: `Tampered` itself changes nothing when it adds 0.
#[test]
fn a_change_by_nothing_is_no_attack() {
    let subject = wide(1);
    let column = subject.honest().columns().z.index();
    let mut same = Tampered { inner: subject.honest(), column, change: |_: &mut Vec<Fr>| () };
    assert_eq!(subject.verdict(&subject.words, &mut same), Verdict::Accepted);
}
