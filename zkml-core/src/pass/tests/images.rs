//! Pads beside windows, and functions beside pools.

use super::*;

fn pad(top: usize, bottom: usize, left: usize, right: usize, value: f32) -> Op {
    Op::Pad { begin: vec![0, 0, top, left], end: vec![0, 0, bottom, right], value }
}

/// A window of 3 by 2 taps on what is padded of `y`, with strides 2 and 1 and these pads.
fn window(b: &Builder, y: ValueId, pads: usize) -> Window {
    let dims = b.0.get(y).shape.dims();
    let axis = |input: usize, taps: usize, stride: usize| {
        let output = (input + 2 * pads - taps) / stride + 1;
        Axis::convolution(input, output, taps, (stride, 1), pads as i64)
    };
    Window { height: axis(dims[2], 3, 2), width: axis(dims[3], 2, 1) }
}

fn correlation(b: &mut Builder, y: ValueId, pads: usize) -> ValueId {
    let window = window(b, y, pads);
    b.with(Op::Correlate { window, groups: 2 }, y, &[6, 2, 3, 2], 11)
}

fn pool(b: &mut Builder, y: ValueId, pads: usize) -> ValueId {
    let window = window(b, y, pads);
    b.op(Op::MaxPool(window), &[y])
}

fn activation(b: &mut Builder, f: Activation, y: ValueId) -> ValueId {
    b.op(Op::Activation(f), &[y])
}

const IMAGE: [usize; 4] = [1, 4, 5, 6];

#[test]
fn pads_of_zero_go_into_a_correlation() {
    for (inner, zero) in [(0, 0.0), (1, 0.0), (0, -0.0)] {
        let (mut b, x) = Builder::new(&IMAGE);
        let y = b.op(pad(1, 0, 2, 3, zero), &[x]);
        let y = correlation(&mut b, y, inner);
        let after = same(b.finish(y), 1);
        let Op::Correlate { window, groups: 2 } = ops(&after)[0] else { panic!("a correlation") };
        let (before, left) = (1 + inner as i64, 2 + inner as i64);
        assert_eq!((window.height.origin, window.height.input), (before, 5));
        assert_eq!((window.width.origin, window.width.input), (left, 6));
    }
    // Steps of the input: a transposed correlation.
    let (mut b, x) = Builder::new(&IMAGE);
    let y = b.op(pad(1, 0, 2, 1, 0.0), &[x]);
    let axis = |input: usize, taps: usize| Axis::transposed(input, 2 * input, taps, (2, 1), 1);
    let window = Window { height: axis(6, 3), width: axis(9, 2) };
    let y = b.with(Op::Correlate { window, groups: 1 }, y, &[3, 4, 3, 2], 5);
    let after = same(b.finish(y), 1);
    let Op::Correlate { window, .. } = ops(&after)[0] else { panic!("a correlation") };
    assert_eq!((window.height.origin, window.width.origin), (-1 + 2, -1 + 4));
}

#[test]
fn pads_of_pads_and_factors_before_them_fold() {
    let (mut b, x) = Builder::new(&IMAGE);
    let y = b.with(Op::Mul, x, &[4, 1, 1], 3);
    let y = b.op(pad(1, 0, 0, 1, 0.0), &[y]);
    let y = b.op(pad(0, 1, 2, 0, 0.0), &[y]);
    let y = correlation(&mut b, y, 0);
    same(b.finish(y), 1);
}

#[test]
fn pads_that_a_correlation_does_not_skip_stay() {
    // Other values, and pads of batch or channels.
    for op in [
        pad(1, 0, 2, 3, 1.0),
        Op::Pad { begin: vec![1, 0, 1, 1], end: vec![0; 4], value: 0.0 },
        Op::Pad { begin: vec![0, 0, 1, 1], end: vec![0, 2, 0, 0], value: 0.0 },
    ] {
        let dims = if op == pad(1, 0, 2, 3, 1.0) { IMAGE } else { [1, 2, 5, 6] };
        let (mut b, x) = Builder::new(&dims);
        let y = b.op(op, &[x]);
        let groups = b.0.get(y).shape.dims()[1] / 2;
        let window = window(&b, y, 0);
        let y = b.with(Op::Correlate { window, groups }, y, &[6, 2, 3, 2], 11);
        same(b.finish(y), 2);
    }
    // Another reader, an output, a pad of the weights.
    let (mut b, x) = Builder::new(&IMAGE);
    let p = b.op(pad(1, 0, 2, 3, 0.0), &[x]);
    let y = correlation(&mut b, p, 0);
    let z = pool(&mut b, p, 0);
    b.0.output("z", z);
    same(b.finish(y), 3);
    let (mut b, x) = Builder::new(&IMAGE);
    let p = b.op(pad(1, 0, 2, 3, 0.0), &[x]);
    b.0.output("p", p);
    let y = correlation(&mut b, p, 0);
    same(b.finish(y), 2);
    let (mut b, x) = Builder::new(&IMAGE);
    let w = b.0.input("w", Shape::new(vec![6, 2, 2, 2]).expect("small"));
    let w = b.op(pad(1, 0, 0, 0, 0.0), &[w]);
    let window = window(&b, x, 0);
    let y = b.op(Op::Correlate { window, groups: 2 }, &[x, w]);
    same(b.finish(y), 2);
}

#[test]
fn pads_that_cannot_win_go_into_a_pool() {
    let clip = |min: f32| Activation::Clip { min, max: 3.0 };
    for (f, value) in [
        (Some(Activation::Relu), 0.0),
        (Some(Activation::Relu), -2.0),
        (Some(Activation::Sigmoid), 0.0),
        (Some(Activation::Tanh), -1.0),
        (Some(Activation::Elu { alpha: 0.5 }), -0.5),
        (Some(clip(-1.0)), -1.0),
        (Some(clip(f32::NEG_INFINITY)), f32::MIN),
        // Above the maximum, which is then the value.
        (Some(clip(5.0)), 3.0),
        (None, f32::MIN),
    ] {
        let (mut b, x) = Builder::new(&IMAGE);
        let y = f.clone().map_or(x, |f| activation(&mut b, f, x));
        // What views and pools give are elements of their operands.
        let y = b.op(Op::Transpose(vec![0, 1, 3, 2]), &[y]);
        let y = pool(&mut b, y, 0);
        let y = b.op(pad(1, 1, 1, 0, value), &[y]);
        let y = pool(&mut b, y, 0);
        let after = same(b.finish(y), 3 + usize::from(f.is_some()));
        assert!(!ops(&after).iter().any(|op| matches!(op, Op::Pad { .. })));
    }
}

#[test]
fn a_pool_loses_pads_of_minus_infinity() {
    // The float executor refuses what is not finite: the pool without pads is computed beside.
    let (mut b, x) = Builder::new(&IMAGE);
    let p = b.op(pad(1, 1, 1, 1, f32::NEG_INFINITY), &[x]);
    let y = pool(&mut b, p, 0);
    let after = optimise(b.finish(y)).expect("whole");
    let (mut b, x) = Builder::new(&IMAGE);
    let y = pool(&mut b, x, 1);
    assert_eq!(ops(&after).len(), 1);
    assert_eq!(run(&after), run(&b.finish(y)));
}

#[test]
fn pads_that_may_win_stay() {
    for (f, value) in [
        (None, 0.0),
        (None, -1e30),
        (Some(Activation::Relu), 0.5),
        (Some(Activation::Tanh), 0.0),
        (Some(Activation::LeakyRelu { alpha: 0.5 }), 0.0),
        (Some(Activation::Clip { min: -1.0, max: 3.0 }), -0.5),
        (Some(Activation::Elu { alpha: 0.5 }), 0.0),
        (Some(Activation::Gelu { tanh: false }), 0.0),
        (Some(Activation::HardSwish), 0.0),
    ] {
        let (mut b, x) = Builder::new(&IMAGE);
        let y = f.clone().map_or(x, |f| activation(&mut b, f, x));
        let y = b.op(pad(1, 1, 1, 0, value), &[y]);
        let y = pool(&mut b, y, 0);
        same(b.finish(y), 2 + usize::from(f.is_some()));
    }
    // A window that meets nothing else.
    let (mut b, x) = Builder::new(&IMAGE);
    let y = activation(&mut b, Activation::Relu, x);
    let y = b.op(pad(3, 0, 0, 0, 0.0), &[y]);
    let y = pool(&mut b, y, 0);
    same(b.finish(y), 3);
    // A sum of Relus is no Relu.
    let (mut b, x) = Builder::new(&IMAGE);
    let y = activation(&mut b, Activation::Relu, x);
    let y = b.with(Op::Add, y, &[4, 1, 1], 1);
    let y = b.op(pad(1, 1, 1, 0, 0.0), &[y]);
    let y = pool(&mut b, y, 0);
    same(b.finish(y), 4);
}

/// A correlation, a pool and a function.
fn pooled(f: Activation) -> Graph {
    let (mut b, x) = Builder::new(&[1, 4, 9, 6]);
    let y = correlation(&mut b, x, 1);
    let y = b.with(Op::Add, y, &[1, 6, 1, 1], 1);
    let y = pool(&mut b, y, 1);
    let y = activation(&mut b, f, y);
    b.finish(y)
}

#[test]
fn functions_that_never_fall_go_before_a_pool() {
    for f in [
        Activation::Relu,
        Activation::Clip { min: -1.0, max: 3.0 },
        Activation::Clip { min: 5.0, max: 3.0 },
        Activation::LeakyRelu { alpha: 0.25 },
        Activation::LeakyRelu { alpha: 0.0 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::HardSigmoid { alpha: 0.25, beta: 0.5 },
        Activation::Softplus,
        Activation::Elu { alpha: 0.5 },
    ] {
        let after = same(pooled(f.clone()), 4);
        let [Op::Correlate { .. }, Op::Add, Op::Activation(moved), Op::MaxPool(_)] =
            ops(&after)[..]
        else {
            panic!("{:?}", ops(&after))
        };
        assert_eq!(*moved, f);
    }
}

#[test]
fn functions_that_may_fall_stay_behind_a_pool() {
    for f in [
        Activation::LeakyRelu { alpha: -0.25 },
        Activation::LeakyRelu { alpha: f32::NAN },
        Activation::Elu { alpha: -0.5 },
        Activation::HardSigmoid { alpha: -0.25, beta: 0.5 },
        Activation::Gelu { tanh: true },
        Activation::HardSwish,
    ] {
        let after = optimise(pooled(f.clone())).expect("whole");
        assert!(matches!(ops(&after)[..], [_, _, Op::MaxPool(_), Op::Activation(_)]), "{f:?}");
    }
}

#[test]
fn a_function_stays_behind_a_pool_of_anything_else() {
    let stays = |b: Builder, y: ValueId, count: usize| {
        let after = same(b.finish(y), count);
        assert!(matches!(ops(&after).last(), Some(Op::Activation(_))), "{:?}", ops(&after));
    };
    // An input, a function.
    let (mut b, x) = Builder::new(&IMAGE);
    let y = pool(&mut b, x, 1);
    let y = activation(&mut b, Activation::Relu, y);
    stays(b, y, 2);
    let (mut b, x) = Builder::new(&IMAGE);
    let y = activation(&mut b, Activation::Tanh, x);
    let y = pool(&mut b, y, 1);
    let y = activation(&mut b, Activation::Relu, y);
    stays(b, y, 3);
    // The pool or its operand has another reader.
    for of_pool in [true, false] {
        let (mut b, x) = Builder::new(&[1, 4, 9, 6]);
        let c = correlation(&mut b, x, 1);
        let p = pool(&mut b, c, 1);
        b.0.output("other", if of_pool { p } else { c });
        let y = activation(&mut b, Activation::Relu, p);
        stays(b, y, 3);
    }
}

#[test]
fn pads_before_a_transpose_fold() {
    let (mut b, x) = Builder::new(&[1, 5, 6, 4]);
    let y = b.op(Op::Pad { begin: vec![0, 1, 2, 0], end: vec![0, 0, 1, 0], value: 0.0 }, &[x]);
    let y = b.op(Op::Transpose(vec![0, 3, 1, 2]), &[y]);
    let y = correlation(&mut b, y, 0);
    let after = same(b.finish(y), 2);
    assert!(matches!(ops(&after)[..], [Op::Transpose(_), Op::Correlate { .. }]));
}
