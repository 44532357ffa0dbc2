//! A model, mutated, to a program: what imports is calibrated, compiled and run, and a second time gives
//! the same, also by the program as written and read.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use zkml_core::{
    exec::integer::{Executor, Trace},
    ir::{Graph, Op},
    onnx::{ImportOptions, from_bytes},
    program::Program,
    quant::{CalibrationOptions, calibrate, compile},
    tensor::Tensor,
};
use zkml_core_fuzz::model::mutate;

/// Elements and products that a run may take: more only takes longer.
const LIMIT: usize = 1 << 18;

fuzz_target!(|data: &[u8]| {
    let Ok(imported) = from_bytes(data, None, &ImportOptions::default()) else { return };
    let graph = imported.graph;
    if cost(&graph) > LIMIT {
        return;
    }
    let sample = sample(&graph);
    let first = run(&graph, &sample);
    assert_eq!(first, run(&graph, &sample));
    if let Some((program, trace)) = first {
        let bytes = postcard::to_stdvec(&program).expect("any program can be written");
        let read: Program = postcard::from_bytes(&bytes).expect("as it was written");
        assert_eq!(read, program);
        let again = Executor::new(&read).expect("it did before").run_real(&sample).ok();
        assert_eq!(again, trace);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate(data, size, max_size, seed)
});

/// Program and trace of a graph calibrated on the sample; `None` of what has no finite numbers or
/// does not fit. What compiles is well-formed and without overflow.
fn run(graph: &Graph, sample: &[Tensor<f32>]) -> Option<(Program, Option<Trace>)> {
    let samples = [sample.to_vec()];
    let settings = calibrate(graph, &samples, &CalibrationOptions::default()).ok()?;
    let program = compile(graph, &settings).ok()?;
    let executor = Executor::new(&program).expect("compiled");
    let trace = executor.run_real(sample).ok();
    Some((program, trace))
}

/// Numbers from -2 to 2 in no order; from 0 to 3 where they are whole.
fn sample(graph: &Graph) -> Vec<Tensor<f32>> {
    let of = |id| {
        let value = graph.get(id);
        let number = |i: usize| match (i * 7919 % 101, value.integer) {
            (n, true) => (n % 4) as f32,
            (n, false) => n as f32 / 25.0 - 2.0,
        };
        let data = (0..value.shape.len()).map(number).collect();
        Tensor::new(value.shape.clone(), data).expect("as many as the shape")
    };
    graph.inputs().iter().map(|id| of(*id)).collect()
}

/// Elements of all values, and at least the products of each node.
fn cost(graph: &Graph) -> usize {
    let len = |id| graph.get(id).shape.len();
    let values: usize = graph.values().iter().map(|value| value.shape.len()).sum();
    let of = |node: &zkml_core::ir::Node| {
        let inner = match &node.op {
            Op::MatMul | Op::Correlate { .. } => {
                node.inputs.iter().map(|id| len(*id)).min().unwrap_or(0)
            }
            Op::MaxPool(window) => window.taps(),
            _ => 1,
        };
        inner.saturating_mul(len(node.output))
    };
    graph.nodes().iter().map(of).fold(values, usize::saturating_add)
}
