//! Benchmarks of zkml, by criterion; whole models are measured by `zkml bench`. Results and the
//! commands that repeat them are in this crate's `README.md`.

use std::path::{Path, PathBuf};
use zkml::{
    CompileOptions, Error, Model, Program, Tensor,
    core::io::{Arrays, InputSpec, inputs, samples},
};

/// An example model compiled on its calibration data, and its sample input.
///
/// # Errors
/// Whatever keeps the model from being read.
pub fn example(name: &str) -> Result<(Program, Vec<Tensor<f32>>), Error> {
    let directory = examples().join(name);
    let model = Model::from_onnx(directory.join("model.onnx"))?;
    let specs = InputSpec::of_graph(model.graph());
    let read = |file: &str| Arrays::read(&directory.join(file));
    let calibration = samples(read("calib.npy")?, &specs, "calib.npy")?;
    let input = inputs(read("input.json")?, &specs, "input.json")?;
    let program = model.compile(&CompileOptions::default().calibrate(&calibration)?)?;
    Ok((program, input))
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models")
}
