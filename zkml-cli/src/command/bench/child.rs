//! Steps of a measurement: this program again, in a process of its own.

use crate::{
    args::{Machine, Precision},
    cache,
    exit::{CliError, RESOURCE},
};
use clap::ValueEnum;
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Where a calibration starts, as flags again.
pub(super) fn precision_flags(precision: &Precision) -> Vec<String> {
    let flag = |name: &str, value: Option<String>| value.map(|value| [name.to_owned(), value]);
    [
        flag("--target", precision.target.as_ref().map(ToString::to_string)),
        flag("--bits", precision.bits.map(|bits| bits.to_string())),
        flag("--weight-bits", precision.weight_bits.map(|bits| bits.to_string())),
    ]
    .into_iter()
    .flatten()
    .flatten()
    .collect()
}

/// The machine options as flags again.
pub(super) fn machine_flags(machine: &Machine) -> Vec<String> {
    let mut flags = objective_flags(machine).to_vec();
    flags.extend(["--input-visibility".to_owned(), name(&machine.input_visibility)]);
    if let Some(p) = machine.profile {
        let numbers = [p.lanes(), p.fold(), p.weight_lanes(), p.tables()].map(|n| n.to_string());
        flags.extend(["--profile".to_owned(), numbers.join(",")]);
    }
    flags
}

/// The objective, as `prove` takes it for a compiled model.
pub(super) fn objective_flags(machine: &Machine) -> [String; 2] {
    ["--objective".to_owned(), name(&machine.objective)]
}

/// What the command line calls a value.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
}

/// Runs this program.
pub(super) struct Children<'a> {
    cache: &'a Path,
}

impl<'a> Children<'a> {
    /// With what it keeps between runs in the directory `cache`.
    pub(super) fn new(cache: &'a Path) -> Self {
        Self { cache }
    }

    /// Runs it with `flags` and returns its JSON document.
    pub(super) fn run(&self, flags: &[&str]) -> Result<Value, CliError> {
        self.run_on(None, flags)
    }

    /// As [`Self::run`], on so many threads.
    pub(super) fn run_on(&self, threads: Option<u32>, flags: &[&str]) -> Result<Value, CliError> {
        let program = std::env::current_exe().map_err(|e| CliError::io(Path::new("zkml"), &e))?;
        let mut command = Command::new(&program);
        if let Some(threads) = threads {
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        // Kernels of GPUs are compiled once, not for each measurement.
        if std::env::var_os("ZKML_CUDA_CACHE").is_none_or(|value| value.is_empty())
            && let Some(directory) = cache::directory()
        {
            command.env("ZKML_CUDA_CACHE", directory);
        }
        let result = command
            .args(flags)
            .args(["--json", "--quiet"])
            .env("ZKML_CACHE", self.cache)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .map_err(|e| CliError::io(&program, &e))?;
        let said = String::from_utf8_lossy(&result.stderr);
        if !result.status.success() {
            let code = result.status.code().and_then(|code| u8::try_from(code).ok());
            let message = format!("zkml {} failed: {}", flags[0], said.trim());
            return Err(CliError::of_child(code.unwrap_or(RESOURCE), message));
        }
        serde_json::from_slice(&result.stdout)
            .map_err(|e| CliError::invalid(format!("zkml {} printed no JSON: {e}", flags[0])))
    }
}
