//! Maxima along an axis, masks and softmaxes.

use super::*;

fn softmax(w: &mut Writer, x: ValueId, keep: Option<ValueId>, axis: usize) -> ValueId {
    let operands: Vec<ValueId> = [x].into_iter().chain(keep).collect();
    let e = w.op(Op::ExpShifted { axis }, &operands);
    let dims = w.graph.get(x).shape.dims().to_vec();
    let rank = dims.len();
    let perm: Vec<usize> = (0..rank).filter(|a| *a != axis).chain([axis]).collect();
    let moved = w.op(Op::Transpose(perm.clone()), &[e]);
    let ones = Tensor::new(shape(&[dims[axis], 1]), vec![1.0; dims[axis]]).expect("ones");
    let ones = w.constant(ones);
    let sum = w.op(Op::MatMul, &[moved, ones]);
    let inverse = w.op(Op::Activation(Activation::Reciprocal), &[sum]);
    let product = w.op(Op::Mul, &[moved, inverse]);
    w.op(Op::Transpose(inverse_permutation(&perm)), &[product])
}

#[test]
fn maxima_along_any_axis_are_exact() {
    for (dims, axis) in [
        (&[5][..], 0),
        (&[1], 0),
        (&[3, 2], 1),
        (&[2, 7, 3], 0),
        (&[2, 7, 3], 1),
        (&[2, 3, 8], 2),
        (&[1, 2, 13, 2], 2),
    ] {
        let mut w = Writer::default();
        let x = w.input(dims);
        let y = w.op(Op::ReduceMax { axis }, &[x]);
        let s = w.op(Op::Activation(Activation::Sigmoid), &[y]);
        w.output(y);
        w.output(s);
        let program = close(&w.graph).program;
        for inputs in samples(&w.graph, 6) {
            let trace = run(&program, &inputs).expect("in range");
            let x: Vec<i64> = trace.tensors[0].x.iter().map(|v| i64::from(*v)).collect();
            let count = dims[axis];
            let inner: usize = dims[axis + 1..].iter().product();
            let of = |row: usize| {
                let first = row / inner * inner * count + row % inner;
                (0..count).map(|i| x[first + i * inner]).max().expect("some")
            };
            let expected: Vec<i64> = (0..x.len() / count).map(of).collect();
            assert_eq!(trace.outputs(&program)[0].data(), expected);
        }
        let levels = dims[axis].next_power_of_two().ilog2() as usize;
        let differences = program.tensors.iter().filter(|t| t.origin.op == "ReduceMax").count();
        // And the maximum itself, read twice; of one element it is a copy for the output.
        assert_eq!(differences, levels + usize::from(levels > 0));
    }
}

#[test]
fn a_softmax_of_shifted_scores_is_the_same() {
    let mut w = Writer::default();
    let x = w.input(&[2, 5]);
    let y = softmax(&mut w, x, None, 1);
    w.output(y);
    let (samples, Compiled { program, .. }) = compiled(&w.graph, 10);
    let unit = program.tensors[0].scale.unit() as f32;
    for inputs in &samples {
        let plain = run(&program, inputs).expect("in range").outputs(&program);
        for steps in [-60.0, -1.0, 1.0, 50.0] {
            let moved = inputs[0].map(|v| (v * 0.5 / unit).floor() * unit + steps * unit);
            let base = inputs[0].map(|v| (v * 0.5 / unit).floor() * unit);
            let [moved, base] =
                [moved, base].map(|x| run(&program, &[x]).expect("in range").outputs(&program));
            assert_eq!(moved, base);
        }
        // Rows sum to 1 up to roundings.
        let one = 1.0 / program.tensors[program.outputs[0].view.tensor.0].scale.unit();
        for row in plain[0].data().chunks(5) {
            let sum = row.iter().sum::<i64>() as f64;
            assert!((sum / one - 1.0).abs() < 0.02, "{row:?}");
        }
    }
}

#[test]
fn the_greatest_has_exactly_one_and_ties_are_equal() {
    let mut w = Writer::default();
    let x = w.input(&[1, 4]);
    let e = w.op(Op::ExpShifted { axis: 1 }, &[x]);
    w.output(e);
    let (_, Compiled { program, .. }) = compiled(&w.graph, 10);
    let x = Tensor::new(shape(&[1, 4]), vec![0.5, -0.25, 0.5, 0.499]).expect("four");
    let y = run(&program, &[x]).expect("in range").outputs(&program).remove(0);
    let scale = program.tensors[program.outputs[0].view.tensor.0].scale.0;
    assert_eq!(y.data()[0], 1 << scale);
    assert_eq!(y.data()[2], y.data()[0]);
    assert!(y.data()[1] < y.data()[3] && y.data()[1] > 0);
}

#[test]
fn softmaxes_along_any_axis_are_close_to_float() {
    for (dims, axis) in [(&[2, 3, 5][..], 0), (&[2, 3, 5], 1), (&[2, 3, 5], 2), (&[1, 9], 0)] {
        let mut w = Writer::default();
        let x = w.input(dims);
        let h = w.constant(Tensor::scalar(3.0));
        let x = w.op(Op::Mul, &[x, h]);
        let y = softmax(&mut w, x, None, axis);
        w.output(y);
        close(&w.graph);
    }
}

#[test]
fn masked_weights_are_exactly_0() {
    let mut w = Writer::default();
    let (q, k) = (w.input(&[2, 6, 3]), w.input(&[2, 3, 6]));
    let scores = w.op(Op::MatMul, &[q, k]);
    let keep = w.constant(causal(6));
    let e = w.op(Op::ExpShifted { axis: 2 }, &[scores, keep]);
    w.output(e);
    let program = close(&w.graph).program;
    assert_eq!(kinds(&program)[2], "product+bias>table");
    for inputs in samples(&w.graph, 6) {
        let outputs = run(&program, &inputs).expect("in range").outputs(&program);
        for (e, weight) in outputs[0].data().iter().enumerate() {
            let (row, column) = (e / 6 % 6, e % 6);
            assert_eq!(*weight == 0, column > row, "{row} {column}");
        }
    }
}

#[test]
fn a_mask_given_as_input_drops_what_it_says() {
    let mut w = Writer::default();
    let x = w.input(&[2, 4, 4]);
    let keep = w.whole(&[2, 1, 4]);
    let zero = w.op(Op::Activation(Activation::IsPositive), &[keep]);
    let four = w.constant(Tensor::scalar(4.0));
    let scores = w.op(Op::Mul, &[x, four]);
    let e = w.op(Op::ExpShifted { axis: 2 }, &[scores, zero]);
    let m = w.op(Op::Mask { value: -0.5 }, &[x, zero]);
    w.output(e);
    w.output(m);
    let (mut samples, Compiled { program, .. }) = compiled(&w.graph, 11);
    // A row of which nothing is kept.
    samples[1][1] = Tensor::new(shape(&[2, 1, 4]), vec![0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 5.0, 0.0])
        .expect("eight");
    for inputs in &samples {
        let float = float::run(&w.graph, inputs).expect("runs");
        let trace = run(&program, inputs).expect("in range");
        let real = trace.real_outputs(&program);
        for (output, float) in real.iter().zip(float.outputs()) {
            for (e, (got, expected)) in output.data().iter().zip(float.data()).enumerate() {
                let kept = inputs[1].data()[e / 16 * 4 + e % 4] > 0.0;
                assert!((got - f64::from(*expected)).abs() < 0.01, "{got} for {expected}");
                assert!(kept || *got == f64::from(*expected));
            }
        }
    }
}

#[test]
fn finite_mask_values_keep_their_weight() {
    let mut w = Writer::default();
    let x = w.input(&[1, 5, 5]);
    let keep = w.constant(causal(5));
    let masked = w.op(Op::Mask { value: -3.0 }, &[x, keep]);
    let y = softmax(&mut w, masked, None, 2);
    w.output(y);
    close(&w.graph);
    // Of constants it is linear in what is kept.
    let mut w = Writer::default();
    let keep = w.whole(&[5]);
    let keep = w.op(Op::Activation(Activation::IsZero), &[keep]);
    let constant = w.constant(random(&[5], 3));
    let y = w.op(Op::Mask { value: 0.25 }, &[constant, keep]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "scale>table", "scale+bias"]);
}

#[test]
fn a_row_of_which_nothing_is_kept_is_refused() {
    let mut w = Writer::default();
    let x = w.input(&[3, 3]);
    let keep = w.constant(causal(3).map(|v| 1.0 - v));
    let e = w.op(Op::ExpShifted { axis: 1 }, &[x, keep]);
    w.output(e);
    let QuantError::Unsupported { origin, what } = refused(&w.graph) else { panic!("refused") };
    assert_eq!((origin.node.as_str(), what.contains("row 2")), ("v2", true), "{what}");
}

#[test]
fn attention_is_a_step_for_each_thing_it_computes() {
    let mut w = Writer::default();
    let x = w.input(&[6, 16]);
    let [q, k, v] = [1, 3, 5].map(|seed| {
        let y = w.linear(x, [16, 16], seed);
        let y = w.op(Op::Reshape(shape(&[6, 2, 8])), &[y]);
        w.op(Op::Transpose(vec![1, 0, 2]), &[y])
    });
    let k = w.op(Op::Transpose(vec![0, 2, 1]), &[k]);
    let scores = w.op(Op::MatMul, &[q, k]);
    let half = w.constant(Tensor::scalar(0.5));
    let scores = w.op(Op::Mul, &[scores, half]);
    let keep = w.constant(causal(6));
    let e = w.op(Op::ExpShifted { axis: 2 }, &[scores, keep]);
    let ones = w.constant(Tensor::new(shape(&[6, 1]), vec![1.0; 6]).expect("ones"));
    let sum = w.op(Op::MatMul, &[e, ones]);
    let inverse = w.op(Op::Activation(Activation::Reciprocal), &[sum]);
    let product = w.op(Op::MatMul, &[e, v]);
    let y = w.op(Op::Mul, &[product, inverse]);
    let y = w.op(Op::Transpose(vec![1, 0, 2]), &[y]);
    let y = w.op(Op::Reshape(shape(&[6, 16])), &[y]);
    let y = w.linear(y, [16, 16], 7);
    let y = w.op(Op::Add, &[y, x]);
    w.output(y);
    let program = close(&w.graph).program;
    let expected = [
        "input",
        "contract+bias",
        "contract+bias",
        "product+bias>table",
        // The maximum of six: three levels, and what is left of four views, by the mask's table.
        "scale+scale>table",
        "scale+scale+scale+scale>table",
        "scale+scale+scale+scale+scale>table",
        "scale+scale+scale>table",
        "scale+scale+bias>table",
        "contract>table",
        "contract+bias",
        "product",
        "product",
        "contract+scale+bias",
    ];
    assert_eq!(kinds(&program), expected);
    // Mask, Relu, exponential, reciprocal.
    assert_eq!(program.tables.len(), 4);
}
