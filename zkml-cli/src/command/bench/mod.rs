//! `zkml bench`: models measured end to end, each step in a process of its own so that CPU time
//! and peak memory are that step's.

mod agreement;
mod child;
mod runs;
mod tables;

use crate::{
    args::Bench,
    exit::{CliError, Outcome},
    output::Output,
};
use agreement::agreement;
use child::{Children, machine_flags, objective_flags, precision_flags};
use runs::Runs;
use serde_json::{Value, json};
use std::path::Path;
use zkml::ProverObjective;

pub(crate) fn run(args: &Bench, output: &Output) -> Result<Outcome, CliError> {
    let mut rows = Vec::new();
    for directory in &args.models {
        output.note(format!("measuring {}", directory.display()));
        rows.push(measure(directory, args, output)?);
    }
    output.result("bench", json!({ "models": rows }), tables::text(&rows))?;
    Ok(Outcome::Done)
}

fn measure(directory: &Path, args: &Bench, output: &Output) -> Result<Value, CliError> {
    let scratch = tempfile::tempdir().map_err(|e| CliError::io(directory, &e))?;
    let children = Children::new(scratch.path());
    let at = |name: &str| scratch.path().join(name).display().to_string();
    let model = directory.join("model.onnx").display().to_string();
    let input = file(directory, "input", &["json", "npy", "npz"]);
    let data = match &args.precision.data {
        Some(path) => path.display().to_string(),
        None => file(directory, "calib", &["npy", "npz"]),
    };
    let (zkc, keys, srs) = (at("model.zkc"), at("keys"), at("bench.srs"));
    let settings = match &args.precision.settings {
        Some(path) => path.display().to_string(),
        None => {
            let settings = at("settings.toml");
            let precision = precision_flags(&args.precision);
            let mut calibrate = vec!["calibrate", &model, "--data", &data, "-o", &settings];
            calibrate.extend(precision.iter().map(String::as_str));
            children.run(&calibrate)?;
            settings
        }
    };
    let mut compile = vec!["compile", &model, "--settings", &settings, "-o", &zkc];
    let machine = machine_flags(&args.machine);
    compile.extend(machine.iter().map(String::as_str));
    let compiled = children.run(&compile)?;
    let mut compare = vec!["report", &model, "--settings", &settings, "--data", &data];
    let tokens = directory.join("tokens.npy");
    let text = tokens.display().to_string();
    if tokens.exists() {
        compare.extend(["--perplexity", &text]);
    }
    let report = children.run(&compare)?;
    let k = compiled["cost"]["k"].as_u64().unwrap_or(0).to_string();
    children.run(&["srs", "new", "-k", &k, "-o", &srs])?;
    let setup = children.run(&["setup", &zkc, "--srs", &srs, "-o", &keys])?;
    let (pk, vk) = (at("keys/model.pk"), at("keys/model.vk"));
    let proof = at("proof.json");
    let mut prove =
        vec!["prove", &zkc, "--pk", &pk, "--srs", &srs, "--input", &input, "-o", &proof, "--force"];
    let objective = objective_flags(&args.machine);
    prove.extend(objective.iter().map(String::as_str));
    let by_threads = Runs::of(&children, &prove, args.runs, &args.threads)?;
    let proofs = &by_threads[0];
    let verified = children.run(&["verify", &proof, "--vk", &vk])?;
    let evm = match children.run(&["evm-verify", &proof, "--vk", &vk]) {
        Ok(document) => document,
        Err(error) => {
            output.note(format!("not checked by a contract: {error}"));
            Value::Null
        }
    };
    let agreement = agreement(directory, Path::new(&zkc))?;
    let cells = ["small", "full"].map(|kind| compiled["cost"][format!("{kind}_columns")].as_u64());
    let cells = cells.into_iter().flatten().sum::<u64>() << k.parse::<u32>().unwrap_or(0);
    let prove_cpu_seconds = proofs.median("prove_cpu_seconds");
    let [seconds, memory] = match args.machine.objective.into() {
        ProverObjective::Time => ["prove_seconds", "memory"],
        ProverObjective::Memory => ["least_memory_seconds", "least_memory"],
    };
    Ok(json!({
        "model": directory.display().to_string(),
        "machine": compiled["cost"]["profile"],
        "predicted": compiled["cost"],
        "predicted_prove_cpu_seconds": compiled["cost"][seconds],
        "predicted_peak_memory_bytes": compiled["cost"][memory],
        "k": compiled["cost"]["k"],
        "setup_seconds": setup["seconds"],
        "setup_cpu_seconds": setup["cpu_seconds"],
        "prove_seconds": proofs.median("prove_seconds"),
        "prove_cpu_seconds": prove_cpu_seconds,
        "prove_peak_memory_bytes": proofs.median("peak_memory_bytes"),
        "cells": cells,
        "cells_per_cpu_second": prove_cpu_seconds.map(|seconds| cells as f64 / seconds),
        "phases": proofs.phases(),
        "msm": proofs.document()["msm"],
        "threads": args.threads.as_ref().map(|_| runs::speed_ups(&by_threads)),
        "verify_seconds": verified["seconds"],
        "verify_phases": verified["phases"],
        "verify_peak_memory_bytes": verified["peak_memory_bytes"],
        "proof_bytes": proofs.document()["proof_bytes"],
        "words": proofs.document()["words"],
        "vk_bytes": setup["vk_bytes"],
        "pk_bytes": setup["pk_bytes"],
        "gas": evm["gas"],
        "verifier_bytes": evm["verifier_bytes"],
        "agreement": agreement,
        "calibration": report["report"]["outputs"][0]["agreement"]["rows"],
        "perplexity": report["report"]["perplexity"],
    }))
}

/// The file of this name with the first extension that exists; the first extension of all if none does, so that
/// an error names it.
fn file(directory: &Path, stem: &str, extensions: &[&str]) -> String {
    let paths = || extensions.iter().map(|e| directory.join(format!("{stem}.{e}")));
    let path = paths().find(|path| path.exists()).or_else(|| paths().next());
    path.map_or_else(String::new, |path| path.display().to_string())
}
