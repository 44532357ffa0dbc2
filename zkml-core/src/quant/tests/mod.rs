use super::*;
use crate::{
    exec::{ExecError, float, integer},
    ir::{Activation, Graph, Op, Origin, ValueId},
    program::{Bits, Program, Step, Term},
    report::Report,
    tensor::{Shape, Tensor},
};
use proptest::prelude::*;

mod arrange;
mod bound;
mod convolution;
mod pool;

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

fn samples(graph: &Graph, count: u64) -> Vec<Vec<Tensor<f32>>> {
    let input = |sample: u64, (i, id): (usize, &ValueId)| {
        random(graph.get(*id).shape.dims(), 1000 + 17 * sample + i as u64)
    };
    (0..count).map(|s| graph.inputs().iter().enumerate().map(|at| input(s, at)).collect()).collect()
}

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
            };
            let mut kind = affine.terms.iter().map(term).collect::<Vec<_>>().join("+");
            kind.push_str(if affine.bias.is_some() { "+bias" } else { "" });
            kind.push_str(if affine.table.is_some() { ">table" } else { "" });
            kind
        }
    };
    program.tensors.iter().map(kind).collect()
}

#[test]
fn an_mlp_is_one_step_a_layer_with_one_table_and_one_shift() {
    let mut w = Writer::default();
    let x = w.input(&[1, 12]);
    let h = w.linear(x, [12, 20], 1);
    let h = w.relu(h);
    let h = w.linear(h, [20, 16], 2);
    let h = w.relu(h);
    let y = w.linear(h, [16, 5], 3);
    w.output(y);
    let samples = samples(&w.graph, 8);
    let settings = calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
    let program = compile(&w.graph, &settings).expect("compiles");
    assert_eq!(
        kinds(&program),
        ["input", "contract+bias>table", "contract+bias>table", "contract+bias"]
    );
    assert_eq!(program.tables.len(), 1);
    let shifts: Vec<u8> = program.tensors.iter().filter_map(shift).collect();
    assert!(shifts.iter().all(|s| *s == shifts[0] && *s > 0), "{shifts:?}");
    close(&w.graph);
}

fn shift(tensor: &crate::program::StoredTensor) -> Option<u8> {
    match &tensor.step {
        Step::Affine(affine) => Some(affine.shift),
        Step::Input(_) => None,
    }
}

#[test]
fn a_constant_on_the_left_is_a_transposed_product() {
    let mut w = Writer::default();
    let x = w.input(&[7, 3]);
    let a = w.constant(random(&[5, 7], 1));
    let b = w.constant(random(&[5, 1], 2));
    let y = w.op(Op::MatMul, &[a, x]);
    let y = w.op(Op::Add, &[b, y]);
    let scale = w.constant(random(&[5, 1], 3));
    let y = w.op(Op::Mul, &[y, scale]);
    let y = w.relu(y);
    w.output(y);
    let compiled = close(&w.graph);
    // The row factors of the transposed product are column factors of the stored one.
    assert_eq!(kinds(&compiled.program), ["input", "contract+bias>table"]);
    assert!(compiled.program.outputs[0].view.index.is_some());
}

#[test]
fn batch_axes_and_vectors() {
    for (dims, constant, left) in [
        (&[2, 3, 4][..], &[4, 5][..], false),
        (&[2, 3, 4], &[1, 4, 5], false),
        (&[3, 4], &[1, 2, 4, 5][..], false),
        (&[2, 1, 3, 4], &[4], false),
        (&[4], &[4, 5], false),
        (&[4], &[4], false),
        (&[2, 4, 3], &[5, 4], true),
        (&[4, 3], &[2, 5, 4], true),
        (&[2, 4, 3], &[4], true),
        (&[4], &[5, 4], true),
        (&[4], &[2, 5, 4], true),
    ] {
        let mut w = Writer::default();
        let x = w.input(dims);
        let c = w.constant(random(constant, 5));
        let operands = if left { [c, x] } else { [x, c] };
        let y = w.op(Op::MatMul, &operands);
        w.output(y);
        close(&w.graph);
    }
}

#[test]
fn views_cost_nothing_and_compose() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3, 4]);
    let x = w.op(Op::Transpose(vec![2, 0, 1]), &[x]);
    let x = w.op(Op::Reshape(shape(&[4, 6])), &[x]);
    let h = w.linear(x, [6, 6], 1);
    let h = w.op(Op::Transpose(vec![1, 0]), &[h]);
    let row = w.constant(random(&[4], 4));
    let h = w.op(Op::Add, &[h, row]);
    let h = w.op(Op::Reshape(shape(&[3, 8])), &[h]);
    let h = w.relu(h);
    let h = w.op(Op::Transpose(vec![1, 0]), &[h]);
    let y = w.linear(h, [3, 2], 2);
    w.output(y);
    let compiled = close(&w.graph);
    assert_eq!(kinds(&compiled.program), ["input", "contract+bias>table", "contract+bias"]);
}

#[test]
fn a_residual_is_one_step() {
    let mut w = Writer::default();
    let x = w.input(&[3, 6]);
    let h = w.linear(x, [6, 6], 1);
    let sum = w.op(Op::Add, &[x, h]);
    let sum = w.relu(sum);
    let h = w.linear(sum, [6, 6], 3);
    let g = w.linear(sum, [6, 6], 5);
    let both = w.op(Op::Sub, &[h, g]);
    let y = w.op(Op::Sub, &[both, sum]);
    w.output(y);
    let compiled = close(&w.graph);
    assert_eq!(
        kinds(&compiled.program),
        ["input", "contract+scale+bias>table", "contract+contract+scale+bias"]
    );
}

#[test]
fn products_in_different_orders_are_stored_before_they_are_added() {
    for op in [Op::Add, Op::Sub] {
        let mut w = Writer::default();
        let x = w.input(&[4, 4]);
        let a = w.constant(random(&[4, 4], 1));
        let left = w.op(Op::MatMul, &[a, x]);
        let right = w.op(Op::MatMul, &[x, a]);
        let y = w.op(op, &[left, right]);
        w.output(y);
        let compiled = close(&w.graph);
        assert_eq!(kinds(&compiled.program), ["input", "contract", "contract+scale"]);
    }
}

#[test]
fn row_factors_of_a_product_store_it_first() {
    let mut w = Writer::default();
    let x = w.input(&[3, 4]);
    let weight = w.constant(random(&[4, 2], 1));
    let rows = w.constant(random(&[3, 1], 2));
    let y = w.op(Op::MatMul, &[x, weight]);
    let y = w.op(Op::Mul, &[rows, y]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "contract", "scale"]);
}

#[test]
fn a_normalised_input_is_absorbed_by_the_product() {
    for (rows, ratio, expected) in
        [(1, 4.0, "contract+bias>table"), (3, 4.0, "contract+bias>table"), (1, 400.0, "scale+bias")]
    {
        let mut w = Writer::default();
        let x = w.input(&[rows, 3]);
        let mean = w.constant(random(&[3], 1));
        let factor = Tensor::new(shape(&[3]), vec![0.5, 0.5 * ratio, 1.0]).expect("three");
        let factor = w.constant(factor);
        let h = w.op(Op::Sub, &[x, mean]);
        let h = w.op(Op::Mul, &[factor, h]);
        let h = w.linear(h, [3, 4], 4);
        let y = w.op(Op::Activation(Activation::Tanh), &[h]);
        w.output(y);
        let program = if ratio < 16.0 {
            close(&w.graph).program
        } else {
            let samples = samples(&w.graph, 3);
            let settings =
                calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
            compile(&w.graph, &settings).expect("compiles")
        };
        assert_eq!(kinds(&program)[1], expected);
    }
    // On the right of a constant, by rows; and by columns, which the product does not absorb.
    for (dims, count) in [([3, 1], 2), ([1, 2], 3)] {
        let mut w = Writer::default();
        let x = w.input(&[3, 2]);
        let mean = w.constant(random(&dims, 1));
        let h = w.op(Op::Sub, &[mean, x]);
        let a = w.constant(random(&[4, 3], 2));
        let y = w.op(Op::MatMul, &[a, h]);
        w.output(y);
        assert_eq!(close(&w.graph).program.tensors.len(), count);
    }
}

#[test]
fn functions_of_inputs_of_functions_and_of_shared_tensors() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3]);
    let t = w.op(Op::Activation(Activation::Tanh), &[x]);
    let s = w.op(Op::Activation(Activation::Sigmoid), &[t]);
    let h = w.linear(s, [3, 3], 1);
    let r = w.relu(h);
    let y = w.op(Op::Sub, &[r, h]);
    w.output(y);
    let compiled = close(&w.graph);
    assert_eq!(
        kinds(&compiled.program),
        ["input", "scale>table", "scale>table", "contract+bias", "scale>table", "scale+scale"]
    );
}

#[test]
fn broadcast_of_an_activation_is_a_view() {
    let mut w = Writer::default();
    let x = w.input(&[1, 3]);
    let z = w.input(&[2, 3]);
    let h = w.linear(x, [3, 3], 1);
    let y = w.op(Op::Add, &[z, h]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "input", "contract+bias", "scale+scale"]);
}

#[test]
fn every_output_has_a_tensor_of_its_own() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3]);
    let h = w.linear(x, [3, 3], 1);
    let turned = w.op(Op::Transpose(vec![1, 0]), &[h]);
    let s = w.op(Op::Activation(Activation::Sigmoid), &[h]);
    for id in [x, h, turned, s, s] {
        w.output(id);
    }
    let compiled = close(&w.graph);
    let read: std::collections::BTreeSet<_> =
        compiled.program.outputs.iter().map(|output| output.view.tensor).collect();
    assert_eq!(read.len(), 5);
    assert_eq!(
        kinds(&compiled.program),
        ["input", "contract+bias", "scale>table", "scale", "scale", "scale"]
    );
}

#[test]
fn constants_fold_and_dead_nodes_vanish() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3]);
    let unused = w.input(&[1]);
    let a = w.constant(random(&[3, 3], 1));
    let b = w.op(Op::Transpose(vec![1, 0]), &[a]);
    let b = w.op(Op::Mul, &[a, b]);
    let y = w.op(Op::MatMul, &[x, b]);
    let dead = w.op(Op::Mul, &[x, y]);
    let _ = (w.op(Op::Add, &[unused, unused]), dead);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "input", "contract"]);
}

#[test]
fn what_is_not_supported_names_the_node() {
    let mut w = Writer::default();
    let x = w.input(&[3, 3]);
    let y = w.op(Op::MatMul, &[x, x]);
    w.output(y);
    assert!(
        matches!(refused(&w.graph), QuantError::Unsupported { origin, .. } if origin.node == "v1")
    );

    let mut w = Writer::default();
    let x = w.input(&[3, 3]);
    let y = w.op(Op::Mul, &[x, x]);
    w.output(y);
    assert!(
        matches!(refused(&w.graph), QuantError::Unsupported { origin, .. } if origin.node == "v1")
    );

    let mut w = Writer::default();
    let x = w.input(&[2, 3, 4]);
    let c = w.constant(random(&[2, 4, 5], 5));
    let y = w.op(Op::MatMul, &[x, c]);
    w.output(y);
    assert!(
        matches!(refused(&w.graph), QuantError::Unsupported { origin, .. } if origin.node == "v2")
    );

    let mut w = Writer::default();
    let x = w.input(&[3]);
    let c = w.constant(random(&[3], 5));
    let d = w.op(Op::Add, &[c, c]);
    w.output(x);
    w.output(d);
    assert!(matches!(refused(&w.graph), QuantError::ConstantOutput { name } if name == "out1"));
}

#[test]
fn settings_are_checked() {
    let mut w = Writer::default();
    let x = w.input(&[3]);
    let y = w.relu(x);
    w.output(y);
    let samples = samples(&w.graph, 2);
    let good = calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
    let with = |change: fn(&mut Settings)| {
        let mut settings = good.clone();
        change(&mut settings);
        compile(&w.graph, &settings)
    };
    assert!(with(|_| ()).is_ok());
    let missing = with(|s| s.tensors.clear());
    assert!(matches!(missing, Err(QuantError::MissingRange { name }) if name == "v0"));
    let changes: [fn(&mut Settings); 6] = [
        |s| s.default_bits = 17,
        |s| s.weight_bits = 0,
        |s| s.max_shift = 17,
        |s| s.headroom = f64::NAN,
        |s| s.tensors.values_mut().for_each(|t| t.min = f64::INFINITY),
        |s| s.tensors.values_mut().for_each(|t| t.bits = Some(40)),
    ];
    for change in changes {
        assert!(matches!(with(change), Err(QuantError::Setting { .. })));
    }
    assert_eq!(
        calibrate(&w.graph, &[], &CalibrationOptions::default()),
        Err(QuantError::NoSamples)
    );
    let percentile = CalibrationOptions {
        method: RangeMethod::Percentile(0.0),
        ..CalibrationOptions::default()
    };
    assert!(calibrate(&w.graph, &samples, &percentile).is_err());
}

#[test]
fn a_scale_by_hand_is_kept_and_a_range_is_enforced() {
    let mut w = Writer::default();
    let x = w.input(&[2]);
    let y = w.relu(x);
    w.output(y);
    let ones = vec![vec![Tensor::new(shape(&[2]), vec![1.0, -1.0]).expect("two")]];
    let mut settings = calibrate(&w.graph, &ones, &CalibrationOptions::default()).expect("ranges");
    assert_eq!(compile(&w.graph, &settings).expect("compiles").tensors[0].scale.0, 7);
    settings.tensors.get_mut("v0").expect("input").scale = Some(5);
    settings.tensors.get_mut("v0").expect("input").bits = Some(7);
    let program = compile(&w.graph, &settings).expect("compiles");
    assert_eq!(program.tensors[0].scale.0, 5);
    assert_eq!(Some(program.tensors[0].bits), Bits::new(7));
    let run = |v| {
        let inputs = [Tensor::new(shape(&[2]), vec![0.0, v]).expect("two")];
        integer::Executor::new(&program).expect("well-formed").run_real(&inputs)
    };
    assert!(run(1.9).is_ok());
    assert!(matches!(run(2.0), Err(ExecError::InputRange { element: 1, .. })));
}

#[test]
fn percentile_drops_outliers() {
    let mut w = Writer::default();
    let x = w.input(&[1000]);
    let y = w.relu(x);
    w.output(y);
    let mut data = noise(3, 1000);
    data[7] = 1000.0;
    let samples = vec![vec![Tensor::new(shape(&[1000]), data).expect("a thousand")]];
    let options = CalibrationOptions {
        method: RangeMethod::Percentile(99.5),
        ..CalibrationOptions::default()
    };
    let settings = calibrate(&w.graph, &samples, &options).expect("ranges");
    assert!(settings.tensors["v0"].max < 2.0, "{settings:?}");
}

#[test]
fn search_raises_bits_until_the_target_is_met() {
    let mut w = Writer::default();
    let x = w.input(&[1, 10]);
    let h = w.linear(x, [10, 10], 1);
    let h = w.op(Op::Activation(Activation::Gelu { tanh: false }), &[h]);
    let y = w.linear(h, [10, 4], 2);
    w.output(y);
    let samples = samples(&w.graph, 5);
    let options =
        CalibrationOptions { bits: 4, weight_bits: 3, max_shift: 4, ..Default::default() };
    let once = search(&w.graph, &samples, &options, None).expect("one go");
    assert_eq!(once.settings.default_bits, 4);
    let target = Target::Error(0.02);
    let found = search(&w.graph, &samples, &options, Some(target)).expect("met");
    assert!(found.report.max_error() <= 0.02 && once.report.max_error() > 0.02);
    assert!(found.settings.default_bits > 4);
    let impossible = search(&w.graph, &samples, &options, Some(Target::Error(1e-9)));
    assert!(matches!(impossible, Err(QuantError::TargetMissed { best, .. }) if best < 0.01));
    assert_eq!("error=1e-2".parse(), Ok(Target::Error(0.01)));
    assert_eq!("agreement=0.99".parse(), Ok(Target::Agreement(0.99)));
    for bad in ["", "error", "error=x", "error=-1", "agreement=2", "gas=1"] {
        assert!(bad.parse::<Target>().is_err());
    }
}

#[test]
fn an_accumulator_that_may_overflow_is_refused() {
    let mut w = Writer::default();
    let x = w.input(&[1, 4]);
    let c = w.constant(random(&[4, 1], 1));
    let y = w.op(Op::MatMul, &[x, c]);
    w.output(y);
    let samples = samples(&w.graph, 2);
    let mut settings =
        calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
    // A scale that no weight of 32 bits reaches.
    settings.tensors.get_mut("v2").expect("product").scale = Some(60);
    assert!(matches!(
        compile(&w.graph, &settings),
        Err(QuantError::Unsupported { origin, .. }) if origin.node == "v2"
    ));
}

#[test]
fn constants_that_are_no_numbers_are_refused() {
    let mut w = Writer::default();
    let x = w.input(&[2]);
    let c = w.constant(Tensor::new(shape(&[2]), vec![1.0, f32::NAN]).expect("two"));
    let y = w.op(Op::Mul, &[x, c]);
    w.output(y);
    let mut settings = CalibrationOptions::default().settings(1, Default::default());
    for name in ["v0", "v2"] {
        let range = TensorSettings { min: -1.0, max: 1.0, bits: None, scale: None };
        settings.tensors.insert(name.into(), range);
    }
    assert!(matches!(compile(&w.graph, &settings), Err(QuantError::ConstantNotFinite { .. })));
}

fn activations() -> impl Strategy<Value = Activation> {
    prop::sample::select(vec![
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu { tanh: false },
        Activation::Gelu { tanh: true },
        Activation::Erf,
        Activation::Elu { alpha: 1.0 },
        Activation::Softplus,
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::HardSwish,
        Activation::Clip { min: -0.5, max: 0.7 },
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_mlps_are_close_to_float(
        widths in prop::collection::vec(1usize..12, 2..5),
        functions in prop::collection::vec(activations(), 5),
        batch in 1usize..4,
        seed in 0u64..1_000_000,
    ) {
        let mut w = Writer::default();
        let mut h = w.input(&[batch, widths[0]]);
        for (i, pair) in widths.windows(2).enumerate() {
            h = w.linear(h, [pair[0], pair[1]], seed + 10 * i as u64);
            h = w.op(Op::Activation(functions[i]), &[h]);
        }
        w.output(h);
        close(&w.graph);
    }

    /// The trace satisfies the equation that the circuit proves, recomputed naively.
    #[test]
    fn traces_satisfy_the_defining_equation(seed in 0u64..1_000_000, bits in 6u8..12) {
        let mut w = Writer::default();
        let x = w.input(&[2, 5]);
        let h = w.linear(x, [5, 5], seed);
        let h = w.op(Op::Add, &[h, x]);
        let h = w.op(Op::Activation(Activation::Gelu { tanh: false }), &[h]);
        let y = w.linear(h, [5, 3], seed + 7);
        w.output(y);
        let samples = samples(&w.graph, 3);
        let options = CalibrationOptions { bits, ..CalibrationOptions::default() };
        let settings = calibrate(&w.graph, &samples, &options).expect("ranges");
        let program = compile(&w.graph, &settings).expect("compiles");
        let executor = integer::Executor::new(&program).expect("well-formed");
        let trace = executor.run_real(&samples[0]).expect("calibrated on it");
        for (id, tensor) in program.tensors.iter().enumerate() {
            let Step::Affine(affine) = &tensor.step else { continue };
            let (s, cells) = (affine.shift, &trace.tensors[id]);
            let half = (1i128 << s) / 2;
            for e in 0..tensor.shape.len() {
                let mut c = match &affine.bias {
                    None => 0,
                    Some(bias) => i128::from(bias.data()[e % bias.data().len()]),
                };
                for term in &affine.terms {
                    let read = |at: usize| {
                        let view = term.view();
                        view.element(at).map_or(0, |at| {
                            i128::from(trace.tensors[view.tensor.0].values()[at])
                        })
                    };
                    match term {
                        Term::Contract { weight, .. } => {
                            let (inner, j) = (weight.shape().dims()[0], weight.shape().dims()[1]);
                            for k in 0..inner {
                                let w = i128::from(weight.data()[k * j + e % j]);
                                c += read(e / j * inner + k) * w;
                            }
                        }
                        Term::Correlate { .. } => prop_assert!(false, "no convolution in it"),
                        Term::Scale { factor, .. } => {
                            c += read(e) * i128::from(factor.data()[e % factor.data().len()]);
                        }
                    }
                }
                let (x, r) = (i128::from(cells.x[e]), i128::from(cells.r[e]));
                prop_assert_eq!(c, (x << s) + r - half);
                prop_assert!(0 <= r && r < 1 << s);
                prop_assert!(c.unsigned_abs() <= u128::from(
                    executor.bounds().accumulator_of(crate::program::TensorId(id))));
                if let Some(table) = affine.table {
                    let y = program.tables[table.0].get(cells.x[e].into()).expect("in the domain");
                    prop_assert_eq!(y, i64::from(cells.y[e]));
                }
            }
        }
    }
}

#[test]
fn float_runs_what_the_graph_says() {
    let mut w = Writer::default();
    let x = w.input(&[2]);
    let big = w.constant(Tensor::new(shape(&[2]), vec![3e38, 1.0]).expect("two"));
    let y = w.op(Op::Mul, &[x, big]);
    w.output(y);
    let run = |data: Vec<f32>| {
        float::run(&w.graph, &[Tensor::new(shape(&[2]), data).expect("two")])
            .map(|t| t.outputs()[0].clone())
    };
    assert_eq!(run(vec![0.5, 2.0]).expect("finite").data(), [1.5e38, 2.0]);
    assert!(matches!(
        run(vec![9.0, 2.0]),
        Err(ExecError::NotFinite { origin, element: 0, .. }) if origin.node == "v2"
    ));
    assert!(matches!(run(vec![f32::NAN, 0.0]), Err(ExecError::InputNotFinite { .. })));
}
