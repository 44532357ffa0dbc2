//! Layers cut into the parts that are read.

use super::*;

fn shape(dims: &[usize]) -> Op {
    Op::Reshape(Shape::new(dims.to_vec()).expect("small"))
}

fn take(axis: usize, indices: std::ops::Range<u32>) -> Op {
    Op::Take { axis, indices: indices.collect() }
}

/// No more Takes, and as many products.
fn cut(after: &Graph, products: usize) {
    assert!(!ops(after).iter().any(|op| matches!(op, Op::Take { .. })), "{:?}", ops(after));
    assert_eq!(ops(after).iter().filter(|op| ***op == Op::MatMul).count(), products);
}

#[test]
fn a_split_of_queries_keys_and_values_is_three_layers() {
    for bias in [false, true] {
        let (mut b, x) = Builder::new(&[1, 4, 5]);
        let y = b.with(Op::MatMul, x, &[5, 18], 1);
        let y = if bias { b.with(Op::Add, y, &[18], 2) } else { y };
        let parts = [0, 6, 12].map(|start| b.op(take(2, start..start + 6), &[y]));
        b.0.output("q", parts[0]);
        b.0.output("k", parts[1]);
        let after = same(b.finish(parts[2]), 3 * (1 + usize::from(bias)));
        cut(&after, 3);
    }
}

#[test]
fn heads_that_are_picked_behind_views_are_layers() {
    // timm: [B, N, 3, H, D], permuted to [3, B, H, N, D], picked along the first axis.
    let (mut b, x) = Builder::new(&[1, 4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 18], 1);
    let y = b.with(Op::Add, y, &[18], 2);
    let y = b.op(shape(&[1, 4, 3, 2, 3]), &[y]);
    let y = b.op(Op::Transpose(vec![2, 0, 3, 1, 4]), &[y]);
    let parts = [0, 1, 2].map(|i| {
        let part = b.op(take(0, i..i + 1), &[y]);
        b.op(shape(&[1, 2, 4, 3]), &[part])
    });
    b.0.output("q", parts[0]);
    b.0.output("k", parts[1]);
    let after = same(b.finish(parts[2]), 15);
    cut(&after, 3);
    // Heads first: [B, N, H, 3 D], as GPT-NeoX has it.
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 18], 1);
    let y = b.op(shape(&[4, 2, 9]), &[y]);
    let parts = [0, 3, 6].map(|start| b.op(take(2, start..start + 3), &[y]));
    b.0.output("q", parts[0]);
    b.0.output("k", parts[1]);
    let after = same(b.finish(parts[2]), 6);
    cut(&after, 3);
}

#[test]
fn parts_of_a_whole_that_is_read_stay() {
    let takes =
        |after: &Graph| ops(after).iter().filter(|op| matches!(op, Op::Take { .. })).count();
    // The whole is an output, or read by a function.
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 6], 1);
    b.0.output("whole", y);
    let y = b.op(take(1, 0..3), &[y]);
    assert_eq!(takes(&same(b.finish(y), 2)), 1);
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 6], 1);
    let relu = b.op(Op::Activation(Activation::Relu), &[y]);
    b.0.output("relu", relu);
    let y = b.op(take(1, 0..3), &[y]);
    assert_eq!(takes(&same(b.finish(y), 3)), 1);
    // Rows are not columns.
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 6], 1);
    let y = b.op(take(0, 0..3), &[y]);
    assert_eq!(takes(&same(b.finish(y), 2)), 1);
    // More columns than there are.
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 6], 1);
    let parts = [b.op(take(1, 0..4), &[y]), b.op(take(1, 2..6), &[y])];
    b.0.output("part", parts[0]);
    assert_eq!(takes(&same(b.finish(parts[1]), 3)), 2);
    // A Reshape that mixes rows and columns of what is taken.
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 6], 1);
    let y = b.op(shape(&[3, 8]), &[y]);
    let y = b.op(take(1, 0..4), &[y]);
    assert_eq!(takes(&same(b.finish(y), 3)), 1);
    // A function between.
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 6], 1);
    let y = b.op(Op::Activation(Activation::Relu), &[y]);
    let y = b.op(take(1, 0..3), &[y]);
    assert_eq!(takes(&same(b.finish(y), 3)), 1);
}

#[test]
fn constants_along_rows_and_numbers_are_passed() {
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.with(Op::MatMul, x, &[5, 6], 1);
    let y = b.with(Op::Add, y, &[4, 1], 2);
    let c = b.constant(dyadic(&[6], 3));
    let y = b.op(Op::Sub, &[c, y]);
    let y = b.op(Op::Take { axis: 1, indices: vec![5, 0, 2] }, &[y]);
    let after = same(b.finish(y), 3);
    cut(&after, 1);
}
