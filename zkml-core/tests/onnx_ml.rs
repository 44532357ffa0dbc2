//! Operators of ai.onnx.ml: against onnxruntime (`fixtures/make_ml.py`).

mod golden;

use golden::{cases, check, check_all, run};
use zkml_core::onnx::{ImportOptions, from_bytes};

const TOLERANCE: f32 = 2e-6;

#[test]
fn operators_agree_with_onnxruntime_in_every_version() {
    let cases = cases("ml.npz");
    assert!(cases.len() > 130, "only {} cases", cases.len());
    check_all(&cases, TOLERANCE);
}

/// The comparison above can fail, in labels and in scores.
#[test]
fn wrong_outputs_are_noticed() {
    let mut cases = cases("ml.npz");
    let case = cases.iter_mut().find(|case| case.name == "cls_none_3").expect("there");
    let model = from_bytes(&case.model, None, &ImportOptions::default()).expect("imports");
    let got = run(&model.graph, &case.x).expect("the model runs");
    check(case, &got, TOLERANCE).expect("right");
    for i in [0, case.y.len() - 1] {
        case.y[i] += 1e-3;
        assert!(check(case, &got, TOLERANCE).is_err());
        case.y[i] -= 1e-3;
    }
}
