//! Softmax as exporters decompose it, and what follows it.

use super::*;

pub(super) fn shape(dims: &[usize]) -> Op {
    Op::Reshape(Shape::new(dims.to_vec()).expect("small"))
}

fn f(b: &mut Builder, f: Activation, y: ValueId) -> ValueId {
    b.op(Op::Activation(f), &[y])
}

/// The sum along the last axis, as a product with a column of ones.
fn sum(b: &mut Builder, e: ValueId) -> ValueId {
    let size = *b.0.get(e).shape.dims().last().expect("an axis");
    let ones = b.constant(tensor(&[size, 1], vec![1.0; size]));
    b.op(Op::MatMul, &[e, ones])
}

/// `e / sum(e)`.
pub(super) fn normalised(b: &mut Builder, e: ValueId) -> ValueId {
    let z = sum(b, e);
    let r = f(b, Activation::Reciprocal, z);
    b.op(Op::Mul, &[e, r])
}

/// `Exp(x - max(x))`.
fn exponentials(b: &mut Builder, x: ValueId, axis: usize) -> ValueId {
    let max = b.op(Op::ReduceMax { axis }, &[x]);
    let shifted = b.op(Op::Sub, &[x, max]);
    f(b, Activation::Exp, shifted)
}

const SOFTMAX: usize = 4;

fn is_softmax(ops: &[&Op], axis: usize) -> bool {
    *ops == [
        &Op::ExpShifted { axis },
        &Op::MatMul,
        &Op::Activation(Activation::Reciprocal),
        &Op::Mul,
    ]
}

#[test]
fn a_decomposed_softmax_is_recognised() {
    let (mut b, x) = Builder::new(&[2, 3, 5]);
    let e = exponentials(&mut b, x, 2);
    let y = normalised(&mut b, e);
    let after = close(b.finish(y), SOFTMAX);
    assert!(is_softmax(&ops(&after), 2));
    // Along another axis.
    let (mut b, x) = Builder::new(&[2, 3, 5]);
    let y = exponentials(&mut b, x, 1);
    let after = close(b.finish(y), 1);
    assert_eq!(ops(&after), [&Op::ExpShifted { axis: 1 }]);
}

#[test]
fn a_softmax_without_a_maximum_is_recognised() {
    let (mut b, x) = Builder::new(&[2, 3, 5]);
    let e = f(&mut b, Activation::Exp, x);
    let y = normalised(&mut b, e);
    let after = close(b.finish(y), SOFTMAX);
    assert!(is_softmax(&ops(&after), 2));
}

#[test]
fn other_exponentials_stay() {
    let exps = |after: &Graph| ops(after).into_iter().any(|op| matches!(op, Op::ExpShifted { .. }));
    // Read elsewhere, of another sum, of a sum with something added.
    for case in 0..4 {
        let (mut b, x) = Builder::new(&[2, 3, 5]);
        let e = f(&mut b, Activation::Exp, x);
        let other = if case == 1 { f(&mut b, Activation::Sigmoid, x) } else { e };
        let mut z = sum(&mut b, other);
        if case == 0 {
            b.0.output("e", e);
        }
        if case == 2 {
            let one = b.constant(Tensor::scalar(1.0));
            z = b.op(Op::Add, &[z, one]);
        }
        let r = f(&mut b, Activation::Reciprocal, z);
        let y = b.op(Op::Mul, &[if case == 3 { r } else { e }, r]);
        assert!(!exps(&optimise(b.finish(y)).expect("whole")), "{case}");
    }
    // The maximum of something else.
    let (mut b, x) = Builder::new(&[2, 3, 5]);
    let other = f(&mut b, Activation::Relu, x);
    let max = b.op(Op::ReduceMax { axis: 2 }, &[other]);
    let y = b.op(Op::Sub, &[x, max]);
    let y = f(&mut b, Activation::Exp, y);
    assert!(!exps(&close(b.finish(y), 4)));
}

/// Queries, keys or values `[2, 4, 3]` of an input.
fn values(b: &mut Builder) -> ValueId {
    b.0.input("v", Shape::new(vec![2, 5, 3]).expect("small"))
}

#[test]
fn scores_are_normalised_after_the_product_with_the_values() {
    let (mut b, x) = Builder::new(&[2, 4, 5]);
    let v = values(&mut b);
    let e = b.op(Op::ExpShifted { axis: 2 }, &[x]);
    let p = normalised(&mut b, e);
    let y = b.op(Op::MatMul, &[p, v]);
    let after = close(b.finish(y), 5);
    let [Op::ExpShifted { .. }, Op::MatMul, Op::Activation(_), Op::MatMul, Op::Mul] =
        ops(&after)[..]
    else {
        panic!("{:?}", ops(&after))
    };
    let last = &after.nodes()[4];
    assert_eq!(last.inputs, [after.nodes()[3].output, after.nodes()[2].output]);
}

#[test]
fn a_softmax_at_the_right_of_the_product_is_normalised_after_it() {
    // V^T P^T: the softmax runs along the contracted axis 1 of its operand.
    let (mut b, x) = Builder::new(&[2, 5, 4]);
    let v = b.0.input("v", Shape::new(vec![2, 3, 5]).expect("small"));
    let e = b.op(Op::ExpShifted { axis: 1 }, &[x]);
    let ones = b.constant(tensor(&[1, 5], vec![1.0; 5]));
    let z = b.op(Op::MatMul, &[ones, e]);
    let r = f(&mut b, Activation::Reciprocal, z);
    let p = b.op(Op::Mul, &[e, r]);
    let y = b.op(Op::MatMul, &[v, p]);
    let after = close(b.finish(y), 5);
    assert!(matches!(ops(&after)[3..], [Op::MatMul, Op::Mul]));
}

#[test]
fn a_regrouped_softmax_is_normalised_after_the_product() {
    let (mut b, x) = Builder::new(&[1, 2, 4, 5]);
    let v = values(&mut b);
    let e = b.op(Op::ExpShifted { axis: 3 }, &[x]);
    let p = normalised(&mut b, e);
    let p = b.op(shape(&[2, 4, 5]), &[p]);
    let y = b.op(Op::MatMul, &[p, v]);
    let after = close(b.finish(y), 7);
    assert_eq!(ops(&after).last(), Some(&&Op::Mul));
}

#[test]
fn other_normalised_operands_stay() {
    let last_is_product = |after: &Graph| assert_eq!(ops(after).last(), Some(&&Op::MatMul));
    // Read elsewhere.
    let (mut b, x) = Builder::new(&[2, 4, 5]);
    let v = values(&mut b);
    let e = b.op(Op::ExpShifted { axis: 2 }, &[x]);
    let p = normalised(&mut b, e);
    b.0.output("weights", p);
    let y = b.op(Op::MatMul, &[p, v]);
    last_is_product(&close(b.finish(y), 5));
    // A factor for each column.
    let (mut b, x) = Builder::new(&[2, 4, 5]);
    let v = values(&mut b);
    let c = b.0.input("c", Shape::new(vec![5]).expect("small"));
    let e = b.op(Op::ExpShifted { axis: 2 }, &[x]);
    let p = b.op(Op::Mul, &[e, c]);
    let y = b.op(Op::MatMul, &[p, v]);
    last_is_product(&close(b.finish(y), 3));
    // Constant weights.
    let (mut b, x) = Builder::new(&[2, 4, 5]);
    let e = b.op(Op::ExpShifted { axis: 2 }, &[x]);
    let p = normalised(&mut b, e);
    let y = b.with(Op::MatMul, p, &[5, 3], 4);
    last_is_product(&close(b.finish(y), 5));
    // No softmax.
    let (mut b, x) = Builder::new(&[2, 4, 5]);
    let v = values(&mut b);
    let r = b.0.input("r", Shape::new(vec![2, 4, 1]).expect("small"));
    let p = b.op(Op::Mul, &[x, r]);
    let y = b.op(Op::MatMul, &[p, v]);
    last_is_product(&close(b.finish(y), 2));
}
