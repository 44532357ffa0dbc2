//! Quantised models keep their scales, and are exact but next to ties.

use super::*;
use crate::pass::optimise;

/// Steps of a QuantizeLinear to int8.
fn quantize(scale: f32, zero: f32) -> Op {
    Op::Activation(Activation::Quantize { scale, zero, min: -128.0, max: 127.0 })
}

impl Writer {
    fn number(&mut self, value: f32) -> ValueId {
        self.constant(Tensor::scalar(value))
    }

    /// `(q - zero) scale`.
    fn dequantize(&mut self, q: ValueId, scale: f32, zero: f32) -> ValueId {
        let zero = self.number(zero);
        let steps = self.op(Op::Sub, &[q, zero]);
        let scale = self.number(scale);
        self.op(Op::Mul, &[steps, scale])
    }
}

/// Whole numbers of int8.
fn whole(dims: &[usize], seed: u64) -> Tensor<f32> {
    random(dims, seed).map(|v| (v * 128.0).floor())
}

/// What the program computes of its only input, and the program.
fn compiled(graph: &Graph, sample: &Tensor<f32>) -> (Program, Vec<i64>) {
    let samples = [vec![sample.clone()]];
    let options = CalibrationOptions::default();
    let settings = calibrate(graph, &samples, &options).expect("runs");
    let program = compile(graph, &settings).expect("compiles");
    let inputs = integer::quantize_inputs(&program, &samples[0]).expect("in range");
    let trace = integer::run(&program, &inputs).expect("in range");
    let output = trace.outputs(&program).remove(0).into_data();
    (program, output)
}

/// The only step with a table, its shift, and the bits after the point of its accumulator.
fn step(program: &Program, weights: &[f64]) -> (u8, i32) {
    let affine = program.tensors.iter().rev().find_map(|tensor| match &tensor.step {
        Step::Affine(affine) if affine.table.is_some() => Some(affine),
        _ => None,
    });
    let affine = affine.expect("a table");
    let largest = |v: &mut dyn Iterator<Item = f64>| v.fold(0.0, |most, v| f64::max(most, v.abs()));
    let Term::Contract { weight, .. } = &affine.terms[0] else { panic!("{affine:?}") };
    let integers = largest(&mut weight.data().iter().map(|w| f64::from(*w)));
    let ratio = integers / largest(&mut weights.iter().copied());
    (affine.shift, libm::log2(ratio).round() as i32)
}

/// The definition, in double precision.
fn rounded(t: f64, zero: f64) -> f64 {
    (libm::rint(t) + zero).clamp(-128.0, 127.0)
}

/// Layers of int8 with a scale for each channel: every result is that of ONNX unless its argument is
/// closer to a tie than the bound says, and then it is the other number beside it.
#[test]
fn layers_are_exact_but_next_to_ties() {
    let (rows, inner, columns) = (64, 40, 16);
    let (mut near, mut other) = (0, 0);
    for seed in 0..4 {
        let (x_scale, y_scale, x_zero, y_zero) = (0.037f32, 0.41f32, 5.0f32, -7.0f32);
        let weights = whole(&[inner, columns], 10 + seed);
        let channel: Vec<f32> = (0..columns).map(|c| 0.003 + 0.0007 * c as f32).collect();
        let real = weights.data().iter().enumerate().map(|(i, w)| w * channel[i % columns]);
        let real: Vec<f32> = real.collect();
        let bias: Vec<f32> = noise(20 + seed, columns).iter().map(|b| b * 3.0).collect();

        let mut w = Writer::default();
        let q = w.whole(&[rows, inner]);
        let x = w.dequantize(q, x_scale, x_zero);
        let matrix = Tensor::new(shape(&[inner, columns]), real.clone()).expect("its length");
        let matrix = w.constant(matrix);
        let product = w.op(Op::MatMul, &[x, matrix]);
        let added = w.constant(Tensor::new(shape(&[columns]), bias.clone()).expect("its length"));
        let sum = w.op(Op::Add, &[product, added]);
        let relu = w.op(Op::Activation(Activation::Relu), &[sum]);
        let y = w.op(quantize(y_scale, y_zero), &[relu]);
        w.graph.output("y", y);
        let graph = optimise(w.graph).expect("valid");

        let sample = whole(&[rows, inner], 30 + seed);
        let (program, output) = compiled(&graph, &sample);
        let steps = f64::from(x_scale) / f64::from(y_scale);
        let in_steps: Vec<f64> = real.iter().map(|w| f64::from(*w) * steps).collect();
        let (shift, accumulator) = step(&program, &in_steps);
        assert_eq!(accumulator, i32::from(shift), "whole steps");
        for (i, got) in output.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            let centred = |k: usize| f64::from(sample.data()[row * inner + k] - x_zero);
            let product: f64 =
                (0..inner).map(|k| centred(k) * in_steps[k * columns + column]).sum();
            let t = product + f64::from(bias[column]) / f64::from(y_scale);
            let magnitude: f64 = (0..inner).map(|k| centred(k).abs() + 5.0).sum();
            // Weights and biases of the graph are rounded to floats.
            let floats = libm::ldexp(magnitude, -20);
            let bound = libm::ldexp(1.0 + magnitude, -accumulator - 1) + floats;
            let expected = rounded(t.max(0.0), f64::from(y_zero));
            let tie = (t - libm::floor(t) - 0.5).abs();
            let error = (*got as f64 - expected).abs();
            near += usize::from(tie <= bound);
            other += usize::from(error > 0.0);
            assert!(error == 0.0 || (error == 1.0 && tie <= bound), "{t}: {got}, not {expected}");
        }
    }
    // The bound is not empty, nor all there is.
    assert!(other > 0 && near < 4096 / 5, "{other} of {near} near ties");
    assert!(other < 4096 / 50, "{other} are next to what they should be");
}

/// Functions of one quantised tensor are tables of all it can hold.
#[test]
fn functions_between_two_roundings_are_exact() {
    for (name, f) in [
        ("sigmoid", Some(Activation::Sigmoid)),
        ("swish", Some(Activation::Silu)),
        ("another scale", None),
    ] {
        let mut w = Writer::default();
        let x = w.input(&[256]);
        let q = w.op(quantize(0.05, 3.0), &[x]);
        let mut real = w.dequantize(q, 0.05, 3.0);
        if let Some(f) = &f {
            real = w.op(Op::Activation(f.clone()), &[real]);
        }
        let y = w.op(quantize(0.021, -10.0), &[real]);
        w.graph.output("y", y);
        let graph = optimise(w.graph).expect("valid");
        let all: Vec<f32> = (-128..128).map(|q| (q as f32 - 3.0) * 0.05).collect();
        let sample = Tensor::new(shape(&[256]), all).expect("its length");
        let (_, output) = compiled(&graph, &sample);
        for (q, got) in (-128i16..128).zip(&output) {
            let real = f64::from(q - 3) * f64::from(0.05f32);
            let value = f.as_ref().map_or(real, |f| f.eval(real));
            let expected = rounded(value / f64::from(0.021f32), -10.0);
            assert_eq!(*got as f64, expected, "{name} of {q}");
        }
    }
}

/// Averages at one scale are exact, and in the middle go to the even number.
#[test]
fn averages_of_one_scale_round_to_even() {
    let mut w = Writer::default();
    let x = w.whole(&[64, 4]);
    let q = w.op(quantize(1.0, 0.0), &[x]);
    let real = w.dequantize(q, 0.3, 4.0);
    let quarters = Tensor::new(shape(&[4, 1]), vec![0.25; 4]).expect("its length");
    let quarters = w.constant(quarters);
    let mean = w.op(Op::MatMul, &[real, quarters]);
    let y = w.op(quantize(0.3, 4.0), &[mean]);
    w.graph.output("y", y);
    let graph = optimise(w.graph).expect("valid");
    let sample = whole(&[64, 4], 3);
    let (_, output) = compiled(&graph, &sample);
    let mut ties = 0;
    for (row, got) in sample.data().chunks(4).zip(&output) {
        let t = (f64::from(row.iter().sum::<f32>()) - 16.0) / 4.0;
        ties += usize::from(t.fract().abs() == 0.5);
        assert_eq!(*got as f64, rounded(t, 4.0), "{t}");
    }
    assert!(ties > 8, "{ties} ties");
}

/// Another rounding to the same scale changes nothing, also after views, maxima and a concatenation.
#[test]
fn roundings_to_the_same_scale_vanish() {
    let mut w = Writer::default();
    let x = w.input(&[1, 1, 4, 4]);
    let q = w.op(quantize(0.1, 0.0), &[x]);
    let real = w.dequantize(q, 0.1, 0.0);
    let window = crate::ir::Window {
        height: crate::ir::Axis::convolution(4, 2, 2, (2, 1), 0),
        width: crate::ir::Axis::convolution(4, 2, 2, (2, 1), 0),
    };
    let pool = w.op(Op::MaxPool(window), &[real]);
    let again = w.op(quantize(0.1, 0.0), &[pool]);
    let real = w.dequantize(again, 0.1, 0.0);
    let flat = w.op(Op::Reshape(shape(&[4])), &[real]);
    let both = w.op(Op::Concat { axis: 0 }, &[flat, flat]);
    let third = w.op(quantize(0.1, 0.0), &[both]);
    w.graph.output("y", third);
    let graph = optimise(w.graph).expect("valid");
    let roundings = graph.nodes().iter().filter(|node| {
        matches!(node.op, Op::Activation(Activation::Quantize { .. } | Activation::Clip { .. }))
    });
    assert_eq!(roundings.count(), 1, "{:?}", graph.nodes());
    let sample = random(&[1, 1, 4, 4], 5);
    let (_, output) = compiled(&graph, &sample);
    let trace = float::run(&graph, &[sample]).expect("runs");
    let expected: Vec<i64> = trace.outputs()[0].data().iter().map(|v| *v as i64).collect();
    assert_eq!(output, expected);
}

/// What several nodes read of a quantised tensor is not rounded to a power of two on the way.
#[test]
fn shared_multiples_of_whole_numbers_are_not_stored() {
    let mut w = Writer::default();
    let q = w.whole(&[8, 4]);
    let q = w.op(quantize(1.0, 0.0), &[q]);
    let real = w.dequantize(q, 0.3, 2.0);
    let weights = w.constant(random(&[4, 4], 1));
    let product = w.op(Op::MatMul, &[real, weights]);
    let sum = w.op(Op::Add, &[product, real]);
    let y = w.op(quantize(0.25, 0.0), &[sum]);
    w.graph.output("y", y);
    let sample = whole(&[8, 4], 2);
    for graph in [w.graph.clone(), optimise(w.graph).expect("valid")] {
        let (program, _) = compiled(&graph, &sample);
        // The input, its whole numbers, the result.
        assert!(program.tensors.len() <= 3, "{} tensors", program.tensors.len());
    }
}

/// Arguments far outside of what a narrower table would hold are clipped, not an error.
#[test]
fn what_was_calibrated_saturates() {
    let mut w = Writer::default();
    let x = w.input(&[4]);
    let y = w.op(quantize(0.01, 0.0), &[x]);
    w.graph.output("y", y);
    let sample = Tensor::new(shape(&[4]), vec![-3.0, -1.28, 1.274, 3.0]).expect("its length");
    let (_, output) = compiled(&w.graph, &sample);
    assert_eq!(output, [-128, -128, 127, 127]);
}
