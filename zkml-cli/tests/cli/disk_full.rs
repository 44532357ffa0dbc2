//! A disk without room: an error that names the file, exit 4, nothing half-written, and what was
//! there before as it was. The kernel refuses writes beyond a file size (RLIMIT_FSIZE) to any user,
//! as a full disk does in the middle of a file; `/dev/full` is always full.

use crate::fixture::{Run, cache, command, example, fixture, ptau, scratch, text, zkml};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// What stands at a destination before.
const OLD: &[u8] = b"the old file";

/// Runs the binary, whose files may not grow beyond `kib` KiB.
pub(crate) fn limited(kib: usize, args: &[&str], cache: &Path) -> Run {
    // Without the trap the kernel would kill the process, which is what `killed.rs` is about.
    let script = format!("ulimit -f {kib}; trap '' XFSZ; exec \"$0\" \"$@\"");
    let output = Command::new("bash")
        .args(["-c", &script, env!("CARGO_BIN_EXE_zkml")])
        .args(args)
        .env("ZKML_CACHE", cache)
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    let code = output.status.code().unwrap_or_else(|| panic!("{args:?} died: {stderr}"));
    Run { code, stdout: output.stdout, stderr }
}

/// Files of a directory with their bytes.
fn content(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.map(|path| (text(&path), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

/// `args -o TO`, where `TO` is `name` in a new directory, or the directory itself, cannot write
/// `name` as no file has more than `kib` KiB: neither where nothing is nor over old files.
fn check(kib: usize, args: &[&str], name: &str, is_directory: bool) {
    let what = format!("{args:?} to {name} with {kib} KiB");
    for old in [false, true] {
        let scratch = scratch();
        let file = scratch.path().join(name);
        if old {
            fs::write(&file, OLD).unwrap();
        }
        let before = content(scratch.path());
        let to = if is_directory { text(scratch.path()) } else { text(&file) };
        let args = [args, &["-o", &to, "--force"]].concat();
        let run = limited(kib, &args, &cache()).exits(4);
        assert!(run.stderr.contains(&text(&file)), "the file is named: {what}: {}", run.stderr);
        assert!(run.stderr.contains("File too large"), "the reason: {what}: {}", run.stderr);
        assert!(content(scratch.path()) == before, "{what} touched files");
        let document = limited(kib, &[&args[..], &["--json"]].concat(), &cache()).exits(4).json();
        assert_eq!(document["error"]["code"], 4, "{what}: {document}");
        // The room is all that was missing.
        let run = zkml(&args).exits(0);
        assert_ne!(fs::read(&file).unwrap(), OLD, "{what}: {}", run.stderr);
        let size = fs::metadata(&file).unwrap().len();
        assert!(size > kib as u64 * 1024, "{what}: {size} bytes would have found room");
    }
}

#[test]
fn no_room_for_any_file() {
    let f = fixture();
    let (model, calib, input) =
        (example("model.onnx"), example("calib.npy"), example("input.json"));
    // The reference string is in the cache; what is tested is the destination.
    check(0, &["calibrate", &model, "--data", &calib], "settings.toml", false);
    check(0, &["compile", &model, "--data", &calib], "model.zkc", false);
    check(0, &["run", &f.zkc, "--input", &input], "outputs.npz", false);
    check(0, &["report", &model, "--data", &calib], "report.html", false);
    check(0, &["srs", "new", "-k", "5"], "new.srs", false);
    check(0, &["srs", "import", &ptau("power4.ptau"), "-k", "4"], "imported.srs", false);
    check(0, &["setup", &f.zkc], "model.vk", true);
    check(0, &["prove", &f.zkc, "--pk", &f.pk, "--input", &input], "proof.json", false);
    check(0, &["prove", &model, "--data", &calib, "--input", &input], "model.zkc", true);
}

#[test]
fn room_for_a_part() {
    let f = fixture();
    let input = example("input.json");
    check(1, &["compile", &example("model.onnx"), "--settings", &f.settings], "model.zkc", false);
    check(8, &["prove", &f.zkc, "--pk", &f.pk, "--input", &input], "proof.json", false);
    check(2, &["srs", "new", "-k", "5"], "new.srs", false);
    // Of files that belong together none appears, those that had room included: half of a pair of
    // keys would go with the other half of an old one.
    let sizes = [&f.vk, &f.pk].map(|key| fs::metadata(key).unwrap().len() as usize / 1024 + 1);
    assert!(sizes[0] < sizes[1] / 2, "{sizes:?} KiB");
    check(sizes[0], &["setup", &f.zkc], "model.pk", true);
    let export = ["export-verifier", "--vk", &f.vk];
    let largest = {
        let scratch = scratch();
        zkml(&[&export[..], &["-o", &text(scratch.path())]].concat()).exits(0);
        let files = content(scratch.path());
        files.into_iter().max_by_key(|(_, bytes)| bytes.len()).unwrap()
    };
    let name = Path::new(&largest.0).file_name().unwrap().to_str().unwrap();
    check(largest.1.len() / 1024 - 1, &export, name, true);
}

#[test]
fn a_cache_without_room_is_only_slower() {
    let f = fixture();
    let cache = scratch();
    let model = example("model.onnx");
    let input = example("input.json");
    let prove = ["prove", &model, "--data", &example("calib.npy"), "--input", &input];
    for args in [&prove[..], &["prove", &f.zkc, "--pk", &f.pk, "--input", &input]] {
        let args = [args, &["--json", "--verbose"]].concat();
        let run = limited(4, &args, cache.path()).exits(0);
        assert!(run.stderr.contains("not cached in"), "{}", run.stderr);
        assert!(content(cache.path()).is_empty(), "half a file in the cache");
    }
    let run = limited(4, &prove, cache.path()).exits(0);
    assert!(!run.stderr.contains("not cached"), "only with --verbose: {}", run.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_an_error() {
    let f = fixture();
    let (model, input) = (example("model.onnx"), example("input.json"));
    for args in [
        &["verify", &f.proof, "--vk", &f.vk][..],
        &["verify", &f.proof, "--vk", &f.other_vk],
        &["verify", &f.proof, "--vk", &f.vk, "--json"],
        &["inspect", &model],
        &["compile", &model, "--settings", &f.settings, "-o", "-"],
        &["prove", &f.zkc, "--pk", &f.pk, "--input", &input],
        &["run", &f.zkc, "--input", &input],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let run = command(&cache()).args(args).stdout(full).stderr(Stdio::piped()).output();
        let run = run.unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(4), "{args:?}: {said}");
        let told = said.contains("error: stdout: ") && said.contains("No space left on device");
        assert!(told, "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{args:?}: {said}");
    }
}
