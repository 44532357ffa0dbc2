//! What a target begins with, where the target itself makes it: `run.sh` says where.

use std::{env, fs, path::Path};

/// Writes a file to begin with.
///
/// # Panics
/// When it cannot be written.
pub fn write(name: &str, bytes: &[u8]) {
    if let Some(directory) = env::var_os("FUZZ_SEEDS") {
        fs::write(Path::new(&directory).join(name), bytes).expect("a directory to write to");
    }
}
