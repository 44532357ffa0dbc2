//! `zkml setup`: the keys of a compiled model.

use crate::{
    args::Setup,
    exit::{CliError, Outcome},
    files, load, memory, msm,
    output::Output,
    progress::Bars,
    usage::{cpu_seconds, peak_memory},
};
use serde_json::json;
use std::time::Instant;

pub(crate) fn run(args: &Setup, output: &Output) -> Result<Outcome, CliError> {
    files::check_directory(&args.output)?;
    let backend = msm::backend(output)?;
    let program = load::program(&args.model)?;
    memory::require("setup", program.cost().setup_memory, args.resources.memory)?;
    let srs = load::srs(args.srs.as_deref(), program.k(), output)?;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let keys = program.setup_on(&srs, &backend, &Bars::new(output))?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds().zip(cpu).map(|(after, before)| after - before);
    let (pk, vk) = (args.output.join("model.pk"), args.output.join("model.vk"));
    let vk_bytes = keys.verifying_key().to_bytes();
    let pk_bytes = keys.proving_key().to_bytes();
    files::write_all(&[(&vk, &vk_bytes), (&pk, &pk_bytes)], output)?;
    let digest = hex::encode(keys.verifying_key().digest());
    let insecure = keys.verifying_key().is_insecure();
    let document = json!({
        "pk": pk.display().to_string(),
        "vk": vk.display().to_string(),
        "vk_digest": format!("0x{digest}"),
        "pk_bytes": pk_bytes.len(),
        "vk_bytes": vk_bytes.len(),
        "insecure": insecure,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_memory_bytes": peak_memory(),
        "msm": backend.report(),
    });
    let text = format!(
        "{} ({} bytes)\n{} ({} bytes)\n  vk digest 0x{digest}\n  {seconds:.2} s\n  multi-scalar multiplication: {}",
        vk.display(),
        vk_bytes.len(),
        pk.display(),
        pk_bytes.len(),
        backend.report(),
    );
    output.result("setup", document, text)?;
    load::warn_insecure(insecure, output);
    Ok(Outcome::Done)
}
