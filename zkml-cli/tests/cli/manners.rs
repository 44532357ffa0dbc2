//! Exit codes, JSON on failure, pipes, interrupts.

use crate::fixture::{cache, command, example, fixture, scratch, text, zkml};
use std::{fs, process::Stdio};

#[test]
fn usage_mistakes() {
    let model = example("model.onnx");
    let calib = example("calib.npy");
    let compile = ["compile", &model, "--data", &calib, "-o", "never.zkc"];
    for args in [
        &[][..],
        &["frobnicate"],
        &["verify"],
        &["inspect", &model, "--no-such-flag"],
        &["inspect", &model, "--dim", "batch"],
        &["compile", &model, "-o", "never.zkc"],
        &["calibrate", &model],
        &["bench"],
        &["completions", "tcsh"],
        &[&compile[..], &["--params", "committed"]].concat(),
        &[&compile[..], &["--output-visibility", "private"]].concat(),
        &[&compile[..], &["--objective", "speed"]].concat(),
        &[&compile[..], &["--target", "agreement=2"]].concat(),
        &[&compile[..], &["--profile", "4,4"]].concat(),
        &[&compile[..], &["-v", "-q"]].concat(),
    ] {
        let run = zkml(args).exits(2);
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{args:?}");
        if args.is_empty() {
            continue;
        }
        let run = zkml(&[args, &["--json"]].concat()).exits(2);
        let document = run.json();
        assert_eq!(document["error"]["code"], 2, "{args:?}: {document}");
    }
}

#[test]
fn an_unsupported_model_names_node_operator_and_opset() {
    let scratch = scratch();
    let path = text(&scratch.path().join("unsupported.onnx"));
    let mut bytes = fs::read(example("model.onnx")).unwrap();
    let found: Vec<usize> =
        (0..bytes.len() - 9).filter(|i| &bytes[*i..*i + 9] == b"HardSwish").collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at..at + 9].copy_from_slice(b"MelWeight");
    }
    fs::write(&path, bytes).unwrap();
    let input = example("input.json");
    for args in [
        &["inspect", &path][..],
        &["compile", &path, "--data", &input, "-o", "never.zkc"],
        &["run", &path, "--input", &input],
        &["prove", &path, "--input", &input],
    ] {
        let run = zkml(args).exits(3);
        for part in ["unsupported.onnx", "node `", "MelWeight", "opset 18"] {
            let said = format!("{}{}", run.stderr, run.text());
            assert!(said.contains(part), "`{part}` of {args:?}: {said}");
        }
        let document = zkml(&[args, &["--json"]].concat()).exits(3).json();
        let said = document.to_string();
        assert!(said.contains("MelWeight"), "{said}");
    }
    let document = zkml(&["inspect", &path, "--json"]).json();
    let unsupported = &document["unsupported"][0];
    assert_eq!((&unsupported["op"], &unsupported["opset"]), (&"MelWeight".into(), &18.into()));
    assert!(!unsupported["hint"].as_str().unwrap().is_empty());
}

#[test]
fn values_out_of_range_name_the_input_and_leave_no_proof() {
    let f = fixture();
    let scratch = scratch();
    let at = |name: &str| text(&scratch.path().join(name));
    let (input, proof) = (at("large.json"), at("proof.json"));
    let row = "[1000.0, 0.3, 0.2, 0.1]";
    fs::write(&input, format!("{{\"flowers\": [{}]}}", [row; 8].join(","))).unwrap();
    for args in [
        &["prove", &f.zkc, "--pk", &f.pk, "--input", &input, "-o", &proof][..],
        &["run", &f.zkc, "--input", &input],
    ] {
        let run = zkml(args).exits(3);
        for part in ["flowers", "1000", "range", "calibrate"] {
            assert!(run.stderr.contains(part), "`{part}` in {}", run.stderr);
        }
    }
    assert!(!fs::exists(&proof).unwrap());
}

#[test]
fn inputs_that_do_not_fit_say_what_was_expected() {
    let f = fixture();
    let scratch = scratch();
    let input = text(&scratch.path().join("in.json"));
    for (content, part) in [
        ("{\"flowers\": [[1, 2], [3]]}", "in.json"),
        ("{\"flowers\": [[1, 2, 3, 4]]}", "[8, 4]"),
        ("{\"petals\": [[1, 2, 3, 4]]}", "petals"),
        ("{}", "flowers"),
        ("{\"flowers\": \"many\"}", "in.json"),
        ("{\"flowers\": [NaN]}", "in.json"),
    ] {
        fs::write(&input, content).unwrap();
        let run = zkml(&["run", &f.zkc, "--input", &input]).exits(3);
        assert!(run.stderr.contains(part), "`{part}` for {content}: {}", run.stderr);
        assert_eq!(run.stderr.matches(&input).count(), 1, "{}", run.stderr);
    }
}

#[test]
fn a_reader_that_went_away_changes_no_verdict() {
    let f = fixture();
    for (vk, code) in [(&f.vk, 0), (&f.other_vk, 1)] {
        for args in [&["verify", &f.proof, "--vk", vk][..], &["evm-verify", &f.proof, "--vk", vk]] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let run = command(&cache()).args(args).stdout(writer).stderr(Stdio::piped()).output();
            let run = run.unwrap();
            let said = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(code), "{args:?}: {said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
    for args in [&["completions", "bash"][..], &["--help"], &["inspect", &example("model.onnx")]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = command(&cache()).args(args).stdout(writer).output().unwrap();
        assert_eq!(run.status.code(), Some(0), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_half_written() {
    let f = fixture();
    for milliseconds in [0, 20, 60, 150, 400] {
        let scratch = scratch();
        let to = text(&scratch.path().join("keys"));
        let mut child = command(&cache())
            .args(["setup", &f.zkc, "-o", &to])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        let id = child.id().to_string();
        std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
        child.wait().unwrap();
        let Ok(entries) = fs::read_dir(&to) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let whole = match path.file_name().unwrap().to_str().unwrap() {
                "model.vk" => &f.vk,
                "model.pk" => &f.pk,
                other => panic!("{other} left after {milliseconds} ms"),
            };
            assert_eq!(fs::read(&path).unwrap(), fs::read(whole).unwrap());
        }
    }
}
