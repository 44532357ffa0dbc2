//! What a prover tells its caller while it works.

mod plonk_common;

use std::sync::Mutex;

use plonk_common::honest;
use zkml_circuits::plonk::{prove, stages, testing::ReferenceMsm};
use zkml_core::progress::Progress;

/// Writes down what it is told.
#[derive(Default)]
struct Recorder(Mutex<Vec<(bool, String)>>);

impl Progress for Recorder {
    fn begin(&self, stage: &str, _: Option<u64>) {
        self.0.lock().expect("no panic").push((true, stage.to_owned()));
    }

    fn end(&self, stage: &str) {
        self.0.lock().expect("no panic").push((false, stage.to_owned()));
    }
}

#[test]
fn stages_are_announced_one_after_the_other() {
    let fixture = honest();
    let recorder = Recorder::default();
    prove(
        &fixture.key,
        &fixture.srs,
        &ReferenceMsm,
        &fixture.words,
        &mut fixture.witness(),
        &mut rand_core::OsRng,
        &recorder,
    )
    .expect("an honest proof");
    let phases = (0..3).flat_map(|phase| [stages::witness(phase), stages::commit(phase)]);
    let later = [
        stages::PRODUCTS,
        stages::COMMIT_PRODUCTS,
        stages::INTERPOLATION,
        stages::QUOTIENT,
        stages::COMMIT_QUOTIENT,
        stages::EVALUATIONS,
        stages::OPENING,
    ];
    let expected: Vec<(bool, String)> = phases
        .chain(later)
        .flat_map(|stage| [(true, stage.to_owned()), (false, stage.to_owned())])
        .collect();
    assert_eq!(recorder.0.into_inner().expect("no panic"), expected);
}
