//! Names in the file: they end up in messages, on terminals and in reports.

use super::ImportError;

/// Longest name accepted, in bytes.
const MAX_NAME: usize = 4096;

/// Checks a name that must be there.
pub(super) fn required_name<'a>(what: &'static str, name: &'a str) -> Result<&'a str, ImportError> {
    if name.is_empty() {
        let (name, reason) = (String::new(), "it is empty");
        return Err(ImportError::Name { what, name, reason });
    }
    check_name(what, name)
}

/// Checks a name that may be empty.
pub(super) fn check_name<'a>(what: &'static str, name: &'a str) -> Result<&'a str, ImportError> {
    let reason = if name.len() > MAX_NAME {
        "it is longer than 4096 bytes"
    } else if name.chars().any(char::is_control) {
        "it contains control characters"
    } else {
        return Ok(name);
    };
    let name = name.chars().take(60).flat_map(char::escape_debug).collect();
    Err(ImportError::Name { what, name, reason })
}
