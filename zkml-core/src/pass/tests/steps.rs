//! Around the whole numbers of quantised models.

use super::*;

fn steps(scale: f32, zero: f32, (min, max): (f32, f32)) -> Op {
    Op::Activation(Activation::Quantize { scale, zero, min, max })
}

/// int8 with this scale and zero point.
fn int8(scale: f32, zero: f32) -> Op {
    steps(scale, zero, (-128.0, 127.0))
}

fn real(b: &mut Builder, q: ValueId, scale: f32, zero: f32) -> ValueId {
    let zero = b.constant(Tensor::scalar(zero));
    let scale = b.constant(Tensor::scalar(scale));
    let q = b.op(Op::Sub, &[q, zero]);
    b.op(Op::Mul, &[q, scale])
}

#[test]
fn bounds_before_a_rounding_are_bounds_of_it() {
    for (f, zero, expected) in [
        (Activation::Relu, -3.0, (-3.0, 127.0)),
        (Activation::Relu, -128.0, (-128.0, 127.0)),
        (Activation::Clip { min: -1.0, max: 1.0 }, 2.0, (-2.0, 6.0)),
        (Activation::Clip { min: f32::NEG_INFINITY, max: 1.0 }, 0.0, (-128.0, 4.0)),
        (Activation::Clip { min: -99.0, max: 99.0 }, 0.0, (-128.0, 127.0)),
    ] {
        let (mut b, x) = Builder::new(&[3, 5]);
        let y = b.op(Op::Activation(f.clone()), &[x]);
        let y = b.op(int8(0.25, zero), &[y]);
        let after = same(b.finish(y), 1);
        assert_eq!(ops(&after), [&steps(0.25, zero, expected)], "{f}");
    }
    // Of another reader too; a function that does more than bound.
    let (mut b, x) = Builder::new(&[3, 5]);
    let y = b.op(Op::Activation(Activation::Relu), &[x]);
    let q = b.op(int8(0.25, 0.0), &[y]);
    let y = b.op(Op::Add, &[y, q]);
    same(b.finish(y), 3);
    let (mut b, x) = Builder::new(&[3, 5]);
    let y = b.op(Op::Activation(Activation::Abs), &[x]);
    let y = b.op(int8(0.25, 0.0), &[y]);
    same(b.finish(y), 1);
}

#[test]
fn another_rounding_to_the_same_steps_vanishes() {
    let twice = |second: Op, zero: f32| {
        let (mut b, x) = Builder::new(&[4, 4]);
        let q = b.op(int8(0.1, 2.0), &[x]);
        let y = real(&mut b, q, 0.1, zero);
        let y = b.op(Op::Transpose(vec![1, 0]), &[y]);
        let y = b.op(Op::Reshape(Shape::new(vec![16]).expect("small")), &[y]);
        let y = b.op(second, &[y]);
        b.finish(y)
    };
    let roundings = |graph: &Graph| {
        let is = |op: &Op| matches!(op, Op::Activation(Activation::Quantize { .. }));
        ops(graph).iter().filter(|op| is(op)).count()
    };
    let after = same(twice(int8(0.1, 2.0), 2.0), 3);
    assert_eq!(roundings(&after), 1);
    // To fewer numbers: the others are clipped.
    let after = same(twice(steps(0.1, 2.0, (0.0, 15.0)), 2.0), 4);
    let clip = Op::Activation(Activation::Clip { min: 0.0, max: 15.0 });
    assert!(roundings(&after) == 1 && ops(&after).contains(&&clip), "{:?}", ops(&after));
    // To other numbers: a function of the first ones.
    for (second, zero) in [(int8(0.2, 2.0), 2.0), (int8(0.1, 3.0), 2.0), (int8(0.1, 2.0), 1.0)] {
        let after = optimise(twice(second.clone(), zero)).expect("valid");
        assert_eq!(run(&after), run(&twice(second, zero)));
        let fused =
            ops(&after).iter().any(|op| matches!(op, Op::Activation(Activation::Pointwise(_))));
        assert!(fused || roundings(&after) == 2, "{:?}", ops(&after));
    }
}

#[test]
fn roundings_go_before_concatenations() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.with(Op::Mul, x, &[2, 3], 1);
    let y = b.op(Op::Concat { axis: 1 }, &[x, y]);
    let y = b.op(int8(0.5, 0.0), &[y]);
    let after = same(b.finish(y), 4);
    assert!(matches!(ops(&after).last(), Some(Op::Concat { axis: 1 })), "{:?}", ops(&after));
}

/// A function between whole numbers and a rounding is one of the whole numbers, which also others read.
#[test]
fn functions_of_whole_numbers_go_back_to_them() {
    let (mut b, x) = Builder::new(&[3, 5]);
    let q = b.op(int8(0.1, 3.0), &[x]);
    let y = real(&mut b, q, 0.1, 3.0);
    let y = b.op(Op::Activation(Activation::Sigmoid), &[y]);
    let y = b.op(int8(0.01, 0.0), &[y]);
    let y = b.op(Op::Add, &[y, q]);
    let before = b.finish(y);
    let after = optimise(before.clone()).expect("valid");
    assert_eq!(run(&after), run(&before));
    let all = ops(&after);
    let [_, Op::Sub, Op::Activation(Activation::Pointwise(e)), Op::Add] = all.as_slice() else {
        panic!("{:?}", after.nodes());
    };
    assert_eq!(e.to_string(), "Quantize(0.01, 0, -128, 127)[Sigmoid[(x * 0.1)]]");
    let values: Vec<_> = after.values().iter().filter(|v| v.constant.is_none()).collect();
    assert!(values[1..].iter().all(|value| value.integer));
}
