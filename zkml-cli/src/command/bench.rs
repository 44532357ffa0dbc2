//! `zkml bench`: models measured end to end, each step in a process of its own so that CPU time
//! and peak memory are that step's.

use crate::{
    args::{Bench, Machine, Precision},
    exit::{CliError, Outcome, RESOURCE},
    load,
    output::Output,
};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
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
            child(&calibrate, scratch.path())?;
            settings
        }
    };
    let mut compile = vec!["compile", &model, "--settings", &settings, "-o", &zkc];
    let machine = machine_flags(&args.machine);
    compile.extend(machine.iter().map(String::as_str));
    let compiled = child(&compile, scratch.path())?;
    let mut compare = vec!["report", &model, "--settings", &settings, "--data", &data];
    let tokens = directory.join("tokens.npy");
    let text = tokens.display().to_string();
    if tokens.exists() {
        compare.extend(["--perplexity", &text]);
    }
    let report = child(&compare, scratch.path())?;
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

/// Where a calibration starts, as flags again.
fn precision_flags(precision: &Precision) -> Vec<String> {
    let flag = |name: &str, value: Option<String>| value.map(|value| [name.to_owned(), value]);
    [
        flag("--target", precision.target.as_ref().map(ToString::to_string)),
        flag("--bits", precision.bits.map(|bits| bits.to_string())),
        flag("--weight-bits", precision.weight_bits.map(|bits| bits.to_string())),
    ]
    .into_iter()
    .flatten()
    .flatten()
    .collect()
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
    let pairs = [("samples", "expected.npy"), ("calib", "calib_out.npy")];
    let pair = pairs.map(|(samples, expected)| {
        let samples = PathBuf::from(file(directory, samples, &["npy", "npz"]));
        (samples, directory.join(expected))
    });
    let Some((samples, expected)) = pair.iter().find(|(s, e)| s.exists() && e.exists()) else {
        return Ok(None);
    };
    let program = load::program(zkc)?;
    let program = program.compiled().program();
    let samples = load::sample_sets(samples, &InputSpec::of_program(program))?;
    let [output] = &program.outputs[..] else { return Ok(None) };
    let spec =
        [InputSpec { name: output.name.clone(), shape: output.view.shape.clone(), integer: false }];
    let expected = load::sample_sets(expected, &spec)?;
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
        "| model | machine | k | setup CPU s | prove CPU s | prove s | peak MB | verify ms | proof B | vk B | gas | code B | argmax = onnxruntime | argmax = float, calibration | perplexity float, integer |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
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
        let calibration = &row["calibration"];
        let perplexity = match &row["perplexity"] {
            Value::Null => "-".to_owned(),
            p => format!("{}, {}", number(&p["float"], 1.0, 3), number(&p["integer"], 1.0, 3)),
        };
        text.push_str(&format!(
            "| {} | {machine} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {agreement} | {} of {} | {perplexity} |\n",
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
            number(&calibration["hits"], 1.0, 0),
            number(&calibration["count"], 1.0, 0),
        ));
    }
    text
}
