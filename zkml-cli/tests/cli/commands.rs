//! Every command does what it is for.

use crate::fixture::{cache, example, fixture, ptau, scratch, text, zkml, zkml_with};
use serde_json::Value;
use std::fs;

/// The numbers of a nested list, flattened.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap_or_else(|| panic!("no number: {number}"))],
    }
}

fn read_json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn inspect_describes_and_predicts() {
    let model = example("model.onnx");
    let document = zkml(&["inspect", &model, "--json"]).exits(0).json();
    assert_eq!(document["unsupported"], Value::Array(vec![]));
    assert_eq!(document["error"], Value::Null);
    // Eight flowers along the lanes of a machine of eight: four measurements and three classes.
    assert_eq!(document["cost"]["words"], 4 + 3);
    let layouts = document["layouts"].as_array().expect("a list");
    assert_eq!(layouts[0]["image"], serde_json::json!([1, 4, 1, 8]));
    assert!(document["cost"]["gas"].as_u64().unwrap() > 100_000);
    let said = zkml(&["inspect", &model]).exits(0).text();
    for part in ["flowers", "[8, 3]", "HardSwish", "k = ", "gas", "a segment a channel"] {
        assert!(said.contains(part), "`{part}` in {said}");
    }
}

#[test]
fn run_agrees_in_every_form() {
    let f = fixture();
    let (model, input) = (example("model.onnx"), example("input.json"));
    let float = zkml(&["run", &model, "--input", &input, "--float"]).exits(0);
    let float: Value = serde_json::from_slice(&float.stdout).unwrap();
    let settings = ["run", &model, "--settings", &f.settings, "--input", &input];
    let from_onnx = zkml(&settings).exits(0).text();
    let compiled = zkml(&["run", &f.zkc, "--input", &input]).exits(0).text();
    assert_eq!(from_onnx, compiled, "the compiled model computes the same integers");
    let stdin = fs::read(&input).unwrap();
    let piped = zkml_with(&["run", &f.zkc, "--input", "-"], &stdin, &cache()).exits(0).text();
    assert_eq!(piped, compiled);

    let document = zkml(&["run", &f.zkc, "--input", &input, "--json"]).exits(0).json();
    let integer = numbers(&document["outputs"]["logits"]);
    assert_eq!(integer, numbers(&serde_json::from_str::<Value>(&compiled).unwrap()["logits"]));
    let float = numbers(&float["logits"]);
    assert_eq!((integer.len(), float.len()), (24, 24));
    for (a, b) in integer.iter().zip(&float) {
        assert!((a - b).abs() < 0.5, "{a} in integers, {b} in floats");
    }
    assert_eq!(numbers(&read_json(&f.proof)["outputs"][0]["values"]), integer);

    let directory = scratch();
    let [json, npz] = ["o.json", "o.npz"].map(|name| text(&directory.path().join(name)));
    let said = zkml(&["run", &f.zkc, "--input", &input, "-o", &json, "--json"]).exits(0);
    assert_eq!(said.json()["file"], *json);
    assert_eq!(numbers(&read_json(&json)["logits"]), integer);
    zkml(&["run", &f.zkc, "--input", &input, "-o", &npz]).exits(0);
    let archive = fs::read(&npz).unwrap();
    assert!(archive.starts_with(b"PK"));
    assert!(archive.windows(10).any(|w| w == b"logits.npy"));
    zkml(&["run", &f.zkc, "--input", &input, "-o", "outputs.txt"]).exits(3);
    zkml(&["run", &f.zkc, "--input", &input, "--float"]).exits(2);
}

#[test]
fn calibrate_meets_a_target_or_says_no() {
    let directory = scratch();
    let [settings, report] = ["s.toml", "r.json"].map(|name| text(&directory.path().join(name)));
    let (model, samples) = (example("model.onnx"), example("samples.npy"));
    let labels = example("labels.npy");
    let start = ["calibrate", &model, "--data", &samples, "--labels", &labels];
    let flags = ["--target", "agreement=0.95", "-o", &settings, "--report", &report, "--json"];
    let document = zkml(&[&start[..], &flags].concat()).exits(0).json();
    let outputs = &document["report"]["outputs"][0];
    assert!(outputs["agreement"]["rows"]["share"].as_f64().unwrap() >= 0.95, "{outputs}");
    assert_eq!(read_json(&report), document["report"]);
    let without = zkml(&["calibrate", &model, "--data", &samples, "-o", "-", "--json"]).exits(0);
    assert!(without.text().contains("bits = "), "settings alone on stdout");
    assert!(without.stderr.contains("logits"), "the report on stderr");
    assert!(!fs::exists("-").unwrap(), "a file named as stdout is");

    let zkc = text(&directory.path().join("m.zkc"));
    zkml(&["compile", &model, "--settings", &settings, "-o", &zkc]).exits(0);
    let missed = text(&directory.path().join("missed.toml"));
    let flags = ["--target", "error=1e-9", "-o", &missed, "--json"];
    let failed = zkml(&[&start[..], &flags].concat()).exits(1);
    assert_eq!(failed.json()["error"]["code"], 1);
    assert!(!fs::exists(&missed).unwrap(), "no settings that miss the target");
}

#[test]
fn compile_says_what_it_costs() {
    let directory = scratch();
    let zkc = text(&directory.path().join("new/m.zkc"));
    let (model, calib) = (example("model.onnx"), example("calib.npy"));
    let flags = ["compile", &model, "--data", &calib, "--objective", "gas", "-o", &zkc];
    let document = zkml(&[&flags[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(document["file"], *zkc);
    assert!(document["cost"]["proof_bytes"].as_u64().unwrap() > 1000);
    assert!(document["report"]["outputs"].is_array());
    let again = zkml(&flags).exits(0).text();
    assert!(again.contains(document["digest"].as_str().unwrap()), "deterministic: {again}");
    let piped = zkml(&["compile", &model, "--data", &calib, "--objective", "gas", "-o", "-"]);
    assert_eq!(piped.exits(0).stdout, fs::read(&zkc).unwrap());
}

#[test]
fn srs_commands() {
    let directory = scratch();
    let at = |name: &str| text(&directory.path().join(name));
    let (made, random, imported) = (at("dev.srs"), at("random.srs"), at("ceremony.srs"));
    let run = zkml(&["srs", "new", "-k", "5", "-o", &made, "--json"]).exits(0);
    assert!(run.stderr.contains("INSECURE"), "{}", run.stderr);
    let (id, document) = (run.json()["id"].clone(), run.json());
    assert_eq!((&document["k"], &document["insecure"]), (&5.into(), &true.into()));
    assert_eq!(zkml(&["srs", "info", &made, "--json"]).exits(0).json()["id"], id);
    assert!(zkml(&["srs", "info", &made]).exits(0).stderr.contains("INSECURE"));

    let run = zkml(&["srs", "new", "-k", "4", "--random", "-o", &random, "--json"]).exits(0);
    assert_eq!(run.json()["insecure"], true);
    for file in ["power4.ptau", "power4-prepared.ptau"] {
        let run = zkml(&["srs", "import", &ptau(file), "-k", "3", "-o", &imported, "--json"]);
        let run = run.exits(0);
        assert_eq!((&run.json()["k"], &run.json()["insecure"]), (&3.into(), &false.into()));
        assert!(!run.stderr.contains("INSECURE"), "{}", run.stderr);
        fs::remove_file(&imported).unwrap();
    }
    let run = zkml(&["srs", "import", &ptau("power4.ptau"), "-k", "20", "-o", &imported]);
    assert!(run.exits(2).stderr.contains("k = 4"));
    zkml(&["srs", "new", "-k", "29", "-o", &imported]).exits(2);
    assert!(!fs::exists(&imported).unwrap());
}

#[test]
fn setup_and_proof_announce_an_insecure_srs() {
    let f = fixture();
    let directory = scratch();
    let at = |name: &str| text(&directory.path().join(name));
    let run = zkml(&["setup", &f.zkc, "-o", &at("keys"), "--json"]).exits(0);
    assert!(run.stderr.contains("INSECURE"));
    assert_eq!(run.json()["insecure"], true);
    assert_eq!(fs::read(&f.vk).unwrap(), fs::read(at("keys/model.vk")).unwrap());
    let (pk, proof) = (at("keys/model.pk"), at("proof.json"));
    let input = example("input.json");
    let prove = ["prove", &f.zkc, "--pk", &pk, "--input", &input, "--json"];
    let run = zkml(&[&prove[..], &["-o", &proof]].concat()).exits(0);
    assert!(run.stderr.contains("INSECURE"));
    assert_eq!(run.json()["insecure"], true);
    assert_eq!(read_json(&proof)["srs"]["insecure"], true);
    let to_stdout = zkml(&prove).exits(0);
    assert_eq!(to_stdout.json()["vk_digest"], read_json(&proof)["vk_digest"]);
    let verify = ["verify", "-", "--vk", &f.vk, "--json"];
    let run = zkml_with(&verify, &to_stdout.stdout, &cache()).exits(0);
    assert!(run.stderr.contains("INSECURE"));
    assert_eq!((&run.json()["accepted"], &run.json()["insecure"]), (&true.into(), &true.into()));
    let quiet = zkml(&["verify", &proof, "--vk", &f.vk, "-q"]).exits(0);
    assert_eq!(quiet.stderr.lines().count(), 1, "{}", quiet.stderr);
    assert!(quiet.stderr.starts_with("INSECURE"), "the warning survives --quiet");
    assert!(quiet.text().contains("logits"));
}

#[test]
fn verify_vk_recomputes_the_key() {
    let f = fixture();
    let same = zkml(&["verify-vk", &f.zkc, "--vk", &f.vk, "--json"]).exits(0).json();
    assert_eq!((&same["same"], &same["expected"]), (&true.into(), &same["got"]));
    let other = zkml(&["verify-vk", &f.other_zkc, "--vk", &f.vk, "--json"]).exits(1).json();
    assert_eq!(other["same"], false);
}

#[test]
fn the_contract_accepts_under_every_fork() {
    let f = fixture();
    for fork in ["cancun", "prague", "osaka"] {
        let run = zkml(&["evm-verify", &f.proof, "--vk", &f.vk, "--fork", fork, "--json"]);
        let document = run.exits(0).json();
        assert_eq!(document["accepted"], true, "{document}");
        assert!(document["gas"].as_u64().unwrap() > 200_000, "{document}");
    }
    assert!(zkml(&["evm-verify", &f.proof, "--vk", &f.vk]).exits(0).text().contains("gas"));
}

#[test]
fn export_verifier_writes_all_a_developer_needs() {
    let f = fixture();
    let directory = scratch();
    let to = text(&directory.path().join("contracts"));
    let flags = ["export-verifier", "--vk", &f.vk, "--proof", &f.proof, "-o", &to, "--json"];
    let run = zkml(&flags).exits(0);
    assert!(run.stderr.contains("INSECURE"));
    let document = run.json();
    assert_eq!(document["insecure"], true);
    let files: Vec<&str> =
        document["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    assert!(files.iter().any(|f| f.ends_with(".sol")) && files.len() >= 4, "{files:?}");
    for file in &files {
        assert!(file.starts_with(&to) && fs::metadata(file).unwrap().len() > 0, "{file}");
    }
    let wrong = ["export-verifier", "--vk", &f.other_vk, "--proof", &f.proof, "-o", "nowhere"];
    zkml(&wrong).exits(1);
}

#[test]
fn report_in_three_forms() {
    let f = fixture();
    let directory = scratch();
    let [json, html] = ["r.json", "r.html"].map(|name| text(&directory.path().join(name)));
    let (model, samples) = (example("model.onnx"), example("samples.npy"));
    let labels = example("labels.npy");
    let flags = ["report", &model, "--data", &samples, "--labels", &labels];
    let flags = [&flags[..], &["--settings", &f.settings]].concat();
    let said = zkml(&flags).exits(0).text();
    assert!(said.contains("logits"), "{said}");
    let document = zkml(&[&flags[..], &["--json"]].concat()).exits(0).json();
    zkml(&[&flags[..], &["-o", &json]].concat()).exits(0);
    let written = read_json(&json);
    assert_eq!((&written["schema"], &written["report"]), (&1.into(), &document["report"]));
    let said = zkml(&[&flags[..], &["-o", &html, "--json"]].concat()).exits(0);
    assert_eq!(said.json()["file"], *html);
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("logits"));
    zkml(&[&flags[..], &["-o", "report.pdf"]].concat()).exits(2);
    zkml(&["report", &model]).exits(2);
}

#[test]
fn prove_the_whole_way_with_a_cache() {
    let (directory, cache) = (scratch(), scratch());
    let to = text(&directory.path().join("made"));
    let (model, input) = (example("model.onnx"), example("input.json"));
    let prove = ["prove", &model, "--input", &input, "--json"];
    let first = zkml_with(&[&prove[..], &["-o", &to]].concat(), b"", cache.path()).exits(0);
    assert!(first.stderr.contains("INSECURE"));
    let document = first.json();
    assert_eq!((&document["setup_cached"], &document["insecure"]), (&false.into(), &true.into()));
    assert!(document["gas"].as_u64().unwrap() > 200_000);
    let (proof, vk) = (format!("{to}/proof.json"), format!("{to}/model.vk"));
    zkml(&["verify", &proof, "--vk", &vk]).exits(0);
    let pk = format!("{to}/model.pk");
    zkml(&["prove", &format!("{to}/model.zkc"), "--pk", &pk, "--input", &input]).exits(0);

    let second = zkml_with(&prove, b"", cache.path()).exits(0).json();
    assert_eq!(second["setup_cached"], true);
    assert_eq!(second["vk_digest"], document["vk_digest"]);
    // A cache is never trusted: what is damaged is made anew.
    for entry in fs::read_dir(cache.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let third = zkml_with(&prove, b"", cache.path()).exits(0).json();
    assert_eq!(third["setup_cached"], false);
    assert_eq!(third["vk_digest"], document["vk_digest"]);
}

#[test]
fn completions_and_help() {
    let script = zkml(&["completions", "bash"]).exits(0).text();
    assert!(script.contains("export-verifier") && script.contains("complete -F"));
    let document = zkml(&["completions", "bash", "--json"]).exits(0).json();
    assert_eq!(document["script"].as_str().unwrap().trim_end(), script.trim_end());
    assert!(zkml(&["--help"]).exits(0).text().contains("evm-verify"));
    assert!(zkml(&["--version"]).exits(0).text().starts_with("zkml "));
}
