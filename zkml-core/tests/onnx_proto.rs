//! `src/onnx/proto.rs` is what the vendored `proto/onnx-ml.proto` generates.
//!
//! `ZKML_REGENERATE=1 cargo test -p zkml-core --test onnx_proto` rewrites the file.

use std::path::Path;

const HEADER: &str = "\
//! Wire types of ONNX, generated from `proto/onnx-ml.proto` (onnx 1.22.0, Apache-2.0). Do not edit:
//! `ZKML_REGENERATE=1 cargo test -p zkml-core --test onnx_proto` rewrites this file.
#![allow(missing_docs, clippy::all, reason = \"generated code; the schema documents its fields\")]

";

fn generate() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let proto = root.join("proto");
    let files = protox::compile(["onnx-ml.proto"], [&proto]).expect("the schema compiles");
    let out = tempfile::tempdir().expect("temporary directory");
    prost_build::Config::new()
        .out_dir(out.path())
        // The schema's comments contain indented text that rustdoc would run as tests.
        .disable_comments(["."])
        .compile_fds(files)
        .expect("code is generated");
    let code = std::fs::read_to_string(out.path().join("onnx.rs")).expect("one package, one file");
    format!("{HEADER}{code}")
}

#[test]
fn generated_code_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/onnx/proto.rs");
    let expected = generate();
    if std::env::var_os("ZKML_REGENERATE").is_some() {
        std::fs::write(&path, &expected).expect("proto.rs is writable");
    }
    let found = std::fs::read_to_string(&path).expect("proto.rs exists");
    assert!(
        found == expected,
        "src/onnx/proto.rs differs from what proto/onnx-ml.proto generates; \
         run with ZKML_REGENERATE=1"
    );
}
