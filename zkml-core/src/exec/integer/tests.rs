use super::*;
use crate::{
    ir::{Activation, Axis, Origin, Window},
    program::{Bits, Encoding, ProgramBuilder, Table},
    tensor::Shape,
};

fn encoding(bits: u8, scale: i32, node: &str) -> Encoding {
    Encoding {
        bits: Bits::new(bits).expect("a width"),
        scale: Scale(scale),
        origin: Origin { node: node.into(), op: "Gemm".into(), opset: 13 },
    }
}

fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).expect("small")
}

fn tensor<T>(dims: &[usize], data: Vec<T>) -> Tensor<T> {
    Tensor::new(shape(dims), data).expect("its length")
}

/// `y = Relu(round((x W + 3 x' + b) / 2^s))` of `x` of shape [2, 3], W of shape [3, 2], where `x'`
/// is the first two columns of `x`.
fn small(shift: u8) -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input("x", shape(&[2, 3]), encoding(8, 4, "x"));
    let bits = Bits::new(10).expect("a width");
    let relu = Table::of(&Activation::Relu, bits.range(), 0, Scale(4), Scale(4)).expect("fits");
    let relu = builder.table(relu);
    let columns = View { tensor: x, shape: shape(&[2, 2]), index: Some(vec![0, 1, 3, 4]) };
    let affine = Affine::new(vec![
        Term::Contract {
            view: builder.whole(x),
            weight: tensor(&[3, 2], vec![1, -2, 3, 4, -5, 6]),
        },
        Term::Scale { view: columns, factor: tensor(&[], vec![3]) },
    ])
    .bias(tensor(&[2, 2], vec![7, 0, -9, 1]))
    .shift(shift)
    .table(relu);
    let y = builder.affine(shape(&[2, 2]), encoding(10, 4, "fc"), affine);
    let view = builder.whole(y);
    builder.output("y", view);
    builder.finish().expect("well-formed")
}

#[test]
fn a_small_program_by_hand() {
    let program = small(1);
    let trace = run(&program, &[tensor(&[2, 3], vec![1, 2, 3, -4, 5, 6])]).expect("in range");
    // c = [1+6-15+3+7, -2+8+18+6+0, -4+15-30-12-9, 8+20+36+15+1]
    assert_eq!(trace.tensors[1].x, [1, 15, -20, 40]);
    assert_eq!(trace.tensors[1].r, [1, 1, 1, 1]);
    assert_eq!(trace.tensors[1].y, [1, 15, 0, 40]);
    assert_eq!(trace.tensors[0].values(), [1, 2, 3, -4, 5, 6]);
    assert_eq!(trace.outputs(&program)[0].data(), [1, 15, 0, 40]);
    assert_eq!(trace.real_outputs(&program)[0].data(), [1.0 / 16.0, 15.0 / 16.0, 0.0, 2.5]);
}

#[test]
fn out_of_range_names_node_element_value_and_range() {
    let program = small(0);
    let input = tensor(&[2, 3], vec![0, 0, 0, 0, 127, 127]);
    assert_eq!(
        run(&program, &[input]),
        Err(ExecError::OutOfRange {
            origin: encoding(10, 4, "fc").origin,
            element: 3,
            value: 127 * 4 + 127 * 6 + 127 * 3 + 1,
            min: -512,
            max: 511,
        })
    );
}

#[test]
fn bad_inputs_name_the_input() {
    let program = small(0);
    let error = |input| run(&program, &[input]).expect_err("bad");
    assert!(matches!(
        error(tensor(&[2, 3], vec![0, 0, 0, 0, 128, 0])),
        ExecError::InputRange { name, element: 4, .. } if name == "x"
    ));
    assert!(matches!(error(tensor(&[3, 2], vec![0; 6])), ExecError::InputShape { .. }));
    assert!(matches!(run(&program, &[]), Err(ExecError::InputCount { expected: 1, got: 0 })));
    let real = |v: f32| quantize_inputs(&program, &[tensor(&[2, 3], vec![v; 6])]);
    // 8 bits at scale 4: [-8, 8), halves up, so from -8 - 1/32 on.
    assert_eq!(real(-8.0 - 1.0 / 32.0).expect("in range")[0].data()[0], -128);
    assert!(matches!(real(7.97), Err(ExecError::InputRange { .. })));
    assert!(matches!(real(f32::NAN), Err(ExecError::InputNotFinite { element: 0, .. })));
    assert!(matches!(real(f32::INFINITY), Err(ExecError::InputNotFinite { .. })));
    assert_eq!(real(-3.0 / 32.0).expect("in range")[0].data()[0], -1);
    assert_eq!(real(3.0 / 32.0).expect("in range")[0].data()[0], 2);
}

#[test]
fn requantize_rounds_half_up_for_either_sign() {
    for (c, s, x, r) in
        [(5, 0, 5, 0), (-5, 0, -5, 0), (3, 1, 2, 0), (-3, 1, -1, 0), (-4, 3, 0, 0), (-5, 3, -1, 7)]
    {
        assert_eq!(requantize(c, s), (x, r), "{c} >> {s}");
    }
}

proptest::proptest! {
    #[test]
    fn requantize_solves_its_equation(c in -(1i64 << 62) + 1..1 << 62, s in 0u8..=16) {
        let (x, r) = requantize(c, s);
        let half = (1i128 << s) / 2;
        assert_eq!(i128::from(c), (i128::from(x) << s) + i128::from(r) - half);
        assert!((0..1i64 << s).contains(&r));
    }
}

/// An axis of a convolution or of a transposed one.
fn axis(
    (input, kernel, step, dilation, pad, transposed): (usize, usize, usize, usize, usize, bool),
) -> Option<Axis> {
    let span = dilation * (kernel - 1) + 1;
    let output = if transposed {
        (step * (input - 1) + span).checked_sub(2 * pad)?
    } else {
        (input + 2 * pad).checked_sub(span)? / step + 1
    };
    let make = if transposed { Axis::transposed } else { Axis::convolution };
    (output > 0).then(|| make(input, output, kernel, (step, dilation), pad as i64))
}

proptest::proptest! {
    /// Convolutions by the definition of what meets, over all attributes.
    #[test]
    fn convolutions_follow_their_definition(
        batch in 1usize..3,
        groups in 1usize..4,
        inner in 1usize..3,
        outer in 1usize..3,
        axes in proptest::array::uniform2((1usize..7, 1usize..4, 1usize..4, 1usize..3, 0usize..3, proptest::bool::ANY)),
        seed in 1u64..1_000_000,
    ) {
        let (Some(height), Some(width)) = (axis(axes[0]), axis(axes[1])) else { return Ok(()) };
        let window = Window { height, width };
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as i64 % 128
        };
        let (channels, outputs) = (groups * inner, groups * outer);
        let dims = [batch, channels, height.input, width.input];
        let kernel = [outputs, inner, height.kernel, width.kernel];
        let x = tensor(&dims, (0..dims.iter().product()).map(|_| next()).collect::<Vec<i64>>());
        let weight = tensor(&kernel, (0..kernel.iter().product()).map(|_| next() as i32).collect());
        let mut builder = ProgramBuilder::new();
        let id = builder.input("x", x.shape().clone(), encoding(8, 0, "x"));
        let view = builder.whole(id);
        let term = Term::Correlate { view, weight: weight.clone(), window, groups };
        let out = Shape::new(vec![batch, outputs, height.output, width.output]).expect("small");
        let y = builder.affine(out, encoding(16, 0, "conv"), Affine::new(vec![term]).shift(5));
        let view = builder.whole(y);
        builder.output("y", view);
        let program = builder.finish().expect("well-formed");
        let Ok(trace) = run(&program, std::slice::from_ref(&x)) else { return Ok(()) };
        let mut at = 0;
        for (b, o) in (0..batch).flat_map(|b| (0..outputs).map(move |o| (b, o))) {
            for (row, column) in (0..height.output).flat_map(|r| (0..width.output).map(move |c| (r, c))) {
                let mut sum = 0;
                for c in 0..inner {
                    for ((i, j), (h, w)) in window.meets((row, column)) {
                        let plane = b * channels + o / outer * inner + c;
                        let v = x.data()[(plane * height.input + h) * width.input + w];
                        let k = weight.data()[((o * inner + c) * height.kernel + i) * width.kernel + j];
                        sum += v * i64::from(k);
                    }
                }
                let (expected, r) = requantize(sum, 5);
                proptest::prop_assert_eq!(i64::from(trace.tensors[1].x[at]), expected);
                proptest::prop_assert_eq!(i64::from(trace.tensors[1].r[at]), r);
                at += 1;
            }
        }
        proptest::prop_assert_eq!(at, trace.tensors[1].x.len());
    }
}

#[test]
fn a_product_of_activations_by_hand() {
    let mut builder = ProgramBuilder::new();
    let x = builder.input("x", shape(&[2, 1, 2]), encoding(8, 0, "x"));
    let z = builder.input("z", shape(&[2, 2, 1]), encoding(8, 0, "z"));
    let (left, right) = (builder.whole(x), builder.whole(z));
    let affine = Affine::new(vec![Term::Product { left, right, factor: -3 }])
        .bias(tensor(&[2], vec![10, 20]))
        .shift(2);
    let y = builder.affine(shape(&[2]), encoding(10, 0, "dot"), affine);
    let view = builder.whole(y);
    builder.output("y", view);
    let program = builder.finish().expect("well-formed");
    let inputs = [tensor(&[2, 1, 2], vec![1, 2, 3, -4]), tensor(&[2, 2, 1], vec![5, 6, 7, 8])];
    let trace = run(&program, &inputs).expect("in range");
    // c = [10 - 3 (5 + 12), 20 - 3 (21 - 32)] = [-41, 53].
    assert_eq!(trace.tensors[2].x, [-10, 13]);
    assert_eq!(trace.tensors[2].r, [1, 3]);
}

/// The table of a tensor: `values` from `first` on.
fn squared(first: i32, last: i32) -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input("x", shape(&[2]), encoding(16, 0, "x"));
    let square = builder.table(Table::tabulate("Square", first..=last, |v| v * v));
    let copy = Affine::copy(builder.whole(x)).table(square);
    let s = builder.affine(shape(&[2]), encoding(16, 0, "square"), copy);
    // 2^30 down to 15 bits.
    let y = Affine::copy(builder.whole(s)).shift(16);
    let y = builder.affine(shape(&[2]), encoding(16, 0, "y"), y);
    let view = builder.whole(y);
    builder.output("y", view);
    builder.finish().expect("well-formed")
}

#[test]
fn tables_hold_31_bits_and_refuse_what_is_outside_their_domain() {
    let wide = squared(-32768, 32767);
    let trace = run(&wide, &[tensor(&[2], vec![-32768, 32767])]).expect("the whole range");
    assert_eq!(trace.tensors[1].y, [1 << 30, 32767 * 32767]);
    assert_eq!(trace.tensors[2].x, [1 << 14, 16383]);
    let narrow = squared(-5, 7);
    assert!(run(&narrow, &[tensor(&[2], vec![-5, 7])]).is_ok());
    for value in [-6, 8, 32767, -32768] {
        let origin = encoding(16, 0, "square").origin;
        assert_eq!(
            run(&narrow, &[tensor(&[2], vec![0, value])]),
            Err(ExecError::OutOfRange { origin, element: 1, value, min: -5, max: 7 })
        );
    }
}

proptest::proptest! {
    /// Products in batches, of any views, beside what else a step may hold, by their definition.
    #[test]
    fn products_follow_their_definition(
        dims in proptest::array::uniform4(1usize..6),
        factor in proptest::sample::select(vec![-5, -2, -1, 1, 3]),
        beside in proptest::bool::ANY,
        seed in 1u64..1_000_000,
    ) {
        let [batch, rows, inner, columns] = dims;
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        let mut builder = ProgramBuilder::new();
        let stored = shape(&[7, 3]);
        let x = builder.input("x", stored.clone(), encoding(8, 0, "x"));
        let z = builder.input("z", stored, encoding(8, 0, "z"));
        let mut view = |tensor, dims: &[usize]| {
            let shape = shape(dims);
            let element = |at| if at == 21 { View::HOLE } else { at as u32 };
            let index = (0..shape.len()).map(|_| element(next() % 22)).collect();
            View { tensor, shape, index: Some(index) }
        };
        let left = view(x, &[batch, rows, inner]);
        let right = view([x, z][seed as usize % 2], &[batch, inner, columns]);
        let mut terms = vec![Term::Product { left: left.clone(), right: right.clone(), factor }];
        let contract = view(z, &[batch * rows, 2]);
        let weight = tensor(&[2, columns], (0..2 * columns as i32).map(|w| w - 3).collect());
        if beside {
            terms.push(Term::Contract { view: contract.clone(), weight: weight.clone() });
            terms.push(terms[0].clone());
        }
        let affine = Affine::new(terms).bias(Tensor::scalar(9)).shift(7);
        let y = builder.affine(shape(&[batch * rows * columns]), encoding(16, 0, "y"), affine);
        let whole = builder.whole(y);
        builder.output("y", whole);
        let program = builder.finish().expect("well-formed");
        let values = |salt: i64| (0..21).map(|i| (i * 37 + salt) % 255 - 127).collect::<Vec<i64>>();
        let data = [values(seed as i64), values(5 + seed as i64)];
        let inputs = [tensor(&[7, 3], data[0].clone()), tensor(&[7, 3], data[1].clone())];
        let trace = run(&program, &inputs).expect("at most 2 * 5 * 5 * 2^14 / 2^7");
        let read = |view: &View, at: usize| {
            view.element(at).map_or(0, |at| data[view.tensor.0][at])
        };
        for e in 0..batch * rows * columns {
            let (j, i, b) = (e % columns, e / columns % rows, e / columns / rows);
            let mut c = 9;
            for k in 0..inner {
                let (l, r) = ((b * rows + i) * inner + k, (b * inner + k) * columns + j);
                let times = i64::from(factor) * if beside { 2 } else { 1 };
                c += times * read(&left, l) * read(&right, r);
            }
            if beside {
                for k in 0..2 {
                    let w = i64::from(weight.data()[k * columns + j]);
                    c += read(&contract, (b * rows + i) * 2 + k) * w;
                }
            }
            let (x, r) = requantize(c, 7);
            proptest::prop_assert_eq!(i64::from(trace.tensors[2].x[e]), x);
            proptest::prop_assert_eq!(i64::from(trace.tensors[2].r[e]), r);
        }
    }
}
