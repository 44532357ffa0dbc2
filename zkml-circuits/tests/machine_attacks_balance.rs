//! Errors that cancel: spread over outputs, balanced for a challenge known beforehand, traded between
//! places. See `machine_attacks` for what attacks there are.

mod machine_common;
mod plonk_common;

use halo2curves::bn256::Fr;
use machine_common::{
    Cells, HIDDEN, INPUT, LOGITS, Liar, Subject, Verdict, logup,
    perceptron::{all, at, elements, folded, follow, forward, odd, spread, wide},
    recount, words_of,
};
use zkml_circuits::{machine::Profile, plan::Visibility, testing::random_inputs, witness::signed};

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
        let (group, _) = subject.home(LOGITS, 0);
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
            2 => {
                logup(rows, &columns, geometry, challenges, cells);
            }
            _ => {}
        };
        let mut liar = Liar::new(subject.with(first.clone()), geometry, pay);
        assert!(subject.satisfied_at(&words, &mut liar, &known), "alpha, beta known");
        let mut liar = Liar::new(subject.with(first), geometry, pay);
        assert_eq!(subject.verdict(&words, &mut liar), Verdict::Rejected);
    }
}

/// Finding 2.21: at `alpha = -f` of two equal lookups of one helper, `h f1 f2 f3 = f2 f3 + f1 f3 + f1 f2`
/// is `0 = 0`. The helper is then free and pays for any lookup that is in no table, such as these two: a
/// remainder that is out of its range, in two lanes. One value of `alpha` in `r` does this, and it is drawn
/// after the lookups are committed.
#[test]
fn a_helper_is_free_where_two_of_its_factors_vanish() {
    let program = || machine_common::classifier(1, 0);
    let profile = Profile::standard()[0];
    // Logits of equal remainders in lanes 0 and 1, whose remainders share the first helper.
    let subject = (0..64)
        .map(|seed| {
            let inputs = random_inputs(&program(), seed);
            Subject::of(program(), profile, Visibility::Public, &inputs)
        })
        .find(|subject| {
            let first = subject.first();
            first.lanes[1][at(subject, LOGITS, 0)] == first.lanes[1][at(subject, LOGITS, 1)]
        })
        .expect("one of four");
    let (rows, geometry) = (&subject.plan().rows, subject.geometry());
    let (group, lane) = subject.home(LOGITS, 0);
    assert_eq!((lane, subject.home(LOGITS, 1)), (0, (group, 1)));
    let mut first = subject.first();
    for element in [0, 1] {
        let cell = at(&subject, LOGITS, element);
        first.lanes[0][cell] -= 1;
        first.lanes[1][cell] += 1 << rows.groups[group].shift;
    }
    recount(rows, geometry, &mut first);
    let words = words_of(rows, &first);
    assert_ne!(words, subject.words, "forged logits");
    let columns = subject.honest().columns().clone();
    let pay = |phase: u8, challenges: &[Fr], cells: &mut Cells| {
        if phase != 2 {
            return;
        }
        // All that the sum lacks, put into the helper; later rows of the sum follow.
        let lacks = logup(rows, &columns, geometry, challenges, cells);
        let (helper, offset) = columns.helper(0);
        let row = group * geometry.fold() + offset;
        cells.get_mut(&helper.index()).expect("a column")[row] -= lacks;
        let sum = cells.get_mut(&columns.sum.index()).expect("a column");
        sum[row + 1..].iter_mut().for_each(|s| *s -= lacks);
    };
    let satisfied = |known: &[Fr]| {
        let mut liar = Liar::new(subject.with(first.clone()), geometry, pay);
        subject.satisfied_at(&words, &mut liar, known)
    };
    let [rho, lambda, beta] = [0x1234_5678_9abc, 0x7654_3210_fedc, 1001].map(Fr::from);
    let remainder = first.lanes[1][at(&subject, LOGITS, 0)];
    let alpha = -(Fr::from(u64::from(rows.groups[group].tag_r)) + beta * signed(remainder));
    assert!(satisfied(&[rho, lambda, alpha, beta]), "alpha known");
    assert!(!satisfied(&[rho, lambda, alpha + Fr::one(), beta]), "another alpha");
    assert!(!satisfied(&[rho, lambda, alpha, beta + Fr::one()]), "another beta");
    let mut liar = Liar::new(subject.with(first.clone()), geometry, pay);
    assert_eq!(subject.verdict(&words, &mut liar), Verdict::Rejected);
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
