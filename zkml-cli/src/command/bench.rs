//! `zkml bench`: models measured end to end, each step in a process of its own so that CPU time
//! and peak memory are that step's.

use crate::{
    args::{Bench, Machine},
    exit::{CliError, Outcome, RESOURCE},
    load,
    output::Output,
};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};
use zkml::core::{exec::integer::Executor, io::InputSpec};

pub(crate) fn run(args: &Bench, output: &Output) -> Result<Outcome, CliError> {
    let mut rows = Vec::new();
    for directory in &args.models {
        output.note(format!("measuring {}", directory.display()));
        rows.push(measure(directory, args, output)?);
    }
    output.result("bench", json!({ "models": rows }), table(&rows))?;
    Ok(Outcome::Done)
}

fn measure(directory: &Path, args: &Bench, output: &Output) -> Result<Value, CliError> {
    let scratch = tempfile::tempdir().map_err(|e| CliError::io(directory, &e))?;
    let at = |name: &str| scratch.path().join(name).display().to_string();
    let model = directory.join("model.onnx");
    let [model, data, input] = [model, directory.join("calib.npy"), directory.join("input.json")]
        .map(|p| p.display().to_string());
    let (zkc, keys, srs) = (at("model.zkc"), at("keys"), at("bench.srs"));
    let mut compile = vec!["compile", &model, "--data", &data, "-o", &zkc];
    let machine = machine_flags(&args.machine);
    compile.extend(machine.iter().map(String::as_str));
    let compiled = child(&compile, scratch.path())?;
    let k = compiled["cost"]["k"].as_u64().unwrap_or(0).to_string();
    child(&["srs", "new", "-k", &k, "-o", &srs], scratch.path())?;
    let setup = child(&["setup", &zkc, "--srs", &srs, "-o", &keys], scratch.path())?;
    let (pk, vk) = (at("keys/model.pk"), at("keys/model.vk"));
    let mut proofs = Vec::new();
    let proof = at("proof.json");
    for _ in 0..args.runs.max(1) {
        let flags =
            ["prove", &zkc, "--pk", &pk, "--srs", &srs, "--input", &input, "-o", &proof, "--force"];
        proofs.push(child(&flags, scratch.path())?);
    }
    let verified = child(&["verify", &proof, "--vk", &vk], scratch.path())?;
    let evm = child(&["evm-verify", &proof, "--vk", &vk], scratch.path());
    let evm = match evm {
        Ok(document) => document,
        Err(error) => {
            output.note(format!("not checked by a contract: {error}"));
            Value::Null
        }
    };
    let agreement = agreement(directory, Path::new(&zkc))?;
    let median = |field: &str| {
        let mut values: Vec<f64> = proofs.iter().filter_map(|p| p[field].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Ok(json!({
        "model": directory.display().to_string(),
        "machine": compiled["cost"]["profile"],
        "predicted": compiled["cost"],
        "k": compiled["cost"]["k"],
        "setup_seconds": setup["seconds"],
        "setup_cpu_seconds": setup["cpu_seconds"],
        "prove_seconds": median("prove_seconds"),
        "prove_cpu_seconds": median("prove_cpu_seconds"),
        "prove_peak_memory_bytes": median("peak_memory_bytes"),
        "verify_seconds": verified["seconds"],
        "proof_bytes": proofs[0]["proof_bytes"],
        "words": proofs[0]["words"],
        "vk_bytes": setup["vk_bytes"],
        "pk_bytes": setup["pk_bytes"],
        "gas": evm["gas"],
        "verifier_bytes": evm["verifier_bytes"],
        "agreement": agreement,
    }))
}

/// The machine options as flags again.
fn machine_flags(machine: &Machine) -> Vec<String> {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map_or_else(String::new, |v| v.get_name().to_owned())
    };
    let mut flags = vec![
        "--objective".to_owned(),
        name(machine.objective.to_possible_value()),
        "--input-visibility".to_owned(),
        name(machine.input_visibility.to_possible_value()),
    ];
    if let Some(p) = machine.profile {
        let numbers = [p.lanes(), p.fold(), p.weight_lanes(), p.tables()].map(|n| n.to_string());
        flags.extend(["--profile".to_owned(), numbers.join(",")]);
    }
    flags
}

/// Runs this program with `flags` and returns its JSON document.
fn child(flags: &[&str], cache: &Path) -> Result<Value, CliError> {
    let program = std::env::current_exe().map_err(|e| CliError::io(Path::new("zkml"), &e))?;
    let result = Command::new(&program)
        .args(flags)
        .args(["--json", "--quiet"])
        .env("ZKML_CACHE", cache)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| CliError::io(&program, &e))?;
    let said = String::from_utf8_lossy(&result.stderr);
    if !result.status.success() {
        let code = result.status.code().and_then(|code| u8::try_from(code).ok());
        let message = format!("zkml {} failed: {}", flags[0], said.trim());
        return Err(CliError::of_child(code.unwrap_or(RESOURCE), message));
    }
    serde_json::from_slice(&result.stdout)
        .map_err(|e| CliError::invalid(format!("zkml {} printed no JSON: {e}", flags[0])))
}

/// Share of samples whose largest output is onnxruntime's, and the largest difference; `None`
/// without reference outputs.
fn agreement(directory: &Path, zkc: &Path) -> Result<Option<Value>, CliError> {
    let (samples, expected) = (directory.join("samples.npy"), directory.join("expected.npy"));
    if !samples.exists() || !expected.exists() {
        return Ok(None);
    }
    let program = load::program(zkc)?;
    let program = program.compiled().program();
    let samples = load::sample_sets(&samples, &InputSpec::of_program(program))?;
    let [output] = &program.outputs[..] else { return Ok(None) };
    let spec = [InputSpec { name: output.name.clone(), shape: output.view.shape.clone() }];
    let expected = load::sample_sets(&expected, &spec)?;
    let executor = Executor::new(program)?;
    let classes = output.view.shape.dims().last().copied().unwrap_or(1).max(1);
    let (mut equal, mut rows, mut error) = (0usize, 0usize, 0f64);
    for (input, expected) in samples.iter().zip(&expected) {
        let trace = executor.run_real(input)?;
        let (got, want) = (trace.real_outputs(program), &expected[0]);
        for (got, want) in got[0].data().chunks(classes).zip(want.data().chunks(classes)) {
            let want: Vec<f64> = want.iter().map(|v| f64::from(*v)).collect();
            equal += usize::from(largest(got) == largest(&want));
            rows += 1;
            error = got.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(error, f64::max);
        }
    }
    Ok(Some(json!({ "equal": equal, "of": rows, "max_error": error })))
}

fn largest(values: &[f64]) -> Option<usize> {
    let best = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map(|(index, _)| index)
}

fn table(rows: &[Value]) -> String {
    let mut text = String::from(
        "| model | machine | k | setup CPU s | prove CPU s | prove s | peak MB | verify ms | proof B | vk B | gas | code B | argmax = onnxruntime |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let number = |v: &Value, scale: f64, digits: usize| match v.as_f64() {
        Some(v) => format!("{:.*}", digits, v * scale),
        None => "-".into(),
    };
    for row in rows {
        let p = &row["machine"];
        let machine =
            format!("w{}-r{}-g{}-t{}", p["lanes"], p["fold"], p["weight_lanes"], p["tables"]);
        let name = Path::new(row["model"].as_str().unwrap_or("?"));
        let agreement = match &row["agreement"] {
            Value::Null => "-".to_owned(),
            a => format!("{} of {}", a["equal"], a["of"]),
        };
        text.push_str(&format!(
            "| {} | {machine} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {agreement} |\n",
            name.file_name().map_or_else(|| "?".into(), |n| n.to_string_lossy()),
            row["k"],
            number(&row["setup_cpu_seconds"], 1.0, 2),
            number(&row["prove_cpu_seconds"], 1.0, 2),
            number(&row["prove_seconds"], 1.0, 2),
            number(&row["prove_peak_memory_bytes"], 1.0 / 1_048_576.0, 0),
            number(&row["verify_seconds"], 1e3, 1),
            number(&row["proof_bytes"], 1.0, 0),
            number(&row["vk_bytes"], 1.0, 0),
            number(&row["gas"], 1.0, 0),
            number(&row["verifier_bytes"], 1.0, 0),
        ));
    }
    text
}
