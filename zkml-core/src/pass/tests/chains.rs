//! Chains of random operations.

use proptest::prelude::*;

use super::super::{PASSES, Pass, fuse_pointwise};
use super::*;

/// As [`keeps_results`], and all passes together add no nodes.
fn adds_nothing(graph: Graph) -> Result<(), TestCaseError> {
    let all = optimise(graph.clone()).expect("whole");
    prop_assert!(all.nodes().len() <= graph.nodes().len());
    keeps_results(graph)
}

/// Each pass alone and all together keep the results, to within rounding.
fn keeps_results(graph: Graph) -> Result<(), TestCaseError> {
    let expected = run(&graph);
    let all = optimise(graph.clone()).expect("whole");
    // Nothing is left to do.
    let again = optimise(all.clone()).expect("whole");
    prop_assert_eq!(ops(&again), ops(&all));
    let others: [Pass; 2] = [fuse_pointwise, remove_dead];
    let passes = PASSES.iter().chain(&others);
    let each = passes.map(|pass| pass(&graph).expect("whole"));
    for after in each.chain([all]) {
        for (got, expected) in run(&after).iter().zip(&expected) {
            prop_assert_eq!(got.shape(), expected.shape());
            for (got, expected) in got.data().iter().zip(expected.data()) {
                let error = (got - expected).abs();
                prop_assert!(error <= 1e-4 * expected.abs().max(10.0), "{} {}", got, expected);
            }
        }
    }
    Ok(())
}

/// A window of 3 taps or fewer, as many as there are positions, with any stride and up to one pad
/// at either end.
fn window(dims: &[usize], seed: usize) -> Window {
    let axis = |input: usize, seed: usize| {
        let kernel = input.min(1 + seed % 3);
        let (before, after) = ((seed / 3 % 2).min(kernel - 1), (seed / 6 % 2).min(kernel - 1));
        let stride = 1 + seed / 12 % 2;
        let output = (input + before + after - kernel) / stride + 1;
        Axis::convolution(input, output, kernel, (stride, 1), before as i64)
    };
    Window { height: axis(dims[2], seed), width: axis(dims[3], seed / 24) }
}

/// A step of a chain of images `[B, C, H, W]`, or of rows `[B, C, L]` between images.
fn image_step(b: &mut Builder, y: ValueId, kind: u8, seed: u32) -> ValueId {
    let dims = b.0.get(y).shape.dims().to_vec();
    let shape = |dims: Vec<usize>| Op::Reshape(Shape::new(dims).expect("small"));
    if let [batch, channels, row] = dims[..] {
        let constants = dyadic(&[channels, 1], seed).map(|v| v / 3.0);
        return match kind {
            0..5 => b.op(shape(vec![batch, channels, 1, row]), &[y]),
            5 | 6 => {
                let c = b.constant(constants);
                b.op(Op::Add, &[y, c])
            }
            7 | 8 => {
                let c = b.constant(constants);
                b.op(Op::Mul, &[c, y])
            }
            9 | 10 if row < 9 => {
                b.op(Op::Pad { begin: vec![0, 0, 1], end: vec![0; 3], value: 0.0 }, &[y])
            }
            _ => b.op(Op::Activation(Activation::Relu), &[y]),
        };
    }
    let channels = dims[1];
    let constants = dyadic(&[channels, 1, 1], seed).map(|v| v / 3.0);
    match kind {
        0 | 1 => {
            let (window, groups) = (window(&dims, seed as usize), 1 + seed as usize % 2);
            let (height, width) = (window.height.kernel, window.width.kernel);
            let w = dyadic(&[2, channels / groups, height, width], seed).map(|v| v / 9.0);
            let w = b.constant(w);
            b.op(Op::Correlate { window, groups }, &[y, w])
        }
        2 | 3 => b.op(Op::MaxPool(window(&dims, seed as usize)), &[y]),
        4 | 5 if dims[2] < 9 && dims[3] < 9 => {
            let at = |i: u32| (seed / 2u32.pow(i) % 2) as usize;
            // One that goes, and others that stay or go after a function only.
            let value = [0.0, 0.0, -1.0, 1.0][seed as usize % 4];
            let (begin, end) = (vec![0, 0, at(2), at(3)], vec![0, 0, at(4), at(5)]);
            b.op(Op::Pad { begin, end, value }, &[y])
        }
        6 => {
            let c = b.constant(constants);
            b.op(Op::Mul, &[y, c])
        }
        7 => {
            let c = b.constant(constants);
            b.op(Op::Sub, &[y, c])
        }
        8 => b.op(Op::Transpose(vec![0, 1, 3, 2]), &[y]),
        9 if dims[2] == 1 => b.op(shape(vec![dims[0], channels, dims[3]]), &[y]),
        10 => b.op(Op::Activation(Activation::Tanh), &[y]),
        _ => b.op(Op::Activation(Activation::Relu), &[y]),
    }
}

/// A step of a graph of tensors `[2, 4, 4]`, made of one or two earlier ones.
fn attention_step(b: &mut Builder, (x, y): (ValueId, ValueId), kind: u8, seed: u32) -> ValueId {
    let number = |b: &mut Builder, value: f32| b.constant(Tensor::scalar(value));
    let reshape = |dims: &[usize]| Op::Reshape(Shape::new(dims.to_vec()).expect("small"));
    let function = |b: &mut Builder, f: Activation, x| b.op(Op::Activation(f), &[x]);
    let causal = tensor(&[4, 4], (0..16u8).map(|i| f32::from(i % 4 <= i / 4)).collect());
    // Small enough that nothing grows, and no error with it.
    let small = |dims: &[usize]| dyadic(dims, seed).map(|v| v / 24.0);
    match kind {
        0 | 1 => {
            let w = b.constant(small(&[4, 4]));
            b.op(Op::MatMul, &[x, w])
        }
        2 | 3 => {
            let product = b.op(Op::MatMul, &[x, y]);
            let scale = number(b, 0.125);
            let scaled = b.op(Op::Mul, &[product, scale]);
            function(b, Activation::Tanh, scaled)
        }
        4 => {
            let product = b.op(Op::Mul, &[x, y]);
            function(b, Activation::Tanh, product)
        }
        5 => {
            let c = b.constant(small(&[4]));
            b.op(Op::Add, &[c, x])
        }
        6 => {
            let c = b.constant(small(&[4]));
            b.op(Op::Mul, &[x, c])
        }
        7 => {
            let c = number(b, 0.5);
            b.op(Op::Mul, &[c, x])
        }
        8 => b.op(Op::Transpose(vec![0, 2, 1]), &[x]),
        9 => {
            let rows = b.op(reshape(&[8, 4]), &[x]);
            let w = b.constant(small(&[4, 4]));
            let rows = b.op(Op::MatMul, &[rows, w]);
            b.op(reshape(&[2, 4, 4]), &[rows])
        }
        10 | 11 => {
            let keep = b.constant(causal);
            let value = if kind == 10 { -1e4 } else { -10.0 };
            let masked = b.op(Op::Mask { value }, &[x, keep]);
            let max = b.op(Op::ReduceMax { axis: 2 }, &[masked]);
            let shifted = b.op(Op::Sub, &[masked, max]);
            let e = function(b, Activation::Exp, shifted);
            super::attention::normalised(b, e)
        }
        12 => {
            let e = b.op(Op::ExpShifted { axis: 2 }, &[x]);
            super::attention::normalised(b, e)
        }
        13 => {
            let c = b.constant(small(&[4, 4]));
            b.op(Op::Sub, &[c, x])
        }
        14 => {
            let first = b.op(Op::Take { axis: 2, indices: vec![0, 1] }, &[x]);
            let second = b.op(Op::Take { axis: 2, indices: vec![3, 2] }, &[x]);
            b.op(Op::Concat { axis: 2 }, &[second, first])
        }
        15 => {
            let gate = function(b, Activation::Sigmoid, x);
            b.op(Op::Mul, &[gate, x])
        }
        16 => {
            let mean = b.constant(tensor(&[4, 1], vec![0.25; 4]));
            let m = b.op(Op::MatMul, &[x, mean]);
            let c = b.op(Op::Sub, &[x, m]);
            let squares = b.op(Op::Mul, &[c, c]);
            let v = b.op(Op::MatMul, &[squares, mean]);
            let one = number(b, 1.0);
            let v = b.op(Op::Add, &[v, one]);
            let root = function(b, Activation::Sqrt, v);
            let r = function(b, Activation::Reciprocal, root);
            b.op(Op::Mul, &[c, r])
        }
        _ => {
            let sum = b.op(if kind == 17 { Op::Sub } else { Op::Add }, &[x, y]);
            let half = number(b, 0.5);
            b.op(Op::Mul, &[sum, half])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Chains of random linear nodes, views and functions: each pass alone and all together keep
    /// the results, to within rounding.
    #[test]
    fn random_chains_keep_their_results(steps in proptest::collection::vec((0u8..9, 0u32..50), 1..10)) {
        let (mut b, x) = Builder::new(&[2, 4]);
        let mut y = x;
        for (kind, seed) in steps {
            let rows: &[usize] = if seed % 3 == 0 { &[2, 1] } else { &[4] };
            // Thirds round, unlike halves.
            let c = dyadic(rows, seed).map(|v| v / 3.0);
            let w = dyadic(&[4, 4], seed).map(|v| v / 9.0);
            y = match kind {
                0 | 1 => { let w = b.constant(w); b.op(Op::MatMul, &[y, w]) }
                2 => { let c = b.constant(c); b.op(Op::Mul, &[y, c]) }
                3 => { let c = b.constant(c); b.op(Op::Add, &[c, y]) }
                4 => { let c = b.constant(c); b.op(Op::Sub, &[y, c]) }
                5 => { let c = b.constant(c); b.op(Op::Sub, &[c, y]) }
                6 => b.op(Op::Reshape(Shape::new(vec![2, 4]).expect("small")), &[y]),
                7 => b.op(Op::Add, &[y, x]),
                _ => b.op(Op::Activation(Activation::Tanh), &[y]),
            };
        }
        adds_nothing(b.finish(y))?;
    }

    /// The same of images, with windows, pads and rows between them.
    #[test]
    fn random_images_keep_their_results(
        flat in any::<bool>(),
        steps in proptest::collection::vec((0u8..13, 0u32..2000), 1..12),
    ) {
        let (mut b, x) = Builder::new(&[1, 2, if flat { 1 } else { 4 }, 5]);
        let y = steps.iter().fold(x, |y, (kind, seed)| image_step(&mut b, y, *kind, *seed));
        adds_nothing(b.finish(y))?;
    }

    /// The same of attention, normalisation and gates on values that are read several times.
    #[test]
    fn random_attention_keeps_its_results(
        steps in proptest::collection::vec((0u8..19, 0u32..200, 0usize..3, 0usize..3), 1..16),
    ) {
        let (mut b, x) = Builder::new(&[2, 4, 4]);
        let small = b.constant(Tensor::scalar(0.25));
        let mut values = vec![b.op(Op::Mul, &[x, small])];
        for (kind, seed, first, second) in steps {
            let at = |back: usize| values[values.len().saturating_sub(1 + back)];
            let value = attention_step(&mut b, (at(first), at(second)), kind, seed);
            values.push(value);
        }
        if values.len() > 2 {
            b.0.output("other", values[values.len() - 2]);
        }
        keeps_results(b.finish(values[values.len() - 1]))?;
    }
}
