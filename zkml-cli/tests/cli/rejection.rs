//! What does not hold is rejected with exit code 1 by the verifier and by the contract.

use crate::fixture::{example, fixture, scratch, text, zkml};
use serde_json::{Value, json};
use std::fs;

fn proof() -> Value {
    serde_json::from_slice(&fs::read(&fixture().proof).unwrap()).unwrap()
}

/// Both verifiers must reject `document`, with this exit code.
fn rejected(document: &Value, what: &str, code: i32) {
    let f = fixture();
    let directory = scratch();
    let path = text(&directory.path().join("tampered.json"));
    fs::write(&path, document.to_string()).unwrap();
    for command in ["verify", "evm-verify"] {
        let run = zkml(&[command, &path, "--vk", &f.vk, "--json"]);
        assert_eq!(run.code, code, "{command} of {what}: {}{}", run.text(), run.stderr);
        let document = run.json();
        if code == 1 && document["error"].is_null() {
            assert_eq!(document["accepted"], false, "{command} of {what}");
            assert!(document["reason"].is_string(), "{command} of {what}: {document}");
        }
    }
}

#[test]
fn a_proof_with_any_part_changed() {
    let honest = proof();
    let hex = honest["proof"].as_str().unwrap().to_owned();
    // The first and last commitment, an evaluation, and some in between.
    for at in [2, 65, hex.len() / 3, hex.len() / 2, hex.len() - 200, hex.len() - 1] {
        let mut changed = hex.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let mut document = honest.clone();
        document["proof"] = String::from_utf8(changed).unwrap().into();
        rejected(&document, &format!("a digit changed at {at}"), 1);
    }
    for changed in [&hex[..hex.len() - 2], &format!("{hex}00"), "0x"] {
        let mut document = honest.clone();
        document["proof"] = changed.into();
        rejected(&document, &format!("a proof of {} digits", changed.len()), 1);
    }
}

#[test]
fn words_that_are_not_those_of_the_proof() {
    let honest = proof();
    let words = honest["instances"].as_array().unwrap();
    for at in [0, words.len() - 1] {
        let mut document = honest.clone();
        document["instances"][at] = format!("0x{:064x}", 1).into();
        rejected(&document, &format!("word {at}"), 1);
    }
    let mut fewer = honest.clone();
    fewer["instances"].as_array_mut().unwrap().pop();
    rejected(&fewer, "a word less", 1);
    let mut more = honest.clone();
    more["instances"].as_array_mut().unwrap().push(format!("0x{:064x}", 0).into());
    rejected(&more, "a word more", 1);
}

#[test]
fn numbers_that_are_not_those_of_the_words() {
    let honest = proof();
    let edits = [
        ("/outputs/0/values/0", json!(1000.5)),
        ("/outputs/0/integers/0", json!(7)),
        ("/outputs/0/name", json!("probabilities")),
        ("/outputs/0/scale", json!(1)),
        ("/outputs/0/shape", json!([3, 8])),
        ("/outputs", json!([])),
        ("/inputs/0/values/3", json!(0.25)),
        ("/inputs", json!([])),
        ("/vk_digest", json!(format!("0x{:064x}", 1))),
        ("/model_digest", json!(format!("0x{:064x}", 1))),
        ("/srs/id", json!(format!("0x{:064x}", 1))),
        ("/srs/insecure", json!(false)),
    ];
    for (pointer, value) in edits {
        let mut document = honest.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        rejected(&document, pointer, 1);
    }
}

#[test]
fn a_file_that_is_no_proof_is_invalid() {
    let honest = proof();
    let above = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
    for (pointer, value) in [
        ("/proof", json!("0xzz")),
        ("/proof", json!(7)),
        ("/instances/0", json!(above)),
        ("/instances/0", json!("0x01")),
        ("/schema", json!(2)),
        ("/outputs", json!("none")),
    ] {
        let mut document = honest.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        rejected(&document, pointer, 3);
    }
    let mut document = honest.clone();
    document["extra"] = json!(1);
    rejected(&document, "an unknown field", 3);
}

#[test]
fn the_key_of_another_model() {
    let f = fixture();
    for command in ["verify", "evm-verify"] {
        let run = zkml(&[command, &f.proof, "--vk", &f.other_vk, "--json"]).exits(1);
        assert_eq!(run.json()["accepted"], false);
        let run = zkml(&[command, &f.proof, "--vk", &f.other_vk]).exits(1);
        assert!(run.text().contains("REJECTED"), "{}", run.text());
    }
}

#[test]
fn private_inputs_stay_out_of_the_proof() {
    let directory = scratch();
    let at = |name: &str| text(&directory.path().join(name));
    let (zkc, keys, file) = (at("private.zkc"), at("keys"), at("proof.json"));
    let (model, calib, input) =
        (example("model.onnx"), example("calib.npy"), example("input.json"));
    let flags = ["compile", &model, "--data", &calib, "--input-visibility", "private", "-o", &zkc];
    zkml(&flags).exits(0);
    zkml(&["setup", &zkc, "-o", &keys]).exits(0);
    let (pk, vk) = (format!("{keys}/model.pk"), format!("{keys}/model.vk"));
    let run = zkml(&["prove", &zkc, "--pk", &pk, "--input", &input, "-o", &file]).exits(0);
    zkml(&["verify", &file, "--vk", &vk]).exits(0);
    zkml(&["evm-verify", &file, "--vk", &vk]).exits(0);

    let (public, text) = (proof(), fs::read_to_string(&file).unwrap());
    let private: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(private["inputs"], json!([]));
    assert_eq!(private["outputs"], public["outputs"], "the same inference");
    let words = |proof: &Value| proof["instances"].as_array().unwrap().clone();
    let (hidden, shown) = (words(&private), words(&public));
    assert!(hidden.len() < shown.len());
    assert_eq!(hidden, shown[shown.len() - hidden.len()..], "only the words of the outputs");
    let compact = private.to_string();
    for field in ["integers", "values"] {
        let secret = public["inputs"][0][field].to_string();
        let secret = secret.trim_matches(['[', ']']);
        assert!(secret.len() > 60 && public.to_string().contains(secret));
        assert!(!compact.contains(secret), "the inputs' {field}");
    }
    for said in [&run.text(), &run.stderr, &text] {
        assert!(!said.contains("flowers"), "{said}");
    }
}
