//! Lanes that nobody reads, lookups that nobody makes, digits that carry. See `machine_attacks` for what
//! attacks there are.

mod machine_common;
mod plonk_common;

use machine_common::{
    INPUT, Subject, Verdict, classifier,
    perceptron::{all, at, follow},
};
use zkml_circuits::{
    machine::Profile,
    plan::{TableRow, Visibility},
    testing::Dice,
};

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
