//! Our verifier against halo2-axiom's unmodified `verify_proof`.

mod plonk_common;

use plonk_common::{both, honest};
use zkml_circuits::plonk::testing::{Fixture, SampleParams};

#[test]
fn honest_three_phase_proof_is_accepted_by_both() {
    assert_eq!(both(honest(), &honest().words, &honest().proof), Ok(()));
}

#[test]
fn honest_two_phase_proof_is_accepted_by_both() {
    let fixture = Fixture::new(SampleParams { phases: 2, ..SampleParams::default() });
    assert_eq!(both(&fixture, &fixture.words, &fixture.proof), Ok(()));
}
