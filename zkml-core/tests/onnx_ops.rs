//! Every operator in every version against onnxruntime: `fixtures/make_ops.py` writes the models
//! and the expected outputs.

mod golden;

use golden::{cases, check, check_all, run};
use zkml_core::onnx::{ImportOptions, from_bytes};

/// Relative to the magnitude of what is computed, or 1.
const TOLERANCE: f32 = 2e-6;

#[test]
fn operators_agree_with_onnxruntime_in_every_version() {
    let cases = cases("ops.npz");
    assert!(cases.len() > 2500, "only {} cases", cases.len());
    check_all(&cases, TOLERANCE);
}

/// The comparison above can fail.
#[test]
fn a_wrong_output_is_noticed() {
    let mut cases = cases("ops.npz");
    let case = cases.iter_mut().find(|case| case.name == "gemm_13").expect("there");
    let model = from_bytes(&case.model, None, &ImportOptions::default()).expect("imports");
    let got = run(&model.graph, &case.x).expect("the model runs");
    check(case, &got, TOLERANCE).expect("right");
    case.y[0] += 1e-3;
    assert!(check(case, &got, TOLERANCE).is_err());
}
