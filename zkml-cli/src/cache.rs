//! What is kept between runs: development SRS, keys and kernels of GPUs, by content.
//!
//! `ZKML_CACHE`, else `XDG_CACHE_HOME/zkml`, else `HOME/.cache/zkml`. Everything in it is checked
//! when read and made anew when damaged; a cache that cannot be written is only slower.

use crate::{exit::CliError, files, output::Output, phases, phases::Phases, progress::Bars};
use std::{
    env, fs,
    path::{Path, PathBuf},
};
use zkml::{Keys, MsmBackend, Program, Progress, Srs, core::proving::write_atomically};

/// The cache's directory, if the environment names one.
pub(crate) fn directory() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("ZKML_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|d| d.join("zkml")))
        .or_else(|| set("HOME").map(|d| d.join(".cache").join("zkml")))
}

/// The development SRS for `2^k` rows.
pub(crate) fn development_srs(k: u32, output: &Output) -> Result<Srs, CliError> {
    let path = directory().map(|d| d.join(format!("development-{k}.srs")));
    if let Some(srs) = path.as_deref().filter(|p| p.exists()).and_then(|p| Srs::load(p).ok())
        && srs.k() == k
    {
        output.detail("development SRS from the cache");
        return Ok(srs);
    }
    let bars = Bars::new(output);
    bars.begin("development SRS", None);
    let srs = Srs::development(k)?;
    bars.end("development SRS");
    if let Some(path) = path {
        store(&path, output, |path| srs.save(path).map_err(|e| e.to_string()));
    }
    Ok(srs)
}

/// The keys of a program; `true` if they were in the cache.
pub(crate) fn keys(
    program: &Program,
    srs: &Srs,
    backend: &dyn MsmBackend,
    output: &Output,
    phases: &Phases,
) -> Result<(Keys, bool), CliError> {
    let model = hex::encode(program.compiled().digest());
    let name = format!("{}-{}.pk", &model[..32], &hex::encode(srs.id())[..16]);
    let path = directory().map(|d| d.join(name));
    let cached = phases.of(phases::READ_KEY, || {
        let (file, length) = files::open(path.as_deref()?).ok()?;
        Keys::read(file, length, program, srs).ok()
    });
    if let Some(keys) = cached {
        let key = keys.proving_key().inner();
        if key.compiled().digest() == program.compiled().digest()
            && key.verifying_key().srs().id == srs.id()
        {
            return Ok((keys, true));
        }
    }
    let keys = program.setup_on(srs, backend, phases)?;
    if let Some(path) = path {
        let bytes = keys.proving_key().to_bytes();
        store(&path, output, |path| {
            write_atomically(path, |file| std::io::Write::write_all(file, &bytes))
                .map_err(|e| e.to_string())
        });
    }
    Ok((keys, false))
}

fn store(path: &Path, output: &Output, write: impl FnOnce(&Path) -> Result<(), String>) {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|e| e.to_string());
    if let Err(error) = made.and_then(|()| write(path)) {
        output.detail(format!("not cached in {}: {error}", path.display()));
    }
}
