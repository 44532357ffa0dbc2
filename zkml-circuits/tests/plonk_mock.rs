//! The checker of witnesses names what a witness breaks.

mod plonk_common;

use plonk_common::honest;
use rand_core::OsRng;
use zkml_circuits::plonk::{
    ProveError,
    mock::{Report, Violation, check},
    testing::{SampleWitness, Tamper},
};

/// Gates of the sample circuit, in order, for its one helper.
const WEIGHTED_SUM: usize = 0;
const HORNER: usize = 2;
const HELPER: usize = 4;
const MULTIPLICITY: usize = 5;
const RUNNING_SUM: usize = 6;

fn checked(witness: &mut SampleWitness) -> Report {
    check(&honest().key, &honest().words, witness, &mut OsRng).expect("words and columns fit")
}

fn tampered(column: usize, row: usize) -> Report {
    checked(&mut honest().witness().tampered(Tamper { column, row, delta: 1 }))
}

#[test]
fn an_honest_witness_breaks_nothing() {
    assert_eq!(checked(&mut honest().witness()).violations, []);
}

#[test]
fn broken_gates_are_named_with_their_rows() {
    let lanes = honest().circuit.params.lanes;
    let (y, m, acc, h, g, s) = (lanes, lanes + 1, lanes + 2, lanes + 4, lanes + 5, lanes + 6);
    assert_eq!(tampered(y, 9).violations, [Violation::Gate { gate: WEIGHTED_SUM, row: 9 }]);
    assert_eq!(tampered(m, 9).violations, [Violation::Gate { gate: MULTIPLICITY, row: 9 }]);
    assert_eq!(
        tampered(acc, 8).violations,
        [6, 8].map(|row| Violation::Gate { gate: HORNER, row })
    );
    assert_eq!(tampered(h, 9).gates(), [HELPER, RUNNING_SUM]);
    assert_eq!(tampered(g, 9).gates(), [MULTIPLICITY, RUNNING_SUM]);
    assert_eq!(
        tampered(s, 9).violations,
        [8, 9].map(|row| Violation::Gate { gate: RUNNING_SUM, row })
    );
    assert_eq!(tampered(0, 10).gates(), [WEIGHTED_SUM, HORNER, HELPER]);
}

#[test]
fn broken_copies_are_named() {
    let lanes = honest().circuit.params.lanes;
    let report = tampered(lanes + 3, 0);
    assert!(report.gates().is_empty());
    assert_eq!(report.violations.len(), 2, "both directions of the cycle");
    assert!(!report.is_satisfied());
}

#[test]
fn a_witness_that_does_not_fit_is_an_error() {
    let fixture = honest();
    let mut witness = fixture.witness();
    let verdict = check(&fixture.key, &fixture.words[1..], &mut witness, &mut OsRng);
    assert!(matches!(verdict, Err(ProveError::Words { expected: 4, got: 3 })));
    let mut params = fixture.circuit.params;
    params.lanes = 6;
    let mut witness = SampleWitness::new(params, 1);
    let verdict = check(&fixture.key, &fixture.words, &mut witness, &mut OsRng);
    assert!(matches!(verdict, Err(ProveError::Columns { phase: 0, .. })));
    params = fixture.circuit.params;
    params.k = 8;
    let mut witness = SampleWitness::new(params, 1);
    let verdict = check(&fixture.key, &fixture.words, &mut witness, &mut OsRng);
    assert!(matches!(verdict, Err(ProveError::Rows { column: 0, .. })));
}
