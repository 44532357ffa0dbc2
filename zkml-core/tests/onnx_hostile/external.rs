//! Files of external data, and files that are none.

use std::path::Path;

use super::*;
use zkml_core::onnx::{
    load,
    proto::{StringStringEntryProto, tensor_proto::DataLocation},
};

fn external(entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some((*key).into()),
        value: Some((*value).into()),
    };
    let tensor = TensorProto {
        name: Some("c".into()),
        data_type: Some(DataType::Float as i32),
        dims: vec![2],
        data_location: Some(DataLocation::External as i32),
        external_data: entries.iter().map(entry).collect(),
        ..Default::default()
    };
    let proto = model(17, &[2], vec![node("Add", &["x", "c"], &["y"])]);
    with_initializers(proto, vec![tensor]).encode_to_vec()
}

/// A directory with a secret beside the model's.
fn directories() -> (tempfile::TempDir, std::path::PathBuf) {
    let root = tempfile::tempdir().expect("temporary directory");
    std::fs::write(root.path().join("secret"), [0; 8]).expect("written");
    let folder = root.path().join("model");
    std::fs::create_dir(&folder).expect("created");
    std::fs::write(folder.join("data"), [0; 16]).expect("written");
    std::fs::create_dir(folder.join("sub")).expect("created");
    std::fs::write(folder.join("sub/data"), [0; 8]).expect("written");
    (root, folder)
}

fn read_external(folder: &Path, entries: &[(&str, &str)]) -> Result<(), String> {
    let result = from_bytes(&external(entries), Some(folder), &ImportOptions::default());
    result.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn external_data_stays_in_its_directory() {
    let (root, folder) = directories();
    read_external(&folder, &[("location", "sub/data")]).expect("below the model");
    read_external(&folder, &[("location", "data"), ("offset", "8"), ("length", "8")])
        .expect("a range");
    let secret = root.path().join("secret");
    let absolute = secret.to_str().expect("UTF-8");
    for location in [
        absolute,
        "../secret",
        "sub/../../secret",
        "./../secret",
        "..",
        "",
        "C:\\secret",
        "a\\..\\b",
    ] {
        let text = read_external(&folder, &[("location", location)]).expect_err(location);
        assert!(text.contains("tensor `c`") && text.contains("inside the model's"), "{text}");
    }
    let text = read_external(&folder, &[("location", "none")]).expect_err("no such file");
    assert!(text.contains("none"), "{text}");
    let text = read_external(&folder, &[("location", "sub")]).expect_err("a directory");
    assert!(text.contains("not a regular file"), "{text}");
    assert!(read_external(&folder, &[]).expect_err("nothing").contains("no location"));
}

#[cfg(unix)]
#[test]
fn external_data_does_not_follow_links_out() {
    let (root, folder) = directories();
    std::os::unix::fs::symlink(root.path().join("secret"), folder.join("link")).expect("linked");
    std::os::unix::fs::symlink(root.path(), folder.join("up")).expect("linked");
    std::os::unix::fs::symlink("data", folder.join("inside")).expect("linked");
    for location in ["link", "up/secret"] {
        let text = read_external(&folder, &[("location", location)]).expect_err(location);
        assert!(text.contains("leads out"), "{text}");
    }
    read_external(&folder, &[("location", "inside"), ("length", "8")]).expect("a link within");
}

#[test]
fn external_ranges_are_checked() {
    let (_root, folder) = directories();
    for (entries, expected) in [
        (vec![("offset", "9"), ("length", "8")], "outside of"),
        (vec![("offset", "18446744073709551615"), ("length", "8")], "outside of"),
        (vec![("length", "7")], "needs 8"),
        (vec![("length", "18446744073709551615")], "needs 8"),
        (vec![], "has 16 bytes"),
        (vec![("offset", "-1")], "whole number"),
        (vec![("offset", "1e3")], "whole number"),
        (vec![("length", "99999999999999999999")], "whole number"),
        (vec![("offset", "0"), ("offset", "8")], "twice"),
    ] {
        let entries = [vec![("location", "data")], entries].concat();
        let text = read_external(&folder, &entries).expect_err("a bad range");
        assert!(text.contains(expected), "{text}");
    }
    no_large_allocation();
}

#[test]
fn external_data_counts_against_the_limit() {
    let (_root, folder) = directories();
    let bytes = external(&[("location", "sub/data")]);
    let mut options = ImportOptions::default();
    options.max_bytes = bytes.len() as u64;
    from_bytes(&bytes, Some(&folder), &options).expect("8 bytes are within the limit");
    options.max_bytes -= 1;
    let error = from_bytes(&bytes, Some(&folder), &options).expect_err("too large");
    assert!(matches!(error, ImportError::TooLarge { .. }));
}

#[test]
fn a_model_must_be_a_file_of_bounded_size() {
    let (_root, folder) = directories();
    let error = load(&folder, &ImportOptions::default()).expect_err("a directory");
    assert!(matches!(error, ImportError::NotAFile { .. }));
    let error = load(folder.join("none"), &ImportOptions::default()).expect_err("missing");
    assert!(matches!(error, ImportError::Io { .. }));
    let mut options = ImportOptions::default();
    options.max_bytes = 15;
    let error = load(folder.join("data"), &options).expect_err("too large");
    assert!(matches!(error, ImportError::TooLarge { got: 16, limit: 15 }));
}
