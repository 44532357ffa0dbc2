//! `zkml srs`: make, import, describe structured reference strings.

use crate::{
    args::Srs as SrsArgs,
    exit::{CliError, Outcome},
    files,
    output::Output,
    progress::Bars,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use zkml::{Progress, Srs, core::proving::import_ptau_file};

pub(crate) fn run(args: &SrsArgs, output: &Output) -> Result<Outcome, CliError> {
    let bars = Bars::new(output);
    let stage = "structured reference string";
    match args {
        SrsArgs::New { k, random, output: path } => {
            let path = target(path.as_ref(), *k);
            if *random {
                files::check_absent(&path, output)?;
            }
            bars.begin(stage, None);
            let srs = if *random {
                Srs::generate_insecure(*k, rand_core::OsRng)?
            } else {
                Srs::development(*k)?
            };
            bars.end(stage);
            save(&srs, &path, output)
        }
        SrsArgs::Import { file, k, output: path } => {
            let path = target(path.as_ref(), *k);
            bars.begin(stage, None);
            let srs = import_ptau_file(file, *k)?;
            bars.end(stage);
            save(&srs, &path, output)
        }
        SrsArgs::Info { file } => {
            let srs = Srs::load(file)?;
            describe(&srs, file, output)
        }
    }
}

fn target(path: Option<&PathBuf>, k: u32) -> PathBuf {
    path.cloned().unwrap_or_else(|| PathBuf::from(format!("srs-{k}.srs")))
}

fn save(srs: &Srs, path: &Path, output: &Output) -> Result<Outcome, CliError> {
    files::write(path, &srs.to_bytes(), output)?;
    if files::is_standard(path) {
        crate::load::warn_insecure(srs.is_insecure(), output);
        return Ok(Outcome::Done);
    }
    describe(srs, path, output)
}

fn describe(srs: &Srs, path: &Path, output: &Output) -> Result<Outcome, CliError> {
    let id = hex::encode(srs.id());
    let document = json!({
        "file": path.display().to_string(),
        "k": srs.k(),
        "id": format!("0x{id}"),
        "insecure": srs.is_insecure(),
        "provenance": srs.provenance().to_string(),
    });
    let text = format!("{}\n  k {}\n  id 0x{id}\n  {}", path.display(), srs.k(), srs.provenance());
    output.result("srs", document, text)?;
    crate::load::warn_insecure(srs.is_insecure(), output);
    Ok(Outcome::Done)
}
