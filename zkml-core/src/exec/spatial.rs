//! Kernels on windows and along axes, for both executors.

use crate::{
    ir::{Axis, Op, Window},
    tensor::{Shape, ShapeError, Tensor},
};
use rayon::prelude::*;

/// Adds to `out`, `[B, O, H', W']`, the correlation of `x`, `[B, C, H, W]`, with `weight`,
/// `[O, C / groups, Kh, Kw]`. Each output is summed in order of channels and taps, so that the
/// result does not depend on the threads.
pub(crate) fn correlate_add<A, B, C>(
    out: &mut [C],
    x: &Tensor<A>,
    weight: &Tensor<B>,
    (window, groups): (&Window, usize),
    multiply: impl Fn(A, B) -> C + Sync,
) where
    A: Copy + Sync,
    B: Copy + Sync,
    C: Copy + Send + std::ops::AddAssign,
{
    let (&[_, channels, height, width], &[outputs, inner, kh, kw]) =
        (x.shape().dims(), weight.shape().dims())
    else {
        return;
    };
    let (rows, columns) = (window.height.output, window.width.output);
    if outputs == 0 || rows == 0 || columns == 0 || groups == 0 {
        return;
    }
    let taps: Vec<Tap> = (0..kw).map(|j| Tap::new(&window.width, j)).collect();
    let plane = |(index, out): (usize, &mut [C])| {
        let (b, o) = (index / outputs, index % outputs);
        let first = o / (outputs / groups) * inner;
        for c in 0..inner {
            let x = &x.data()[(b * channels + first + c) * height * width..][..height * width];
            let weight = &weight.data()[(o * inner + c) * kh * kw..][..kh * kw];
            for (row, out) in out.chunks_mut(columns).enumerate() {
                for (i, weight) in weight.chunks(kw).enumerate() {
                    let Some(h) = window.height.input_at(row, i) else { continue };
                    let x = &x[h * width..][..width];
                    for (w, tap) in weight.iter().zip(&taps) {
                        tap.add(out, x, |a| multiply(a, *w));
                    }
                }
            }
        }
    };
    out.par_chunks_mut(rows * columns).enumerate().for_each(plane);
}

/// The outputs of a row that meet an input at one tap: every `out_step`-th from the first on, with
/// every `in_step`-th input.
struct Tap {
    count: usize,
    first: (usize, usize),
    step: (usize, usize),
}

impl Tap {
    fn new(axis: &Axis, tap: usize) -> Self {
        let met = |o: usize| axis.input_at(o, tap).map(|i| (o, i));
        let mut all = (0..axis.output).filter_map(met);
        let first = all.next().unwrap_or((0, 0));
        let any = axis.input_at(first.0, tap).is_some() && axis.output > 0;
        match all.next() {
            // Both positions are linear in a common index, so equal steps follow.
            Some(second) => {
                let step = (second.0 - first.0, second.1 - first.1);
                Self { count: 2 + all.count(), first, step }
            }
            None => Self { count: usize::from(any), first, step: (1, 1) },
        }
    }

    fn add<A: Copy, C: std::ops::AddAssign>(
        &self,
        out: &mut [C],
        x: &[A],
        multiply: impl Fn(A) -> C,
    ) {
        let Self { count, first, step } = *self;
        if count == 0 {
            return;
        }
        if step == (1, 1) {
            for (out, x) in out[first.0..].iter_mut().zip(&x[first.1..][..count]) {
                *out += multiply(*x);
            }
            return;
        }
        let inputs = x[first.1..].iter().step_by(step.1);
        let outputs = out[first.0..].iter_mut().step_by(step.0);
        for (out, x) in outputs.zip(inputs).take(count) {
            *out += multiply(*x);
        }
    }
}

/// Correlate, MaxPool, Take, Concat and Pad on real numbers.
pub(super) fn apply(op: &Op, operands: &[&Tensor<f32>]) -> Result<Tensor<f32>, ShapeError> {
    let x = operands[0];
    match op {
        Op::Correlate { window, groups } => {
            let (dims, w) = (x.shape().dims(), operands[1].shape().dims());
            let (batch, outputs) = (dims.first().copied(), w.first().copied());
            let shape = planes(batch, outputs, window)?;
            let mut sums = vec![0f64; shape.len()];
            correlate_add(&mut sums, x, operands[1], (window, *groups), |a: f32, b: f32| {
                f64::from(a) * f64::from(b)
            });
            Tensor::new(shape, sums.into_iter().map(|sum| sum as f32).collect())
        }
        Op::MaxPool(window) => max_pool(x, window),
        Op::Take { axis, indices } => {
            along(x, *axis, indices.len(), |i| Some(indices[i] as usize), 0.0)
        }
        Op::Concat { axis } => concat(operands, *axis),
        Op::Pad { begin, end, value } => {
            let mut padded = x.clone();
            for axis in 0..x.shape().rank() {
                let len = x.shape().dims()[axis];
                let (before, total) = (begin[axis], begin[axis] + len + end[axis]);
                let at = |i: usize| i.checked_sub(before).filter(|i| *i < len);
                padded = along(&padded, axis, total, at, *value)?;
            }
            Ok(padded)
        }
        _ => unreachable!("`float::apply` handles every other operation"),
    }
}

fn planes(
    batch: Option<usize>,
    channels: Option<usize>,
    window: &Window,
) -> Result<Shape, ShapeError> {
    let (batch, channels) = (batch.unwrap_or(0), channels.unwrap_or(0));
    Shape::new(vec![batch, channels, window.height.output, window.width.output])
}

fn max_pool(x: &Tensor<f32>, window: &Window) -> Result<Tensor<f32>, ShapeError> {
    let dims = x.shape().dims();
    let shape = planes(dims.first().copied(), dims.get(1).copied(), window)?;
    let (height, width) = (window.height.input, window.width.input);
    let mut data = Vec::with_capacity(shape.len());
    for plane in x.data().chunks((height * width).max(1)) {
        for row in 0..window.height.output {
            for column in 0..window.width.output {
                let met = window.meets((row, column)).map(|(_, (h, w))| plane[h * width + w]);
                data.push(met.fold(f32::NEG_INFINITY, f32::max));
            }
        }
    }
    Tensor::new(shape, data)
}

/// `y[.., i, ..] = x[.., at(i), ..]` on one axis of `len` elements, `missing` where there is none.
fn along(
    x: &Tensor<f32>,
    axis: usize,
    len: usize,
    at: impl Fn(usize) -> Option<usize>,
    missing: f32,
) -> Result<Tensor<f32>, ShapeError> {
    let mut dims = x.shape().dims().to_vec();
    let inner: usize = dims[axis + 1..].iter().product();
    let outer: usize = dims[..axis].iter().product();
    let old = std::mem::replace(&mut dims[axis], len);
    let shape = Shape::new(dims)?;
    let mut data = Vec::with_capacity(shape.len());
    for o in 0..outer {
        for i in 0..len {
            match at(i) {
                Some(at) => data.extend_from_slice(&x.data()[(o * old + at) * inner..][..inner]),
                None => data.extend(std::iter::repeat_n(missing, inner)),
            }
        }
    }
    Tensor::new(shape, data)
}

fn concat(parts: &[&Tensor<f32>], axis: usize) -> Result<Tensor<f32>, ShapeError> {
    let mut dims = parts[0].shape().dims().to_vec();
    dims[axis] = parts.iter().map(|part| part.shape().dims()[axis]).sum();
    let outer: usize = dims[..axis].iter().product();
    let shape = Shape::new(dims)?;
    let mut data = Vec::with_capacity(shape.len());
    for o in 0..outer {
        for part in parts {
            let size: usize = part.shape().dims()[axis..].iter().product();
            data.extend_from_slice(&part.data()[o * size..][..size]);
        }
    }
    Tensor::new(shape, data)
}
