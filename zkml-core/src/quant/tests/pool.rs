//! Max pools: bit for bit the maximum, whatever the window.

use super::{
    convolution::{conv, dilated, square},
    *,
};
use crate::{
    exec::integer::Executor,
    ir::{Axis, Window},
};

/// Runs a pool of integers, ties and all, against the maximum of what each window meets.
fn exact(dims: &[usize; 4], window: Window, seed: u64, sign: Option<Activation>) -> Compiled {
    let mut w = Writer::default();
    let x = w.input(dims);
    let operand = match sign {
        None => x,
        Some(ref f) => w.op(Op::Activation(f.clone()), &[x]),
    };
    let y = w.op(Op::MaxPool(window), &[operand]);
    w.output(y);
    let samples = samples(&w.graph, 3);
    let settings = calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
    let compiled = compile_with_sources(&w.graph, &settings).expect("compiles");
    let program = &compiled.program;
    let executor = Executor::new(program).expect("well-formed");
    let bits = program.tensors[0].bits;
    let any = noise(seed, dims.iter().product());
    // All of the range; few values, so many ties; and one value.
    for spread in [bits.max() as f32, 2.0, 0.0] {
        let integers: Vec<i64> = any.iter().map(|v| (v * spread).floor() as i64).collect();
        for shift in [0, bits.min(), bits.max()] {
            let data = integers.iter().map(|v| (v + shift).clamp(bits.min(), bits.max())).collect();
            let input = Tensor::new(shape(dims), data).expect("its length");
            let trace = executor.run(&[input]).expect("in range");
            let read = match sign {
                None => 0,
                Some(_) => 1,
            };
            let operand: Vec<i64> =
                trace.tensors[read].values().iter().map(|v| i64::from(*v)).collect();
            let got = trace.outputs(program).remove(0);
            assert_eq!(got.data(), maximum(&operand, dims, &window), "{window:?}");
            assert_eq!(program.tensors[read].scale, program.tensors.last().expect("some").scale);
        }
    }
    compiled
}

fn maximum(x: &[i64], dims: &[usize; 4], window: &Window) -> Vec<i64> {
    let (height, width) = (dims[2], dims[3]);
    let mut out = Vec::new();
    for plane in x.chunks(height * width) {
        for row in 0..window.height.output {
            for column in 0..window.width.output {
                let met = window.meets((row, column)).map(|(_, (h, w))| plane[h * width + w]);
                out.push(met.max().expect("each window meets something"));
            }
        }
    }
    out
}

#[test]
fn a_pool_is_a_chain_that_shares_the_table_of_its_operand() {
    let window = square(conv(6, 2, 2, 0));
    let compiled = exact(&[1, 3, 6, 6], window, 1, Some(Activation::Relu));
    assert_eq!(
        kinds(&compiled.program),
        [
            "input",
            "scale>table",
            "correlate>table",
            "correlate+correlate>table",
            "correlate+correlate+scale"
        ]
    );
    assert_eq!(compiled.program.tables.len(), 1);
    let program = &compiled.program;
    assert!(program.tensors[1..].iter().all(|t| t.bits == program.tensors[1].bits));
    assert!(program.tensors[2..].iter().all(|t| shift(t) == Some(0) && t.origin.node == "v2"));
    let stands: Vec<bool> = compiled.sources.iter().map(|s| s.view.is_some()).collect();
    assert_eq!(stands, [true, true, false, false, true]);
    // A signed operand needs one more bit.
    let compiled = exact(&[1, 3, 6, 6], window, 1, None);
    assert_eq!(compiled.program.tensors[1].bits.get(), compiled.program.tensors[0].bits.get() + 1);
}

#[test]
fn pools_of_pads_and_of_one_axis() {
    let one = Axis::identity(1);
    for (dims, window) in [
        ([1, 2, 5, 5], square(conv(5, 3, 2, 1))),
        // ceil_mode: the last window starts in the input and ends outside.
        ([1, 2, 5, 5], square(Axis::convolution(5, 3, 2, (2, 1), 0))),
        ([2, 1, 1, 9], Window { height: one, width: conv(9, 3, 1, 1) }),
        ([2, 3, 4, 5], Window { height: conv(4, 4, 1, 0), width: conv(5, 5, 1, 0) }),
        ([1, 2, 7, 7], square(dilated(7, 3, (1, 2), (2, 1)))),
        ([1, 2, 5, 4], Window { height: conv(5, 1, 2, 0), width: conv(4, 2, 2, 0) }),
        ([1, 2, 5, 4], Window { height: conv(5, 1, 2, 0), width: conv(4, 1, 3, 0) }),
    ] {
        for sign in [None, Some(Activation::Relu), Some(Activation::Tanh)] {
            exact(&dims, window, 7, sign);
        }
    }
}

#[test]
fn taps_that_meet_nothing_cost_nothing_and_long_chains_are_refused() {
    let wide = Axis::convolution(2, 1, 3000, (1, 1), 2000);
    let compiled = exact(&[1, 1, 1, 2], Window { height: Axis::identity(1), width: wide }, 3, None);
    assert_eq!(kinds(&compiled.program), ["input", "correlate>table", "correlate+scale"]);

    let mut w = Writer::default();
    let x = w.input(&[1, 1, 1, 5000]);
    let width = Axis::convolution(5000, 1, 5000, (1, 1), 0);
    let y = w.op(Op::MaxPool(Window { height: Axis::identity(1), width }), &[x]);
    w.output(y);
    assert!(
        matches!(refused(&w.graph), QuantError::Unsupported { origin, .. } if origin.node == "v1")
    );
}

#[test]
fn a_pool_of_a_pool_keeps_the_range_of_the_first() {
    let mut w = Writer::default();
    let x = w.input(&[1, 2, 8, 8]);
    let h = w.relu(x);
    let h = w.op(Op::MaxPool(square(conv(8, 3, 1, 1))), &[h]);
    let y = w.op(Op::MaxPool(square(conv(8, 3, 2, 1))), &[h]);
    w.output(y);
    let program = close(&w.graph).program;
    // No value is negative: one width, one table, no bias for the pads.
    assert_eq!(program.tables.len(), 1);
    assert!(program.tensors.iter().all(|t| t.bits == program.tensors[0].bits));
    assert!(kinds(&program).iter().all(|kind| !kind.contains("bias")), "{:?}", kinds(&program));
}

#[test]
fn a_pool_fuses_with_what_follows() {
    let mut w = Writer::default();
    let x = w.input(&[1, 2, 6, 6]);
    let other = w.input(&[1, 2, 3, 3]);
    let h = w.op(Op::MaxPool(square(conv(6, 3, 2, 1))), &[x]);
    let h = w.channels(Op::Mul, h, 1);
    let h = w.op(Op::Sub, &[other, h]);
    let h = w.channels(Op::Add, h, 2);
    let h = w.relu(h);
    let g = w.op(Op::MaxPool(square(conv(3, 3, 1, 0))), &[h]);
    let y = w.relu(g);
    w.output(y);
    let compiled = close(&w.graph);
    let kinds = kinds(&compiled.program);
    assert_eq!(kinds.len(), 2 + 4 + 1 + 4 + 1);
    assert_eq!(kinds[6], "correlate+correlate+scale+scale+bias>table");
}

#[test]
fn widths_leave_room_for_differences() {
    for (f, limit) in [(None, 15), (Some(Activation::Tanh), 14), (Some(Activation::Relu), 16)] {
        let mut w = Writer::default();
        let x = w.input(&[1, 1, 4, 4]);
        let h = f.clone().map_or(x, |f| w.op(Op::Activation(f), &[x]));
        let y = w.op(Op::MaxPool(square(conv(4, 3, 1, 1))), &[h]);
        w.output(y);
        let samples = samples(&w.graph, 2);
        let options = CalibrationOptions { bits: 16, ..Default::default() };
        let mut settings = calibrate(&w.graph, &samples, &options).expect("ranges");
        let program = compile(&w.graph, &settings).expect("compiles");
        assert_eq!(program.tensors[usize::from(f.is_some())].bits.get(), limit);
        // By hand, what does not fit is an error of the pool.
        if limit < 16 {
            let name = w.graph.get(h).name.clone();
            let name = if f.is_some() { w.graph.get(x).name.clone() } else { name };
            settings.tensors.get_mut(&name).expect("known").bits = Some(16);
            if f.is_some() {
                continue;
            }
            let error = compile(&w.graph, &settings).expect_err("17 bits");
            assert!(matches!(error, QuantError::Unsupported { .. }), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn random_pools_are_the_maximum(
        batch in 1usize..3,
        channels in 1usize..3,
        axes in prop::array::uniform2((1usize..8, 1usize..5, 1usize..4, 1usize..4, 0usize..4, 0usize..6)),
        sign in prop::sample::select(vec![None, Some(Activation::Relu), Some(Activation::Tanh)]),
        seed in 0u64..1_000_000,
    ) {
        let axis = |(input, kernel, stride, dilation, before, after): (usize, usize, usize, usize, usize, usize)| {
            let span = dilation * (kernel - 1);
            let output = (input + before + after).checked_sub(span + 1)? / stride + 1;
            let axis = Axis::convolution(input, output, kernel, (stride, dilation), before as i64);
            let met = |o| (0..kernel).any(|t| axis.input_at(o, t).is_some());
            (0..output).all(met).then_some(axis)
        };
        let (Some(height), Some(width)) = (axis(axes[0]), axis(axes[1])) else { return Ok(()) };
        exact(&[batch, channels, height.input, width.input], Window { height, width }, seed, sign);
    }
}

#[test]
fn a_pool_reads_any_view() {
    // Zeros around, channels last, and a tensor of no negative value whose holes are its least.
    for sign in [None, Some(Activation::Relu), Some(Activation::Clip { min: 0.2, max: 0.9 })] {
        let mut w = Writer::default();
        let x = w.input(&[1, 5, 4, 2]);
        let h = sign.clone().map_or(x, |f| w.op(Op::Activation(f), &[x]));
        let h = w.op(Op::Transpose(vec![0, 3, 1, 2]), &[h]);
        let begin = vec![0, 0, 1, 0];
        let h = w.op(Op::Pad { begin, end: vec![0, 0, 0, 2], value: 0.0 }, &[h]);
        let window = square(dilated(6, 3, (2, 1), (1, 1)));
        let h = w.op(Op::MaxPool(window), &[h]);
        let y = w.op(Op::Transpose(vec![0, 2, 3, 1]), &[h]);
        w.output(y);
        let compiled = close(&w.graph);
        let program = &compiled.program;
        // As exact as the operand: the errors of the result are some of those of the operand.
        let samples = samples(&w.graph, 3);
        let report = Report::new(&w.graph, &compiled, &samples, None).expect("runs");
        let operand = usize::from(sign.is_some());
        assert_eq!(program.tensors[operand].scale, program.tensors.last().expect("some").scale);
        assert!(report.max_error() <= report.layers[operand].errors.max_abs);
    }
}
