//! Constant factors, normalisations and regrouped rows.

use super::*;

fn shape(dims: &[usize]) -> Op {
    Op::Reshape(Shape::new(dims.to_vec()).expect("small"))
}

fn number(b: &mut Builder, value: f32) -> ValueId {
    b.constant(Tensor::scalar(value))
}

/// `x - mean(x)` and the mean of its squares, along the last axis of `[1, 4, 8]`.
fn centred(b: &mut Builder, x: ValueId) -> (ValueId, ValueId) {
    let mean = b.constant(tensor(&[8, 1], vec![0.125; 8]));
    let m = b.op(Op::MatMul, &[x, mean]);
    let c = b.op(Op::Sub, &[x, m]);
    let two = Activation::Pow { exponent: 2.0 };
    let squares = b.op(Op::Activation(two), &[c]);
    (c, b.op(Op::MatMul, &[squares, mean]))
}

/// A normalisation as PyTorch decomposes it, with scale and bias.
fn layer_norm(b: &mut Builder, x: ValueId) -> ValueId {
    let (c, v) = centred(b, x);
    let eps = number(b, 1.0);
    let v = b.op(Op::Add, &[v, eps]);
    let root = b.op(Op::Activation(Activation::Sqrt), &[v]);
    let r = b.op(Op::Activation(Activation::Reciprocal), &[root]);
    let y = b.op(Op::Mul, &[c, r]);
    let y = b.with(Op::Mul, y, &[8], 5);
    b.with(Op::Add, y, &[8], 6)
}

#[test]
fn a_normalisation_keeps_its_mean_sparse_and_folds_into_all_layers_that_read_it() {
    let (mut b, x) = Builder::new(&[1, 4, 8]);
    let y = layer_norm(&mut b, x);
    for (i, name) in ["q", "k", "v"].iter().enumerate() {
        let z = b.with(Op::MatMul, y, &[8, 3], 7 + i as u32);
        b.0.output(*name, z);
    }
    let z = b.with(Op::MatMul, y, &[8, 2], 20);
    let after = close(b.finish(z), 15);
    use Activation::{Rsqrt, Square};
    let expected = [
        Op::MatMul,
        Op::Sub,
        Op::Activation(Square),
        Op::MatMul,
        Op::Add,
        Op::Activation(Rsqrt),
        Op::Mul,
    ];
    assert!(ops(&after).into_iter().zip(&expected).all(|(a, b)| a == b), "{:?}", ops(&after));
    // A product and a bias for each reader; no matrix of 8 by 8.
    let square = |v: &crate::ir::Value| v.constant.is_some() && v.shape.dims() == [8, 8];
    assert!(!after.values().iter().any(square));
    assert!(ops(&after)[7..].chunks(2).all(|pair| pair == [&Op::MatMul, &Op::Add]));
}

#[test]
fn a_normalisation_that_something_else_reads_keeps_its_scale() {
    let (mut b, x) = Builder::new(&[1, 4, 8]);
    let y = layer_norm(&mut b, x);
    let z = b.with(Op::MatMul, y, &[8, 8], 7);
    let z = b.op(Op::Add, &[y, z]);
    // Mean, Sub, Square, mean, Add, Rsqrt, Mul, Mul, Add, MatMul, Add
    close(b.finish(z), 11);
}

#[test]
fn a_scale_before_the_reciprocal_root_moves_behind_it() {
    for left in [true, false] {
        let (mut b, x) = Builder::new(&[1, 4, 8]);
        let (c, v) = centred(&mut b, x);
        let eps = number(&mut b, 1.0);
        let v = b.op(Op::Add, &[v, eps]);
        let r = b.op(Op::Activation(Activation::Pow { exponent: -0.5 }), &[v]);
        let scaled = b.with(Op::Mul, c, &[8], 5);
        let y = b.op(Op::Mul, &if left { [scaled, r] } else { [r, scaled] });
        let y = b.with(Op::MatMul, y, &[8, 3], 7);
        let after = close(b.finish(y), 8);
        assert!(matches!(ops(&after)[6..], [Op::Mul, Op::MatMul]));
    }
}

/// Heads `[2, 4, 3]` of a layer of `[4, 5]`.
fn heads(b: &mut Builder, x: ValueId, perm: [usize; 3], bias: bool, seed: u32) -> ValueId {
    let y = b.with(Op::MatMul, x, &[5, 6], seed);
    let y = if bias { b.with(Op::Add, y, &[6], seed + 1) } else { y };
    let y = b.op(shape(&[4, 2, 3]), &[y]);
    b.op(Op::Transpose(perm.to_vec()), &[y])
}

#[test]
fn the_scale_of_scores_goes_into_the_weights_of_the_queries() {
    for bias in [false, true] {
        let (mut b, x) = Builder::new(&[4, 5]);
        let q = heads(&mut b, x, [1, 0, 2], bias, 1);
        let k = heads(&mut b, x, [1, 2, 0], bias, 3);
        let scores = b.op(Op::MatMul, &[q, k]);
        let scale = number(&mut b, 0.25);
        let y = b.op(Op::Mul, &[scale, scores]);
        let after = same(b.finish(y), 7 + 2 * usize::from(bias));
        assert_eq!(ops(&after).last(), Some(&&Op::MatMul));
    }
    // Both operands scaled, as the export of scaled_dot_product_attention does.
    let (mut b, x) = Builder::new(&[4, 5]);
    let q = heads(&mut b, x, [1, 0, 2], false, 1);
    let k = heads(&mut b, x, [1, 2, 0], false, 3);
    let scale = number(&mut b, 0.5);
    let (q, k) = (b.op(Op::Mul, &[q, scale]), b.op(Op::Mul, &[k, scale]));
    let y = b.op(Op::MatMul, &[q, k]);
    let after = same(b.finish(y), 7);
    assert_eq!(ops(&after).last(), Some(&&Op::MatMul));
}

#[test]
fn a_scale_that_only_the_keys_take_goes_there() {
    let (mut b, x) = Builder::new(&[4, 5]);
    let q = heads(&mut b, x, [1, 0, 2], false, 1);
    let k = heads(&mut b, x, [1, 2, 0], false, 3);
    b.0.output("q", q);
    let scores = b.op(Op::MatMul, &[q, k]);
    let scale = number(&mut b, 0.25);
    let y = b.op(Op::Mul, &[scores, scale]);
    same(b.finish(y), 7);
}

#[test]
fn a_scale_without_weights_is_one_factor_of_the_product() {
    for at in [0, 1] {
        let (mut b, x) = Builder::new(&[2, 4, 4]);
        let f = b.op(Op::Activation(Activation::Relu), &[x]);
        let scale = number(&mut b, 0.25);
        let mut operands = [f, x];
        operands[at] = b.op(Op::Mul, &[operands[at], scale]);
        let y = b.op(Op::MatMul, &operands);
        let after = same(b.finish(y), 3);
        assert!(matches!(ops(&after)[1..], [Op::MatMul, Op::Mul]));
    }
}

#[test]
fn factors_that_are_not_one_number_stay() {
    let (mut b, x) = Builder::new(&[4, 5]);
    let q = heads(&mut b, x, [1, 0, 2], false, 1);
    let k = heads(&mut b, x, [1, 2, 0], false, 3);
    let scores = b.op(Op::MatMul, &[q, k]);
    let y = b.with(Op::Mul, scores, &[2, 1, 1], 5);
    let after = same(b.finish(y), 8);
    assert_eq!(ops(&after).last(), Some(&&Op::Mul));
}

#[test]
fn a_layer_between_reshapes_is_a_product_on_its_own_axes() {
    // GPT-2: Reshape, Gemm, Reshape, a function, and the same again.
    let (mut b, x) = Builder::new(&[2, 3, 4]);
    let y = b.with(Op::Mul, x, &[4], 1);
    let y = b.op(shape(&[6, 4]), &[y]);
    let y = b.with(Op::MatMul, y, &[4, 5], 2);
    let y = b.with(Op::Add, y, &[5], 3);
    let y = b.op(shape(&[2, 3, 5]), &[y]);
    let y = b.op(Op::Activation(Activation::Relu), &[y]);
    let y = b.op(shape(&[6, 5]), &[y]);
    let y = b.with(Op::MatMul, y, &[5, 4], 4);
    let c = b.constant(dyadic(&[1, 4], 5));
    let y = b.op(Op::Sub, &[c, y]);
    let y = b.op(shape(&[2, 3, 4]), &[y]);
    let y = b.op(Op::Add, &[x, y]);
    let after = same(b.finish(y), 6);
    assert!(ops(&after).iter().all(|op| !matches!(op, Op::Reshape(_))), "{:?}", ops(&after));
}

#[test]
fn reshapes_that_mix_channels_stay_before_a_layer() {
    let (mut b, x) = Builder::new(&[2, 6]);
    let y = b.op(shape(&[3, 4]), &[x]);
    let y = b.with(Op::MatMul, y, &[4, 5], 2);
    let after = same(b.finish(y), 2);
    assert!(matches!(ops(&after)[..], [Op::Reshape(_), Op::MatMul]));
    // A vector as a matrix.
    let (mut b, x) = Builder::new(&[4]);
    let y = b.op(shape(&[1, 4]), &[x]);
    let y = b.with(Op::MatMul, y, &[4, 5], 2);
    same(b.finish(y), 2);
}

#[test]
fn a_complement_of_a_complement_is_nothing() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let one = number(&mut b, 1.0);
    let y = b.op(Op::Sub, &[one, x]);
    b.0.output("complement", y);
    let y = b.op(Op::Sub, &[one, y]);
    same(b.finish(y), 1);
    let (mut b, x) = Builder::new(&[2, 3]);
    let (c, d) = (b.constant(dyadic(&[3], 1)), b.constant(dyadic(&[3], 2)));
    let y = b.op(Op::Sub, &[c, x]);
    let y = b.op(Op::Sub, &[d, y]);
    let after = same(b.finish(y), 1);
    assert_eq!(ops(&after), [&Op::Add]);
}

#[test]
fn the_normalisation_of_tensorflow_is_one_of_the_difference() {
    // x * s + (bias - mean * s), s = r * scale
    let (mut b, x) = Builder::new(&[1, 4, 8]);
    let mean = b.constant(tensor(&[8, 1], vec![0.125; 8]));
    let m = b.op(Op::MatMul, &[x, mean]);
    let c = b.op(Op::Sub, &[x, m]);
    let squares = b.op(Op::Mul, &[c, c]);
    let v = b.op(Op::MatMul, &[squares, mean]);
    let eps = number(&mut b, 1.0);
    let v = b.op(Op::Add, &[v, eps]);
    let r = b.op(Op::Activation(Activation::Rsqrt), &[v]);
    let s = b.with(Op::Mul, r, &[8], 5);
    let (scaled, of_mean) = (b.op(Op::Mul, &[x, s]), b.op(Op::Mul, &[m, s]));
    let bias = b.constant(dyadic(&[8], 6));
    let rest = b.op(Op::Sub, &[bias, of_mean]);
    let y = b.op(Op::Add, &[scaled, rest]);
    let y = b.with(Op::MatMul, y, &[8, 3], 7);
    let after = close(b.finish(y), 9);
    assert!(matches!(ops(&after)[6..], [Op::Mul, Op::MatMul, Op::Add]), "{:?}", ops(&after));
}

#[test]
fn a_difference_that_is_written_twice_is_computed_once() {
    // (x - mean(x)) / sqrt(mean((x - mean(x))^2) + 1), the first of them apart.
    let (mut b, x) = Builder::new(&[1, 4, 8]);
    let (_, v) = centred(&mut b, x);
    let (c, _) = centred(&mut b, x);
    let one = number(&mut b, 1.0);
    let v = b.op(Op::Add, &[one, v]);
    let r = b.op(Op::Activation(Activation::Rsqrt), &[v]);
    let y = b.op(Op::Mul, &[c, r]);
    close(b.finish(y), 7);
    // Other constants, other operations.
    let (mut b, x) = Builder::new(&[4]);
    let (p, q) = (b.with(Op::Mul, x, &[4], 1), b.with(Op::Mul, x, &[4], 2));
    let r = b.with(Op::Add, x, &[4], 1);
    b.0.output("p", p);
    b.0.output("q", q);
    same(b.finish(r), 3);
}

#[test]
fn common_factors_move_out_of_sums() {
    let (mut b, x) = Builder::new(&[4, 5]);
    let y = b.0.input("y", Shape::new(vec![4, 5]).expect("small"));
    let r = b.0.input("r", Shape::new(vec![4, 1]).expect("small"));
    let (p, q) = (b.op(Op::Mul, &[x, r]), b.op(Op::Mul, &[r, y]));
    let z = b.op(Op::Sub, &[p, q]);
    let after = same(b.finish(z), 2);
    assert_eq!(ops(&after), [&Op::Sub, &Op::Mul]);
    // Read elsewhere, or of different factors.
    for read in [true, false] {
        let (mut b, x) = Builder::new(&[4, 5]);
        let r = b.0.input("r", Shape::new(vec![4, 1]).expect("small"));
        let s = b.0.input("s", Shape::new(vec![4, 1]).expect("small"));
        let y = b.0.input("y", Shape::new(vec![4, 5]).expect("small"));
        let (p, q) = (b.op(Op::Mul, &[x, r]), b.op(Op::Mul, &[if read { r } else { s }, y]));
        if read {
            b.0.output("p", p);
        }
        let z = b.op(Op::Add, &[p, q]);
        same(b.finish(z), 3);
    }
}
