//! `zkml verify-vk`: whether a verifying key is the one of a compiled model.
//!
//! The row program is part of the soundness, so a verifier must be able to recompute the key: plan
//! and key generation are deterministic.

use crate::{
    args::VerifyVk,
    exit::{CliError, Outcome},
    load, memory, msm,
    output::Output,
    progress::Bars,
};
use serde_json::json;

pub(crate) fn run(args: &VerifyVk, output: &Output) -> Result<Outcome, CliError> {
    let backend = msm::backend(output)?;
    let program = load::program(&args.model)?;
    memory::require("setup", program.cost().setup_memory, args.resources.memory)?;
    let key = load::verifying_key(&args.vk)?;
    let srs = load::srs(args.srs.as_deref(), program.k(), output)?;
    if srs.id() != key.inner().srs().id {
        return Err(CliError::usage("the key was made with another SRS")
            .about(&args.vk)
            .help("pass the SRS of the setup with --srs"));
    }
    let keys = program.setup_on(&srs, &backend, &Bars::new(output))?;
    let (expected, got) = (keys.verifying_key().digest(), key.digest());
    let same = expected == got;
    let [expected, got] = [expected, got].map(|d| format!("0x{}", hex::encode(d)));
    let text = if same {
        format!("the key is that of the model\n  vk digest {got}")
    } else {
        format!("NOT the key of the model\n  expected {expected}\n  got      {got}")
    };
    let document =
        json!({ "same": same, "expected": expected, "got": got, "insecure": key.is_insecure() });
    output.result("verify-vk", document, text)?;
    load::warn_insecure(key.is_insecure(), output);
    Ok(if same { Outcome::Done } else { Outcome::Negative })
}
