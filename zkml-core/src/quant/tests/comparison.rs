//! Comparisons are those of the quantised numbers, at the threshold and one unit to each side.

use super::*;
use crate::{exec::integer::quantize_inputs, program::Scale};

type Mode = (Activation, fn(f64) -> bool);

const MODES: [Mode; 3] = [
    (Activation::IsPositive, |v| v > 0.0),
    (Activation::IsNonNegative, |v| v >= 0.0),
    (Activation::IsZero, |v| v == 0.0),
];

/// `f(x - t)`, or `f(t - x)`, with a threshold for each element; ranges are those of [-4, 4].
fn thresholds(f: &Activation, thresholds: &[f32], flipped: bool) -> (Graph, Settings) {
    let mut w = Writer::default();
    let x = w.input(&[thresholds.len()]);
    let t = Tensor::new(shape(&[thresholds.len()]), thresholds.to_vec()).expect("its length");
    let t = w.constant(t);
    let operands = if flipped { [t, x] } else { [x, t] };
    let difference = w.op(Op::Sub, &operands);
    let y = w.op(Op::Activation(f.clone()), &[difference]);
    w.output(y);
    let sample = |v: f32| vec![Tensor::new(shape(&[thresholds.len()]), vec![v; thresholds.len()])];
    let sample = |v: f32| sample(v).into_iter().map(|t| t.expect("its length")).collect();
    let options = CalibrationOptions { bits: 7, headroom: 0.0, ..Default::default() };
    let samples: Vec<Vec<_>> = vec![sample(-3.9), sample(3.9)];
    (w.graph.clone(), calibrate(&w.graph, &samples, &options).expect("calibrates"))
}

#[test]
fn every_input_is_on_the_right_side_of_every_threshold() {
    let unit = 1.0 / 16.0;
    // On the grid, between its points, next to them in f32, and beyond what any input can be.
    let mut at = vec![0.0, 1.25, -1.25, 1.28, -1.28, 3.9375, -4.0, 100.0, -100.0, 1e30, -1e30];
    at.extend([1.25f32.next_up(), 1.25f32.next_down(), (-1.25f32).next_up(), f32::MIN_POSITIVE]);
    for (f, holds) in MODES {
        for flipped in [false, true] {
            let (graph, settings) = thresholds(&f, &at, flipped);
            let program = compile(&graph, &settings).expect("compiles");
            assert_eq!(program.tensors[0].scale, Scale(4), "what is tested are units of 2^-4");
            assert_eq!(shift(&program.tensors[1]), Some(0));
            for units in -64..64 {
                let x = units as f32 * unit;
                let input = Tensor::new(shape(&[at.len()]), vec![x; at.len()]).expect("its length");
                let trace = run(&program, &[input]).expect("no difference is out of range");
                for (got, t) in trace.outputs(&program)[0].data().iter().zip(&at) {
                    let difference = f64::from(x) - f64::from(*t);
                    let difference = if flipped { -difference } else { difference };
                    let expected = i64::from(holds(difference));
                    assert_eq!(*got, expected, "{f} at {x} of {t}, flipped: {flipped}");
                }
            }
        }
    }
}

#[test]
fn wide_comparisons_have_small_tables_and_the_same_signs() {
    let at = [0.0f32, 3.0, -2.5, 1.0 / 3.0, 4.0, -4.0, 1e9, -1e9];
    for (f, holds) in MODES {
        for flipped in [false, true] {
            let (graph, mut settings) = thresholds(&f, &at, flipped);
            settings.default_bits = 13;
            let program = compile(&graph, &settings).expect("compiles");
            let rows = program.tables[0].values.len();
            // Equality is of the differences themselves.
            assert_eq!(rows < 300, f != Activation::IsZero, "{f}: {rows} rows");
            let unit = program.tensors[0].scale.unit();
            let near =
                at.iter().flat_map(|t| (-3..=3).map(|d| (f64::from(*t) / unit).floor() as i64 + d));
            let ends = [-4096, -4095, 4094, 4095];
            for units in near.chain(ends).filter(|units| (-4096..4096).contains(units)) {
                let x = units as f64 * unit;
                let input =
                    Tensor::new(shape(&[at.len()]), vec![x as f32; at.len()]).expect("its length");
                let trace = run(&program, &[input]).expect("no difference is out of range");
                for (got, t) in trace.outputs(&program)[0].data().iter().zip(&at) {
                    let difference = x - f64::from(*t);
                    let difference = if flipped { -difference } else { difference };
                    assert_eq!(*got, i64::from(holds(difference)), "{f} at {x} of {t}: {flipped}");
                }
            }
        }
    }
}

#[test]
fn factors_and_offsets_before_a_comparison_move_its_threshold() {
    // (x - 1.5) 0.3 > 0.21 is x > 2.2; -2 x >= 1 is x <= -0.5; 0 x >= 0 always, 0 x > 0 never.
    let mut w = Writer::default();
    let x = w.input(&[4]);
    let row = |v: [f32; 4]| Tensor::new(shape(&[4]), v.to_vec()).expect("four");
    let offset = w.constant(row([1.5, 0.0, 0.0, 0.0]));
    let factor = w.constant(row([0.3, -2.0, 0.0, 1.0]));
    let t = w.constant(row([0.21, 1.0, 0.0, 0.7]));
    let moved = w.op(Op::Sub, &[x, offset]);
    let scaled = w.op(Op::Mul, &[moved, factor]);
    let difference = w.op(Op::Sub, &[scaled, t]);
    let y = w.op(Op::Activation(Activation::IsNonNegative), &[difference]);
    w.output(y);
    let (_, Compiled { program, .. }) = compiled(&w.graph, 8);
    let scale = program.tensors[0].scale;
    for units in -128..128 {
        let v = units as f64 * scale.unit();
        let input = row([v as f32; 4]);
        assert_eq!(
            quantize_inputs(&program, std::slice::from_ref(&input)).expect("in range")[0].data()[0],
            units
        );
        let expected = [
            (v - 1.5) * f64::from(0.3f32) >= f64::from(0.21f32),
            v <= -0.5,
            true,
            v >= f64::from(0.7f32),
        ];
        let expected: Vec<i64> = expected.map(i64::from).to_vec();
        assert_eq!(
            run(&program, &[input]).expect("runs").outputs(&program)[0].data(),
            expected,
            "at {v}"
        );
    }
}

#[test]
fn differences_of_tensors_are_compared_as_integers() {
    for (f, holds) in MODES {
        let mut w = Writer::default();
        let (a, b) = (w.input(&[1]), w.input(&[1]));
        let difference = w.op(Op::Sub, &[a, b]);
        let y = w.op(Op::Activation(f.clone()), &[difference]);
        w.output(y);
        let one = |v: f32| Tensor::new(shape(&[1]), vec![v]).expect("one");
        // Scales 2^-5 and 2^-7.
        let samples = vec![vec![one(0.9), one(0.2)], vec![one(-0.9), one(-0.2)]];
        let options = CalibrationOptions { bits: 6, headroom: 0.0, ..Default::default() };
        let settings = calibrate(&w.graph, &samples, &options).expect("calibrates");
        let program = compile(&w.graph, &settings).expect("compiles");
        let scales = [0, 1].map(|i| program.tensors[i].scale);
        assert!(scales[0] < scales[1], "{scales:?}");
        for a in -32..32i32 {
            for b in -32..32i32 {
                let [a, b] = [(a, scales[0]), (b, scales[1])].map(|(v, s)| f64::from(v) * s.unit());
                let trace = run(&program, &[one(a as f32), one(b as f32)]).expect("runs");
                assert_eq!(
                    trace.outputs(&program)[0].data()[0],
                    i64::from(holds(a - b)),
                    "{f}: {a}, {b}"
                );
            }
        }
    }
}

#[test]
fn comparisons_of_one_kind_share_a_table() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3]);
    let t = w.constant(Tensor::scalar(0.25));
    let difference = w.op(Op::Sub, &[x, t]);
    let bits = w.op(Op::Activation(Activation::IsNonNegative), &[difference]);
    // Two of three: a comparison of whole numbers.
    let ones = w.constant(Tensor::new(shape(&[3, 1]), vec![1.0; 3]).expect("three"));
    let count = w.op(Op::MatMul, &[bits, ones]);
    let two = w.constant(Tensor::scalar(2.0));
    let over = w.op(Op::Sub, &[count, two]);
    let most = w.op(Op::Activation(Activation::IsNonNegative), &[over]);
    w.output(most);
    let (_, Compiled { program, .. }) = compiled(&w.graph, 8);
    assert_eq!(program.tables.len(), 1, "{:?}", program.tables);
    let x = |v: [f32; 6]| Tensor::new(shape(&[2, 3]), v.to_vec()).expect("six");
    let of = |v| run(&program, &[x(v)]).expect("runs").outputs(&program)[0].data().to_vec();
    assert_eq!(of([0.5, 0.5, 0.0, 0.5, 0.0, 0.0]), [1, 0]);
    // Neither all nor none of three, which no sample need have shown.
    assert_eq!(of([0.5; 6]), [1, 1]);
    assert_eq!(of([-0.5; 6]), [0, 0]);
}

#[test]
fn an_operand_of_sixteen_bits_by_hand_is_refused_where_its_differences_have_more() {
    let (graph, mut settings) = thresholds(&Activation::IsPositive, &[3.0], false);
    let x = graph.get(graph.inputs()[0]).name.clone();
    settings.tensors.get_mut(&x).expect("there").bits = Some(16);
    let error = compile(&graph, &settings).expect_err("17 bits");
    assert!(error.to_string().contains("give the operand fewer bits"), "{error}");
    settings.tensors.get_mut(&x).expect("there").bits = Some(15);
    compile(&graph, &settings).expect("16 bits");
    // By default it is left room.
    settings.tensors.get_mut(&x).expect("there").bits = None;
    settings.default_bits = 16;
    let program = compile(&graph, &settings).expect("16 bits");
    assert_eq!(program.tensors[0].bits.get(), 15);
}
