//! Blinding rows: enough of them for what a proof opens, and each of them fresh.
//!
//! A column opened at `q` points is known by `q + 1` values, its commitment the last. Hidden behind `b + 1`
//! random rows (grand products: `b`) it must have more of them than that; SOUNDNESS.md, section 9.

mod machine_common;
mod plonk_common;

use std::{collections::HashSet, sync::Mutex};

use ff::Field;
use halo2_proofs::plonk::ConstraintSystem;
use halo2curves::bn256::{Fr, G1, G1Affine};
use machine_common::{Subject, classifier};
use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng};
use zkml_circuits::{
    machine::{MachineColumns, Profile, configure},
    model::protocol,
    plan::Visibility,
    plonk::{ProverRng, prove},
    witness::signed,
};
use zkml_core::{
    progress::NoProgress,
    proving::{CpuMsm, MsmBackend, MsmError, Scalars},
};

/// Every lane count and fold; weight lanes and tables at both ends, which rotations do not depend on.
fn profiles() -> Vec<Profile> {
    let mut all = Profile::standard();
    for lanes in 1..=32 {
        for fold in (1..=8).filter(|fold| lanes % fold == 0) {
            for (weights, tables) in [(fold, 1), (256 / fold * fold, 4)] {
                all.push(Profile::new(lanes, fold, weights, tables).expect("a machine"));
            }
        }
    }
    all
}

#[test]
fn every_column_has_more_blinding_rows_than_openings() {
    let (mut most, mut largest) = (0, 0);
    for profile in profiles() {
        let protocol = protocol(profile).expect("supported");
        let mut cs = ConstraintSystem::default();
        let columns: MachineColumns = configure(&mut cs, profile);
        let b = protocol.blinding;
        let rotations = |column: usize| {
            let queries = protocol.advice_queries.iter().filter(|q| q.column == column);
            queries.map(|q| q.rotation).collect::<HashSet<i32>>().len()
        };
        for column in 0..protocol.advice_phase.len() {
            let q = rotations(column);
            assert!(q + 3 <= b + 1, "{profile}: column {column} at {q} rotations, b = {b}");
            most = most.max(q);
        }
        // Its four values at s, x, omega x and, within the quotient, omega s.
        let sum = rotations(columns.sum.index());
        assert_eq!(sum, 2, "{profile}");
        assert!(sum + 2 < b + 1, "{profile}");
        // Grand products: three rotations and the commitment, in b rows.
        assert!(4 <= b, "{profile}: b = {b}");
        largest = largest.max(b);
    }
    assert_eq!((most, largest), (8, 10), "as SOUNDNESS.md says");
}

/// The last values of every column committed in the Lagrange basis, batch by batch.
#[derive(Debug)]
struct Recording {
    lagrange: usize,
    rows: usize,
    batches: Mutex<Vec<Vec<Vec<Fr>>>>,
}

impl MsmBackend for Recording {
    fn name(&self) -> &str {
        "recording"
    }

    fn msm(&self, bases: &[G1Affine], columns: &[Scalars<'_>]) -> Result<Vec<G1>, MsmError> {
        if bases.as_ptr().addr() == self.lagrange {
            let tails = columns.iter().map(|column| {
                let values: Vec<Fr> = match column {
                    Scalars::Full(values) => values.to_vec(),
                    Scalars::Small { values, tail } => {
                        values.iter().map(|v| signed(*v)).chain(tail.iter().copied()).collect()
                    }
                };
                assert_eq!(values.len(), bases.len(), "whole columns");
                values[values.len() - self.rows..].to_vec()
            });
            self.batches.lock().expect("one thread").push(tails.collect());
        }
        CpuMsm.msm(bases, columns)
    }
}

/// The blinding rows of a proof: of advice columns, and of grand products.
fn blinding(subject: &Subject, rng: &mut impl ProverRng) -> (Vec<Vec<Fr>>, Vec<Vec<Fr>>) {
    let protocol = subject.key.verifying_key().plonk().protocol();
    let backend = Recording {
        lagrange: subject.srs.lagrange().as_ptr().addr(),
        rows: protocol.blinding + 1,
        batches: Mutex::default(),
    };
    let (key, words) = (subject.key.plonk(), &subject.words);
    let mut witness = subject.honest();
    prove(key, &subject.srs, &backend, words, &mut witness, rng, &NoProgress).expect("a proof");
    let mut batches = backend.batches.into_inner().expect("one thread");
    assert!(batches.len() >= 4, "three phases, and grand products");
    let products = batches.pop().expect("four at least");
    let advice: Vec<Vec<Fr>> = batches.concat();
    assert_eq!(advice.len(), protocol.advice_phase.len());
    assert_eq!(products.len(), protocol.num_products());
    // The row before the random ones is where a product ends.
    (advice, products.into_iter().map(|column| column[1..].to_vec()).collect())
}

#[test]
fn every_blinding_row_is_fresh() {
    for profile in Profile::standard() {
        let subject = Subject::new(classifier(1, 0), profile, Visibility::Private);
        let b = subject.key.verifying_key().plonk().protocol().blinding;
        let mut seen = HashSet::new();
        for proof in 0..2 {
            let (advice, products) = blinding(&subject, &mut OsRng);
            assert!(advice.iter().all(|rows| rows.len() == b + 1));
            assert!(products.iter().all(|rows| rows.len() == b));
            for (column, rows) in advice.iter().chain(&products).enumerate() {
                for value in rows {
                    assert_ne!(*value, Fr::ZERO, "{profile}: column {column}");
                    let new = seen.insert(value.to_bytes());
                    assert!(new, "{profile}, proof {proof}, column {column}: a value again");
                }
            }
        }
        // The recording shows what is there: a seed used twice is seen.
        let [one, two] = [(); 2].map(|()| blinding(&subject, &mut ChaCha20Rng::seed_from_u64(1)));
        assert_eq!(one, two);
    }
}
