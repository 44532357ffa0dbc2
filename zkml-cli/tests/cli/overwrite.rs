//! Files of other content are never overwritten without `--force`.

use crate::fixture::{example, fixture, scratch, text, zkml};
use std::fs;

/// What stands in the way.
const OTHER: &[u8] = b"other content";

/// `args` write `file`: refused over other content, forced over it, and, for what is the same
/// each time, accepted over itself.
fn check(args: &[&str], file: &str, deterministic: bool) {
    fs::create_dir_all(std::path::Path::new(file).parent().unwrap()).unwrap();
    fs::write(file, OTHER).unwrap();
    let run = zkml(args).exits(2);
    assert!(run.stderr.contains(file) && run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(fs::read(file).unwrap(), OTHER, "{args:?} touched {file}");
    zkml(&[args, &["--force"]].concat()).exits(0);
    let made = fs::read(file).unwrap();
    assert_ne!(made, OTHER, "{args:?}");
    zkml(args).exits(if deterministic { 0 } else { 2 });
    assert_eq!(fs::read(file).unwrap(), made, "{args:?}");
    let directory = std::path::Path::new(file).parent().unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".tmp"), "litter {name} of {args:?}");
    }
}

#[test]
fn every_command_that_writes() {
    let f = fixture();
    let scratch = scratch();
    let at = |name: &str| text(&scratch.path().join(name));
    let (model, calib, input) =
        (example("model.onnx"), example("calib.npy"), example("input.json"));
    let o = at("calibrate/settings.toml");
    check(&["calibrate", &model, "--data", &calib, "-o", &o], &o, true);
    let o = at("compile/model.zkc");
    check(&["compile", &model, "--data", &calib, "-o", &o], &o, true);
    for o in [at("run/outputs.json"), at("run/outputs.npz")] {
        check(&["run", &f.zkc, "--input", &input, "-o", &o], &o, true);
    }
    for o in [at("report/r.json"), at("report/r.html")] {
        check(&["report", &model, "--data", &calib, "-o", &o], &o, true);
    }
    let o = at("srs/dev.srs");
    check(&["srs", "new", "-k", "4", "-o", &o], &o, true);
    let o = at("srs/random.srs");
    check(&["srs", "new", "-k", "4", "--random", "-o", &o], &o, false);
    let ptau = crate::fixture::ptau("power4.ptau");
    let o = at("srs/ceremony.srs");
    check(&["srs", "import", &ptau, "-k", "4", "-o", &o], &o, true);
    for name in ["model.pk", "model.vk"] {
        let o = at("setup");
        check(&["setup", &f.zkc, "-o", &o], &format!("{o}/{name}"), true);
    }
    let o = at("prove/proof.json");
    check(&["prove", &f.zkc, "--pk", &f.pk, "--input", &input, "-o", &o], &o, false);
    let o = at("whole");
    check(&["prove", &model, "--input", &input, "-o", &o], &format!("{o}/proof.json"), false);
    let o = at("contracts");
    check(&["export-verifier", "--vk", &f.vk, "-o", &o], &format!("{o}/README.md"), true);
}

#[test]
fn of_files_that_belong_together_none_is_written_when_one_is_refused() {
    let f = fixture();
    let scratch = scratch();
    fs::write(scratch.path().join("model.pk"), OTHER).unwrap();
    zkml(&["setup", &f.zkc, "-o", &text(scratch.path())]).exits(2);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "no model.vk");
    let settings = text(&scratch.path().join("s.toml"));
    let report = text(&scratch.path().join("model.pk"));
    let (model, calib) = (example("model.onnx"), example("calib.npy"));
    let flags = ["calibrate", &model, "--data", &calib, "-o", &settings, "--report", &report];
    zkml(&flags).exits(2);
    assert!(!fs::exists(&settings).unwrap());
}

#[test]
fn outputs_that_cannot_be_written_are_resources() {
    let f = fixture();
    let scratch = scratch();
    let file = scratch.path().join("file");
    fs::write(&file, OTHER).unwrap();
    // A directory that would have to be made where a file is.
    let inside = text(&file.join("model.json"));
    let input = example("input.json");
    let run = zkml(&["run", &f.zkc, "--input", &input, "-o", &inside]).exits(4);
    assert!(run.stderr.contains(&inside), "{}", run.stderr);
    zkml(&["setup", &f.zkc, "-o", "-"]).exits(2);
}

#[cfg(unix)]
#[test]
fn files_get_the_mode_that_the_umask_leaves() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = scratch();
    let plain = scratch.path().join("plain");
    fs::write(&plain, OTHER).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(std::path::Path::new(&fixture().vk)), mode(&plain));
}
