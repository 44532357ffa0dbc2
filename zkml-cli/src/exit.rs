//! Exit codes, and the errors that lead to them.

use std::{fmt, io, path::Path};
use zkml::{Error, ErrorClass};

/// Done, or accepted.
pub(crate) const OK: u8 = 0;
/// Checked and negative: a proof rejected, a target missed.
pub(crate) const NEGATIVE: u8 = 1;
/// Usage or configuration.
pub(crate) const USAGE: u8 = 2;
/// Unsupported or invalid model, input, key or proof file.
pub(crate) const INVALID: u8 = 3;
/// Input/output or resources.
pub(crate) const RESOURCE: u8 = 4;

/// How a command that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, or accepted.
    Done,
    /// Checked and negative.
    Negative,
}

impl Outcome {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => OK,
            Self::Negative => NEGATIVE,
        }
    }
}

/// An error with its exit code, the file it is about, and what to do.
#[derive(Debug)]
pub(crate) struct CliError {
    code: u8,
    file: Option<String>,
    message: String,
    help: Option<String>,
    broken_pipe: bool,
    reported: bool,
}

impl CliError {
    fn new(code: u8, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, file: None, message, help: None, broken_pipe: false, reported: false }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(INVALID, message)
    }

    pub(crate) fn resource(message: impl Into<String>) -> Self {
        Self::new(RESOURCE, message)
    }

    /// A step in a process of its own failed, with that process's exit code.
    pub(crate) fn of_child(code: u8, message: impl Into<String>) -> Self {
        Self::new(code, message)
    }

    pub(crate) fn io(file: &Path, error: &io::Error) -> Self {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { broken_pipe, ..Self::new(RESOURCE, error.to_string()) }.about(file)
    }

    /// Names the file the error is about.
    pub(crate) fn about(self, file: &Path) -> Self {
        let standard = crate::files::is_standard(file);
        let file = if standard { "stdin".to_owned() } else { file.display().to_string() };
        // Errors of data files name them already.
        if self.message.contains(&file) { self } else { Self { file: Some(file), ..self } }
    }

    /// Says what to do.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The command's own document says it already: `--json` prints no second one.
    pub(crate) fn reported(self) -> Self {
        Self { reported: true, ..self }
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.reported
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }

    pub(crate) fn message(&self) -> String {
        match &self.file {
            Some(file) => format!("{file}: {}", self.message),
            None => self.message.clone(),
        }
    }

    pub(crate) fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl<E: Into<Error>> From<E> for CliError {
    fn from(error: E) -> Self {
        let error = error.into();
        let code = match error.class() {
            ErrorClass::Negative => NEGATIVE,
            ErrorClass::Configuration => USAGE,
            ErrorClass::Invalid => INVALID,
            ErrorClass::Resource => RESOURCE,
        };
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            let text = next.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = next.source();
        }
        let help = match &error {
            Error::NotCalibrated => Some("pass --data SAMPLES or --settings SETTINGS.toml"),
            Error::Key(zkml::circuits::model::ModelKeyError::SrsTooSmall { .. }) => {
                Some("make a larger one with `zkml srs new -k K`, or import one")
            }
            Error::MsmOptions(_) => None,
            error if error.device_fault().is_some() => {
                Some("with ZKML_MSM=auto or ZKML_MSM=cpu the CPU does it")
            }
            _ => None,
        };
        Self { help: help.map(str::to_owned), ..Self::new(code, message) }
    }
}
