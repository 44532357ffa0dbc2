//! Random networks against floats and against the defining equation.

use super::*;

fn activations() -> impl Strategy<Value = Activation> {
    prop::sample::select(vec![
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu { tanh: false },
        Activation::Gelu { tanh: true },
        Activation::Erf,
        Activation::Elu { alpha: 1.0 },
        Activation::Softplus,
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::HardSwish,
        Activation::Clip { min: -0.5, max: 0.7 },
    ])
}

/// `(x - mean) / sqrt(variance + epsilon)` along the last axis.
fn normalised(w: &mut Writer, x: ValueId, [_, features]: [usize; 2]) -> ValueId {
    let weights = vec![1.0 / features as f32; features];
    let mean = w.constant(Tensor::new(shape(&[features, 1]), weights).expect("its length"));
    let centre = w.op(Op::MatMul, &[x, mean]);
    let centred = w.op(Op::Sub, &[x, centre]);
    let square = w.op(Op::Activation(Activation::Square), &[centred]);
    let variance = w.op(Op::MatMul, &[square, mean]);
    let epsilon = w.constant(Tensor::scalar(0.05));
    let variance = w.op(Op::Add, &[variance, epsilon]);
    let inverse = w.op(Op::Activation(Activation::Rsqrt), &[variance]);
    w.op(Op::Mul, &[centred, inverse])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_mlps_are_close_to_float(
        widths in prop::collection::vec(1usize..12, 2..5),
        functions in prop::collection::vec(activations(), 5),
        batch in 1usize..4,
        seed in 0u64..1_000_000,
    ) {
        let mut w = Writer::default();
        let mut h = w.input(&[batch, widths[0]]);
        for (i, pair) in widths.windows(2).enumerate() {
            h = w.linear(h, [pair[0], pair[1]], seed + 10 * i as u64);
            h = w.op(Op::Activation(functions[i].clone()), &[h]);
        }
        w.output(h);
        close(&w.graph);
    }

    /// A block of a transformer: normalisation, attention of several heads, residual sum.
    #[test]
    fn random_attention_is_close_to_float(
        heads in 1usize..4,
        tokens in 1usize..8,
        width in 1usize..10,
        mask in 0usize..4,
        shared in any::<bool>(),
        seed in 0u64..1_000_000,
    ) {
        near(&attention([heads, tokens, width], mask, shared, seed), 0.05);
    }

    /// The trace satisfies the equation that the circuit proves, recomputed naively.
    #[test]
    fn traces_satisfy_the_defining_equation(seed in 0u64..1_000_000, bits in 6u8..12) {
        let mut w = Writer::default();
        let x = w.input(&[2, 5]);
        let h = w.linear(x, [5, 5], seed);
        let h = w.op(Op::Add, &[h, x]);
        let h = w.op(Op::Activation(Activation::Gelu { tanh: false }), &[h]);
        let y = w.linear(h, [5, 3], seed + 7);
        w.output(y);
        let samples = samples(&w.graph, 3);
        let options = CalibrationOptions { bits, ..CalibrationOptions::default() };
        let settings = calibrate(&w.graph, &samples, &options).expect("ranges");
        let program = compile(&w.graph, &settings).expect("compiles");
        let executor = integer::Executor::new(&program).expect("well-formed");
        let trace = executor.run_real(&samples[0]).expect("calibrated on it");
        for (id, tensor) in program.tensors.iter().enumerate() {
            let Step::Affine(affine) = &tensor.step else { continue };
            let (s, cells) = (affine.shift, &trace.tensors[id]);
            let half = (1i128 << s) / 2;
            for e in 0..tensor.shape.len() {
                let mut c = match &affine.bias {
                    None => 0,
                    Some(bias) => i128::from(bias.data()[e % bias.data().len()]),
                };
                for term in &affine.terms {
                    let read = |at: usize| {
                        let view = term.views().next().expect("an operand");
                        view.element(at).map_or(0, |at| {
                            i128::from(trace.tensors[view.tensor.0].values()[at])
                        })
                    };
                    match term {
                        Term::Contract { weight, .. } => {
                            let (inner, j) = (weight.shape().dims()[0], weight.shape().dims()[1]);
                            for k in 0..inner {
                                let w = i128::from(weight.data()[k * j + e % j]);
                                c += read(e / j * inner + k) * w;
                            }
                        }
                        Term::Correlate { .. } | Term::Product { .. } => {
                            prop_assert!(false, "no convolution in it, no product of activations");
                        }
                        Term::Scale { factor, .. } => {
                            c += read(e) * i128::from(factor.data()[e % factor.data().len()]);
                        }
                    }
                }
                let (x, r) = (i128::from(cells.x[e]), i128::from(cells.r[e]));
                prop_assert_eq!(c, (x << s) + r - half);
                prop_assert!(0 <= r && r < 1 << s);
                prop_assert!(c.unsigned_abs() <= u128::from(
                    executor.bounds().accumulator_of(crate::program::TensorId(id))));
                if let Some(table) = affine.table {
                    let y = program.tables[table.0].get(cells.x[e].into()).expect("in the domain");
                    prop_assert_eq!(y, i64::from(cells.y[e]));
                }
            }
        }
    }
}

#[test]
fn float_runs_what_the_graph_says() {
    let mut w = Writer::default();
    let x = w.input(&[2]);
    let big = w.constant(Tensor::new(shape(&[2]), vec![3e38, 1.0]).expect("two"));
    let y = w.op(Op::Mul, &[x, big]);
    w.output(y);
    let run = |data: Vec<f32>| {
        float::run(&w.graph, &[Tensor::new(shape(&[2]), data).expect("two")])
            .map(|t| t.outputs()[0].clone())
    };
    assert_eq!(run(vec![0.5, 2.0]).expect("finite").data(), [1.5e38, 2.0]);
    assert!(matches!(
        run(vec![9.0, 2.0]),
        Err(ExecError::NotFinite { origin, element: 0, .. }) if origin.node == "v2"
    ));
    assert!(matches!(run(vec![f32::NAN, 0.0]), Err(ExecError::InputNotFinite { .. })));
}

/// Attention over `[tokens, heads * width]` and what stands around it; `shared`: queries are keys.
fn attention([heads, tokens, width]: [usize; 3], mask: usize, shared: bool, seed: u64) -> Graph {
    let features = heads * width;
    let mut w = Writer::default();
    let x = w.input(&[tokens, features]);
    let x = if features > 1 { normalised(&mut w, x, [tokens, features]) } else { x };
    let part = |w: &mut Writer, seed| {
        let y = w.linear(x, [features, features], seed);
        let y = w.op(Op::Reshape(shape(&[tokens, heads, width])), &[y]);
        w.op(Op::Transpose(vec![1, 0, 2]), &[y])
    };
    let (q, v) = (part(&mut w, seed), part(&mut w, seed + 2));
    let k = if shared { q } else { part(&mut w, seed + 4) };
    let k = w.op(Op::Transpose(vec![0, 2, 1]), &[k]);
    let scores = w.op(Op::MatMul, &[q, k]);
    let factor = w.constant(Tensor::scalar(1.0 / (width as f32).sqrt()));
    let scores = w.op(Op::Mul, &[scores, factor]);
    let keep = causal(tokens);
    let e = match mask {
        0 => w.op(Op::ExpShifted { axis: 2 }, &[scores]),
        1 => {
            let keep = w.constant(keep);
            w.op(Op::ExpShifted { axis: 2 }, &[scores, keep])
        }
        2 => {
            let keep = w.constant(keep);
            let masked = w.op(Op::Mask { value: -4.0 }, &[scores, keep]);
            w.op(Op::ExpShifted { axis: 2 }, &[masked])
        }
        _ => {
            // What is kept depends on the inputs, and the first token is always kept.
            let padding = w.whole(&[tokens]);
            let padding = w.op(Op::Activation(Activation::IsPositive), &[padding]);
            let first = (0..tokens).map(|t| f32::from(u8::from(t == 0))).collect();
            let first = w.constant(Tensor::new(shape(&[tokens]), first).expect("its length"));
            let sum = w.op(Op::Add, &[padding, first]);
            let keep = w.op(Op::Activation(Activation::IsPositive), &[sum]);
            w.op(Op::ExpShifted { axis: 2 }, &[scores, keep])
        }
    };
    let ones = Tensor::new(shape(&[tokens, 1]), vec![1.0; tokens]).expect("ones");
    let ones = w.constant(ones);
    let sum = w.op(Op::MatMul, &[e, ones]);
    let inverse = w.op(Op::Activation(Activation::Reciprocal), &[sum]);
    let product = w.op(Op::MatMul, &[e, v]);
    let y = w.op(Op::Mul, &[product, inverse]);
    let y = w.op(Op::Transpose(vec![1, 0, 2]), &[y]);
    let y = w.op(Op::Reshape(shape(&[tokens, features])), &[y]);
    let y = w.linear(y, [features, features], seed + 6);
    let y = w.op(Op::Add, &[y, x]);
    w.output(y);
    w.graph
}

/// Queries that are keys too: what the product is too fine for falls on one tensor, twice.
#[test]
fn a_product_of_a_tensor_with_itself_keeps_its_precision() {
    for seed in [905_610, 1, 2, 3, 4, 5] {
        near(&attention([3, 6, 9], 0, true, seed), 0.05);
    }
}
