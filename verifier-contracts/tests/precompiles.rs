//! The generator's own count of curve operations against what the EVM sees.
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

mod common;

use common::Setup;
use zkml_circuits::plonk::testing::SampleParams;
use zkml_verifier_contracts::{Fork, evm::Precompiles, gas};

#[test]
fn curve_operations_are_those_predicted() {
    let base = SampleParams::default();
    for params in [
        base,
        SampleParams { words: 30, stride: 2, ..base },
        SampleParams { phases: 2, degree: 6, far_rotation: -5, ..base },
        SampleParams::large(),
    ] {
        let setup = Setup::new(params);
        let outcome = setup.deploy(Fork::Osaka).call(&setup.calldata()).unwrap();
        assert!(outcome.verdict.is_accepted());
        let multiplications = gas::predict_for(setup.key(), Fork::Osaka).unwrap().multiplications;
        let expected = Precompiles {
            exponentiations: 1,
            additions: multiplications,
            multiplications,
            pairings: 1,
        };
        assert_eq!(outcome.precompiles, expected, "{params:?}");
    }
}

#[test]
fn a_length_that_is_wrong_costs_no_curve_operation() {
    let setup = Setup::new(SampleParams::default());
    let calldata = setup.calldata();
    let outcome = setup.deploy(Fork::Osaka).call(&calldata[..calldata.len() - 32]).unwrap();
    assert!(!outcome.verdict.is_accepted());
    assert_eq!(outcome.precompiles, Precompiles::default());
}
