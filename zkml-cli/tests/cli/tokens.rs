//! Models of token ids and masks: integer inputs in every form, and the perplexity of a text.

use crate::fixture::{example_of, scratch, text, zkml};
use std::fs;

fn nanogpt(name: &str) -> String {
    example_of("nanogpt", name)
}

fn bert(name: &str) -> String {
    example_of("bert_aspect", name)
}

#[test]
fn ids_in_every_form_give_the_same_logits() {
    let scratch = scratch();
    let model = nanogpt("model.onnx");
    let run = |input: &str| zkml(&["run", &model, "--float", "--input", input]).exits(0).text();
    let nested = run(&nanogpt("input.json"));
    assert!(nested.starts_with("{\"logits\": [[["), "{nested}");
    // The first of the 20 samples, as a flat list and as int64.
    let ids: serde_json::Value =
        serde_json::from_slice(&fs::read(nanogpt("input.json")).unwrap()).unwrap();
    let flat = text(&scratch.path().join("flat.json"));
    fs::write(&flat, ids["ids"][0].to_string()).unwrap();
    assert_eq!(run(&flat), nested);
    let samples = fs::read(nanogpt("samples.npy")).unwrap();
    let header = String::from_utf8_lossy(&samples[10..128]).replace("(20, 1, 16)", "(1, 16)");
    let header = format!("{:<117}\n", header.trim_end());
    let first = text(&scratch.path().join("first.npy"));
    let bytes = [&samples[..10], header.as_bytes(), &samples[128..256]];
    fs::write(&first, bytes.concat()).unwrap();
    assert_eq!(run(&first), nested);
}

#[test]
fn masks_may_be_booleans_or_numbers() {
    let scratch = scratch();
    let (model, input) = (bert("model.onnx"), bert("input.json"));
    let run = |input: &str| zkml(&["run", &model, "--float", "--input", input]).exits(0).text();
    let expected = run(&input);
    let mut document: serde_json::Value =
        serde_json::from_slice(&fs::read(&input).unwrap()).unwrap();
    for kept in document["attention_mask"][0].as_array_mut().unwrap() {
        *kept = (kept == 1).into();
    }
    let booleans = text(&scratch.path().join("booleans.json"));
    fs::write(&booleans, document.to_string()).unwrap();
    assert_eq!(run(&booleans), expected);
}

#[test]
fn what_is_no_id_is_refused_by_name() {
    let scratch = scratch();
    let input = text(&scratch.path().join("in.json"));
    let ids = |first: &str| format!("{{\"ids\": [{first}{}]}}", ", 1".repeat(15));
    for (content, parts) in [
        (ids("1.5"), &["in.json", "`ids`", "whole", "element 0 is 1.5"][..]),
        (ids("65"), &["/Gather"]),
        (ids("-1"), &["/Gather"]),
        (ids("1e30"), &[]),
        ("{\"ids\": [1, 2, 3]}".into(), &["in.json", "`ids`", "[1, 16]", "[3]"]),
        ("{\"tokens\": [1]}".into(), &["in.json", "`tokens`", "`ids`"]),
        (ids("\"a\""), &["in.json", "number"]),
    ] {
        fs::write(&input, content.as_bytes()).unwrap();
        for flags in [&["--float"][..], &["--data", &nanogpt("calib.npy")]] {
            let model = nanogpt("model.onnx");
            let run = [&["run", &model, "--input", &input], flags].concat();
            let said = zkml(&run).exits(3).stderr;
            for part in parts {
                assert!(said.contains(part), "`{part}` for {content}, {flags:?}: {said}");
            }
        }
    }
    // A compiled model has no ONNX types left, but knows which inputs are whole numbers.
    let zkc = text(&scratch.path().join("ids.zkc"));
    let (model, data) = (nanogpt("model.onnx"), nanogpt("calib.npy"));
    zkml(&["compile", &model, "--data", &data, "-o", &zkc]).exits(0);
    fs::write(&input, ids("1.5")).unwrap();
    let said = zkml(&["run", &zkc, "--input", &input]).exits(3).stderr;
    assert!(said.contains("whole") && said.contains("`ids`"), "{said}");
    let unnamed = text(&scratch.path().join("list.json"));
    fs::write(&unnamed, "[1, 2, 3]").unwrap();
    let said = zkml(&["run", &bert("model.onnx"), "--float", "--input", &unnamed]).exits(3).stderr;
    assert!(said.contains("`input_ids`, `attention_mask`, `token_type_ids`"), "{said}");
}

#[test]
fn a_report_measures_perplexity() {
    let scratch = scratch();
    let (model, data, tokens) =
        (nanogpt("model.onnx"), nanogpt("calib.npy"), nanogpt("tokens.npy"));
    let settings = text(&scratch.path().join("settings.toml"));
    let calibrate = ["calibrate", &model, "--data", &data, "-o", &settings];
    let said = zkml(&calibrate).exits(0).text();
    assert!(
        said.contains("perplexity: float") && said.contains("3840 tokens of the samples"),
        "{said}"
    );
    let flags = ["report", &model, "--data", &data, "--settings", &settings];
    let flags = [&flags[..], &["--perplexity", &tokens]].concat();
    let said = zkml(&flags).exits(0).text();
    assert!(said.contains("over 2048 tokens of the text"), "{said}");
    let document = zkml(&[&flags[..], &["--json"]].concat()).exits(0).json();
    let measured = &document["report"]["perplexity"];
    assert_eq!((&measured["source"], &measured["tokens"]), (&"text".into(), &2048.into()));
    // As numpy scored it when the model was made.
    assert!((measured["float"].as_f64().unwrap() - 5.525).abs() < 0.01, "{measured}");
    assert!(measured["relative"].as_f64().unwrap().abs() < 0.01, "{measured}");
    let page = text(&scratch.path().join("report.html"));
    zkml(&[&flags[..], &["-o", &page]].concat()).exits(0);
    assert!(fs::read_to_string(&page).unwrap().contains("Perplexity: float 5.5"));

    let text_of = |content: &str| {
        let path = text(&scratch.path().join("text.json"));
        fs::write(&path, content).unwrap();
        path
    };
    for (content, part) in [
        ("[1, 2, 3]", "at least 17 tokens"),
        (&format!("[65{}]", ", 1".repeat(20)), "tokens below 65"),
        ("[0.5]", "token id"),
    ] {
        let tokens = text_of(content);
        let flags = ["report", &model, "--data", &data, "--settings", &settings];
        let refused = zkml(&[&flags[..], &["--perplexity", &tokens]].concat()).exits(3).stderr;
        assert!(refused.contains(part) && refused.contains("text.json"), "{refused}");
    }
}
