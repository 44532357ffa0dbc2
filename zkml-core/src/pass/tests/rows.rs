//! One spatial axis: Reshapes between windows and what is beside them.

use super::*;

fn shape(dims: &[usize]) -> Op {
    Op::Reshape(Shape::new(dims.to_vec()).expect("small"))
}

/// A correlation of `[1, 4, L]` with 3 taps and these pads, as a plane between Reshapes.
fn row(b: &mut Builder, y: ValueId, pads: usize) -> ValueId {
    let length = b.0.get(y).shape.dims()[2];
    let y = b.op(shape(&[1, 4, 1, length]), &[y]);
    let output = length + 2 * pads - 2;
    let width = Axis::convolution(length, output, 3, (1, 1), pads as i64);
    let window = Window { height: Axis::identity(1), width };
    let y = b.with(Op::Correlate { window, groups: 1 }, y, &[4, 4, 1, 3], 11);
    b.op(shape(&[1, 4, output]), &[y])
}

#[test]
fn normalisation_of_rows_folds() {
    for (pads, dims) in [(0, &[4, 1][..]), (1, &[1, 4, 1]), (1, &[])] {
        // After a correlation.
        let (mut b, x) = Builder::new(&[1, 4, 7]);
        let y = row(&mut b, x, pads);
        let y = b.with(Op::Mul, y, dims, 1);
        let y = b.with(Op::Add, y, dims, 2);
        let y = b.op(Op::Activation(Activation::Relu), &[y]);
        let after = same(b.finish(y), 5);
        let [Op::Reshape(_), Op::Correlate { .. }, Op::Add, Op::Activation(_), Op::Reshape(_)] =
            ops(&after)[..]
        else {
            panic!("{:?}", ops(&after))
        };
        // Before it: the sum only without pads, and through to the next.
        let (mut b, x) = Builder::new(&[1, 4, 7]);
        let c = b.constant(dyadic(dims, 1));
        let y = b.op(Op::Mul, &[c, x]);
        let y = b.with(Op::Sub, y, dims, 2);
        let y = row(&mut b, y, pads);
        // Two factors and a sum with pads, a sum behind without.
        same(b.finish(y), if pads == 0 { 4 } else { 5 });
    }
}

#[test]
fn a_constant_minus_a_row_keeps_its_order() {
    let (mut b, x) = Builder::new(&[1, 4, 7]);
    let y = row(&mut b, x, 0);
    let c = b.constant(dyadic(&[4, 1], 1));
    let y = b.op(Op::Sub, &[c, y]);
    let after = same(b.finish(y), 4);
    assert!(matches!(ops(&after)[2..], [Op::Sub, Op::Reshape(_)]));
}

#[test]
fn rows_between_correlations_pools_and_functions_are_one_plane() {
    let (mut b, x) = Builder::new(&[1, 4, 9]);
    let pads = |left: usize| Op::Pad { begin: vec![0, 0, left], end: vec![0, 0, 1], value: 0.0 };
    let y = b.op(pads(2), &[x]);
    let y = row(&mut b, y, 0);
    let y = b.with(Op::Mul, y, &[4, 1], 2);
    let y = b.op(shape(&[1, 4, 1, 10]), &[y]);
    let width = Axis::convolution(10, 5, 2, (2, 1), 0);
    let y = b.op(Op::MaxPool(Window { height: Axis::identity(1), width }), &[y]);
    let y = b.op(shape(&[1, 4, 5]), &[y]);
    let y = b.op(Op::Activation(Activation::Relu), &[y]);
    let y = b.op(pads(0), &[y]);
    let y = row(&mut b, y, 1);
    let after = same(b.finish(y), 6);
    let [
        Op::Reshape(_),
        Op::Correlate { .. },
        Op::Activation(_),
        Op::MaxPool(_),
        Op::Correlate { .. },
        Op::Reshape(_),
    ] = ops(&after)[..]
    else {
        panic!("{:?}", ops(&after))
    };
}

#[test]
fn what_is_no_row_of_channels_stays() {
    // Constants along the row or one for each element, or that broadcast the batch.
    for dims in [&[7][..], &[1, 4, 7], &[2, 4, 1], &[1, 1, 4, 1]] {
        let (mut b, x) = Builder::new(&[1, 4, 7]);
        let y = row(&mut b, x, 1);
        let y = b.with(Op::Mul, y, dims, 1);
        let after = same(b.finish(y), 4);
        assert!(matches!(ops(&after)[2..], [Op::Reshape(_), Op::Mul]));
    }
    // As many positions as channels.
    for dims in [&[4][..], &[1, 4]] {
        let (mut b, x) = Builder::new(&[1, 4, 4]);
        let y = row(&mut b, x, 1);
        let y = b.with(Op::Mul, y, dims, 1);
        let after = same(b.finish(y), 4);
        assert!(matches!(ops(&after)[2..], [Op::Reshape(_), Op::Mul]));
    }
    // Another Reshape, or a reader beside.
    let (mut b, x) = Builder::new(&[1, 4, 7]);
    let y = row(&mut b, x, 1);
    b.0.output("row", y);
    let y = b.with(Op::Mul, y, &[4, 1], 1);
    same(b.finish(y), 4);
    let (mut b, x) = Builder::new(&[1, 4, 5, 6]);
    let y = correlate(&mut b, x, 1);
    let [_, c, h, w] = *b.0.get(y).shape.dims() else { panic!("an image") };
    let y = b.op(shape(&[1, c, h * w]), &[y]);
    let y = b.with(Op::Mul, y, &[c, 1], 1);
    same(b.finish(y), 3);
}
