//! Processes that share a cache and a destination at the same time.

use crate::fixture::{command, example, fixture, scratch, text, zkml};
use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

/// Processes at once.
const PROCESSES: usize = 3;

/// Starts the same command several times at once and waits for all.
fn at_once(args: &[&str], cache: &Path) -> Vec<Output> {
    let start = |_| {
        let mut command = command(cache);
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let running: Vec<_> = (0..PROCESSES).map(start).collect();
    running.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

fn all_succeed(outputs: &[Output]) {
    for output in outputs {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The string is made by all, written by all, and whole; the keys are the same from each.
#[test]
fn one_cache_and_one_key() {
    let f = fixture();
    for round in 0..4 {
        let (cache, output) = (scratch(), scratch());
        let to = text(output.path());
        all_succeed(&at_once(&["setup", &f.zkc, "-o", &to], cache.path()));
        assert_eq!(names(output.path()), ["model.pk", "model.vk"], "round {round}");
        for (made, whole) in [("model.pk", &f.pk), ("model.vk", &f.vk)] {
            let made = fs::read(output.path().join(made)).unwrap();
            assert!(made == fs::read(whole).unwrap(), "round {round}: another key");
        }
        let [name] = &names(cache.path())[..] else { panic!("{:?}", names(cache.path())) };
        // Checked whole when it is read.
        let srs = text(&cache.path().join(name));
        let said = zkml(&["srs", "info", &srs, "--json"]).exits(0).json();
        assert_eq!(said["insecure"], true, "{said}");
    }
}

/// Short commands, whose writing is most of what they do.
#[test]
fn one_compiled_model() {
    let f = fixture();
    let cache = scratch();
    for round in 0..8 {
        let output = scratch();
        let to = text(&output.path().join("model.zkc"));
        let compile = ["compile", &example("model.onnx"), "--settings", &f.settings, "-o", &to];
        all_succeed(&at_once(&compile, cache.path()));
        assert_eq!(names(output.path()), ["model.zkc"], "round {round}");
        assert!(fs::read(&to).unwrap() == fs::read(&f.zkc).unwrap(), "round {round}");
    }
}

/// Proofs differ, so one process writes its own and the others are refused: a file is never one
/// process's beginning and another's end, nor overwritten unasked.
#[test]
fn one_proof_among_several() {
    let f = fixture();
    let (cache, output) = (scratch(), scratch());
    let to = text(&output.path().join("proof.json"));
    let prove = ["prove", &f.zkc, "--pk", &f.pk, "--input", &example("input.json"), "-o", &to];
    let codes: Vec<_> = at_once(&prove, cache.path()).iter().map(|o| o.status.code()).collect();
    let written = codes.iter().filter(|code| **code == Some(0)).count();
    let refused = codes.iter().filter(|code| **code == Some(2)).count();
    assert_eq!((written, refused), (1, PROCESSES - 1), "{codes:?}");
    assert_eq!(names(output.path()), ["proof.json"]);
    zkml(&["verify", &to, "--vk", &f.vk]).exits(0);
}

/// The whole way, keys in the shared cache: what one process leaves there another reads.
#[test]
fn one_cached_key() {
    let cache = scratch();
    let (model, input) = (example("model.onnx"), example("input.json"));
    let prove = ["prove", &model, "--input", &input, "--json"];
    let outputs = at_once(&prove, cache.path());
    all_succeed(&outputs);
    let cached = |output: &Output| {
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (document["vk_digest"].clone(), document["setup_cached"].clone())
    };
    let (first, _) = cached(&outputs[0]);
    assert!(outputs.iter().all(|output| cached(output).0 == first), "one key");
    assert_eq!(names(cache.path()).len(), 2, "{:?}", names(cache.path()));
    // The file that the three have left is a key.
    let after = at_once(&prove, cache.path());
    all_succeed(&after);
    assert!(after.iter().all(|output| cached(output) == (first.clone(), true.into())));
}
