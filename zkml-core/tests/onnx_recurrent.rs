//! LSTM, GRU and RNN: every version and form against onnxruntime (`fixtures/make_recurrent.py`), what
//! is refused, and a trained LSTM in integers.

mod golden;
mod onnx_build;

use std::path::Path;

use golden::{Case, cases, check, check_all, inputs, run};
use onnx_build::*;
use zkml_core::{
    exec::float,
    io::{Arrays, InputSpec, parse_npy, samples},
    onnx::{
        ImportOptions, from_bytes, load,
        proto::{AttributeProto, NodeProto, TensorProto},
    },
    quant::{CalibrationOptions, search},
};

const TOLERANCE: f32 = 3e-6;

#[test]
fn recurrent_operators_agree_with_onnxruntime_in_every_version() {
    let cases = cases("recurrent.npz");
    assert!(cases.len() > 200, "only {} cases", cases.len());
    check_all(&cases, TOLERANCE);
}

/// The comparison above can fail, in each of the outputs.
#[test]
fn wrong_outputs_are_noticed() {
    let mut cases = cases("recurrent.npz");
    let case: &mut Case = cases.iter_mut().find(|case| case.name == "lstm_bias_14").expect("there");
    let model = from_bytes(&case.model, None, &ImportOptions::default()).expect("imports");
    let got = run(&model.graph, &case.x).expect("the model runs");
    check(case, &got, TOLERANCE).expect("right");
    for i in [0, case.y.len() - 5, case.y.len() - 1] {
        case.y[i] += 1e-3;
        assert!(check(case, &got, TOLERANCE).is_err());
        case.y[i] -= 1e-3;
    }
}

/// A GRU of two hidden units on three steps, a batch of two and one feature.
fn gru(attributes: Vec<AttributeProto>, inputs: &[&str]) -> NodeProto {
    with(node("GRU", inputs, &["y"]), attributes)
}

fn tensors() -> Vec<TensorProto> {
    vec![
        floats("w", &[1, 6, 1], &[0.5; 6]),
        floats("r", &[1, 6, 2], &[0.5; 12]),
        floats("b", &[1, 12], &[0.5; 12]),
        floats("h", &[1, 2, 2], &[0.5; 4]),
    ]
}

fn message(node: NodeProto, more: Vec<TensorProto>) -> String {
    let proto = model(17, &[3, 2, 1], vec![node]);
    error(&with_initializers(proto, [tensors(), more].concat()))
}

#[test]
fn what_does_not_fit_is_named() {
    let full = ["x", "w", "r", "b", "", "h"];
    assert!(
        import(&with_initializers(model(17, &[3, 2, 1], vec![gru(vec![], &full)]), tensors()))
            .is_ok()
    );
    let other = |i: usize| {
        let mut inputs = full;
        inputs[i] = "other";
        inputs.to_vec()
    };
    for (i, dims, expected) in [
        (1, &[1, 6, 2][..], "`W` has shape [1, 6, 2], expected [1, 6, 1]"),
        (1, &[6, 1], "`W` has shape"),
        (2, &[1, 4, 2], "`R` has shape"),
        (2, &[2, 6, 2], "`R` has shape"),
        (3, &[1, 6], "`B` has shape [1, 6], expected [1, 12]"),
        (5, &[1, 3, 2], "`initial_h` has shape [1, 3, 2], expected [1, 2, 2]"),
        (5, &[2, 2], "`initial_h` has shape"),
    ] {
        let count = dims.iter().product::<i64>() as usize;
        let tensor = floats("other", dims, &vec![0.0; count]);
        let text = message(gru(vec![], &other(i)), vec![tensor]);
        assert!(text.contains(expected) && text.contains("GRU/y"), "{text}");
    }
    let infinite = floats("other", &[1, 6, 1], &[f32::INFINITY; 6]);
    assert!(message(gru(vec![], &other(1)), vec![infinite]).contains("inf"));
    for (attributes, expected) in [
        (vec![int("hidden_size", 3)], "`hidden_size` is 3, but `R` has 2 columns"),
        (vec![string("direction", "up")], "`direction` is `up`"),
        (vec![int("linear_before_reset", 2)], "expected 0 or 1"),
        (vec![int("layout", 1)], "`initial_h` has shape"),
        (vec![float("clip", 0.0)], "`clip` is 0"),
        (vec![float("clip", f32::NAN)], "`clip` is NaN"),
        (vec![strings("activations", &["Tanh"])], "has 1 functions, expected 2"),
        (
            vec![strings("activations", &["Affine", "Tanh"])],
            "Affine needs a number in `activation_alpha`",
        ),
    ] {
        let text = message(gru(attributes, &full), vec![]);
        assert!(text.contains(expected), "{text}");
    }
    let early = with_initializers(
        model(13, &[3, 2, 1], vec![gru(vec![int("layout", 0)], &["x", "w", "r"])]),
        tensors(),
    );
    assert!(error(&early).contains("`layout` exists from opset 14 on"));
}

#[test]
fn lengths_are_checked() {
    let inputs = ["x", "w", "r", "", "l"];
    for (lengths, expected) in [
        (&[3, 4][..], "`sequence_lens` has 4, expected up to 3"),
        (&[3, -1], "`sequence_lens` has -1"),
        (&[3], "has 1 lengths, expected 2"),
    ] {
        let tensor = int32s("l", &[lengths.len() as i64], lengths);
        let text = message(gru(vec![], &inputs), vec![tensor]);
        assert!(text.contains(expected), "{text}");
    }
    assert!(
        message(gru(vec![], &inputs), vec![int64s("l", &[2], &[3, 3])]).contains("expected int32")
    );
}

#[test]
fn what_is_not_supported_is_listed() {
    let of = |steps: i64, node: NodeProto| {
        let list =
            unsupported(&with_initializers(model(17, &[steps, 2, 1], vec![node]), tensors()));
        assert_eq!(list.len(), 1, "{list:?}");
        (list[0].attribute.clone().unwrap_or_default(), list[0].hint.clone())
    };
    let plain = ["x", "w", "r"];
    let unknown = gru(vec![strings("activations", &["Sigmoid", "Gelu"])], &plain);
    assert_eq!(of(3, unknown).0, "activations");
    let varying = gru(vec![], &["x", "x", "r"]);
    assert_eq!(of(3, varying), ("W".into(), "supported only when it is a constant".into()));
    let mut empty = model(17, &[3, 2, 1], vec![gru(vec![], &["x", "w", "r", "", "l"])]);
    empty = with_initializers(empty, [tensors(), vec![int32s("l", &[2], &[0, 3])]].concat());
    assert_eq!(unsupported(&empty)[0].hint, "a sequence without steps is not supported");
    // A few bytes ask for as many nodes as they like.
    assert_eq!(of(1 << 20, gru(vec![], &plain)).0, "X");
    let mut proto = model(17, &[4096, 1, 1], vec![]);
    for i in 0..8 {
        let x = if i == 0 { "x".to_owned() } else { format!("y{i}") };
        let (y, squeezed) = (format!("s{i}"), format!("y{}", i + 1));
        graph(&mut proto).node.push(node("RNN", &[&x, "v", "u"], &[&y]));
        graph(&mut proto).node.push(node("Squeeze", &[&y, "one"], &[&squeezed]));
    }
    graph(&mut proto).output[0].name = Some("y8".into());
    let one = || floats("v", &[1, 1, 1], &[1.0]);
    let tensors =
        vec![one(), TensorProto { name: Some("u".into()), ..one() }, int64s("one", &[1], &[1])];
    assert!(error(&with_initializers(proto, tensors.clone())).contains("fold"));
    // Or for as many positions of rows.
    let wide = model(17, &[4096, 1 << 15, 1], vec![node("RNN", &["x", "v", "u"], &["y"])]);
    assert!(error(&with_initializers(wide, tensors)).contains("fold"));
}

/// All forms of all three, calibrated on what they are run on.
#[test]
fn recurrent_operators_compile_to_integers() {
    let mut failures = Vec::new();
    for case in cases("recurrent.npz").iter().filter(|case| case.name.ends_with("_14")) {
        let graph =
            from_bytes(&case.model, None, &ImportOptions::default()).expect("imports").graph;
        let sample = vec![inputs(&graph, &case.x).expect("fits")];
        let options = CalibrationOptions { bits: 11, ..CalibrationOptions::default() };
        let limit = 0.03 * case.y.iter().fold(1.0f64, |most, y| most.max(y.abs().into()));
        match search(&graph, &sample, &options, None) {
            Ok(found) if found.report.max_error() < limit => {}
            Ok(found) => {
                failures.push(format!("{}: error {}", case.name, found.report.max_error()))
            }
            Err(error) => failures.push(format!("{}: {error}", case.name)),
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// A trained LSTM of 16 steps: errors of the state do not grow with the steps.
#[test]
fn a_trained_lstm_keeps_its_classes_in_integers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lstm_small");
    let graph = load(folder.join("model.onnx"), &ImportOptions::default()).expect("imports").graph;
    let specs = InputSpec::of_graph(&graph);
    let arrays = Arrays::read(&folder.join("calib.npy")).expect("reads");
    let samples = samples(arrays, &specs, "calib.npy").expect("fits");
    let expected = std::fs::read(folder.join("calib_out.npy")).expect("reads");
    let expected = parse_npy(&expected, "calib_out.npy").expect("valid").into_data();
    assert_eq!((samples.len(), expected.len()), (20, 60));
    for (sample, expected) in samples.iter().zip(expected.chunks(3)) {
        let trace = float::run(&graph, sample).expect("runs");
        for (got, expected) in trace.outputs()[0].data().iter().zip(expected) {
            assert!(
                (got - expected).abs() < 1e-5 * expected.abs().max(1.0),
                "{got} for {expected}"
            );
        }
    }
    let mut last = f64::INFINITY;
    for (bits, limit) in [(9, 0.15), (10, 0.08), (11, 0.04)] {
        let options = CalibrationOptions { bits, ..CalibrationOptions::default() };
        let found = search(&graph, &samples, &options, None).expect("compiles");
        let error = found.report.max_error();
        println!("{bits} bits: error {error}, agreement {}", found.report.agreement());
        assert!(error < limit, "{bits} bits: error {error}");
        assert!(found.report.agreement() == 1.0);
        assert!(error < last);
        last = error;
    }
}
