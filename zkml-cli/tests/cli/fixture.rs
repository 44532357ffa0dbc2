//! Running the binary, and the files that most tests start from.

use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    /// Asserts the exit code, showing what was said otherwise.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.text(), self.stderr);
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Stdout, which must be one document of schema 1.
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|e| panic!("{e} in stdout: {}", self.text()));
        assert_eq!(document["schema"], 1, "{document}");
        document
    }
}

/// Runs the binary on the shared cache.
pub(crate) fn zkml<A: AsRef<str>>(args: &[A]) -> Run {
    zkml_with(args, b"", &cache())
}

/// Runs the binary with this on stdin and this cache.
pub(crate) fn zkml_with<A: AsRef<str>>(args: &[A], stdin: &[u8], cache: &Path) -> Run {
    let mut child = command(cache)
        .args(args.iter().map(AsRef::as_ref))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its stdin may be gone before this is written.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    assert!(!stderr.contains('\x1b'), "colours without a terminal, {args:?}: {stderr}");
    let code = output.status.code().unwrap_or_else(|| panic!("{args:?} died: {stderr}"));
    assert_ne!(code, 101, "{args:?}: {stderr}");
    Run { code, stdout: output.stdout, stderr }
}

/// The binary, with nothing of the tester's environment.
pub(crate) fn command(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkml"));
    command.env("ZKML_CACHE", cache).env_remove("ZKML_MSM").current_dir(root());
    command
}

/// Directory of this test binary's files, empty at the start of a run.
fn root() -> PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zkml-cli");
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        fs::create_dir_all(&root).unwrap();
        root
    })
    .clone()
}

/// The cache that tests share.
pub(crate) fn cache() -> PathBuf {
    root().join("cache")
}

/// A file of the example model.
pub(crate) fn example(name: &str) -> String {
    example_of("mlp_iris_batch8", name)
}

/// A file of another example.
pub(crate) fn example_of(model: &str, name: &str) -> String {
    text(&repository().join("examples/models").join(model).join(name))
}

/// A file of the ptau fixture, a phase-1 file of power 4 made by snarkjs.
pub(crate) fn ptau(name: &str) -> String {
    text(&repository().join("zkml-core/tests/data/ptau").join(name))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A scratch directory.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(root()).unwrap()
}

/// Paths of what the binary made of `mlp_iris_batch8`, public inputs.
pub(crate) struct Fixture {
    pub(crate) zkc: String,
    pub(crate) pk: String,
    pub(crate) vk: String,
    pub(crate) proof: String,
    pub(crate) settings: String,
    /// Outputs of the example input in integers, .npz.
    pub(crate) outputs: String,
    /// Another compilation of the same model, and its key.
    pub(crate) other_zkc: String,
    pub(crate) other_vk: String,
}

/// Made once by `calibrate`, `compile`, `setup`, `prove`, `run`.
pub(crate) fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let at = |name: &str| text(&root().join("fixture").join(name));
        let (model, calib, input) =
            (example("model.onnx"), example("calib.npy"), example("input.json"));
        let [zkc, settings, proof, outputs] =
            ["model.zkc", "settings.toml", "proof.json", "outputs.npz"].map(at);
        let other_zkc = at("other.zkc");
        let (keys, other) = (at("keys"), at("other"));
        let (pk, vk) = (format!("{keys}/model.pk"), format!("{keys}/model.vk"));
        zkml(&["calibrate", &model, "--data", &calib, "-o", &settings]).exits(0);
        zkml(&["compile", &model, "--settings", &settings, "-o", &zkc]).exits(0);
        zkml(&["setup", &zkc, "-o", &keys]).exits(0);
        zkml(&["prove", &zkc, "--pk", &pk, "--input", &input, "-o", &proof]).exits(0);
        zkml(&["run", &zkc, "--input", &input, "-o", &outputs]).exits(0);
        zkml(&["compile", &model, "--data", &calib, "--bits", "8", "-o", &other_zkc]).exits(0);
        zkml(&["setup", &other_zkc, "-o", &other]).exits(0);
        let other_vk = format!("{other}/model.vk");
        Fixture { zkc, pk, vk, proof, settings, outputs, other_zkc, other_vk }
    })
}
