//! Networks that onnxruntime has quantised (`fixtures/make_qdq.py`): QDQ and QOperator, uint8 and int8,
//! one scale a tensor and one a channel. Their integers are compared with those of onnxruntime, which
//! runs each operator on its own, in float32.

mod golden;

use golden::{Case, cases, inputs, run};
use prost::Message;
use zkml_core::{
    exec::integer,
    ir::Graph,
    onnx::{ImportOptions, from_bytes, proto::ModelProto},
    quant::{CalibrationOptions, calibrate, compile},
    tensor::Tensor,
};

/// The scale of the DequantizeLinear at the end.
fn last_scale(case: &Case) -> f64 {
    let model = ModelProto::decode(case.model.as_slice()).expect("valid");
    let graph = model.graph.expect("a graph");
    let last = graph.node.iter().find(|node| node.output.first().is_some_and(|y| y == "y"));
    let last = last.expect("computes y");
    assert_eq!(last.op_type(), "DequantizeLinear", "{}", case.name);
    let scale = graph.initializer.iter().find(|tensor| tensor.name() == last.input[1]);
    let scale = scale.expect("an initializer");
    let raw = || scale.raw_data().try_into().map(f32::from_le_bytes).expect("four bytes");
    f64::from(scale.float_data.first().copied().unwrap_or_else(raw))
}

fn graph(case: &Case, optimise: bool) -> Graph {
    let mut options = ImportOptions::default();
    options.optimise = optimise;
    from_bytes(&case.model, None, &options).expect("imports").graph
}

/// Steps of the last scale by which numbers differ from those of onnxruntime: the most, and how many do.
fn differences(case: &Case, got: impl Iterator<Item = f64>) -> (f64, usize) {
    let scale = last_scale(case);
    let steps = got.zip(&case.y).map(|(got, y)| ((got - f64::from(*y)) / scale).abs().round());
    steps.fold((0.0, 0), |(most, count), step| (most.max(step), count + usize::from(step > 0.0)))
}

/// The same operators in the same types: but for ties, which the order of a sum decides (an average of
/// four numbers is one in a quarter of cases).
#[test]
fn floats_give_the_integers_of_onnxruntime() {
    let (mut different, mut all) = (0, 0);
    for case in cases("qdq.npz").iter().filter(|case| case.name.contains("qdq")) {
        for optimise in [false, true] {
            let got = run(&graph(case, optimise), &case.x).expect("runs");
            let (most, count) = differences(case, got.data().iter().map(|v| f64::from(*v)));
            println!("{} {optimise}: {count} by up to {most}", case.name);
            assert!(most <= 2.0, "{}: {most} steps", case.name);
            different += count;
            all += case.y.len();
        }
    }
    assert!(different * 50 <= all, "{different} of {all}");
}

/// The integer program: a rounding next to a tie may give the other number (a few in a thousand do, of
/// averages in float32 an eighth), and what such a number is in then differs, too: the last numbers by a
/// step or two, and few of them.
#[test]
fn programs_give_the_integers_of_onnxruntime_but_next_to_ties() {
    let (mut different, mut all) = (0, 0);
    for case in cases("qdq.npz").iter().filter(|case| case.name.contains("qdq")) {
        let real = integers(case, &graph(case, true));
        let (most, count) = differences(case, real.data().iter().copied());
        println!("{}: {count} of {} by up to {most}", case.name, case.y.len());
        assert!(most <= 2.0, "{}: {most} steps", case.name);
        different += count;
        all += case.y.len();
    }
    assert!(different * 10 <= all, "{different} of {all}");
}

/// The output of the integer program for the inputs of a case, on which it is calibrated.
fn integers(case: &Case, graph: &Graph) -> Tensor<f64> {
    let sample = inputs(graph, &case.x).expect("fits");
    let options = CalibrationOptions::default();
    let settings = calibrate(graph, std::slice::from_ref(&sample), &options).expect("runs");
    let program = compile(graph, &settings).expect("compiles");
    let integers = integer::quantize_inputs(&program, &sample).expect("in range");
    let trace = integer::run(&program, &integers).expect("in range");
    trace.real_outputs(&program).remove(0)
}

/// QLinearConv and integer pools between floats.
#[test]
fn integer_operators_agree_with_onnxruntime() {
    for case in cases("qdq.npz").iter().filter(|case| case.name.contains("qop")) {
        for optimise in [false, true] {
            let got = run(&graph(case, optimise), &case.x).expect("runs");
            golden::check(case, &got, 1e-5).expect("agrees");
        }
        let real = integers(case, &graph(case, true));
        let error = real.data().iter().zip(&case.y).map(|(got, y)| (got - f64::from(*y)).abs());
        let most = error.fold(0.0, f64::max);
        println!("{}: {most}", case.name);
        assert!(most < 0.1, "{}: {most}", case.name);
    }
}
