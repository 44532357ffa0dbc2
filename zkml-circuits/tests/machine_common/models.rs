//! Small models: tables of a few bits, so that a proof takes a fraction of a second.

use zkml_circuits::testing::{Dice, encoding, random, relu, shape};
use zkml_core::{
    ir::{Axis, Window},
    program::{Affine, Program, ProgramBuilder, Table, TensorId, Term},
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

/// Two trees over three features: comparisons, whether each leaf is reached, the sum of what the
/// leaves say. Every step but the last is a table.
pub(crate) fn forest() -> Program {
    let mut dice = Dice::new(41);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 3]), encoding("x", 5));
    let positive = b.table(Table::tabulate("Positive", -32..=31, |x| i32::from(x > 0)));
    let is_zero = b.table(Table::tabulate("IsZero", -4..=4, |x| i32::from(x == 0)));
    // Trees of three comparisons, whose root decides which of the others does.
    let feature = |node: usize| (node * 2 + node / 3) % 3;
    let select = (0..18).map(|at| i32::from(at / 6 == feature(at % 6))).collect();
    let select = Tensor::new(shape(&[3, 6]), select).expect("as many");
    let nodes = Affine::new(vec![Term::Contract { view: b.whole(x), weight: select }])
        .bias(random(&mut dice, &[1, 6], 9))
        .table(positive);
    let nodes = b.affine(shape(&[1, 6]), encoding("nodes", 6), nodes);
    // Of the four leaves of a tree, how many of its two comparisons say otherwise.
    let mut paths = vec![0; 6 * 8];
    let mut expected = vec![0; 8];
    for leaf in 0..8 {
        let (tree, path) = (leaf / 4, leaf % 4);
        for (node, right) in [(3 * tree, path / 2), (3 * tree + 1 + path / 2, path % 2)] {
            paths[node * 8 + leaf] = if right == 1 { -1 } else { 1 };
            expected[leaf] += right as i64;
        }
    }
    let weight = Tensor::new(shape(&[6, 8]), paths).expect("as many");
    let leaves = Affine::new(vec![Term::Contract { view: b.whole(nodes), weight }])
        .bias(Tensor::new(shape(&[1, 8]), expected).expect("as many"))
        .table(is_zero);
    let leaves = b.affine(shape(&[1, 8]), encoding("leaves", 4), leaves);
    let weight = random(&mut dice, &[8, 2], 90);
    let votes = Affine::new(vec![Term::Contract { view: b.whole(leaves), weight }]);
    let votes = b.affine(shape(&[1, 2]), encoding("votes", 9), votes);
    let view = b.whole(votes);
    b.output("y", view);
    b.finish().expect("a program")
}
