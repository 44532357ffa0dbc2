//! Inputs whose columns have ranges of their own.

use super::*;
use crate::{
    exec::integer::quantize_inputs,
    io::InputSpec,
    program::{InputKind, Scale},
};

/// Magnitudes of the columns: an income, an age, two ratios, a column of zeros.
const MAGNITUDES: [f32; 5] = [50_000.0, 80.0, 0.03, 0.02, 0.0];

fn rows(seed: u64) -> Tensor<f32> {
    let columns = noise(seed, 10).into_iter().zip(MAGNITUDES.iter().cycle());
    Tensor::new(shape(&[2, 5]), columns.map(|(v, m)| v * m).collect()).expect("ten")
}

fn row(values: [f32; 5]) -> Tensor<f32> {
    Tensor::new(shape(&[5]), values.to_vec()).expect("five")
}

/// Random rows, among them one of the magnitudes.
fn wide_samples() -> Vec<Vec<Tensor<f32>>> {
    let greatest = Tensor::new(shape(&[2, 5]), [MAGNITUDES, MAGNITUDES].concat()).expect("ten");
    (0..20).map(|seed| vec![rows(seed)]).chain([vec![greatest]]).collect()
}

fn calibrated(graph: &Graph) -> Settings {
    let options = CalibrationOptions { bits: 9, headroom: 0.0, ..Default::default() };
    calibrate(graph, &wide_samples(), &options).expect("calibrates")
}

/// Thresholds for some columns, some twice.
fn decisions(thresholds: &[(u32, f32)]) -> Graph {
    let mut w = Writer::default();
    let x = w.input(&[2, 5]);
    let indices = thresholds.iter().map(|(column, _)| *column).collect();
    let taken = w.op(Op::Take { axis: 1, indices }, &[x]);
    let t = thresholds.iter().map(|(_, t)| *t).collect();
    let t = Tensor::new(shape(&[thresholds.len()]), t).expect("its length");
    let t = w.constant(t);
    let room = w.op(Op::Sub, &[t, taken]);
    let y = w.op(Op::Activation(Activation::IsNonNegative), &[room]);
    w.output(y);
    w.graph
}

#[test]
fn columns_of_one_order_of_magnitude_are_one_input() {
    let graph = decisions(&[(0, 1.0), (1, 1.0), (2, 0.0)]);
    let program = compile(&graph, &calibrated(&graph)).expect("compiles");
    let names: Vec<&str> = program.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["v0[0,4]", "v0[1]", "v0[2-3]"]);
    // 50,000, 80 and 0.03 in eight bits and a sign.
    let scales = program.inputs.iter().map(|input| program.tensors[input.tensor.0].scale);
    assert_eq!(scales.collect::<Vec<_>>(), [Scale(-8), Scale(1), Scale(13)]);
    let given = InputSpec::of_program(&program);
    assert_eq!(given, InputSpec::of_graph(&graph));

    let x = Tensor::new(
        shape(&[2, 5]),
        vec![512.0, 1.5, 0.01, -0.01, 0.0, -256.0, 0.0, 0.03, 0.0, 256.0],
    );
    let x = [x.expect("ten")];
    let integers = quantize_inputs(&program, &x).expect("in range");
    assert_eq!(integers[0].data(), [2, 0, -1, 1]);
    assert_eq!(integers[1].data(), [3, 0]);
    assert_eq!(integers[2].data(), [82, -82, 246, 0]);
    // What is out of range is named as it was given.
    let far = Tensor::new(shape(&[2, 5]), vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0]);
    let error = quantize_inputs(&program, &[far.expect("ten")]).expect_err("out of range");
    assert!(
        matches!(&error, ExecError::InputRange { name, element: 8, .. } if name == "v0"),
        "{error}"
    );
    let flat = Tensor::new(shape(&[10]), vec![0.0; 10]).expect("ten");
    assert!(matches!(quantize_inputs(&program, &[flat]), Err(ExecError::InputShape { .. })));
    assert!(matches!(quantize_inputs(&program, &[]), Err(ExecError::InputCount { .. })));
}

#[test]
fn decisions_compare_each_column_at_its_own_scale() {
    // Of each column thresholds on its grid, between, and beyond what it can be.
    let thresholds = [
        (0, 512.0),
        (1, 12.5),
        (2, 0.01),
        (3, -0.01),
        (0, 700.0),
        (2, 41.0 / 4096.0),
        (4, 0.0),
        (1, 1e9),
        (2, -7.0),
    ];
    let graph = decisions(&thresholds);
    let program = compile(&graph, &calibrated(&graph)).expect("compiles");
    assert_eq!(program.tables.len(), 1);
    for sample in wide_samples() {
        let integers = quantize_inputs(&program, &sample).expect("in range");
        let real = |row: usize, column: u32| {
            let of = |input: &crate::program::InputDecl| {
                let InputKind::Columns(of) = &input.kind else { panic!("columns") };
                of.columns.iter().position(|c| *c == column).map(|at| (at, of.columns.len()))
            };
            let held = program.inputs.iter().zip(&integers).find_map(|(input, integers)| {
                let (at, width) = of(input)?;
                let unit = program.tensors[input.tensor.0].scale.unit();
                Some(integers.data()[row * width + at] as f64 * unit)
            });
            held.expect("some input has the column")
        };
        let trace = run(&program, &sample).expect("runs");
        let got = trace.outputs(&program)[0].data().to_vec();
        for (e, got) in got.iter().enumerate() {
            let (column, t) = thresholds[e % thresholds.len()];
            let x = real(e / thresholds.len(), column);
            assert_eq!(*got, i64::from(x <= f64::from(t)), "column {column}: {x} and {t}");
        }
    }
}

/// A scaler and a linear layer.
fn scaled() -> Graph {
    let mut w = Writer::default();
    let x = w.input(&[2, 5]);
    let offset = w.constant(row([1000.0, 40.0, 0.001, -0.002, 0.0]));
    let factor = w.constant(row(MAGNITUDES.map(|m| if m == 0.0 { 1.0 } else { 1.5 / m })));
    let moved = w.op(Op::Sub, &[x, offset]);
    let y = w.op(Op::Mul, &[moved, factor]);
    let y = w.linear(y, [5, 3], 7);
    w.output(y);
    w.graph
}

#[test]
fn a_scaler_in_front_of_a_linear_model_keeps_small_columns() {
    let graph = scaled();
    let mut settings = calibrated(&graph);
    let error = |settings: &Settings| {
        let compiled = compile_with_sources(&graph, settings).expect("compiles");
        let report = Report::new(&graph, &compiled, &wide_samples(), None).expect("runs");
        assert_eq!(report.rejected.count, 0, "{report}");
        report.outputs[0].errors.max_abs
    };
    assert!(error(&settings) < 0.05, "{}", error(&settings));
    // As one input, all but the income is lost.
    settings.tensors.get_mut("v0").expect("there").columns.clear();
    assert!(error(&settings) > 0.5, "{}", error(&settings));
}

#[test]
fn what_mixes_columns_is_not_split() {
    let mut w = Writer::default();
    let x = w.input(&[2, 5]);
    let y = w.linear(x, [5, 3], 7);
    w.output(y);
    assert!(calibrated(&w.graph).tensors["v0"].columns.is_empty());
    // Nor one that a factor for all of it is the first to read.
    let mut w = Writer::default();
    let x = w.input(&[2, 5]);
    let half = w.constant(Tensor::scalar(0.5));
    let y = w.op(Op::Mul, &[x, half]);
    w.output(y);
    assert!(calibrated(&w.graph).tensors["v0"].columns.is_empty());
    // Nor columns within 4 times.
    let graph = decisions(&[(2, 0.0), (3, 0.0)]);
    let near = |v: f32| {
        vec![Tensor::new(shape(&[2, 5]), [4.0, 3.0, 2.0, -1.5, v].repeat(2)).expect("ten")]
    };
    let options = CalibrationOptions::default();
    for (least, split) in [(1.01, false), (1.0, true)] {
        let settings = calibrate(&graph, &[near(least)], &options).expect("calibrates");
        assert_eq!(!settings.tensors["v0"].columns.is_empty(), split, "{least}");
    }
}

#[test]
fn settings_of_columns_are_checked_and_a_scale_by_hand_is_for_all() {
    let graph = decisions(&[(0, 1.0)]);
    let settings = calibrated(&graph);
    let with = |change: fn(&mut TensorSettings)| {
        let mut settings = settings.clone();
        change(settings.tensors.get_mut("v0").expect("there"));
        compile(&graph, &settings)
    };
    let refused = |change| matches!(with(change), Err(QuantError::Setting { .. }));
    assert!(refused(|x| x.columns.truncate(4)));
    assert!(refused(|x| x.columns[1] = [2.0, 1.0]));
    assert!(refused(|x| x.columns[1] = [0.0, f64::INFINITY]));
    assert_eq!(with(|x| x.scale = Some(-8)).expect("compiles").inputs[0].kind, InputKind::Real);
    assert_eq!(with(|x| x.columns.clear()).expect("compiles").inputs.len(), 1);
    assert_eq!(with(|_| ()).expect("compiles").inputs.len(), 3);
    let text = serde_json::to_string(&settings).expect("writes");
    assert_eq!(serde_json::from_str::<Settings>(&text).expect("reads"), settings);
}
