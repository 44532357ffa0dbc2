//! Integers against real numbers, within a bound that follows from the units.
//!
//! Let an operand be stored as integers `v` of unit `u`, off by at most `E` from the real value,
//! and let `w` be the integer weights, of unit `q`, each off by at most `q / 2`. One product is then
//! off by at most
//!
//! ```text
//! |w_real x_real - q w u v|  <=  (|w| + 1/2) q E + (q / 2) u |v|
//! ```
//!
//! An accumulator sums that over its products, adds half a unit of its own for the bias, and half a
//! unit of the result for the re-quantisation; a function with slopes of at most `L` multiplies the
//! whole by `L` and adds half a unit of its values. The float executor rounds each of its nodes to
//! 24 bits.

use super::{convolution::dilated, *};
use crate::{
    exec::integer::{Executor, Trace},
    ir::{Axis, Window},
    program::Affine,
};

/// By tensor: the largest distance of a value from the real one.
fn bounds(program: &Program, trace: &Trace) -> Vec<f64> {
    let mut bounds: Vec<f64> = Vec::new();
    for (id, tensor) in program.tensors.iter().enumerate() {
        let bound = match &tensor.step {
            Step::Input(_) => tensor.scale.unit() / 2.0,
            Step::Affine(affine) => {
                // All functions here have slope 1 at most and values of the scale of the argument.
                let unit = tensor.scale.unit();
                let accumulator = unit / f64::from(1u32 << affine.shift);
                let products = products(affine, program, trace, &bounds, accumulator);
                let largest = trace.tensors[id].x.iter().map(|x| x.abs()).max().unwrap_or(0);
                let float = (f64::from(largest) * unit + 1.0) * 2f64.powi(-20);
                products + accumulator / 2.0 + unit / 2.0 + float
            }
        };
        bounds.push(bound);
    }
    bounds
}

/// The largest error that the products of one accumulator have in sum.
fn products(
    affine: &Affine,
    program: &Program,
    trace: &Trace,
    bounds: &[f64],
    accumulator: f64,
) -> f64 {
    let term = |term: &Term| {
        let id = term.views().next().expect("an operand").tensor.0;
        let unit = program.tensors[id].scale.unit();
        let q = accumulator / unit;
        let largest = trace.tensors[id].values().iter().map(|v| v.abs()).max().unwrap_or(0);
        let one = |w: &i32| {
            let w = f64::from(w.abs()) + 0.5;
            w * q * bounds[id] + q / 2.0 * unit * f64::from(largest)
        };
        let channels: Vec<f64> = match term {
            Term::Scale { factor, .. } => factor.data().iter().map(one).collect(),
            Term::Correlate { weight, .. } => {
                let size = weight.data().len() / weight.shape().dims()[0];
                weight.data().chunks(size).map(|w| w.iter().map(one).sum()).collect()
            }
            Term::Contract { weight, .. } => {
                let columns = weight.shape().dims()[1];
                let column = |j: usize| weight.data()[j..].iter().step_by(columns).map(one).sum();
                (0..columns).map(column).collect()
            }
            Term::Product { .. } => panic!("no product of activations in it"),
        };
        channels.into_iter().fold(0.0, f64::max)
    };
    affine.terms.iter().map(term).sum()
}

#[derive(Clone, Debug)]
struct Spatial {
    input: usize,
    kernel: usize,
    step: usize,
    dilation: usize,
    pads: (usize, usize),
    transposed: bool,
}

impl Spatial {
    fn axis(&self) -> Option<Axis> {
        let &Self { input, kernel, step, dilation, pads, .. } = self;
        let span = dilation * (kernel - 1) + 1;
        if !self.transposed {
            return (input + pads.0 + pads.1 >= span)
                .then(|| dilated(input, kernel, (step, dilation), pads));
        }
        let output = (step * (input - 1) + span).checked_sub(pads.0 + pads.1)?;
        (output > 0)
            .then(|| Axis::transposed(input, output, kernel, (step, dilation), pads.0 as i64))
    }
}

fn spatial() -> impl Strategy<Value = Spatial> {
    (1usize..8, 1usize..4, 1usize..4, 1usize..3, (0usize..3, 0usize..3), any::<bool>()).prop_map(
        |(input, kernel, step, dilation, pads, transposed)| Spatial {
            input,
            kernel,
            step,
            dilation,
            pads,
            transposed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Convolution, bias, Relu, depthwise or full convolution, residual, average, over all
    /// attributes: every stored tensor lies within its bound.
    #[test]
    fn random_convolutions_are_within_their_bound(
        batch in 1usize..3,
        (groups, inner, outer) in (1usize..4, 1usize..3, 1usize..3),
        axes in (spatial(), spatial()),
        flat in any::<bool>(),
        depthwise in any::<bool>(),
        (bits, weight_bits, max_shift) in (6u8..13, 4u8..12, 4u8..14),
        seed in 0u64..1_000_000,
    ) {
        let height = if flat { Some(Axis::identity(1)) } else { axes.0.axis() };
        let (Some(height), Some(width)) = (height, axes.1.axis()) else { return Ok(()) };
        let mut w = Writer::default();
        let x = w.input(&[batch, groups * inner, height.input, width.input]);
        let h = w.conv(x, groups * outer, (Window { height, width }, groups), seed);
        let h = w.channels(Op::Add, h, seed + 1);
        let h = w.relu(h);
        let same = |n: usize| dilated(n, 3, (1, 1), (1, 1));
        let window = Window { height: same(height.output), width: same(width.output) };
        let kinds = if depthwise { groups * outer } else { 1 };
        let g = w.conv(h, groups * outer, (window, kinds), seed + 2);
        let g = w.channels(Op::Mul, g, seed + 3);
        let g = w.op(Op::Add, &[g, h]);
        let g = w.relu(g);
        // The average over everything, and a convolution of one tap.
        let whole = |n: usize| Axis::convolution(n, 1, n, (1, 1), 0);
        let all = Window { height: whole(height.output), width: whole(width.output) };
        let ones = [groups * outer, 1, height.output, width.output];
        let share = 1.0 / (height.output * width.output) as f32;
        let ones = Tensor::new(shape(&ones), vec![share; ones.iter().product()]).expect("ones");
        let ones = w.constant(ones);
        let average = w.op(Op::Correlate { window: all, groups: groups * outer }, &[g, ones]);
        let point = Window { height: Axis::identity(1), width: Axis::identity(1) };
        let y = w.conv(average, 3, (point, 1), seed + 4);
        w.output(y);
        let samples = samples(&w.graph, 3);
        let options = CalibrationOptions { bits, weight_bits, max_shift, headroom: 1.0, ..Default::default() };
        let settings = calibrate(&w.graph, &samples, &options).expect("ranges");
        let compiled = compile_with_sources(&w.graph, &settings).expect("compiles");
        let executor = Executor::new(&compiled.program).expect("well-formed");
        for sample in &samples {
            let Ok(trace) = executor.run_real(sample) else { continue };
            let report = Report::new(&w.graph, &compiled, std::slice::from_ref(sample), None)
                .expect("runs");
            let bounds = bounds(&compiled.program, &trace);
            for (layer, bound) in report.layers.iter().zip(bounds) {
                prop_assert!(layer.errors.count > 0);
                prop_assert!(layer.errors.max_abs <= bound, "{bound}: {layer:?}\n{report}");
            }
        }
    }
}
