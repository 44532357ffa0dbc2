//! A file system that is full: a tmpfs of a few pages, in a mount namespace of the test's own, which
//! takes no privileges where the system lets users have namespaces. Where it does not, the test says so
//! and asserts the same of files that may not grow (`disk_full.rs`): a tester who wants the real one
//! sets `ZKML_REAL_DISK=1`, and its absence is then a failure.

use crate::{
    disk_full::limited,
    fixture::{Run, cache, example, fixture, scratch, text},
};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

const OLD: &str = "the old file";

/// A small file system.
#[derive(Clone, Copy)]
struct Disk {
    /// Options of its mount.
    options: &'static str,
    /// KiB that another file takes already.
    taken: usize,
    /// Whether the destination is there already.
    old: bool,
}

/// Whether this system gives its users mount namespaces.
fn namespaces() -> bool {
    let scratch = scratch();
    let mount = format!("mount -t tmpfs -o size=16k none {}", text(scratch.path()));
    let run = Command::new("unshare").args(["-Urm", "bash", "-c", &mount]).output();
    let works = run.is_ok_and(|run| run.status.success());
    let wanted = std::env::var_os("ZKML_REAL_DISK").is_some();
    assert!(
        works || !wanted,
        "no small file system to be had: unshare -Urm does not mount a tmpfs"
    );
    works
}

/// Runs the binary with the file system mounted at `at`, then once more with what took its room gone;
/// the exit codes, and what was in the file system after the first run.
fn run_on(
    disk: Disk,
    at: &Path,
    name: &str,
    cache: &Path,
    args: &[&str],
) -> (Run, i32, Vec<String>) {
    // What it says of itself goes to stderr; of the file system, to stdout.
    let script = r#"
        mount -t tmpfs -o "$OPTIONS" none "$AT" || exit 99
        if [ -n "$OLD" ]; then printf %s "$OLD" > "$AT/$NAME"; fi
        head -c "${TAKEN}K" /dev/zero > "$AT/filler"
        "$@" > /dev/null; echo "$?"
        rm "$AT/filler"
        (cd "$AT" && find . -type f -size -2 -printf '%P ' -exec cat {} \; -printf '\n'; \
            find . -type f -size +1 -printf '%P\n')
        echo again
        mount -o remount,size=64m,nr_inodes=1k "$AT" || exit 99
        "$@" > /dev/null 2>&1; echo "$?""#;
    let Output { status, stdout, stderr } = Command::new("unshare")
        .args(["-Urm", "bash", "-c", script, "bash", env!("CARGO_BIN_EXE_zkml")])
        .args(args)
        .env("ZKML_CACHE", cache)
        .envs([("OPTIONS", disk.options), ("AT", &text(at)), ("NAME", name)])
        .envs([("TAKEN", disk.taken.to_string()), ("OLD", old(disk).into())])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success() && !stderr.contains("panicked"), "{args:?}: {said} {stderr}");
    let (first, again) = said.split_once("again\n").unwrap();
    let mut lines = first.lines().map(str::to_owned);
    let code = lines.next().unwrap().parse().unwrap();
    let run = Run { code, stdout: Vec::new(), stderr };
    (run, again.trim().parse().unwrap(), lines.collect())
}

fn old(disk: Disk) -> &'static str {
    if disk.old { OLD } else { "" }
}

/// `args -o TO` fails for want of room, leaves everything as it was, and succeeds with room.
fn check(disk: Disk, args: &[&str], name: &str, is_directory: bool) {
    let scratch = scratch();
    let file = scratch.path().join(name);
    let to = if is_directory { text(scratch.path()) } else { text(&file) };
    let args = [args, &["-o", &to, "--force"]].concat();
    let what = format!("{args:?} on {} with {} KiB taken", disk.options, disk.taken);
    let (run, again, left) = run_on(disk, scratch.path(), name, &cache(), &args);
    let run = run.exits(4);
    assert!(run.stderr.contains("No space left on device"), "{what}: {}", run.stderr);
    assert!(run.stderr.contains(&text(scratch.path())), "where: {what}: {}", run.stderr);
    let expected = if disk.old { vec![format!("{name} {OLD}")] } else { Vec::new() };
    assert_eq!(left, expected, "{what} left something");
    assert_eq!(again, 0, "{what}: with room");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "the disk is the namespace's own");
}

#[test]
fn a_full_file_system_is_an_error_that_leaves_everything_as_it_was() {
    let f = fixture();
    let input = example("input.json");
    let compile = ["compile", &example("model.onnx"), "--settings", &f.settings];
    let setup = ["setup", &f.zkc];
    let prove = ["prove", &f.zkc, "--pk", &f.pk, "--input", &input];
    let srs = ["srs", "new", "-k", "5"];
    if !namespaces() {
        eprintln!("no mount namespaces here: asserted of files that may not grow instead");
        for args in [&compile[..], &prove, &srs] {
            let scratch = scratch();
            let to = text(&scratch.path().join("file"));
            limited(0, &[args, &["-o", &to]].concat(), &cache()).exits(4);
            assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "{args:?}");
        }
        return;
    }
    for old in [false, true] {
        // One page is left, which the old file has if there is one.
        let full = Disk { options: "size=32k", taken: 28, old };
        check(full, &compile, "model.zkc", false);
        check(full, &prove, "proof.json", false);
        check(full, &srs, "new.srs", false);
        // Room for a key and not for both.
        let sizes = [&f.vk, &f.pk].map(|key| fs::metadata(key).unwrap().len() / 1024);
        assert!(sizes[0] + 12 < 128 && sizes[1] > 128, "{sizes:?} KiB");
        check(Disk { options: "size=128k", taken: 4, old }, &setup, "model.pk", true);
    }
    // Room, but no more files.
    let files = Disk { options: "size=1m,nr_inodes=2", taken: 0, old: false };
    check(files, &compile, "model.zkc", false);
    check(files, &setup, "model.vk", true);
}

#[test]
fn a_cache_on_a_full_file_system_is_only_slower() {
    if !namespaces() {
        eprintln!("no mount namespaces here: see disk_full.rs");
        return;
    }
    let f = fixture();
    let (cache, input) = (scratch(), example("input.json"));
    let args = ["prove", &f.zkc, "--pk", &f.pk, "--input", &input, "--verbose"];
    let full = Disk { options: "size=32k", taken: 28, old: false };
    let (run, again, left) = run_on(full, cache.path(), "unused", cache.path(), &args);
    let run = run.exits(0);
    assert!(run.stderr.contains("not cached in"), "{}", run.stderr);
    assert_eq!((left, again), (Vec::new(), 0), "half a file in the cache");
}
