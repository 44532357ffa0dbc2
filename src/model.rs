//! From an ONNX file to a compiled program.

use crate::{Error, keys::Keys};
use std::path::Path;
use verifier_contracts::{Fork, gas};
use zkml_circuits::{
    machine::Profile,
    model::{CompileConfig, Compiled, protocol},
    plan::{Cost, Objective, Visibility},
    plonk::InstanceLayout,
};
use zkml_core::{
    ir::Graph,
    onnx::{ImportOptions, Imported, ModelSummary, from_bytes, load},
    progress::{NoProgress, Progress},
    proving::{CpuMsm, MsmBackend, Srs},
    quant::{CalibrationOptions, Settings, Target, compile_with_sources, search_suited},
    report::Report,
    tensor::Tensor,
};

/// An imported ONNX model: a float graph with every shape known.
#[derive(Clone, Debug)]
pub struct Model {
    imported: Imported,
}

impl Model {
    /// Imports a file whose dimensions are all known.
    ///
    /// # Errors
    /// [`Error::Import`] with everything that is not supported.
    pub fn from_onnx(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_onnx_with(path, &ImportOptions::default())
    }

    /// Imports a file with options, for example bound dimensions.
    ///
    /// # Errors
    /// As [`Self::from_onnx`].
    pub fn from_onnx_with(path: impl AsRef<Path>, options: &ImportOptions) -> Result<Self, Error> {
        Ok(Self { imported: load(path, options)? })
    }

    /// Imports a model from memory; external data is refused.
    ///
    /// # Errors
    /// As [`Self::from_onnx`].
    pub fn from_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Self, Error> {
        Ok(Self { imported: from_bytes(bytes, None, options)? })
    }

    /// The float graph.
    pub fn graph(&self) -> &Graph {
        &self.imported.graph
    }

    /// What the file says about itself.
    pub fn summary(&self) -> &ModelSummary {
        &self.imported.summary
    }

    /// Digest of the file and its external data.
    pub fn digest(&self) -> [u8; 32] {
        self.imported.digest
    }

    /// Quantises the model and lays it out in a machine.
    ///
    /// # Errors
    /// [`Error::NotCalibrated`] without settings or samples; what quantisation and layout say.
    pub fn compile(&self, options: &CompileOptions) -> Result<Program, Error> {
        let (settings, quantised, report) = if let Some(settings) = &options.settings {
            let quantised = compile_with_sources(self.graph(), settings)?;
            let report = match options.samples.as_slice() {
                [] => None,
                samples => Some(Report::new(self.graph(), &quantised, samples, None)?),
            };
            (settings.clone(), quantised, report)
        } else if options.samples.is_empty() {
            return Err(Error::NotCalibrated);
        } else {
            let start = options.calibration.as_ref();
            let found = search_suited(self.graph(), &options.samples, start, options.target)?;
            (found.settings, found.compiled, Some(found.report))
        };
        let compiled = Compiled::new(quantised.program, &options.config)?;
        Ok(Program { compiled, settings: Some(settings), report })
    }
}

/// How to compile a [`Model`].
#[derive(Clone, Debug, Default)]
pub struct CompileOptions {
    config: CompileConfig,
    calibration: Option<CalibrationOptions>,
    target: Option<Target>,
    settings: Option<Settings>,
    samples: Vec<Vec<Tensor<f32>>>,
}

impl CompileOptions {
    /// Calibrates ranges and scales on `samples`: one tensor an input, each.
    ///
    /// # Errors
    /// [`Error::NoSamples`] when there are none.
    pub fn calibrate(self, samples: &[Vec<Tensor<f32>>]) -> Result<Self, Error> {
        if samples.is_empty() {
            return Err(Error::NoSamples);
        }
        Ok(Self { samples: samples.to_vec(), ..self })
    }

    /// Uses these ranges and scales; samples then only serve the report.
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings: Some(settings), ..self }
    }

    /// With these widths and margins, not those that suit the kind of model: where a search for a
    /// target starts.
    #[must_use]
    pub fn calibration(self, calibration: CalibrationOptions) -> Self {
        Self { calibration: Some(calibration), ..self }
    }

    /// Searches the narrowest tables that meet `target` on the samples, from where
    /// [`search_suited`] starts for the kind of model unless [`Self::calibration`] says otherwise.
    #[must_use]
    pub fn target(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// What the choice of machine minimises.
    #[must_use]
    pub fn objective(self, objective: Objective) -> Self {
        Self { config: CompileConfig { objective, ..self.config }, ..self }
    }

    /// Whether the inputs are part of the statement.
    #[must_use]
    pub fn input_visibility(self, input_visibility: Visibility) -> Self {
        Self { config: CompileConfig { input_visibility, ..self.config }, ..self }
    }

    /// This machine rather than a search of the standard ones.
    #[must_use]
    pub fn profile(self, profile: Profile) -> Self {
        Self { config: CompileConfig { profile: Some(profile), ..self.config }, ..self }
    }
}

/// A compiled model.
#[derive(Clone, Debug)]
pub struct Program {
    compiled: Compiled,
    settings: Option<Settings>,
    report: Option<Report>,
}

impl Program {
    /// Reads a `.zkc` file.
    ///
    /// # Errors
    /// [`Error::Compile`] when it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self { compiled: Compiled::from_bytes(bytes)?, settings: None, report: None })
    }

    /// The `.zkc` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.compiled.to_bytes()
    }

    /// The program in its machine.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The machine has `2^k` rows.
    pub fn k(&self) -> u32 {
        self.compiled.k()
    }

    /// Predicted cost; the gas is that of the generated contract.
    pub fn cost(&self) -> Cost {
        let cost = self.compiled.cost();
        let layout = InstanceLayout { words: cost.words, stride: self.compiled.profile().fold() };
        let gas = protocol(self.compiled.profile())
            .ok()
            .and_then(|protocol| gas::predict(&protocol, cost.k, layout, Fork::Cancun).ok());
        Cost { gas: gas.map_or(cost.gas, |gas| gas.total()), ..cost }
    }

    /// The settings it was quantised with, unless it was read from a file.
    pub fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    /// Float against integer on the samples it was compiled with, if there were any.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// Makes the keys. An SRS larger than needed is cut to size.
    ///
    /// # Errors
    /// [`Error::Key`] when the SRS is too small.
    pub fn setup(&self, srs: &Srs) -> Result<Keys, Error> {
        self.setup_with(srs, &NoProgress)
    }

    /// [`Self::setup`], reporting to `progress`.
    ///
    /// # Errors
    /// As [`Self::setup`].
    pub fn setup_with(&self, srs: &Srs, progress: &dyn Progress) -> Result<Keys, Error> {
        self.setup_on(srs, &CpuMsm, progress)
    }

    /// [`Self::setup_with`], with another backend than the CPU, such as [`AutoMsm`](crate::AutoMsm). The keys do not depend on it.
    ///
    /// # Errors
    /// As [`Self::setup`], or the backend's.
    pub fn setup_on(
        &self,
        srs: &Srs,
        backend: &dyn MsmBackend,
        progress: &dyn Progress,
    ) -> Result<Keys, Error> {
        Keys::generate(&self.compiled, srs, backend, progress)
    }
}
