//! The gas formula against the EVM.
#![cfg(feature = "evm")]
#![allow(clippy::unwrap_used)]

mod common;

use common::Setup;
use zkml_circuits::plonk::testing::SampleParams;
use zkml_verifier_contracts::{Fork, gas};

#[test]
fn prediction_is_within_three_per_cent() {
    let base = SampleParams::default();
    for params in [
        base,
        SampleParams { words: 30, stride: 2, ..base },
        SampleParams { words: 0, ..base },
        SampleParams { phases: 2, degree: 6, far_rotation: -5, ..base },
        SampleParams::large(),
    ] {
        let setup = Setup::new(params);
        let key = setup.key();
        for fork in Fork::ALL {
            let predicted = gas::predict_for(key, fork).unwrap();
            let measured = setup.deploy(fork).call(&setup.calldata()).unwrap();
            assert!(measured.verdict.is_accepted());
            let (p, m) = (predicted.total() as f64, measured.transaction_gas as f64);
            let execution = predicted.execution() as f64 / measured.execution_gas as f64;
            eprintln!(
                "{fork} {params:?}: {p} / {m} = {:.4}, execution {execution:.4} {predicted:?}",
                p / m
            );
            assert!((p / m - 1.0).abs() < 0.03);
        }
    }
}
