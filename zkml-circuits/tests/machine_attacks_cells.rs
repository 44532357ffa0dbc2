//! Every cell of the machine, changed: what no constraint determines, no equation reads.
//!
//! [`every_cell`] says of each advice cell, from the row program alone, whether a constraint must
//! bind it. The rest is free by design: junk that no vector row reads, scalars of
//! groups that read none, vector operands copied from nowhere and used by nothing, the fourth unit
//! cell of a group folded four times, rows of an incomplete last group. Of each kind the first,
//! the last and some cells between by a stated seed are changed after the fact, all other cells
//! honest, and the checker must agree; of each kind one is tried as a proof before all verifiers.
//! (A change that the prover lets run through all later cells is `machine_attacks.rs`'s matter.)

mod machine_common;
mod plonk_common;

use std::collections::BTreeMap;

use halo2curves::bn256::Fr;
use machine_common::{CellAt, Subject, Verdict, classifier, every_cell, sample, strided, tampered};
use zkml_circuits::{
    machine::Profile,
    plan::Visibility,
    testing::{Dice, mlp},
};

/// Kinds that every machine with idle groups and dead lanes has, and must bind.
const KINDS: [&str; 20] = [
    "x live",
    "x dead",
    "x idle",
    "r live",
    "r dead",
    "r idle",
    "y live",
    "y dead",
    "y idle",
    "p",
    "m",
    "U Output",
    "U Operand",
    "U Feature",
    "A",
    "B",
    "Z in use",
    "junk in use",
    "h",
    "S",
];

fn subjects() -> Vec<Subject> {
    let odd = Profile::new(3, 1, 4, 2).expect("a machine");
    let standard = Profile::standard();
    [
        (classifier(1, 0), standard[3], Visibility::Public),
        (classifier(3, 0), standard[0], Visibility::Public),
        (classifier(1, 0), odd, Visibility::Private),
        (classifier(1, 0), standard[5], Visibility::Public),
        (strided(), standard[0], Visibility::Public),
        (strided(), odd, Visibility::Private),
    ]
    .into_iter()
    .map(|(program, profile, visibility)| Subject::new(program, profile, visibility))
    .collect()
}

/// By the row-by-row checker: hundreds of cells of each machine.
#[test]
fn each_cell_is_bound_or_read_by_nothing() {
    let mut kinds = BTreeMap::new();
    for (subject, seed) in subjects().iter().zip(101..) {
        let profile = subject.key.compiled().profile();
        assert!(subject.satisfied(&subject.words, &mut subject.honest()));
        let cells = every_cell(subject);
        let advice = subject.key.plonk().verifying_key().protocol().advice_phase.len();
        for column in 0..advice {
            assert!(cells.iter().any(|c| c.column == column), "{profile}: column {column}");
        }
        let sampled = sample(&cells, 3, seed);
        assert!(sampled.len() >= 100, "{}", sampled.len());
        for cell in &sampled {
            for change in [Fr::one(), -Fr::from(1 << 20)] {
                let ok = subject.satisfied(&subject.words, &mut tampered(subject, cell, change));
                assert_eq!(ok, !cell.bound, "{profile}: {cell:?} by {change:?}");
            }
            *kinds.entry(cell.kind.clone()).or_insert(0) += 1;
        }
    }
    for kind in KINDS {
        assert!(kinds.keys().any(|k| k.starts_with(kind)), "no cell of kind {kind}: {kinds:?}");
    }
    for rare in [
        "U Output middle",
        "U Operand middle",
        "U Feature middle",
        "h spare",
        "spare unit",
        "g",
        "Z in use in a tie",
    ] {
        assert!(kinds.keys().any(|k| k.starts_with(rare)), "no cell of kind {rare}: {kinds:?}");
    }
    assert!(kinds.values().sum::<usize>() >= 400, "{kinds:?}");
}

/// As proofs, before all verifiers: one of each kind.
#[test]
fn proofs_with_a_cell_changed_are_rejected_unless_nothing_reads_it() {
    for (subject, seed) in subjects().iter().zip(201..) {
        let profile = subject.key.compiled().profile();
        let honest = subject.verdict(&subject.words, &mut subject.honest());
        assert_eq!(honest, Verdict::Accepted, "{profile}");
        let mut dice = Dice::new(seed);
        let mut by_kind: BTreeMap<String, Vec<CellAt>> = BTreeMap::new();
        for cell in every_cell(subject) {
            by_kind.entry(cell.kind.clone()).or_default().push(cell);
        }
        for of_kind in by_kind.values() {
            let cell = &of_kind[dice.below(of_kind.len())];
            let expected = if cell.bound { Verdict::Rejected } else { Verdict::Accepted };
            let got = subject.verdict(&subject.words, &mut tampered(subject, cell, Fr::one()));
            assert_eq!(got, expected, "{profile}: {cell:?}");
        }
    }
}

/// Words are bound too: each is absorbed and packed from its own group.
#[test]
fn each_public_word_matters() {
    for (batch, profile) in [(1, Profile::standard()[2]), (3, Profile::standard()[0])] {
        let subject = Subject::new(mlp(batch, 3), profile, Visibility::Public);
        assert!(subject.words.len() >= 2);
        for word in 0..subject.words.len() {
            let mut words = subject.words.clone();
            words[word] += Fr::one();
            assert!(!subject.satisfied(&words, &mut subject.honest()), "{profile}: word {word}");
        }
        let proof = subject.prove(&subject.words, &mut subject.honest());
        for word in [0, subject.words.len() - 1] {
            let mut words = subject.words.clone();
            words[word] += Fr::one();
            assert_eq!(subject.verdict(&words, &mut subject.honest()), Verdict::Rejected);
            assert_eq!(subject.verdict_on(&words, &proof), Verdict::Rejected, "the honest proof");
        }
    }
}
