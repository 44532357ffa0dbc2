//! What goes to the terminal: results to stdout, everything else to stderr.

use crate::{args::Global, exit::CliError};
use serde_json::{Value, json};
use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

/// Version of the JSON documents.
const SCHEMA: u32 = 1;

/// How to talk.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    force: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let Global { json, quiet, verbose, force } = *global;
        Self { json, quiet, verbose, force }
    }

    /// Whether existing files may be overwritten.
    pub(crate) fn force(&self) -> bool {
        self.force
    }

    /// Whether results are JSON documents.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether progress bars make sense.
    pub(crate) fn wants_bars(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// Something to know, on stderr.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
        }
    }

    /// Something nobody may miss, on stderr even with `--quiet`.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
    }

    /// A detail, on stderr.
    pub(crate) fn detail(&self, text: impl AsRef<str>) {
        if self.verbose {
            self.note(text);
        }
    }

    /// The result: a versioned document with `--json`, text otherwise, on stdout.
    pub(crate) fn result(
        &self,
        command: &str,
        document: Value,
        text: impl AsRef<str>,
    ) -> Result<(), CliError> {
        if self.json {
            let mut full = json!({ "schema": SCHEMA, "command": command });
            if let (Value::Object(full), Value::Object(fields)) = (&mut full, document) {
                full.extend(fields);
            }
            let text = serde_json::to_string_pretty(&full)
                .expect("documents are made of strings and numbers");
            self.raw(text)
        } else {
            self.raw(text)
        }
    }

    /// Text on stdout as it is, with a newline. A reader that went away is no failure, and must
    /// not hide the verdict in the exit code.
    pub(crate) fn raw(&self, text: impl AsRef<str>) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        let written =
            writeln!(stdout, "{}", text.as_ref().trim_end()).and_then(|()| stdout.flush());
        match written {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|e| CliError::io(Path::new("stdout"), &e)),
        }
    }

    /// Says that a result went to the file `path`: a document with `--json`, nothing otherwise.
    pub(crate) fn written(&self, command: &str, path: &Path) -> Result<(), CliError> {
        if !self.json {
            return Ok(());
        }
        self.result(command, json!({ "file": path.display().to_string() }), "")
    }

    /// The end of a command that failed.
    pub(crate) fn failure(&self, error: &CliError) {
        let mut stderr = io::stderr().lock();
        let _ = writeln!(stderr, "error: {error}");
        if let Some(help) = error.help_text() {
            let _ = writeln!(stderr, "help: {help}");
        }
        if self.json && !error.is_reported() {
            print_failure(&error.message(), error.help_text(), error.code());
        }
    }
}

/// The document of a command that failed.
pub(crate) fn print_failure(message: &str, help: Option<&str>, code: u8) {
    let document = json!({
        "schema": SCHEMA,
        "error": { "message": message, "help": help, "code": code },
    });
    let _ = writeln!(io::stdout().lock(), "{document}");
}
