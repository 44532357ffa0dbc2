use super::*;
use crate::{
    ir::{Activation, Axis, Graph, Op, Origin, Window},
    quant::{CalibrationOptions, Compiled, QuantError, calibrate, compile_with_sources},
    tensor::{Shape, Tensor},
};

fn tensor(dims: &[usize], data: Vec<f32>) -> Tensor<f32> {
    Tensor::new(Shape::new(dims.to_vec()).expect("small"), data).expect("its length")
}

/// `y = Relu(x W)`, two rows of three classes.
fn model() -> Graph {
    let mut graph = Graph::new();
    let origin = |node: &str, op: &str| Origin { node: node.into(), op: op.into(), opset: 17 };
    let x = graph.input("x", Shape::new(vec![2, 2]).expect("small"));
    let w = graph.constant("w", tensor(&[2, 3], vec![1.0, 0.3, -1.0, -0.5, 0.7, 1.0]));
    let h = graph.push(Op::MatMul, vec![x, w], "h", origin("fc", "MatMul")).expect("fits");
    let relu = Op::Activation(Activation::Relu);
    let y = graph.push(relu, vec![h], "y", origin("act", "Relu")).expect("fits");
    graph.output("y", y);
    graph
}

fn sample(data: [f32; 4]) -> Vec<Tensor<f32>> {
    vec![tensor(&[2, 2], data.to_vec())]
}

fn compiled(graph: &Graph, samples: &[Vec<Tensor<f32>>], bits: u8) -> Compiled {
    let options = CalibrationOptions { bits, ..CalibrationOptions::default() };
    let settings = calibrate(graph, samples, &options).expect("ranges");
    compile_with_sources(graph, &settings).expect("compiles")
}

#[test]
fn a_report_counts_rows_labels_and_rejected_samples() {
    let graph = model();
    let calibration = [sample([1.0, 0.2, 0.1, -1.0]), sample([-0.7, 0.9, 0.3, 0.4])];
    let compiled = compiled(&graph, &calibration, 10);
    let wild = sample([50.0, 0.0, 0.0, 0.0]);
    let samples = [calibration[0].clone(), calibration[1].clone(), wild];
    // The greatest: (1.0 - 0.1, ..), (0.1 + 0.5, ..); (.., 1.6), (.., 0.37); the wild one 50, 0.
    let labels = vec![vec![0, 0], vec![2, 2], vec![0, 0]];
    let report = Report::new(&graph, &compiled, &samples, Some(&labels)).expect("runs");
    assert_eq!((report.samples, report.rejected.count), (3, 1));
    let (first, why) = report.rejected.first.clone().expect("one");
    assert!(first == 2 && why.contains("input `x`") && why.contains("50"), "{why}");
    let output = &report.outputs[0];
    assert_eq!((output.agreement.rows.hits, output.agreement.rows.count), (4, 6));
    assert_eq!(output.agreement.flipped, [2]);
    assert_eq!(output.errors.count, 12);
    assert!(output.errors.max_abs > 0.0 && output.errors.max_abs < 0.01);
    let accuracy = report.accuracy.clone().expect("labels");
    assert_eq!((accuracy.float.hits, accuracy.integer.hits, accuracy.float.count), (5, 3, 6));
    assert!(report.max_error().is_infinite());

    assert_eq!(report.layers.len(), 2);
    let layer = &report.layers[1];
    assert_eq!((layer.name.as_str(), layer.node.as_str()), ("y", "act"));
    assert_eq!(layer.table.as_deref(), Some("Relu"));
    assert!(layer.range_used > 0.4 && layer.range_used < 1.0);
    let text = report.to_text();
    for part in ["3 samples, 1 out of range (33.33 %)", "66.67 % of 6", "act (Relu)", "accuracy"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json = serde_json::to_string(&report).expect("writes");
    // JSON numbers read back to the last bit but one, so the counts are compared.
    let read: Report = serde_json::from_str(&json).expect("reads");
    assert_eq!((read.samples, &read.rejected.first), (report.samples, &report.rejected.first));
    assert_eq!(read.outputs[0].agreement.flipped, report.outputs[0].agreement.flipped);
    assert_eq!(read.to_text(), text);
}

#[test]
fn coarse_integers_flip_predictions() {
    let graph = model();
    // The two greatest elements of each row differ by a hundredth.
    let samples =
        [sample([0.70, 1.0 / 0.2 * 0.49 * 0.2, 1.0, 0.58]), sample([1.0, 0.595, 0.9, 0.53])];
    let fine = compiled(&graph, &samples, 14);
    let report = Report::new(&graph, &fine, &samples, None).expect("runs");
    assert_eq!(report.agreement(), 1.0, "{report}");
    let coarse = compiled(&graph, &samples, 3);
    let report = Report::new(&graph, &coarse, &samples, None).expect("runs");
    assert!(
        report.agreement() < 1.0 && !report.outputs[0].agreement.flipped.is_empty(),
        "{report}"
    );
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    let graph = model();
    let samples = [sample([1.0, 0.2, 0.1, -1.0])];
    let compiled = compiled(&graph, &samples, 10);
    for labels in [vec![], vec![vec![0]], vec![vec![0, 1], vec![0, 1]]] {
        let result = Report::new(&graph, &compiled, &samples, Some(&labels));
        assert!(matches!(result, Err(QuantError::Setting { key, .. }) if key == "labels"));
    }
    assert_eq!(Report::new(&graph, &compiled, &[], None), Err(QuantError::NoSamples));
    let nan = [sample([f32::NAN, 0.0, 0.0, 0.0])];
    assert!(matches!(
        Report::new(&graph, &compiled, &nan, None),
        Err(QuantError::Sample { sample: 0, .. })
    ));
}

#[test]
fn steps_towards_a_maximum_are_layers_without_distances() {
    let mut graph = Graph::new();
    let x = graph.input("x", Shape::new(vec![1, 1, 2, 2]).expect("small"));
    let axis = Axis::convolution(2, 1, 2, (2, 1), 0);
    let origin = Origin { node: "pool".into(), op: "MaxPool".into(), opset: 17 };
    let window = Window { height: axis, width: axis };
    let y = graph.push(Op::MaxPool(window), vec![x], "y", origin).expect("fits");
    graph.output("y", y);
    let samples = [vec![tensor(&[1, 1, 2, 2], vec![0.1, 0.7, -0.3, 0.4])]];
    let report = Report::new(&graph, &compiled(&graph, &samples, 8), &samples, None).expect("runs");
    let counts: Vec<_> = report.layers.iter().map(|layer| layer.errors.count).collect();
    assert_eq!(counts, [4, 0, 0, 1]);
    assert!(report.layers[1..].iter().all(|l| l.node == "pool" && l.op == "MaxPool"));
    assert_eq!(report.layers[1].table.as_deref(), Some("Relu"));
    // The maximum is off as its operand is.
    assert!(report.max_error() <= 2f64.powi(-report.layers[0].scale) / 2.0);
    let text = report.to_text();
    assert!(text.lines().any(|line| line.contains("pool (MaxPool)") && line.contains(" - ")));
}

/// A model of two tokens: after token 0 both are as likely, after token 1 the other one is half as likely.
fn two_tokens(length: usize) -> Graph {
    let mut graph = Graph::new();
    let origin = |node: &str, op: &str| Origin { node: node.into(), op: op.into(), opset: 17 };
    let ids = graph.integer_input("ids", Shape::new(vec![1, length]).expect("small"));
    let column = Op::Reshape(Shape::new(vec![1, length, 1]).expect("small"));
    let column = graph.push(column, vec![ids], "column", origin("view", "Reshape")).expect("fits");
    let w = graph.constant("w", tensor(&[1, 2], vec![0.0, 2f32.ln()]));
    let logits = graph.push(Op::MatMul, vec![column, w], "logits", origin("head", "MatMul"));
    graph.output("logits", logits.expect("fits"));
    graph
}

fn ids(ids: &[f32]) -> Vec<Tensor<f32>> {
    vec![tensor(&[1, ids.len()], ids.to_vec())]
}

#[test]
fn a_language_model_is_scored_on_its_samples_or_on_a_text() {
    let graph = two_tokens(3);
    let language = LanguageModel::of(&graph).expect("ids in, logits out");
    assert_eq!((language.rows, language.length, language.vocabulary), (1, 3, 2));
    let samples = [ids(&[0.0, 1.0, 1.0]), ids(&[1.0, 0.0, 1.0])];
    let compiled = compiled(&graph, &samples, 14);
    let mut report = Report::new(&graph, &compiled, &samples, None).expect("runs");
    // p = 1/2, 2/3 and 1/3, 1/2.
    let own = report.perplexity.clone().expect("a language model");
    assert_eq!((own.source, own.tokens), (PerplexitySource::Samples, 4));
    assert!((own.float - 18f64.powf(0.25)).abs() < 1e-6, "{own}");
    assert!(own.relative.abs() < 1e-3 && own.integer != own.float, "{own}");

    // Two windows, p = 1/2, 2/3, 1/3 and 1/2, 1/2, 1/2; the last token is left over.
    report.score_text(&graph, &compiled, &[0, 1, 1, 0, 0, 0, 1, 1]).expect("scores");
    let text = report.perplexity.clone().expect("a text");
    assert_eq!((text.source, text.tokens, text.rejected), (PerplexitySource::Text, 6, 0));
    assert!((text.float - 72f64.powf(1.0 / 6.0)).abs() < 1e-6, "{text}");
    let said = report.to_text();
    for part in
        ["perplexity: float 2.03", "over 6 tokens of the text", "argmax agrees 100.00 % of 6"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let read: Report =
        serde_json::from_str(&serde_json::to_string(&report).expect("writes")).expect("reads");
    assert_eq!(read.perplexity.expect("kept").tokens, 6);

    for (text, part) in [(&[0, 1, 1][..], "at least 4 tokens"), (&[0, 1, 2, 0], "tokens below 2")] {
        let refused = report.score_text(&graph, &compiled, text).expect_err("no text");
        assert!(refused.to_string().contains(part), "{refused}");
    }
}

#[test]
fn what_is_no_language_model_has_no_perplexity() {
    let graph = model();
    let samples = [sample([1.0, 0.2, 0.1, -1.0])];
    let compiled = compiled(&graph, &samples, 10);
    let mut report = Report::new(&graph, &compiled, &samples, None).expect("runs");
    assert_eq!((LanguageModel::of(&graph), report.perplexity.clone()), (None, None));
    let refused = report.score_text(&graph, &compiled, &[0, 1, 2]).expect_err("no ids");
    assert!(refused.to_string().contains("token ids"), "{refused}");
}
