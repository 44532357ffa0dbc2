//! An example model and the files beside it.

use std::path::{Path, PathBuf};
use zkml::{
    Model, Tensor,
    core::io::{Arrays, InputSpec, inputs, samples},
};

pub(crate) struct Example {
    directory: PathBuf,
    pub(crate) model: Model,
    pub(crate) specs: Vec<InputSpec>,
}

impl Example {
    pub(crate) fn new(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models").join(name);
        let model = Model::from_onnx(directory.join("model.onnx")).unwrap();
        let specs = InputSpec::of_graph(model.graph());
        Self { directory, model, specs }
    }

    pub(crate) fn read(&self, file: &str) -> Arrays {
        Arrays::read(&self.directory.join(file)).unwrap()
    }

    /// The samples of a file, one tensor an input, each.
    pub(crate) fn samples(&self, file: &str) -> Vec<Vec<Tensor<f32>>> {
        samples(self.read(file), &self.specs, file).unwrap()
    }

    /// The sample in `input.json`.
    pub(crate) fn input(&self) -> Vec<Tensor<f32>> {
        inputs(self.read("input.json"), &self.specs, "input.json").unwrap()
    }

    /// The numbers of an array that is no sample.
    pub(crate) fn array(&self, file: &str) -> Tensor<f32> {
        let Arrays::Single(array) = self.read(file) else { panic!("{file} is one array") };
        array
    }
}

/// The first of the greatest.
#[allow(dead_code, reason = "not of interest where labels are outputs")]
pub(crate) fn argmax<T: PartialOrd + Copy>(values: &[T]) -> usize {
    (0..values.len()).rev().fold(0, |best, i| if values[i] >= values[best] { i } else { best })
}
