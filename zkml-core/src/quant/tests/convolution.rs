//! Convolutions: what is fused, what is a matrix product, what is absorbed.

use super::*;
use crate::ir::{Axis, Window};

pub(super) fn conv(x: usize, kernel: usize, stride: usize, pad: usize) -> Axis {
    dilated(x, kernel, (stride, 1), (pad, pad))
}

pub(super) fn dilated(
    x: usize,
    kernel: usize,
    (stride, dilation): (usize, usize),
    (before, after): (usize, usize),
) -> Axis {
    let output = (x + before + after - dilation * (kernel - 1) - 1) / stride + 1;
    Axis::convolution(x, output, kernel, (stride, dilation), before as i64)
}

pub(super) fn square(axis: Axis) -> Window {
    Window { height: axis, width: axis }
}

impl Writer {
    pub(super) fn dims(&self, id: ValueId) -> Vec<usize> {
        self.graph.get(id).shape.dims().to_vec()
    }

    /// A convolution of `outputs` channels with random weights.
    pub(super) fn conv(
        &mut self,
        x: ValueId,
        outputs: usize,
        (window, groups): (Window, usize),
        seed: u64,
    ) -> ValueId {
        let inner = self.dims(x)[1] / groups;
        let kernel = [outputs, inner, window.height.kernel, window.width.kernel];
        let weight = self.constant(random(&kernel, seed));
        self.op(Op::Correlate { window, groups }, &[x, weight])
    }

    /// A constant by channel, added or multiplied.
    pub(super) fn channels(&mut self, op: Op, x: ValueId, seed: u64) -> ValueId {
        let channels = self.dims(x)[1];
        let constant = self.constant(random(&[1, channels, 1, 1], seed));
        self.op(op, &[x, constant])
    }
}

#[test]
fn convolution_bias_norm_residual_and_activation_are_one_step() {
    let mut w = Writer::default();
    let x = w.input(&[1, 4, 6, 6]);
    let h = w.conv(x, 4, (square(conv(6, 3, 1, 1)), 1), 1);
    let h = w.channels(Op::Add, h, 2);
    let h = w.channels(Op::Mul, h, 3);
    let h = w.channels(Op::Sub, h, 4);
    let h = w.op(Op::Add, &[x, h]);
    let y = w.relu(h);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "correlate+scale+bias>table"]);
}

#[test]
fn a_shortcut_with_a_convolution_of_its_own_is_in_the_same_step() {
    // Of stride 2, and of stride 1, which alone would be a matrix product.
    for stride in [1, 2] {
        let mut w = Writer::default();
        let x = w.input(&[2, 3, 8, 8]);
        let x = w.conv(x, 4, (square(conv(8, 3, 1, 1)), 1), 1);
        let x = w.relu(x);
        let h = w.conv(x, 6, (square(conv(8, 3, stride, 1)), 1), 2);
        let h = w.channels(Op::Mul, h, 3);
        let shortcut = w.conv(x, 6, (square(conv(8, 1, stride, 0)), 1), 4);
        let shortcut = w.channels(Op::Add, shortcut, 5);
        let y = w.op(Op::Sub, &[h, shortcut]);
        let y = w.relu(y);
        w.output(y);
        assert_eq!(
            kinds(&close(&w.graph).program),
            ["input", "correlate>table", "correlate+correlate+bias>table"]
        );
    }
}

#[test]
fn convolutions_without_overlap_are_matrix_products() {
    let whole = Window {
        height: Axis::convolution(4, 1, 4, (3, 1), 0),
        width: Axis::convolution(6, 1, 6, (1, 1), 0),
    };
    let patches = Window { height: conv(4, 2, 2, 0), width: conv(6, 3, 3, 0) };
    let pointwise = Window { height: conv(4, 1, 1, 0), width: conv(6, 1, 1, 0) };
    for (batch, window) in [(1, pointwise), (3, pointwise), (2, patches), (2, whole)] {
        let mut w = Writer::default();
        let x = w.input(&[batch, 3, 4, 6]);
        let h = w.conv(x, 5, (window, 1), 1);
        let h = w.channels(Op::Add, h, 2);
        let other = w.input(&w.dims(h));
        let h = w.op(Op::Add, &[h, other]);
        let h = w.relu(h);
        let size = w.dims(h);
        let next = Window { height: conv(size[2], 1, 1, 0), width: conv(size[3], 1, 1, 0) };
        let y = w.conv(h, 2, (next, 1), 3);
        w.output(y);
        assert_eq!(
            kinds(&close(&w.graph).program),
            ["input", "input", "contract+scale+bias>table", "contract"]
        );
    }
    // What overlaps, leaves something out, or has groups is none.
    for (window, groups) in [
        (Window { height: conv(4, 2, 2, 0), width: conv(6, 4, 4, 0) }, 1),
        (Window { height: conv(4, 2, 1, 0), width: conv(6, 1, 1, 0) }, 1),
        (Window { height: conv(4, 1, 2, 0), width: conv(6, 1, 1, 0) }, 1),
        (pointwise, 4),
    ] {
        let mut w = Writer::default();
        let x = w.input(&[1, 4, 4, 6]);
        let y = w.conv(x, 8, (window, groups), 1);
        w.output(y);
        assert_eq!(kinds(&close(&w.graph).program), ["input", "correlate"]);
    }
}

#[test]
fn a_normalised_image_is_absorbed_also_under_pads() {
    for pad in [0, 1] {
        let mut w = Writer::default();
        let x = w.input(&[1, 3, 5, 5]);
        let h = w.channels(Op::Sub, x, 1);
        let factor =
            w.constant(Tensor::new(shape(&[3, 1, 1]), vec![2.0, 3.0, 4.0]).expect("three"));
        let h = w.op(Op::Mul, &[h, factor]);
        let y = w.conv(h, 4, (square(conv(5, 3, 1, pad)), 1), 2);
        w.output(y);
        let program = close(&w.graph).program;
        assert_eq!(kinds(&program), ["input", "correlate+bias"]);
    }
}

#[test]
fn factors_that_are_no_channels_store_the_convolution_first() {
    let mut w = Writer::default();
    let x = w.input(&[1, 2, 4, 4]);
    let h = w.conv(x, 2, (square(conv(4, 3, 1, 1)), 2), 1);
    let rows = w.constant(random(&[1, 1, 4, 1], 2));
    let y = w.op(Op::Mul, &[h, rows]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "correlate", "scale"]);
}

#[test]
fn layouts_around_a_convolution_are_views() {
    // Channels last outside, first inside; biases and factors outside.
    let mut w = Writer::default();
    let x = w.input(&[1, 5, 4, 3]);
    let h = w.op(Op::Transpose(vec![0, 3, 1, 2]), &[x]);
    let window = Window { height: conv(5, 3, 1, 1), width: conv(4, 2, 1, 0) };
    let h = w.conv(h, 3, (window, 1), 1);
    let h = w.op(Op::Transpose(vec![0, 2, 3, 1]), &[h]);
    let bias = w.constant(random(&[3], 2));
    let h = w.op(Op::Add, &[h, bias]);
    let factor = w.constant(random(&[3], 3));
    let h = w.op(Op::Mul, &[h, factor]);
    let other = w.input(&[1, 5, 3, 3]);
    let h = w.op(Op::Sub, &[other, h]);
    let h = w.op(Op::Reshape(shape(&[5, 9])), &[h]);
    let y = w.relu(h);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "input", "correlate+scale+bias>table"]);
}

#[test]
fn each_channel_keeps_the_precision_of_its_weights() {
    // A depthwise net whose channels differ by a factor of 2^5.
    let mut w = Writer::default();
    let x = w.input(&[1, 2, 6, 6]);
    let mut weights = random(&[2, 1, 3, 3], 1).into_data();
    weights[9..].iter_mut().for_each(|v| *v /= 32.0);
    let kernel = w.constant(Tensor::new(shape(&[2, 1, 3, 3]), weights.clone()).expect("18"));
    let window = square(conv(6, 3, 1, 1));
    let y = w.op(Op::Correlate { window, groups: 2 }, &[x, kernel]);
    w.output(y);
    let samples = samples(&w.graph, 4);
    let options = CalibrationOptions { weight_bits: 6, max_shift: 16, ..Default::default() };
    let settings = calibrate(&w.graph, &samples, &options).expect("ranges");
    let program = compile(&w.graph, &settings).expect("compiles");
    let Step::Affine(affine) = &program.tensors[1].step else { panic!("a convolution") };
    let Term::Correlate { weight, .. } = &affine.terms[0] else { panic!("a convolution") };
    for channel in 0..2 {
        let at = channel * 9..(channel + 1) * 9;
        let (integers, reals) = (&weight.data()[at.clone()], &weights[at]);
        let largest = integers.iter().map(|w| w.abs()).max().expect("nine");
        // Six bits: the largest weight of a channel is at least 16 units.
        assert!(largest >= 16, "channel {channel}: {integers:?}");
        let unit =
            f64::from(largest) / f64::from(reals.iter().map(|w| w.abs()).fold(0.0, f32::max));
        for (integer, real) in integers.iter().zip(reals) {
            assert!((f64::from(*integer) - f64::from(*real) * unit).abs() < 1.1);
        }
    }
}

#[test]
fn convolutions_with_computed_weights_are_refused() {
    let mut w = Writer::default();
    let x = w.input(&[1, 2, 4, 4]);
    let k = w.input(&[2, 2, 3, 3]);
    let y = w.op(Op::Correlate { window: square(conv(4, 3, 1, 0)), groups: 1 }, &[x, k]);
    w.output(y);
    assert!(
        matches!(refused(&w.graph), QuantError::Unsupported { origin, .. } if origin.node == "v2")
    );
}
