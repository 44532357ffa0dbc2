//! `zkml verify`: exit 0 accepted, 1 rejected.

use crate::{
    args::Verify,
    exit::{CliError, Outcome},
    load,
    output::Output,
    phases::{self, Phases},
    usage::peak_memory,
};
use serde_json::json;
use std::{fmt::Write, time::Instant};
use zkml::{ErrorClass, Proof, Values};

pub(crate) fn run(args: &Verify, output: &Output) -> Result<Outcome, CliError> {
    let phases = Phases::new(output);
    let key = phases.of(phases::READ_KEY, || load::verifying_key(&args.vk))?;
    let proof = phases.of(phases::READ_PROOF, || load::proof(&args.proof))?;
    let start = Instant::now();
    let verdict = phases.of(phases::VERIFY, || key.verify(&proof));
    let seconds = start.elapsed().as_secs_f64();
    let reason = match &verdict {
        Ok(()) => None,
        Err(error) if error.class() == ErrorClass::Negative => Some(error.to_string()),
        Err(error) => return Err(CliError::invalid(error.to_string()).about(&args.proof)),
    };
    let accepted = reason.is_none();
    let document = json!({
        "accepted": accepted,
        "reason": reason,
        "insecure": key.is_insecure(),
        "seconds": seconds,
        "phases": phases.json(),
        "peak_memory_bytes": peak_memory(),
        "inputs": accepted.then(|| proof.inputs()),
        "outputs": accepted.then(|| proof.outputs()),
    });
    let text = match &reason {
        None => format!("accepted in {:.1} ms\n{}", seconds * 1e3, outputs_text(&proof)),
        Some(reason) => format!("REJECTED: {reason}"),
    };
    output.result("verify", document, text)?;
    load::warn_insecure(key.is_insecure(), output);
    Ok(if accepted { Outcome::Done } else { Outcome::Negative })
}

/// The outputs of a proof in words.
pub(super) fn outputs_text(proof: &Proof) -> String {
    let mut text = String::new();
    for Values { name, shape, values, .. } in proof.outputs() {
        let shown: Vec<String> = values.iter().take(16).map(|v| format!("{v:.4}")).collect();
        let more = if values.len() > 16 { ", ..." } else { "" };
        let _ = write!(text, "{name} {shape:?} = [{}{more}]", shown.join(", "));
        let best = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        if let Some((best, _)) = best.filter(|_| values.len() > 1) {
            let _ = write!(text, "  (largest: element {best})");
        }
        text.push('\n');
    }
    text
}
