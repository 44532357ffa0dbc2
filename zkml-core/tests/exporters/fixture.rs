//! A model of an exporter with what onnxruntime computes of four samples, and the errors of ours.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use zkml_core::{
    exec::{float, integer::Executor},
    io::{Arrays, InputSpec, samples},
    ir::Graph,
    onnx::{DimBindings, ImportError, ImportOptions, Imported, load},
    quant::{Target, search_suited},
    tensor::Tensor,
};

/// Errors over all samples, as shares of the largest magnitude of each output that onnxruntime gave.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    pub(crate) float: f64,
    pub(crate) integer: f64,
    /// Bits of activations that the calibration chose.
    pub(crate) bits: u8,
}

/// A folder with `model.onnx`, `inputs.npz` and `outputs.npz`.
pub(crate) struct Fixture {
    folder: PathBuf,
    /// Where the zip was unpacked to.
    _unpacked: Option<TempDir>,
}

impl Fixture {
    /// One of the checked-in models.
    pub(crate) fn checked_in(name: &str) -> Self {
        let archive = checked_in().join(format!("{name}.zip"));
        let unpacked = tempfile::tempdir().expect("a temporary folder");
        let file = File::open(&archive).expect("checked in");
        zip::ZipArchive::new(file).expect("a zip").extract(unpacked.path()).expect("unpacks");
        Self { folder: unpacked.path().to_owned(), _unpacked: Some(unpacked) }
    }

    /// One that `make_models.py` left in `target/exporters`.
    pub(crate) fn made(folder: PathBuf) -> Self {
        Self { folder, _unpacked: None }
    }

    /// Imports the model. A batch axis that the exporter left open is bound to `batch`; whether one
    /// is comes second.
    fn import_batch(&self, batch: usize) -> (Result<Imported, ImportError>, bool) {
        let path = self.folder.join("model.onnx");
        let mut result = load(&path, &ImportOptions::default());
        let mut dims = DimBindings::new();
        while let Err(ImportError::UnboundDim { flag, .. }) = &result {
            dims.bind(flag.clone(), batch).expect("not bound before");
            result = load(&path, &ImportOptions::with_dims(dims.clone()));
        }
        (result, dims.keys().next().is_some())
    }

    /// Imports the model for one sample.
    pub(crate) fn import(&self) -> Result<Imported, ImportError> {
        self.import_batch(1).0
    }

    /// The float error of two samples at a time, for a model that has an open batch axis.
    pub(crate) fn error_of_pairs(&self) -> Result<Option<f64>, String> {
        let (model, true) = self.import_batch(2) else { return Ok(None) };
        let graph = model.map_err(|error| error.to_string())?.graph;
        let Arrays::Named(arrays) = self.arrays("inputs.npz") else { panic!("no names") };
        let expected = self.expected(&graph);
        let mut largest: f64 = 0.0;
        for pair in 0..2 {
            let input = |spec: &InputSpec| {
                let (_, array) =
                    arrays.iter().find(|(name, _)| *name == spec.name).expect("its samples");
                let data = &array.data()[pair * spec.shape.len()..][..spec.shape.len()];
                Tensor::new(spec.shape.clone(), data.to_vec()).expect("its length")
            };
            let inputs: Vec<_> = InputSpec::of_graph(&graph).iter().map(input).collect();
            let trace = float::run(&graph, &inputs).map_err(|error| error.to_string())?;
            for (output, got) in expected.iter().zip(trace.outputs()) {
                let got: Vec<f64> = got.data().iter().map(|v| f64::from(*v)).collect();
                if got.len() != 2 * output.per_sample {
                    return Err(format!("`{}` has {} elements for two", output.name, got.len()));
                }
                for (i, got) in got.chunks(output.per_sample).enumerate() {
                    largest = largest.max(output.error(2 * pair + i, got)?);
                }
            }
        }
        Ok(Some(largest))
    }

    fn arrays(&self, file: &str) -> Arrays {
        Arrays::read(&self.folder.join(file)).expect("a file of make_models.py")
    }

    /// Runs both executors on the samples that the integer one was calibrated on, at the settings
    /// that suit the model, or those that get within `target`, a share of the largest output.
    pub(crate) fn errors(&self, graph: &Graph, target: Option<f64>) -> Result<Errors, String> {
        let inputs = samples(self.arrays("inputs.npz"), &InputSpec::of_graph(graph), "inputs.npz")
            .map_err(|error| error.to_string())?;
        let expected = self.expected(graph);
        let mut errors = Errors::default();
        for (i, sample) in inputs.iter().enumerate() {
            let trace = float::run(graph, sample).map_err(|error| error.to_string())?;
            for (output, got) in expected.iter().zip(trace.outputs()) {
                let got: Vec<f64> = got.data().iter().map(|v| f64::from(*v)).collect();
                errors.float = errors.float.max(output.error(i, &got)?);
            }
        }
        let scale = expected.iter().map(|output| output.largest).fold(0.0, f64::max);
        let target = target.map(|share| Target::Error(share * scale));
        let found = search_suited(graph, &inputs, None, target).map_err(|e| e.to_string())?;
        errors.bits = found.settings.default_bits;
        let program = &found.compiled.program;
        let executor = Executor::new(program).map_err(|error| error.to_string())?;
        for (i, sample) in inputs.iter().enumerate() {
            let trace = executor.run_real(sample).map_err(|error| error.to_string())?;
            for (output, got) in expected.iter().zip(trace.real_outputs(program)) {
                errors.integer = errors.integer.max(output.error(i, got.data())?);
            }
        }
        Ok(errors)
    }

    /// The outputs of the graph in its order.
    fn expected(&self, graph: &Graph) -> Vec<Expected> {
        let Arrays::Named(arrays) = self.arrays("outputs.npz") else { panic!("no names") };
        let find = |name: &str| arrays.iter().find(|(other, _)| other == name).map(|(_, a)| a);
        let expected = |(name, _): &(String, _)| {
            let array = find(name).unwrap_or_else(|| panic!("onnxruntime gave no `{name}`"));
            Expected::new(name, array)
        };
        graph.outputs().iter().map(expected).collect()
    }
}

/// What onnxruntime gave for an output, all samples in a row.
struct Expected {
    name: String,
    data: Vec<f64>,
    per_sample: usize,
    largest: f64,
    /// Labels: they are right or wrong.
    whole: bool,
}

impl Expected {
    fn new(name: &str, array: &Tensor<f32>) -> Self {
        let data: Vec<f64> = array.data().iter().map(|v| f64::from(*v)).collect();
        Self {
            name: name.to_owned(),
            per_sample: data.len() / array.shape().dims()[0],
            largest: data.iter().fold(f64::MIN_POSITIVE, |most, v| most.max(v.abs())),
            whole: data.iter().all(|v| v.fract() == 0.0),
            data,
        }
    }

    /// Largest error of a sample, as a share of the largest magnitude.
    fn error(&self, sample: usize, got: &[f64]) -> Result<f64, String> {
        let expected = &self.data[sample * self.per_sample..][..self.per_sample];
        if got.len() != expected.len() {
            return Err(format!(
                "`{}` has {} elements, not {}",
                self.name,
                got.len(),
                expected.len()
            ));
        }
        if self.whole && got != expected {
            return Err(format!("`{}` of sample {sample} is {got:?}, not {expected:?}", self.name));
        }
        let errors = got.iter().zip(expected).map(|(got, expected)| (got - expected).abs());
        Ok(errors.fold(0.0, f64::max) / self.largest)
    }
}

/// The folder of the zips.
pub(crate) fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exporters/models")
}
