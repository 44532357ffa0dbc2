//! Small models: tables of a few bits, so that a proof takes a fraction of a second.

use zkml_circuits::testing::{Dice, encoding, random, relu, shape};
use zkml_core::{
    ir::{Axis, Window},
    program::{Affine, Program, ProgramBuilder, TensorId, Term},
    tensor::Tensor,
};

/// Stored tensors of [`classifier`].
pub(crate) const INPUT: TensorId = TensorId(0);
pub(crate) const HIDDEN: TensorId = TensorId(1);
pub(crate) const LOGITS: TensorId = TensorId(2);

/// `5 -> 9 (Relu) -> 3` over `batch` rows. The first `ignored` inputs have no effect.
pub(crate) fn classifier(batch: usize, ignored: usize) -> Program {
    let mut dice = Dice::new(29);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[batch, 5]), encoding("x", 4));
    let relu = b.table(relu(6));
    let mut first: Tensor<i32> = random(&mut dice, &[5, 9], 3);
    first = Tensor::new(
        first.shape().clone(),
        first
            .data()
            .iter()
            .enumerate()
            .map(|(at, w)| if at / 9 < ignored { 0 } else { *w })
            .collect(),
    )
    .expect("as many");
    let hidden = Affine::new(vec![Term::Contract { view: b.whole(x), weight: first }])
        .bias(random(&mut dice, &[batch, 9], 20))
        .shift(3)
        .table(relu);
    let h = b.affine(shape(&[batch, 9]), encoding("hidden", 6), hidden);
    let last = Affine::new(vec![Term::Contract {
        view: b.whole(h),
        weight: random(&mut dice, &[9, 3], 3),
    }])
    .shift(2);
    let y = b.affine(shape(&[batch, 3]), encoding("logits", 8), last);
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

/// Stored tensors of [`strided`]: the first convolution, and the second, the output.
pub(crate) const FIRST: TensorId = TensorId(1);
pub(crate) const SECOND: TensorId = TensorId(2);

/// The window of the first convolution of [`strided`]: stride 1, a pad of 1 all around.
pub(crate) fn padded() -> Window {
    Window {
        height: Axis::convolution(5, 5, 3, (1, 1), 1),
        width: Axis::convolution(4, 4, 3, (1, 1), 1),
    }
}

/// `[1, 2, 5, 4] -> [1, 3, 5, 4]` by 3x3 kernels with pads (Relu), then `-> [1, 2, 3, 2]` by 3x3
/// kernels with stride 2 and pads before only.
pub(crate) fn strided() -> Program {
    let mut dice = Dice::new(31);
    let first = random(&mut dice, &[3, 2, 3, 3], 3);
    convolutions(first, random(&mut dice, &[2, 3, 3, 3], 3))
}

/// As [`strided`], with kernels of choice.
pub(crate) fn convolutions(first: Tensor<i32>, second: Tensor<i32>) -> Program {
    let mut dice = Dice::new(37);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 2, 5, 4]), encoding("x", 4));
    let relu = b.table(relu(6));
    let term = Term::Correlate { view: b.whole(x), weight: first, window: padded(), groups: 1 };
    let affine =
        Affine::new(vec![term]).bias(random(&mut dice, &[1, 3, 5, 4], 20)).shift(4).table(relu);
    let h = b.affine(shape(&[1, 3, 5, 4]), encoding("first", 6), affine);
    let window = Window {
        height: Axis::convolution(5, 3, 3, (2, 1), 2),
        width: Axis::convolution(4, 2, 3, (2, 1), 1),
    };
    let term = Term::Correlate { view: b.whole(h), weight: second, window, groups: 1 };
    let affine = Affine::new(vec![term]).shift(3);
    let y = b.affine(shape(&[1, 2, 3, 2]), encoding("second", 8), affine);
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}
