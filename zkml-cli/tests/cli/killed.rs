//! `kill -9` at any moment: what stands at a destination is whole, what does not is no key, and the
//! same command run again succeeds. With a cache of its own for each run, so that the development
//! SRS and the cached key are being made as well.

use crate::fixture::{command, example, fixture, scratch, text, zkml, zkml_with};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// When to kill, in parts of the time that an undisturbed run took. The files are written at its
/// end, so the end has most of them.
const FRACTIONS: [f64; 8] = [0.0, 0.15, 0.4, 0.65, 0.8, 0.9, 0.96, 1.0];

/// Files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// A command that writes files, the same ones each time but for `proof.json`.
struct Subject {
    what: &'static str,
    args: Vec<String>,
    /// Whether the destination is a directory.
    directory: bool,
}

/// What a run has to itself.
struct Place {
    scratch: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { scratch: scratch() };
        [place.output(), place.cache()].iter().for_each(|path| fs::create_dir(path).unwrap());
        place
    }

    fn output(&self) -> PathBuf {
        self.scratch.path().join("output")
    }

    fn cache(&self) -> PathBuf {
        self.scratch.path().join("cache")
    }

    /// What stands at the destination and in the cache, and the temporary files next to it.
    fn files(&self) -> (Files, Files) {
        let mut all = Files::new();
        for directory in [self.output(), self.cache()] {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                assert!(all.insert(name, fs::read(&path).unwrap()).is_none());
            }
        }
        let (temporary, whole) = all.into_iter().partition(|(name, _)| is_temporary(name));
        (whole, temporary)
    }
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(".zkml-") && name.ends_with(".tmp")
}

impl Subject {
    /// `OUT` is the destination, a file of this name if it is none of a directory.
    fn all() -> Vec<Self> {
        let f = fixture();
        let (model, calib) = (example("model.onnx"), example("calib.npy"));
        let input = example("input.json");
        let subject = |what, args: &[&str], directory| Self {
            what,
            args: args.iter().map(|s| (*s).to_owned()).collect(),
            directory,
        };
        vec![
            subject("model.zkc", &["compile", &model, "--data", &calib], false),
            subject("keys", &["setup", &f.zkc], true),
            subject("proof.json", &["prove", &f.zkc, "--pk", &f.pk, "--input", &input], false),
            subject("all", &["prove", &model, "--data", &calib, "--input", &input], true),
        ]
    }

    fn args(&self, place: &Place) -> Vec<String> {
        let output = place.output();
        let to = if self.directory { output } else { output.join(self.what) };
        [&self.args[..], &["-o".to_owned(), text(&to)]].concat()
    }

    fn spawn(&self, place: &Place) -> Child {
        let mut command = command(&place.cache());
        command.args(self.args(place)).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// An undisturbed run: its time, and what it wrote.
    fn measured(&self) -> (Duration, Files) {
        let place = Place::new();
        let start = Instant::now();
        assert!(self.spawn(&place).wait().unwrap().success(), "{}", self.what);
        let time = start.elapsed();
        let (whole, temporary) = place.files();
        assert!(temporary.is_empty() && !whole.is_empty(), "{}", self.what);
        (time, whole)
    }

    /// Each file that has its name is the whole one; a proof is whatever verifies.
    fn check(&self, place: &Place, expected: &Files, when: &str) {
        let (whole, temporary) = place.files();
        for (name, bytes) in &whole {
            let same = expected.get(name).unwrap_or_else(|| panic!("{name} left {when}"));
            if name == "proof.json" {
                let (proof, vk) = (text(&place.output().join(name)), self.vk(place));
                zkml(&["verify", &proof, "--vk", &vk]).exits(0);
            } else {
                assert!(bytes == same, "{name} of {} is not whole {when}", self.what);
            }
        }
        for (name, bytes) in temporary {
            // Killed between the last byte and the new name, it is a whole file.
            let is_json = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
            if is_json || expected.values().any(|whole| *whole == bytes) {
                continue;
            }
            let path = [place.output(), place.cache()].map(|d| d.join(&name));
            refused_as_keys(path.iter().find(|p| p.exists()).unwrap());
        }
    }

    /// The key of its proofs.
    fn vk(&self, place: &Place) -> String {
        let made = place.output().join("model.vk");
        if made.exists() { text(&made) } else { fixture().vk.clone() }
    }

    /// The same command again, in the same place with all that the kill left.
    fn again(&self, place: &Place, expected: &Files, when: &str) {
        let mut args = self.args(place);
        if place.output().join("proof.json").exists() {
            // Each proof is another one, and nothing is overwritten unasked.
            args.push("--force".to_owned());
        }
        let run = zkml_with(&args, b"", &place.cache()).exits(0);
        self.check(place, expected, when);
        let (whole, _) = place.files();
        let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&whole), names(expected), "{}: {}", self.what, run.stderr);
    }
}

/// A part of a file is taken for no key, model, SRS or proof.
fn refused_as_keys(part: &Path) {
    let (f, part, input) = (fixture(), text(part), example("input.json"));
    zkml(&["verify", &f.proof, "--vk", &part]).exits(3);
    zkml(&["verify", &part, "--vk", &f.vk]).exits(3);
    zkml(&["prove", &f.zkc, "--pk", &part, "--input", &input]).exits(3);
    zkml(&["srs", "info", &part]).exits(3);
}

#[test]
fn kill_9_at_any_moment() {
    for subject in Subject::all() {
        let (time, expected) = subject.measured();
        let mut killed = 0;
        for fraction in FRACTIONS {
            let when = format!("after {fraction} of {time:?}");
            let place = Place::new();
            let mut child = subject.spawn(&place);
            std::thread::sleep(time.mul_f64(fraction));
            child.kill().unwrap();
            killed += usize::from(child.wait().unwrap().signal() == Some(9));
            subject.check(&place, &expected, &when);
            subject.again(&place, &expected, &when);
        }
        // The last ones may have been too late.
        assert!(killed >= 3, "{}: {killed} runs killed", subject.what);
    }
}

/// At the moment at which a temporary file is there: no fraction of a run's time is sure to hit it.
#[test]
fn kill_9_while_a_file_is_being_written() {
    for subject in Subject::all() {
        let (time, expected) = subject.measured();
        let mut caught = 0;
        // The first temporary file is the SRS in the cache, later ones are keys and proofs.
        for skipped in 0..4 {
            let place = Place::new();
            let mut child = subject.spawn(&place);
            let (start, mut seen) = (Instant::now(), Files::new());
            while child.try_wait().unwrap().is_none() && start.elapsed() < 20 * time {
                for directory in [place.output(), place.cache()] {
                    let names = fs::read_dir(directory).unwrap().flatten();
                    let names = names.filter_map(|e| e.file_name().into_string().ok());
                    seen.extend(names.filter(|n| is_temporary(n)).map(|n| (n, Vec::new())));
                }
                if seen.len() > skipped {
                    break;
                }
            }
            child.kill().unwrap();
            let signal = child.wait().unwrap().signal();
            let (_, temporary) = place.files();
            caught += usize::from(signal == Some(9) && !temporary.is_empty());
            let when = format!("at temporary file {}", seen.len());
            subject.check(&place, &expected, &when);
            subject.again(&place, &expected, &when);
        }
        assert!(caught > 0, "{}: no run was killed while it wrote", subject.what);
    }
}

#[test]
fn what_a_kill_leaves_neither_hinders_nor_is_accepted() {
    let f = fixture();
    for subject in Subject::all() {
        let (_, expected) = subject.measured();
        let place = Place::new();
        let mut leftovers = Vec::new();
        for (i, bytes) in expected.values().enumerate() {
            for directory in [place.output(), place.cache()] {
                let path = directory.join(format!(".zkml-left{i}.tmp"));
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
                leftovers.push(path);
            }
        }
        leftovers.iter().take(1).for_each(|path| refused_as_keys(path));
        let run = zkml_with(&subject.args(&place), b"", &place.cache()).exits(0);
        for path in leftovers {
            fs::remove_file(path).unwrap();
        }
        subject.check(&place, &expected, &run.stderr);
        assert_eq!(place.files().0.len(), expected.len(), "{}", subject.what);
    }
    // What another program that is no rename away from its files leaves in the cache, under the
    // right name: made anew.
    let place = Place::new();
    let setup = ["setup", &f.zkc, "-o", &text(&place.output())];
    zkml_with(&setup, b"", &place.cache()).exits(0);
    let (files, _) = place.files();
    let srs = files.keys().find(|name| name.ends_with(".srs")).expect("an SRS in the cache");
    let srs = place.cache().join(srs);
    let whole = fs::read(&srs).unwrap();
    for length in [0, 40, whole.len() / 2, whole.len() - 1] {
        fs::write(&srs, &whole[..length]).unwrap();
        zkml_with(&setup, b"", &place.cache()).exits(0);
        assert!(fs::read(&srs).unwrap() == whole, "an SRS cut to {length} bytes stays");
    }
}

/// Over the files of another key, with `--force`.
#[test]
fn kill_9_over_old_files_leaves_old_or_new_ones() {
    let f = fixture();
    let keys = Subject::all().remove(1);
    let (time, new) = keys.measured();
    let other = |name: &str| Path::new(&f.other_vk).with_file_name(name);
    let names = ["model.pk", "model.vk"];
    for fraction in [0.5, 0.85, 0.95, 1.0] {
        let place = Place::new();
        for name in names {
            fs::copy(other(name), place.output().join(name)).unwrap();
        }
        let mut command = command(&place.cache());
        command.args(keys.args(&place)).arg("--force").stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(time.mul_f64(fraction));
        child.kill().unwrap();
        child.wait().unwrap();
        let (whole, _) = place.files();
        for name in names {
            let old = fs::read(other(name)).unwrap();
            let is = &whole[name];
            assert!(*is == old || *is == new[name], "{name} is neither after {fraction}");
        }
    }
}
