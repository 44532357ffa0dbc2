//! Models, inputs, samples, settings and keys from the paths of the command line.

use crate::{
    args::{Import, Machine, Precision},
    cache,
    exit::CliError,
    files,
    output::Output,
    phases::{self, Phases},
};
use std::path::Path;
use zkml::{
    CompileOptions, Keys, Model, Program, Proof, Srs, Tensor, VerifyingKey,
    circuits::model::ProvingKey,
    core::{
        io::{Arrays, Format, InputSpec, inputs, samples},
        ir::Graph,
        onnx::ImportOptions,
        quant::{CalibrationOptions, Settings},
    },
};

/// Largest verifying key or settings file, bytes.
const SMALL: u64 = 64 << 20;
/// Most data from stdin, bytes.
const STDIN: u64 = 1 << 30;

/// Largest compiled model: 2^30 weights of up to five bytes would be 5 GiB, the machine holds fewer.
const COMPILED: u64 = 4 << 30;

/// Whether a path names a compiled model.
pub(crate) fn is_compiled(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zkc"))
}

/// An ONNX model.
pub(crate) fn model(path: &Path, import: &Import) -> Result<Model, CliError> {
    let options = ImportOptions::with_dims(import.bindings()?);
    Model::from_onnx_with(path, &options).map_err(|e| CliError::from(e).about(path))
}

/// A compiled model.
pub(crate) fn program(path: &Path) -> Result<Program, CliError> {
    Program::from_bytes(&files::read_at_most(path, COMPILED)?)
        .map_err(|e| CliError::from(e).about(path))
}

/// The arrays of a data file; `-` is JSON on stdin.
pub(crate) fn arrays(path: &Path) -> Result<Arrays, CliError> {
    if files::is_standard(path) {
        return Ok(Arrays::parse(&files::read_at_most(path, STDIN)?, Format::Json, "stdin")?);
    }
    Ok(Arrays::read(path)?)
}

/// What messages call a data file.
fn name(path: &Path) -> String {
    if files::is_standard(path) { "stdin".into() } else { path.display().to_string() }
}

/// One set of inputs.
pub(crate) fn input(path: &Path, specs: &[InputSpec]) -> Result<Vec<Tensor<f32>>, CliError> {
    Ok(inputs(arrays(path)?, specs, &name(path))?)
}

/// Many sets of inputs.
pub(crate) fn sample_sets(
    path: &Path,
    specs: &[InputSpec],
) -> Result<Vec<Vec<Tensor<f32>>>, CliError> {
    Ok(samples(arrays(path)?, specs, &name(path))?)
}

/// Settings written by `zkml calibrate`.
pub(crate) fn settings(path: &Path) -> Result<Settings, CliError> {
    let bytes = files::read_at_most(path, SMALL)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| CliError::invalid("the file is not UTF-8").about(path))?;
    let settings: Settings =
        toml::from_str(&text).map_err(|e| CliError::invalid(e.to_string()).about(path))?;
    settings.check().map_err(|e| CliError::from(e).about(path))?;
    Ok(settings)
}

/// What the precision options say; `fallback` are the samples when they name none.
pub(crate) fn compile_options(
    model: &Model,
    precision: &Precision,
    machine: &Machine,
    fallback: Option<&[Vec<Tensor<f32>>]>,
) -> Result<CompileOptions, CliError> {
    let mut options = CompileOptions::default()
        .objective(machine.objective.into())
        .input_visibility(machine.input_visibility.into());
    if let Some(calibration) = calibration(model.graph(), precision) {
        options = options.calibration(calibration);
    }
    if let Some(profile) = machine.profile {
        options = options.profile(profile);
    }
    if let Some(path) = &precision.settings {
        options = options.settings(settings(path)?);
    }
    if let Some(target) = precision.target {
        options = options.target(target);
    }
    if let Some(path) = &precision.data {
        options = options.calibrate(&sample_sets(path, &InputSpec::of_graph(model.graph()))?)?;
    } else if let (None, Some(samples)) = (&precision.settings, fallback) {
        options = options.calibrate(samples)?;
    }
    Ok(options)
}

/// Widths and margins, if some are given: where a search for a target starts.
pub(crate) fn calibration(graph: &Graph, precision: &Precision) -> Option<CalibrationOptions> {
    let Precision { bits, weight_bits, .. } = *precision;
    bits.or(weight_bits)?;
    let default = CalibrationOptions::suited_to(graph, precision.target);
    Some(CalibrationOptions {
        bits: bits.unwrap_or(default.bits),
        weight_bits: weight_bits.unwrap_or(default.weight_bits),
        ..default
    })
}

/// The SRS of `path`, or the development one for `2^k` rows.
pub(crate) fn srs(path: Option<&Path>, k: u32, output: &Output) -> Result<Srs, CliError> {
    match path {
        Some(path) => Ok(Srs::load(path)?),
        None => cache::development_srs(k, output),
    }
}

/// Says that an SRS is insecure.
pub(crate) fn warn_insecure(insecure: bool, output: &Output) {
    if insecure {
        output.warn(
            "INSECURE: made with a development SRS whose secret is known; such proofs convince \
             nobody",
        );
    }
}

/// The proving key of a compiled model, with its SRS.
pub(crate) fn proving_keys(
    path: &Path,
    program: &Program,
    srs_path: Option<&Path>,
    output: &Output,
    phases: &Phases,
) -> Result<Keys, CliError> {
    let about = |e: zkml::Error| CliError::from(e).about(path);
    let key = phases.of(phases::READ_KEY, || {
        let (file, length) = files::open(path)?;
        ProvingKey::read(file, length, Some(program.compiled())).map_err(|e| about(e.into()))
    })?;
    if key.compiled().digest() != program.compiled().digest() {
        return Err(CliError::usage("the key belongs to another compiled model")
            .about(path)
            .help("run `zkml setup` on this model"));
    }
    let srs = phases.of(phases::READ_SRS, || srs(srs_path, key.compiled().k(), output))?;
    if srs.id() != key.verifying_key().srs().id {
        return Err(CliError::usage("the key was made with another SRS")
            .about(path)
            .help("pass the SRS of the setup with --srs"));
    }
    Keys::with_srs(key, &srs).map_err(about)
}

/// A verifying key.
pub(crate) fn verifying_key(path: &Path) -> Result<VerifyingKey, CliError> {
    VerifyingKey::from_bytes(&files::read_at_most(path, SMALL)?)
        .map_err(|e| CliError::from(e).about(path))
}

/// A proof file.
pub(crate) fn proof(path: &Path) -> Result<Proof, CliError> {
    Proof::from_json(&files::read_at_most(path, Proof::MAX_BYTES as u64)?)
        .map_err(|e| CliError::from(e).about(path))
}
