//! Small models: tables of a few bits, so that a proof takes a fraction of a second.

use zkml_circuits::testing::{Dice, encoding, random, relu, shape};
use zkml_core::{
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
