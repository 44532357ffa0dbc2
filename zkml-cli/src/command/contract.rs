//! `zkml export-verifier` and `zkml evm-verify`.

use crate::{
    args::{EvmVerify, ExportVerifier},
    exit::{CliError, Outcome},
    files, load,
    output::Output,
};
use serde_json::json;
use std::path::PathBuf;
use zkml::{
    ErrorClass,
    solidity::{self, Deployment, Verdict},
};

pub(crate) fn export(args: &ExportVerifier, output: &Output) -> Result<Outcome, CliError> {
    files::check_directory(&args.output)?;
    let key = load::verifying_key(&args.vk)?;
    let proof = args.proof.as_deref().map(load::proof).transpose()?;
    if let (Some(proof), Some(path)) = (&proof, &args.proof) {
        key.verify(proof).map_err(|e| CliError::from(e).about(path))?;
    }
    let export = solidity::export_with(&key, proof.as_ref())?;
    let made: Vec<(PathBuf, &[u8])> =
        export.files.iter().map(|(name, c)| (args.output.join(name), c.as_ref())).collect();
    files::write_all(&made, output)?;
    let written: Vec<String> = made.iter().map(|(path, _)| path.display().to_string()).collect();
    let document = json!({
        "files": written,
        "profile": key.inner().profile().to_string(),
        "vk_digest": format!("0x{}", hex::encode(key.digest())),
        "compiled": export.compiled,
        "insecure": key.is_insecure(),
    });
    output.result("export-verifier", document, written.join("\n"))?;
    load::warn_insecure(key.is_insecure(), output);
    Ok(Outcome::Done)
}

pub(crate) fn verify(args: &EvmVerify, output: &Output) -> Result<Outcome, CliError> {
    let key = load::verifying_key(&args.vk)?;
    let proof = load::proof(&args.proof)?;
    let fork = args.fork.into();
    // What the contract cannot know: that the file is about this key.
    let stated = match key.verify(&proof) {
        Err(error @ zkml::Error::Proof(_)) if error.class() == ErrorClass::Negative => {
            Some(error.to_string())
        }
        _ => None,
    };
    let (outcome, deployment) = solidity::evm_verify(&key, &proof, fork)
        .map_err(|e| CliError::from(e).about(&args.proof))?;
    let reason = match (&outcome.verdict, stated) {
        (Verdict::Rejected { error }, _) => Some(error.clone()),
        (Verdict::Accepted { .. }, stated) => stated,
    };
    let Deployment { runtime_bytes, key_bytes, verifier_gas, key_gas, .. } = deployment;
    let document = json!({
        "accepted": reason.is_none(),
        "reason": reason,
        "fork": fork.to_string(),
        "gas": outcome.transaction_gas,
        "execution_gas": outcome.execution_gas,
        "verifier_bytes": runtime_bytes,
        "key_bytes": key_bytes,
        "verifier_deployment_gas": verifier_gas,
        "key_deployment_gas": key_gas,
        "insecure": key.is_insecure(),
    });
    let verdict = match &reason {
        None => "accepted by the contract".to_owned(),
        Some(reason) => format!("REJECTED by the contract: {reason}"),
    };
    let text = format!(
        "{verdict}\n  {} gas ({fork}), {} of it execution\n  verifier {runtime_bytes} bytes \
         ({verifier_gas} gas to deploy), key {key_bytes} bytes ({key_gas} gas)",
        outcome.transaction_gas, outcome.execution_gas,
    );
    output.result("evm-verify", document, text)?;
    load::warn_insecure(key.is_insecure(), output);
    Ok(if reason.is_none() { Outcome::Done } else { Outcome::Negative })
}
