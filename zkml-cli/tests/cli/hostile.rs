//! Files that are not what they should be: a typed error that names the file, never a panic, and
//! no output touched.

use crate::fixture::{cache, example, fixture, ptau, scratch, text, zkml, zkml_with};
use std::{fs, path::Path};

/// What an existing output holds before and after.
const KEPT: &[u8] = b"kept";

/// A kind of file, a good one, and a command that reads it.
struct Kind {
    extension: &'static str,
    good: Vec<u8>,
    /// `HOSTILE` and `OUT` stand for the file and the output.
    command: Vec<String>,
}

fn kind(extension: &'static str, good: &str, command: &[&str]) -> Kind {
    let mut good = fs::read(good).unwrap();
    while good.last().is_some_and(u8::is_ascii_whitespace) {
        // Without it a text file is as good as with it.
        good.pop();
    }
    Kind { extension, good, command: command.iter().map(|s| (*s).to_owned()).collect() }
}

/// The files that are refused whatever they are cut to.
fn kinds() -> Vec<Kind> {
    let f = fixture();
    let srs = text(&cache().join("small.srs"));
    if !fs::exists(&srs).unwrap() {
        zkml(&["srs", "new", "-k", "4", "-o", &srs]).exits(0);
    }
    let (model, input) = (example("model.onnx"), example("input.json"));
    let (calib, labels) = (example("calib.npy"), example("labels.npy"));
    let (samples, ptau) = (example("samples.npy"), ptau("power4-prepared.ptau"));
    let report = ["report", &model, "--data", &samples, "--labels", "HOSTILE", "-o", "OUT.json"];
    vec![
        kind("onnx", &model, &["compile", "HOSTILE", "--data", &calib, "-o", "OUT"]),
        kind("onnx", &model, &["prove", "HOSTILE", "--input", &input]),
        kind("onnx", &model, &["inspect", "HOSTILE"]),
        kind("json", &input, &["run", &f.zkc, "--input", "HOSTILE", "-o", "OUT.json"]),
        kind("npz", &f.outputs, &["run", &f.zkc, "--input", "HOSTILE", "-o", "OUT.npz"]),
        kind("npy", &calib, &["calibrate", &model, "--data", "HOSTILE", "-o", "OUT"]),
        kind("npy", &labels, &report),
        kind("zkc", &f.zkc, &["run", "HOSTILE", "--input", &input, "-o", "OUT.json"]),
        kind("zkc", &f.zkc, &["setup", "HOSTILE", "-o", "OUT"]),
        kind("pk", &f.pk, &["prove", &f.zkc, "--pk", "HOSTILE", "--input", &input, "-o", "OUT"]),
        kind("vk", &f.vk, &["verify", &f.proof, "--vk", "HOSTILE"]),
        kind("vk", &f.vk, &["evm-verify", &f.proof, "--vk", "HOSTILE"]),
        kind("vk", &f.vk, &["export-verifier", "--vk", "HOSTILE", "-o", "OUT"]),
        kind("vk", &f.vk, &["verify-vk", &f.zkc, "--vk", "HOSTILE"]),
        kind("srs", &srs, &["srs", "info", "HOSTILE"]),
        kind("srs", &srs, &["setup", &f.zkc, "--srs", "HOSTILE", "-o", "OUT"]),
        kind("ptau", &ptau, &["srs", "import", "HOSTILE", "-k", "4", "-o", "OUT"]),
        kind("json", &f.proof, &["verify", "HOSTILE", "--vk", &f.vk]),
        kind("json", &f.proof, &["evm-verify", "HOSTILE", "--vk", &f.vk]),
    ]
}

/// Runs the command on `hostile` with `--force` and checks manners; the exit code is returned.
fn attack(kind: &Kind, hostile: &Path, directory: &Path, what: &str) -> i32 {
    // The directory that `setup` and `export-verifier` write to does not exist; other outputs do.
    let to_file = !matches!(kind.command[0].as_str(), "setup" | "export-verifier");
    let mut outputs = Vec::new();
    let mut args: Vec<String> = Vec::new();
    for arg in &kind.command {
        if arg == "HOSTILE" {
            args.push(text(hostile));
        } else if let Some(extension) = arg.strip_prefix("OUT") {
            let path = directory.join(format!("out{extension}"));
            if to_file {
                fs::write(&path, KEPT).unwrap();
            }
            args.push(text(&path));
            outputs.push(path);
        } else {
            args.push(arg.clone());
        }
    }
    args.push("--force".to_owned());
    let run = zkml(&args);
    let subject = format!("{what}, {args:?}: {}", run.stderr);
    // A verdict of 1 is a result: it is on stdout.
    if run.code > 1 {
        let name = hostile.file_name().unwrap().to_str().unwrap();
        let first = run.stderr.lines().find(|line| line.starts_with("error: ")).expect(&subject);
        assert_eq!(first.matches(name).count(), 1, "the file named once; {subject}");
        assert!(first.len() > name.len() + 20, "and what is wrong with it; {subject}");
        for path in outputs {
            let content = fs::read(&path).ok();
            assert_eq!(content.as_deref(), to_file.then_some(KEPT), "output touched; {subject}");
        }
    }
    run.code
}

/// Reproducible noise (xorshift).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn truncated_random_and_empty_files_are_invalid() {
    for kind in kinds() {
        let scratch = scratch();
        let path = scratch.path().join(format!("hostile.{}", kind.extension));
        let length = kind.good.len();
        let cuts = [0, 1, 7, 40, length / 5, length / 2, length - 9, length - 1];
        let random = (1..=3).map(|seed| (format!("noise {seed}"), noise(seed, 4096)));
        let cut = cuts.iter().map(|at| (format!("cut at {at}"), kind.good[..*at].to_vec()));
        // Noise behind a good beginning reaches deeper.
        let patched = (4..=6).map(|seed| {
            let keep = length.min(16 * seed as usize);
            let mut bytes = kind.good[..keep].to_vec();
            bytes.extend(noise(seed, (length - keep).min(4096)));
            (format!("noise after {keep}"), bytes)
        });
        for (what, bytes) in cut.chain(random).chain(patched) {
            fs::write(&path, bytes).unwrap();
            let code = attack(&kind, &path, scratch.path(), &what);
            assert_eq!(code, 3, "{what} of {:?}", kind.command);
        }
    }
}

#[test]
fn directories_and_missing_files_are_resources() {
    let mut kinds = kinds();
    let (model, calib) = (example("model.onnx"), example("calib.npy"));
    let compile = ["compile", &model, "--settings", "HOSTILE", "--data", &calib, "-o", "OUT"];
    kinds.push(kind("toml", &fixture().settings, &compile));
    for kind in kinds {
        let scratch = scratch();
        let path = scratch.path().join(format!("hostile.{}", kind.extension));
        let code = attack(&kind, &path, scratch.path(), "missing");
        assert_eq!(code, 4, "missing: {:?}", kind.command);
        fs::create_dir(&path).unwrap();
        let code = attack(&kind, &path, scratch.path(), "a directory");
        assert_eq!(code, 4, "a directory: {:?}", kind.command);
    }
}

#[test]
fn single_bytes_changed_never_crash() {
    for kind in kinds() {
        let scratch = scratch();
        let path = scratch.path().join(format!("hostile.{}", kind.extension));
        for i in 0..6 {
            let mut bytes = kind.good.clone();
            let at = noise(i, 8).iter().fold(0usize, |a, b| a << 7 ^ usize::from(*b)) % bytes.len();
            bytes[at] ^= 1 << (i % 8);
            fs::write(&path, bytes).unwrap();
            let code = attack(&kind, &path, scratch.path(), &format!("byte {at} changed"));
            // A changed value may be as good as the old one, and a changed key is another.
            assert!((0..=4).contains(&code));
            if ["zkc", "pk", "vk", "srs"].contains(&kind.extension) && code == 0 {
                panic!("byte {at} of {:?} changed and accepted", kind.command);
            }
        }
    }
}

#[test]
fn settings_that_are_none() {
    let (model, calib) = (example("model.onnx"), example("calib.npy"));
    let compile = ["compile", &model, "--settings", "HOSTILE", "--data", &calib, "-o", "OUT"];
    let kind = kind("toml", &fixture().settings, &compile);
    let good = String::from_utf8(kind.good.clone()).unwrap();
    let scratch = scratch();
    let path = scratch.path().join("hostile.toml");
    let mut bad: Vec<Vec<u8>> = (1..=3).map(|seed| noise(seed, 2000)).collect();
    bad.extend([&good[..0], &good[..1], &good[..9]].map(|s| s.as_bytes().to_vec()));
    bad.push(format!("surprise = 1\n{good}").into_bytes());
    bad.push(good.replacen("bits = ", "bits = 99 # ", 1).into_bytes());
    bad.push(good.replacen("bits = ", "bits = -", 1).into_bytes());
    bad.push(good.replacen("bits = ", "bits = \"nine\" # ", 1).into_bytes());
    bad.push(format!("bits = {}9{}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes());
    for (i, bytes) in bad.into_iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let code = attack(&kind, &path, scratch.path(), &format!("settings {i}"));
        assert_eq!(code, 3, "settings {i}");
    }
}

#[test]
fn hostile_json_on_stdin() {
    let f = fixture();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let doubled = "{\"flowers\": [1], \"flowers\": [2]}";
    for stdin in ["", "{", &deep, doubled, "{\"flowers\": 1e999}"] {
        let cut = &stdin[..stdin.len().min(40)];
        let run = zkml_with(&["run", &f.zkc, "--input", "-"], stdin.as_bytes(), &cache());
        assert!(run.stderr.contains("stdin"), "{cut}: {}", run.stderr);
        assert_eq!(run.code, 3, "{cut}: {}", run.stderr);
        let run = zkml_with(&["verify", "-", "--vk", &f.vk], stdin.as_bytes(), &cache());
        assert_eq!(run.code, 3, "{cut}: {}", run.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn endless_files_are_refused() {
    let f = fixture();
    let run = zkml(&["verify", "/dev/zero", "--vk", &f.vk]).exits(3);
    assert!(run.stderr.contains("more than"), "{}", run.stderr);
    zkml(&["verify", &f.proof, "--vk", "/dev/zero"]).exits(3);
    zkml(&["inspect", "/dev/zero"]).exits(4);
    zkml(&["srs", "info", "/dev/zero"]).exits(3);
}
