//! What was measured, as Markdown.

use serde_json::Value;
use std::{fmt::Write, path::Path};

/// All tables.
pub(super) fn text(rows: &[Value]) -> String {
    let mut text = models(rows);
    text.push('\n');
    text.push_str(&phases(rows));
    if rows.iter().any(|row| row["threads"].is_array()) {
        text.push('\n');
        text.push_str(&threads(rows));
    }
    text
}

fn number(v: &Value, scale: f64, digits: usize) -> String {
    match v.as_f64() {
        Some(v) => format!("{:.*}", digits, v * scale),
        None => "-".into(),
    }
}

fn megabytes(v: &Value) -> String {
    number(v, 1.0 / 1_048_576.0, 0)
}

fn name(row: &Value) -> String {
    let path = Path::new(row["model"].as_str().unwrap_or("?"));
    path.file_name().map_or_else(|| "?".into(), |n| n.to_string_lossy().into_owned())
}

/// A line a model.
fn models(rows: &[Value]) -> String {
    let mut text = String::from(
        "| model | machine | k | setup CPU s | prove CPU s (predicted) | prove s | peak MB (predicted) | verify ms | proof B | vk B | gas | code B | argmax = onnxruntime | argmax = float, calibration | perplexity float, integer |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let p = &row["machine"];
        let machine =
            format!("w{}-r{}-g{}-t{}", p["lanes"], p["fold"], p["weight_lanes"], p["tables"]);
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
            "| {} | {machine} | {} | {} | {} ({}) | {} | {} ({}) | {} | {} | {} | {} | {} | {agreement} | {} of {} | {perplexity} |\n",
            name(row),
            row["k"],
            number(&row["setup_cpu_seconds"], 1.0, 2),
            number(&row["prove_cpu_seconds"], 1.0, 2),
            number(&row["predicted_prove_cpu_seconds"], 1.0, 2),
            number(&row["prove_seconds"], 1.0, 2),
            megabytes(&row["prove_peak_memory_bytes"]),
            megabytes(&row["predicted_peak_memory_bytes"]),
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

/// A line a stage of `zkml prove`, a column a model.
fn phases(rows: &[Value]) -> String {
    let mut text = String::from("| CPU s (s) share, peak MB |");
    // Writing to a string does not fail.
    for row in rows {
        let _ = write!(text, " {} |", name(row));
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(rows.len()));
    let mut line = |what: &str, cell: &dyn Fn(&Value) -> String| {
        let cells: Vec<String> = rows.iter().map(cell).collect();
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    };
    let took = |phase: &Value| {
        let [cpu, wall] = ["cpu_seconds", "seconds"].map(|field| number(&phase[field], 1.0, 3));
        format!("{cpu} ({wall})")
    };
    let of = |row: &Value, field: &str, stage: &str| {
        row[field].as_array().into_iter().flatten().find(|phase| phase["name"] == stage).cloned()
    };
    for stage in stages(rows, "phases") {
        line(&stage, &|row| match of(row, "phases", &stage) {
            Some(phase) => format!(
                "{} {} %, {}",
                took(&phase),
                number(&phase["share"], 100.0, 0),
                megabytes(&phase["peak_memory_bytes"])
            ),
            None => "-".to_owned(),
        });
    }
    for stage in stages(rows, "verify_phases") {
        let what = format!("`zkml verify`: {stage}");
        line(&what, &|row| of(row, "verify_phases", &stage).map_or("-".to_owned(), |p| took(&p)));
    }
    line("`zkml verify`: peak MB", &|row| megabytes(&row["verify_peak_memory_bytes"]));
    let by = |row: &Value| row["msm"]["backend"].as_str().unwrap_or("-").to_owned();
    line("multi-scalar multiplication by", &by);
    line("cells", &|row| number(&row["cells"], 1.0, 0));
    line("cells per CPU second of proving", &|row| number(&row["cells_per_cpu_second"], 1.0, 0));
    text
}

/// Names of the stages in `field` of any row, in order.
fn stages(rows: &[Value], field: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for phase in rows.iter().flat_map(|row| row[field].as_array().into_iter().flatten()) {
        if let Some(name) = phase["name"].as_str().filter(|name| !names.iter().any(|n| n == name)) {
            names.push(name.to_owned());
        }
    }
    names
}

/// A line for each number of threads of each model.
fn threads(rows: &[Value]) -> String {
    let mut text = String::from(
        "| model | threads | prove CPU s | prove s | speed-up |\n|---|---|---|---|---|\n",
    );
    for row in rows {
        for run in row["threads"].as_array().into_iter().flatten() {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                name(row),
                run["threads"],
                number(&run["prove_cpu_seconds"], 1.0, 2),
                number(&run["prove_seconds"], 1.0, 2),
                number(&run["speed_up"], 1.0, 2),
            );
        }
    }
    text
}
