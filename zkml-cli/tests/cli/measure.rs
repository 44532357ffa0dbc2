//! What commands say of the time they take.

use crate::fixture::{example, fixture, scratch, text, zkml};
use serde_json::Value;

#[test]
fn bench_measures() {
    let directory = example("model.onnx").replace("/model.onnx", "");
    let bench = ["bench", &directory, "--runs", "1", "--threads", "1,2"];
    let document = zkml(&[&bench[..], &["--json"]].concat()).exits(0).json();
    let row = &document["models"][0];
    assert_eq!(row["agreement"]["of"], 160, "{row}");
    assert!(row["agreement"]["equal"].as_u64().unwrap() >= 150, "{row}");
    let fields =
        ["prove_seconds", "setup_seconds", "proof_bytes", "gas", "verifier_bytes", "cells"];
    for field in fields {
        assert!(row[field].as_f64().unwrap() > 0.0, "{field} of {row}");
    }
    let threads = row["threads"].as_array().unwrap();
    assert_eq!([&threads[0]["threads"], &threads[1]["threads"]], [1, 2]);
    assert!(threads[1]["speed_up"].as_f64().unwrap() > 0.0, "{row}");
    let verify: Vec<&str> = phases(&row["verify_phases"]);
    assert_eq!(verify, ["read the key", "read the proof", "verify"]);
    let proving = phases(&row["phases"]);
    let shares: f64 =
        row["phases"].as_array().unwrap().iter().filter_map(|p| p["share"].as_f64()).sum();
    for phase in row["phases"].as_array().unwrap() {
        // Where the system tells the peak of a stage, it is that of a whole process.
        let peak = phase["peak_memory_bytes"].as_u64();
        let tells = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        assert_eq!(peak.is_some_and(|bytes| bytes > 1 << 20), tells, "{phase}");
        assert!(peak <= row["prove_peak_memory_bytes"].as_f64().map(|bytes| bytes as u64), "{row}");
    }
    assert!(shares == 0.0 || (shares - 1.0).abs() < 1e-6, "{row}");

    let text = zkml(&bench).exits(0).text();
    for stage in proving {
        assert!(text.contains(&format!("| {stage} | ")), "{stage} in {text}");
    }
    assert!(text.contains("| model | threads |"), "{text}");
    assert!(zkml(&["bench", "no/such/model"]).exits(4).stderr.contains("no/such/model"));
}

/// Names of the phases in a document.
fn phases(document: &Value) -> Vec<&str> {
    document.as_array().unwrap().iter().map(|phase| phase["name"].as_str().unwrap()).collect()
}

#[test]
fn a_proof_says_where_its_time_went() {
    let f = fixture();
    let directory = scratch();
    let to = text(&directory.path().join("proof.json"));
    let prove = ["prove", &f.zkc, "--pk", &f.pk, "--input", &example("input.json"), "-o", &to];
    let document = zkml(&[&prove[..], &["--json"]].concat()).exits(0).json();
    let expected = [
        "read the model",
        "read the key",
        "read the SRS",
        "run the model",
        "witness of phase 1",
        "commit phase 1",
        "witness of phase 2",
        "commit phase 2",
        "witness of phase 3",
        "commit phase 3",
        "permutation products",
        "commit permutation products",
        "interpolation",
        "quotient",
        "commit quotient",
        "evaluations",
        "opening",
    ];
    assert_eq!(phases(&document["phases"]), expected);
    let seconds: f64 = document["phases"].as_array().unwrap()[3..]
        .iter()
        .map(|phase| phase["seconds"].as_f64().unwrap())
        .sum();
    let whole = document["prove_seconds"].as_f64().unwrap();
    assert!(seconds <= whole && seconds > 0.5 * whole, "{document}");
    let told = zkml(&[&prove[..], &["--force", "--verbose"]].concat()).exits(0).stderr;
    assert!(told.contains("quotient"), "{told}");
}
