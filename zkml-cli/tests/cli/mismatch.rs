//! Files that are good but do not belong together, and machines that are too small: said before
//! any work, with what was expected and what to do.

use crate::fixture::{Run, example, fixture, scratch, text, zkml};
use std::fs;

/// Asserts the exit code and that these parts are told.
fn refused<A: AsRef<str>>(args: &[A], code: i32, parts: &[&str]) -> Run {
    let run = zkml(args).exits(code);
    for part in parts {
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        let said = format!("{}{}", run.stderr, run.text());
        assert!(said.contains(part), "`{part}` of {args:?}: {said}");
    }
    run
}

#[test]
fn the_command_must_fit_the_files() {
    let (f, input, model) = (fixture(), example("input.json"), example("model.onnx"));
    refused(&["prove", &f.zkc, "--input", &input], 2, &["--pk", "zkml setup"]);
    refused(&["prove", &model, "--pk", &f.pk, "--input", &input], 2, &["model.onnx", "--pk"]);
}

#[test]
fn a_key_of_another_model_or_machine() {
    let (f, input) = (fixture(), example("input.json"));
    let told = ["model.pk", "another compiled model", "zkml setup"];
    refused(&["prove", &f.other_zkc, "--pk", &f.pk, "--input", &input], 2, &told);

    let directory = scratch();
    let at = |name: &str| text(&directory.path().join(name));
    let (zkc, keys) = (at("narrow.zkc"), at("keys"));
    let compile = ["compile", &example("model.onnx"), "--settings", &f.settings, "-o", &zkc];
    zkml(&[&compile[..], &["--profile", "4,4,64,1"]].concat()).exits(0);
    zkml(&["setup", &zkc, "-o", &keys]).exits(0);
    let (pk, vk) = (format!("{keys}/model.pk"), format!("{keys}/model.vk"));
    refused(&["prove", &f.zkc, "--pk", &pk, "--input", &input], 2, &told);
    refused(&["prove", &zkc, "--pk", &f.pk, "--input", &input], 2, &told);
    refused(&["verify", &f.proof, "--vk", &vk], 1, &["REJECTED", "another verifying key"]);
    refused(&["verify-vk", &f.zkc, "--vk", &vk], 1, &["NOT the key of the model"]);
}

#[test]
fn an_srs_of_another_size_or_secret() {
    let (f, input) = (fixture(), example("input.json"));
    let directory = scratch();
    let at = |name: &str| text(&directory.path().join(name));
    let (small, large, other) = (at("small.srs"), at("large.srs"), at("other.srs"));
    zkml(&["srs", "new", "-k", "5", "-o", &small]).exits(0);
    zkml(&["srs", "new", "-k", "13", "-o", &large]).exits(0);
    zkml(&["srs", "new", "-k", "12", "--random", "-o", &other]).exits(0);
    let prove = ["prove", &f.zkc, "--pk", &f.pk, "--input", &input, "--srs"];
    let told = ["k = 12", "k = 5", "larger"];
    refused(&[&prove[..], &[&small]].concat(), 2, &told);
    refused(&["setup", &f.zkc, "--srs", &small, "-o", &at("keys")], 2, &told);
    let told = ["another SRS", "--srs"];
    refused(&[&prove[..], &[&other]].concat(), 2, &told);
    refused(&["verify-vk", &f.zkc, "--vk", &f.vk, "--srs", &other], 2, &told);
    // One of the same secret that is larger is cut.
    let proof = at("proof.json");
    zkml(&[&prove[..], &[&large, "-o", &proof]].concat()).exits(0);
    zkml(&["verify", &proof, "--vk", &f.vk]).exits(0);

    let keys = at("other");
    zkml(&["setup", &f.zkc, "--srs", &other, "-o", &keys]).exits(0);
    let vk = format!("{keys}/model.vk");
    refused(&["verify", &proof, "--vk", &vk], 1, &["REJECTED", "another verifying key"]);
}

#[test]
fn one_key_in_place_of_the_other_or_cut_short() {
    let (f, input) = (fixture(), example("input.json"));
    let kinds = ["proving key of a model", "verifying key of a model"];
    refused(&["prove", &f.zkc, "--pk", &f.vk, "--input", &input], 3, &["model.vk", kinds[0]]);
    refused(&["verify", &f.proof, "--vk", &f.pk], 3, &["model.pk", kinds[1]]);
    let directory = scratch();
    let pk = text(&directory.path().join("cut.pk"));
    let bytes = fs::read(&f.pk).unwrap();
    fs::write(&pk, &bytes[..bytes.len() / 2]).unwrap();
    let told = ["cut.pk", "at least", "bytes, got"];
    refused(&["prove", &f.zkc, "--pk", &pk, "--input", &input], 3, &told);
    fs::write(&pk, [&bytes[..], b"more"].concat()).unwrap();
    refused(&["prove", &f.zkc, "--pk", &pk, "--input", &input], 3, &["cut.pk", "bytes, got"]);
}

#[test]
fn too_little_memory_is_said_before_anything_begins() {
    let (f, input) = (fixture(), example("input.json"));
    let directory = scratch();
    let to = text(&directory.path().join("made"));
    let model = example("model.onnx");
    let prove = ["prove", &f.zkc, "--pk", "no/such.pk", "--input", "no/such.json", "-o", &to];
    let setup = ["setup", &f.zkc, "--srs", "no/such.srs", "-o", &to];
    let whole = ["prove", &model, "--input", &input, "-o", &to];
    for (args, what) in [(&prove[..], "proving"), (&setup, "setup"), (&whole, "setup and proving")]
    {
        let need = format!("{what} needs about");
        let told = [need.as_str(), "there are 1 MB", "--memory any"];
        let args = [args, &["--memory", "1M"]].concat();
        refused(&args, 4, &told);
        let document = zkml(&[&args[..], &["--json"]].concat()).exits(4).json();
        assert_eq!(document["error"]["code"], 4, "{document}");
    }
    assert!(!fs::exists(&to).unwrap());
    let setup = ["setup", &f.zkc, "-o", &to];
    zkml(&[&setup[..], &["--memory", "any"]].concat()).exits(0);
    zkml(&[&setup[..], &["--memory", "64G"]].concat()).exits(0);
    refused(&[&setup[..], &["--memory", "much"]].concat(), 2, &["--memory", "much"]);
}
