use super::*;
use crate::{
    exec::{ExecError, float, integer},
    ir::{Activation, Graph, Op, Origin, ValueId},
    program::{Bits, Program, Step, Term},
    report::Report,
    tensor::{Shape, Tensor, inverse_permutation},
};
use proptest::prelude::*;

mod arrange;
mod attention;
mod bound;
mod columns;
mod comparison;
mod convolution;
mod embedding;
mod functions;
mod fusion;
mod pool;
mod products;
mod quantized;
mod random;
mod settings;

fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).expect("small")
}

fn origin(node: &str, op: &str) -> Origin {
    Origin { node: node.into(), op: op.into(), opset: 17 }
}

/// Numbers in [-1, 1) that look random (a linear congruence).
fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn random(dims: &[usize], seed: u64) -> Tensor<f32> {
    let shape = shape(dims);
    let len = shape.len();
    Tensor::new(shape, noise(seed, len)).expect("its length")
}

/// The mask of attention to what comes before, and to itself.
fn causal(rows: usize) -> Tensor<f32> {
    let keep = (0..rows * rows).map(|e| f32::from(u8::from(e % rows <= e / rows)));
    Tensor::new(shape(&[rows, rows]), keep.collect()).expect("its length")
}

/// A graph written operation by operation; names are `v0`, `v1`, ...
#[derive(Default)]
struct Writer {
    graph: Graph,
    count: usize,
}

impl Writer {
    fn name(&mut self) -> String {
        self.count += 1;
        format!("v{}", self.count - 1)
    }

    fn input(&mut self, dims: &[usize]) -> ValueId {
        let name = self.name();
        self.graph.input(name, shape(dims))
    }

    /// An input of whole numbers.
    fn whole(&mut self, dims: &[usize]) -> ValueId {
        let name = self.name();
        self.graph.integer_input(name, shape(dims))
    }

    fn constant(&mut self, tensor: Tensor<f32>) -> ValueId {
        let name = self.name();
        self.graph.constant(name, tensor)
    }

    fn op(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = self.name();
        let kind = format!("{op:?}");
        let kind = kind.split(['(', ' ']).next().expect("a name").to_owned();
        self.graph.push(op, inputs.to_vec(), &name, origin(&name, &kind)).expect("shapes fit")
    }

    fn relu(&mut self, x: ValueId) -> ValueId {
        self.op(Op::Activation(Activation::Relu), &[x])
    }

    fn linear(&mut self, x: ValueId, dims: [usize; 2], seed: u64) -> ValueId {
        let weight = self.constant(random(&dims, seed));
        let bias = self.constant(random(&[dims[1]], seed + 1));
        let product = self.op(Op::MatMul, &[x, weight]);
        self.op(Op::Add, &[product, bias])
    }

    fn output(&mut self, id: ValueId) {
        let name = format!("out{}", self.graph.outputs().len());
        self.graph.output(name, id);
    }
}

/// Random inputs; whole numbers are 0 to [`IDS`] - 1.
fn samples(graph: &Graph, count: u64) -> Vec<Vec<Tensor<f32>>> {
    let input = |sample: u64, (i, id): (usize, &ValueId)| {
        let value = graph.get(*id);
        let tensor = random(value.shape.dims(), 1000 + 17 * sample + i as u64);
        if value.integer { tensor.map(|v| ((v + 1.0) / 2.0 * IDS).floor()) } else { tensor }
    };
    (0..count).map(|s| graph.inputs().iter().enumerate().map(|at| input(s, at)).collect()).collect()
}

/// Whole numbers of random inputs.
const IDS: f32 = 7.0;

/// Compiles at high precision and checks every stored tensor and output against float.
fn close(graph: &Graph) -> Compiled {
    let samples = samples(graph, 6);
    let options =
        CalibrationOptions { bits: 15, weight_bits: 14, max_shift: 16, ..Default::default() };
    let settings = calibrate(graph, &samples, &options).expect("calibrates");
    let compiled = compile_with_sources(graph, &settings).expect("compiles");
    let report = Report::new(graph, &compiled, &samples, None).expect("runs");
    assert_eq!(report.rejected.count, 0, "{report}");
    for layer in &report.layers {
        let (noise, signal) = (layer.errors.max_abs, layer.errors.sqnr_db.unwrap_or(99.0));
        assert!(noise < 5e-3 && signal > 50.0, "{layer:?}\n{report}");
    }
    for output in &report.outputs {
        assert!(output.errors.max_abs < 5e-3 && output.errors.count > 0, "{report}");
    }
    compiled
}

/// Compiles with narrow tables and checks the outputs against float, relatively to the greatest.
fn near(graph: &Graph, tolerance: f64) {
    let samples = samples(graph, 6);
    let options = CalibrationOptions {
        bits: 14,
        weight_bits: 12,
        max_shift: 13,
        ..CalibrationOptions::transformer()
    };
    let settings = calibrate(graph, &samples, &options).expect("calibrates");
    let compiled = compile_with_sources(graph, &settings).expect("compiles");
    let report = Report::new(graph, &compiled, &samples, None).expect("runs");
    assert_eq!(report.rejected.count, 0, "{report}");
    for (output, (_, id)) in report.outputs.iter().zip(graph.outputs()) {
        let range = &settings.tensors[&graph.get(*id).name];
        let largest = range.max.max(-range.min);
        assert!(output.errors.max_abs < tolerance * largest, "{report}");
    }
}

/// Settings of this width from random samples, and the program they give.
fn compiled(graph: &Graph, bits: u8) -> (Vec<Vec<Tensor<f32>>>, Compiled) {
    let samples = samples(graph, 6);
    let options = CalibrationOptions { bits, max_shift: 12, ..Default::default() };
    let settings = calibrate(graph, &samples, &options).expect("calibrates");
    let compiled = compile_with_sources(graph, &settings).expect("compiles");
    (samples, compiled)
}

fn run(program: &Program, inputs: &[Tensor<f32>]) -> Result<integer::Trace, ExecError> {
    integer::Executor::new(program).expect("well-formed").run_real(inputs)
}

fn refused(graph: &Graph) -> QuantError {
    let samples = samples(graph, 2);
    let settings = calibrate(graph, &samples, &CalibrationOptions::default()).expect("calibrates");
    compile(graph, &settings).expect_err("unsupported")
}

fn kinds(program: &Program) -> Vec<String> {
    let kind = |tensor: &crate::program::StoredTensor| match &tensor.step {
        Step::Input(_) => "input".to_owned(),
        Step::Affine(affine) => {
            let term = |term: &Term| match term {
                Term::Contract { .. } => "contract",
                Term::Scale { .. } => "scale",
                Term::Correlate { .. } => "correlate",
                Term::Product { .. } => "product",
            };
            let mut kind = affine.terms.iter().map(term).collect::<Vec<_>>().join("+");
            kind.push_str(if affine.bias.is_some() { "+bias" } else { "" });
            kind.push_str(if affine.table.is_some() { ">table" } else { "" });
            kind
        }
    };
    program.tensors.iter().map(kind).collect()
}

fn shift(tensor: &crate::program::StoredTensor) -> Option<u8> {
    match &tensor.step {
        Step::Affine(affine) => Some(affine.shift),
        Step::Input(_) => None,
    }
}
