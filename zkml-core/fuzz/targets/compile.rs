//! A model, mutated, to a program: what imports is calibrated, compiled and run, and a second time gives
//! the same, also by the program as written and read.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use zkml_core::{
    exec::integer::{Executor, Trace},
    ir::Graph,
    onnx::{ImportOptions, from_bytes},
    program::Program,
    quant::{CalibrationOptions, calibrate, compile},
    tensor::Tensor,
};
use zkml_core_fuzz::{
    graph::{cost, sample},
    model::mutate,
};

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
