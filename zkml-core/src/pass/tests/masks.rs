//! Masks before a softmax.

use super::{attention::normalised, *};

/// 1 up to the diagonal of `[4, 4]`.
fn causal() -> Tensor<f32> {
    tensor(&[4, 4], (0..16).map(|i| f32::from(i % 4 <= i / 4)).collect())
}

/// The softmax of scores `[1, 2, 4, 4]` that something is done to before.
fn softmax(mask: impl FnOnce(&mut Builder, ValueId) -> ValueId) -> Graph {
    let (mut b, x) = Builder::new(&[1, 2, 4, 4]);
    let y = mask(&mut b, x);
    let e = b.op(Op::ExpShifted { axis: 3 }, &[y]);
    let y = normalised(&mut b, e);
    b.finish(y)
}

/// The operand of the exponentials that says what they keep.
fn keep(after: &Graph) -> Option<&crate::ir::Value> {
    let exp = after.nodes().iter().find(|node| matches!(node.op, Op::ExpShifted { .. }));
    let inputs = &exp.expect("exponentials").inputs;
    assert_eq!(inputs.first(), after.inputs().first());
    inputs.get(1).map(|id| after.get(*id))
}

#[test]
fn constant_masks_are_what_is_kept() {
    let additive = |value: f32| causal().map(|keep| if *keep == 1.0 { 0.0 } else { value });
    for value in [-1e4, -65504.0, -1e9, f32::MIN, f32::NEG_INFINITY] {
        let graph = softmax(|b, x| {
            let mask = b.constant(additive(value));
            b.op(Op::Add, &[mask, x])
        });
        // The float executor refuses infinities: it is run on the result of another mask.
        let after =
            if value.is_finite() { close(graph, 4) } else { optimise(graph).expect("whole") };
        assert_eq!(keep(&after).and_then(|k| k.constant.clone()), Some(causal()));
        if value.is_finite() {
            let graph = softmax(|b, x| {
                let keep = b.constant(causal());
                b.op(Op::Mask { value }, &[x, keep])
            });
            let after = close(graph, 4);
            assert_eq!(keep(&after).and_then(|k| k.constant.clone()), Some(causal()));
        }
    }
}

#[test]
fn masks_that_matter_stay() {
    for value in [-10.0, -100.0, 0.0, 1.0] {
        let after = close(
            softmax(|b, x| {
                let keep = b.constant(causal());
                b.op(Op::Mask { value }, &[x, keep])
            }),
            5,
        );
        assert_eq!(ops(&after)[0], &Op::Mask { value });
    }
    // Biases of positions.
    for value in [-10.0, 2.0] {
        let after = close(
            softmax(|b, x| {
                let bias = causal().map(|keep| if *keep == 1.0 { 0.0 } else { value });
                let bias = b.constant(bias);
                b.op(Op::Add, &[x, bias])
            }),
            5,
        );
        assert_eq!(ops(&after)[0], &Op::Add);
    }
    // Masked scores that something else reads.
    let after = close(
        softmax(|b, x| {
            let keep = b.constant(causal());
            let y = b.op(Op::Mask { value: -1e4 }, &[x, keep]);
            b.0.output("masked", y);
            y
        }),
        5,
    );
    assert_eq!(ops(&after)[0], &Op::Mask { value: -1e4 });
}

#[test]
fn a_mask_of_a_whole_row_stays() {
    // Without the diagonal the first row keeps nothing: its softmax is 1/4 each.
    let strict = tensor(&[4, 4], (0..16).map(|i| f32::from(i % 4 < i / 4)).collect());
    let after = close(
        softmax(|b, x| {
            let keep = b.constant(strict);
            b.op(Op::Mask { value: -1e4 }, &[x, keep])
        }),
        5,
    );
    assert_eq!(ops(&after)[0], &Op::Mask { value: -1e4 });
    // Two masks that leave nothing of a row together.
    let after = close(
        softmax(|b, x| {
            let keep = b.constant(causal());
            let y = b.op(Op::Mask { value: -1e4 }, &[x, keep]);
            let late = b.constant(tensor(&[4], vec![0.0, 1.0, 1.0, 1.0]));
            b.op(Op::Mask { value: -1e4 }, &[y, late])
        }),
        6,
    );
    assert_eq!(ops(&after)[0], &Op::Mask { value: -1e4 });
    assert_eq!(ops(&after)[1], &Op::Mask { value: -1e4 });
}

#[test]
fn a_mask_that_keeps_everything_goes() {
    let after = close(
        softmax(|b, x| {
            let keep = b.constant(tensor(&[4], vec![1.0; 4]));
            b.op(Op::Mask { value: -1e4 }, &[x, keep])
        }),
        4,
    );
    assert!(keep(&after).is_none());
}

#[test]
fn masks_for_other_values_too_are_products() {
    let after = close(
        softmax(|b, x| {
            let keep = b.constant(causal());
            let y = b.op(Op::Mask { value: -1e9 }, &[x, keep]);
            let pads = b.constant(tensor(&[1, 1, 1, 4], vec![0.0, 0.0, 0.0, -1e4]));
            b.op(Op::Add, &[y, pads])
        }),
        4,
    );
    let both =
        tensor(&[1, 1, 4, 4], (0..16).map(|i| f32::from(i % 4 <= i / 4 && i % 4 < 3)).collect());
    assert_eq!(keep(&after).and_then(|k| k.constant.clone()), Some(both));
}

/// An input `[1, 4]` of whole numbers as `[1, 1, 1, 4]`.
fn padding(b: &mut Builder) -> ValueId {
    let m = b.0.integer_input("attention_mask", Shape::new(vec![1, 4]).expect("small"));
    b.op(attention::shape(&[1, 1, 1, 4]), &[m])
}

#[test]
fn an_input_of_what_is_kept_is_recognised() {
    for case in 0..4 {
        let after = close(
            softmax(|b, x| {
                let m = padding(b);
                let one = b.constant(Tensor::scalar(1.0));
                let minus_one = b.constant(Tensor::scalar(-1.0));
                let drop = b.constant(Tensor::scalar(if case == 1 { f32::MIN } else { -1e4 }));
                let large = b.constant(Tensor::scalar(1e4));
                let mask = match case {
                    0 | 1 => {
                        let y = b.op(Op::Sub, &[one, m]);
                        b.op(Op::Mul, &[y, drop])
                    }
                    2 => {
                        let y = b.op(Op::Sub, &[m, one]);
                        b.op(Op::Mul, &[large, y])
                    }
                    _ => {
                        let y = b.op(Op::Add, &[minus_one, m]);
                        b.op(Op::Mul, &[y, large])
                    }
                };
                b.op(Op::Add, &[x, mask])
            }),
            6,
        );
        let flags = Op::Activation(Activation::IsPositive);
        assert!(ops(&after).contains(&&flags), "{case}");
        assert!(keep(&after).expect("kept").integer);
    }
}

#[test]
fn flags_are_taken_as_they_are() {
    // Where(cast(1 - m), min, 1 - m), as newer exports do it: masked where 1 - m is not 0.
    let after = close(
        softmax(|b, x| {
            let m = padding(b);
            let one = b.constant(Tensor::scalar(1.0));
            let inverted = b.op(Op::Sub, &[one, m]);
            let zero = b.op(Op::Activation(Activation::IsZero), &[inverted]);
            let not_zero = b.op(Op::Sub, &[one, zero]);
            let keep = b.op(Op::Sub, &[one, not_zero]);
            let mask = b.op(Op::Mask { value: f32::MIN }, &[inverted, keep]);
            b.op(Op::Add, &[x, mask])
        }),
        7,
    );
    assert!(keep(&after).expect("kept").integer);
    // What is dropped, as flags.
    let after = close(
        softmax(|b, x| {
            let m = padding(b);
            let drop = b.op(Op::Activation(Activation::IsZero), &[m]);
            let c = b.constant(Tensor::scalar(-1e5));
            let mask = b.op(Op::Mul, &[drop, c]);
            b.op(Op::Add, &[x, mask])
        }),
        7,
    );
    assert!(keep(&after).expect("kept").integer);
    // Where(m, 0, min) of constants.
    for kept in [true, false] {
        let after = close(
            softmax(|b, x| {
                let m = padding(b);
                let m = b.op(Op::Activation(Activation::IsPositive), &[m]);
                let (value, other) = if kept { (0.0, -1e4) } else { (-1e4, 0.0) };
                let constant = b.constant(tensor(&[1, 1, 1, 4], vec![value; 4]));
                let mask = b.op(Op::Mask { value: other }, &[constant, m]);
                b.op(Op::Add, &[x, mask])
            }),
            if kept { 6 } else { 7 },
        );
        assert!(keep(&after).expect("kept").integer);
    }
}

#[test]
fn a_regrouped_mask_is_recognised_if_its_parts_have_its_shape() {
    for whole in [true, false] {
        let after = close(
            softmax(|b, x| {
                let dims: &[usize] = if whole { &[4, 4] } else { &[1, 4] };
                let m = b.0.integer_input("m", Shape::new(dims.to_vec()).expect("small"));
                let m = b.op(Op::Activation(Activation::IsPositive), &[m]);
                let zeros = b.constant(tensor(&[4, 4], vec![0.0; 16]));
                let mask = b.op(Op::Mask { value: -1e4 }, &[zeros, m]);
                let mask = b.op(attention::shape(&[1, 1, 4, 4]), &[mask]);
                b.op(Op::Add, &[x, mask])
            }),
            if whole { 6 } else { 8 },
        );
        assert_eq!(keep_of_any(&after).is_some(), whole);
    }
}

#[test]
fn layers_share_the_mask_of_an_input() {
    let (mut b, x) = Builder::new(&[1, 2, 4, 4]);
    let m = padding(&mut b);
    let one = b.constant(Tensor::scalar(1.0));
    let c = b.constant(Tensor::scalar(-1e4));
    let mask = b.op(Op::Sub, &[one, m]);
    let mask = b.op(Op::Mul, &[mask, c]);
    let mut y = x;
    for _ in 0..3 {
        let masked = b.op(Op::Add, &[y, mask]);
        let masked = b.constant_causal(masked);
        let e = b.op(Op::ExpShifted { axis: 3 }, &[masked]);
        y = normalised(&mut b, e);
    }
    // Reshape, IsPositive, the product of both masks once; four for each softmax.
    close(b.finish(y), 3 + 3 * 4);
}

impl Builder {
    fn constant_causal(&mut self, y: ValueId) -> ValueId {
        let keep = self.constant(causal());
        self.op(Op::Mask { value: -1e4 }, &[y, keep])
    }
}

#[test]
fn sums_that_are_no_masks_stay() {
    // Numbers that are no flags, factors that are not large, inputs that may be anything.
    for case in 0..3 {
        let after = close(
            softmax(|b, x| {
                let m = if case == 2 {
                    b.0.input("m", Shape::new(vec![4]).expect("small"))
                } else {
                    padding(b)
                };
                let one = b.constant(Tensor::scalar(if case == 0 { 2.0 } else { 1.0 }));
                let c = b.constant(Tensor::scalar(if case == 1 { -10.0 } else { -1e4 }));
                let y = b.op(Op::Sub, &[one, m]);
                let mask = b.op(Op::Mul, &[y, c]);
                b.op(Op::Add, &[x, mask])
            }),
            if case == 2 { 7 } else { 8 },
        );
        assert!(keep_of_any(&after).is_none());
    }
}

/// Each sum reads the one before twice: a search along every path would not end.
#[test]
fn sums_of_masks_with_themselves_end() {
    let graph = softmax(|b, x| {
        let keep = padding(b);
        let zero = b.constant(tensor(&[1, 2, 4, 4], vec![0.0; 32]));
        let mut mask = b.op(Op::Mask { value: -1e5 }, &[zero, keep]);
        for _ in 0..40 {
            mask = b.op(Op::Add, &[mask, mask]);
        }
        b.op(Op::Add, &[x, mask])
    });
    let after = optimise(graph).expect("passes keep graphs whole");
    assert!(keep_of_any(&after).is_none());
}

fn keep_of_any(after: &Graph) -> Option<ValueId> {
    let exp = after.nodes().iter().find(|node| matches!(node.op, Op::ExpShifted { .. }));
    exp.and_then(|node| node.inputs.get(1).copied())
}
