//! The three checked-in lists, each line a case's name and what is known of it.
//!
//! * `passes.txt`: float executor right; `integer`, or why not; `constant` when it is about constants;
//! * `unsupported.txt`: refused with this code;
//! * `out_of_scope.txt`: refused, for this reason.

use std::{collections::BTreeMap, path::PathBuf};

use crate::verdict::Verdict;

/// What the lists say of each case.
pub(crate) struct Lists(BTreeMap<String, Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Passes(String),
    Unsupported(String),
    OutOfScope(String),
}

const FILES: [&str; 3] = ["passes.txt", "unsupported.txt", "out_of_scope.txt"];

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/onnx_suite/lists").join(file)
}

impl Lists {
    pub(crate) fn read() -> Self {
        let mut entries = BTreeMap::new();
        let make = [Entry::Passes, Entry::Unsupported, Entry::OutOfScope];
        for (file, make) in FILES.into_iter().zip(make) {
            let text = std::fs::read_to_string(path(file)).unwrap_or_default();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
                let before = entries.insert(name.to_owned(), make(rest.to_owned()));
                assert_eq!(before, None, "{file}: {name} is in two lists");
            }
        }
        Self(entries)
    }

    /// Names of all listed cases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a verdict is the one listed.
    pub(crate) fn check(&self, name: &str, verdict: &Verdict) -> Result<(), String> {
        let found = match verdict {
            Verdict::Wrong(what) => return Err(format!("wrong: {what}")),
            verdict => entry(verdict),
        };
        match (self.0.get(name), &found) {
            (Some(Entry::OutOfScope(_)), Some(Entry::Unsupported(_))) => Ok(()),
            (Some(listed), Some(found)) if listed == found => Ok(()),
            (listed, found) => Err(format!(
                "listed as {listed:?}, found {found:?}; if that is right, run again with \
                 ZKML_BLESS=1 and look at the difference"
            )),
        }
    }

    /// Writes the lists anew; what was out of scope stays there.
    pub(crate) fn write(&self, verdicts: &BTreeMap<String, Verdict>) {
        let mut texts = [String::new(), String::new(), String::new()];
        for (name, verdict) in verdicts {
            let old = self.0.get(name);
            let (list, rest) = match (entry(verdict), old) {
                (Some(Entry::Unsupported(_)), Some(Entry::OutOfScope(reason))) => {
                    (2, reason.clone())
                }
                (Some(Entry::Passes(rest)), _) => (0, rest),
                (Some(Entry::Unsupported(rest)), _) => (1, rest),
                _ => continue,
            };
            texts[list].push_str(&format!("{name} {rest}\n"));
        }
        for (file, text) in FILES.into_iter().zip(texts) {
            std::fs::write(path(file), text).expect("lists can be written");
        }
    }
}

fn entry(verdict: &Verdict) -> Option<Entry> {
    match verdict {
        Verdict::Passes { constant, integer } => {
            let constant = if *constant { "constant " } else { "" };
            let integer = integer.as_deref().unwrap_or("integer");
            Some(Entry::Passes(format!("{constant}{integer}")))
        }
        Verdict::Refused(code) => Some(Entry::Unsupported(code.clone())),
        Verdict::Wrong(_) => None,
    }
}
