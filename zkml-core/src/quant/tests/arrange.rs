//! Take, Pad and Concat: views with holes, and sums of them.

use super::{
    convolution::{conv, square},
    *,
};

fn take(w: &mut Writer, x: ValueId, axis: usize, indices: &[u32]) -> ValueId {
    w.op(Op::Take { axis, indices: indices.to_vec() }, &[x])
}

fn pad(w: &mut Writer, x: ValueId, begin: &[usize], end: &[usize], value: f32) -> ValueId {
    w.op(Op::Pad { begin: begin.to_vec(), end: end.to_vec(), value }, &[x])
}

#[test]
fn taking_is_a_view_unless_a_product_loses_elements() {
    let mut w = Writer::default();
    let x = w.input(&[3, 4]);
    let h = take(&mut w, x, 1, &[3, 0, 0]);
    let h = w.linear(h, [3, 4], 1);
    let h = take(&mut w, h, 1, &[1, 0, 3, 2]);
    let y = w.relu(h);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "contract+bias>table"]);

    let mut w = Writer::default();
    let x = w.input(&[3, 4]);
    let h = w.linear(x, [4, 4], 1);
    let h = take(&mut w, h, 0, &[2, 1]);
    let y = w.relu(h);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "contract+bias", "scale>table"]);
}

#[test]
fn a_multiple_is_taken_and_padded_as_it_is() {
    let mut w = Writer::default();
    let x = w.input(&[2, 4]);
    let row = w.constant(random(&[2, 4], 1));
    let h = w.op(Op::Mul, &[x, row]);
    let h = w.op(Op::Sub, &[h, row]);
    let h = w.op(Op::Transpose(vec![1, 0]), &[h]);
    let h = take(&mut w, h, 0, &[3, 1]);
    let h = pad(&mut w, h, &[0, 1], &[2, 0], 0.25);
    let y = w.op(Op::Activation(Activation::Tanh), &[h]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "scale+bias>table"]);
}

#[test]
fn pads_before_a_convolution_are_holes() {
    for (value, kind) in [(0.0, "correlate>table"), (0.5, "correlate+bias>table")] {
        let mut w = Writer::default();
        let x = w.input(&[1, 2, 4, 4]);
        let h = pad(&mut w, x, &[0, 0, 1, 0], &[0, 0, 0, 1], value);
        let h = w.conv(h, 3, (square(conv(5, 3, 1, 0)), 1), 1);
        let y = w.relu(h);
        w.output(y);
        assert_eq!(kinds(&close(&w.graph).program), ["input", kind]);
    }
}

#[test]
fn outputs_with_holes_are_copied() {
    let mut w = Writer::default();
    let x = w.input(&[2, 2]);
    let h = w.linear(x, [2, 2], 1);
    // As many elements as stored, one of them a hole.
    let h = take(&mut w, h, 1, &[1]);
    let y = pad(&mut w, h, &[0, 0], &[0, 1], 0.0);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "contract+bias", "scale"]);
}

#[test]
fn a_concat_is_one_step_and_its_scales_are_exact() {
    let mut w = Writer::default();
    let x = w.input(&[1, 2, 3, 3]);
    let big = w.conv(x, 2, (square(conv(3, 3, 1, 1)), 1), 1);
    let tanh = w.op(Op::Activation(Activation::Tanh), &[x]);
    let constant = w.constant(random(&[1, 1, 3, 3], 2));
    let h = w.op(Op::Concat { axis: 1 }, &[big, constant, tanh, x]);
    let y = w.conv(h, 2, (square(conv(3, 1, 1, 0)), 1), 3);
    w.output(y);
    let compiled = close(&w.graph);
    assert_eq!(
        kinds(&compiled.program),
        ["input", "scale>table", "correlate", "scale+scale+scale+bias", "contract"]
    );
    let Step::Affine(concat) = &compiled.program.tensors[3].step else { panic!("a step") };
    for term in &concat.terms {
        let Term::Scale { factor, .. } = term else { panic!("a multiple") };
        assert!(factor.shape().rank() == 0 && factor.data()[0].count_ones() == 1, "{factor:?}");
    }
}

#[test]
fn parts_of_one_tensor_are_concatenated_as_a_view() {
    let mut w = Writer::default();
    let x = w.input(&[2, 6]);
    let h = w.linear(x, [6, 4], 1);
    let (a, b) = (take(&mut w, h, 1, &[0, 1]), take(&mut w, h, 1, &[3, 2]));
    let y = w.op(Op::Concat { axis: 1 }, &[b, a]);
    w.output(y);
    let zeros = w.op(Op::Concat { axis: 0 }, &[h, h]);
    let z = w.linear(zeros, [4, 2], 2);
    w.output(z);
    let compiled = close(&w.graph);
    assert_eq!(kinds(&compiled.program), ["input", "contract+bias", "contract+bias"]);
    assert!(compiled.program.outputs[0].view.index.is_some());
}
