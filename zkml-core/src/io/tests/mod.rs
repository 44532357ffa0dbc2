use super::*;
use crate::tensor::{Shape, Tensor};
use proptest::prelude::*;

mod whole;
use std::io::Write;

fn tensor(dims: &[usize], data: Vec<f32>) -> Tensor<f32> {
    Tensor::new(Shape::new(dims.to_vec()).expect("small"), data).expect("its length")
}

fn spec(name: &str, dims: &[usize]) -> InputSpec {
    let shape = Shape::new(dims.to_vec()).expect("small");
    InputSpec { name: name.into(), shape, integer: false }
}

fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn header(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}  \n")
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, data) in members {
        zip.start_file(*name, options).expect("starts");
        zip.write_all(data).expect("writes");
    }
    zip.finish().expect("ends").into_inner()
}

#[test]
fn npy_of_every_type_and_version() {
    let bytes = |words: &[&[u8]]| words.concat();
    let cases: [(&str, Vec<u8>); 7] = [
        ("<f4", bytes(&[&1.5f32.to_le_bytes(), &(-2f32).to_le_bytes()])),
        ("<f8", bytes(&[&1.5f64.to_le_bytes(), &(-2f64).to_le_bytes()])),
        ("<i8", bytes(&[&1i64.to_le_bytes(), &(-2i64).to_le_bytes()])),
        ("<i4", bytes(&[&1i32.to_le_bytes(), &(-2i32).to_le_bytes()])),
        ("|i1", vec![1, 0xfe]),
        ("|u1", vec![1, 0xfe]),
        ("|b1", vec![1, 0]),
    ];
    for version in 1..=3 {
        for (descr, data) in &cases {
            let file = npy(version, &header(descr, "False", "(2,)"), data);
            let expected = match *descr {
                "<f4" | "<f8" => vec![1.5, -2.0],
                "|u1" => vec![1.0, 254.0],
                "|b1" => vec![1.0, 0.0],
                _ => vec![1.0, -2.0],
            };
            assert_eq!(parse_npy(&file, "f").expect(descr), tensor(&[2], expected), "{descr}");
        }
    }
}

#[test]
fn npy_in_fortran_order_and_scalars() {
    let file = npy(1, &header("|u1", "True", "(2, 3)"), &[1, 4, 2, 5, 3, 6]);
    assert_eq!(
        parse_npy(&file, "f").expect("valid"),
        tensor(&[2, 3], vec![1., 2., 3., 4., 5., 6.])
    );
    let file = npy(1, &header("|u1", "False", "()"), &[7]);
    assert_eq!(parse_npy(&file, "f").expect("valid"), tensor(&[], vec![7.]));
}

#[test]
fn npy_that_is_damaged_is_an_error() {
    let good = header("|u1", "False", "(2,)");
    for (header, data) in [
        (good.as_str(), &[1u8][..]),
        (&good, &[1, 2, 3]),
        (&header("|u1", "Maybe", "(2,)"), &[1, 2]),
        (&header("|u1", "False", "(-2,)"), &[1, 2]),
        (&header("|u1", "False", "(99999999999999999999,)"), &[1, 2]),
        (&header("|u1", "False", "(1073741824, 1073741824, 1073741824)"), &[1, 2]),
        (&header("|u1", "False", "(0, 4294967296, 4294967296)"), &[]),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", &[1, 2]),
        ("{'shape': (2,)}", &[1, 2]),
        ("{", &[]),
        ("", &[]),
        ("{'descr': 'x", &[]),
    ] {
        let result = parse_npy(&npy(1, header, data), "bad.npy");
        assert!(matches!(result, Err(DataError::Malformed { .. })), "{header}: {result:?}");
    }
    for descr in [">f4", "<f2", "<c8", "|O", "<U3"] {
        let file = npy(1, &header(descr, "False", "(2,)"), &[0; 8]);
        let result = parse_npy(&file, "bad.npy");
        assert!(matches!(result, Err(DataError::ElementType { got, .. }) if got == descr));
    }
    assert!(parse_npy(&npy(4, &good, &[1, 2]), "f").is_err());
    // A header said to be longer than the file, or than any header.
    assert!(parse_npy(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "f").is_err());
    assert!(parse_npy(b"\x93NUMPY\x01\x00\xff\xff{}", "f").is_err());
}

#[test]
fn written_files_read_back() {
    let arrays = vec![
        ("a/b:0".to_owned(), tensor(&[2, 3], vec![1.0, -2.5, 3e-20, 4e20, 0.1, -0.0])),
        ("s".to_owned(), tensor(&[], vec![0.25])),
        ("e".to_owned(), tensor(&[2, 0], vec![])),
        ("v".to_owned(), tensor(&[3], vec![1.0, 2.0, 3.0])),
    ];
    for (_, array) in &arrays {
        let file = write_npy(array);
        assert_eq!((file.len() - 4 * array.data().len()) % 64, 0);
        assert_eq!(&parse_npy(&file, "f").expect("valid"), array);
    }
    let file = write_npz(&arrays).expect("writes");
    assert_eq!(file, write_npz(&arrays).expect("writes"));
    assert_eq!(parse_npz(&file, "f").expect("valid"), arrays);
    let text = write_json(&arrays[..2]).expect("writes");
    let Arrays::Named(read) = parse_json(text.as_bytes(), "f").expect("valid") else {
        panic!("not named")
    };
    assert_eq!(read, arrays[..2]);
    assert!(write_json(&[("x".into(), tensor(&[1], vec![f32::NAN]))]).is_err());
}

#[test]
fn json_shapes() {
    let single = |text: &str| match parse_json(text.as_bytes(), "f") {
        Ok(Arrays::Single(tensor)) => tensor,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(single("[[1, 2.5], [-3, 4e1]]"), tensor(&[2, 2], vec![1.0, 2.5, -3.0, 40.0]));
    assert_eq!(single("[true, false]"), tensor(&[2], vec![1.0, 0.0]));
    assert_eq!(single("[]"), tensor(&[0], vec![]));
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for bad in [
        "[[1], [2, 3]]",
        "[1, [2]]",
        "[\"1\"]",
        "[null]",
        "{\"x\": {\"y\": 1}}",
        "{\"x\": [1], \"x\": [2]}",
        "7",
        "[1] 2",
        "[1, ",
        "[1e999]",
        "\u{0}",
        "",
        &deep,
    ] {
        let result = parse_json(bad.as_bytes(), "bad.json");
        assert!(
            matches!(result, Err(DataError::Malformed { ref file, .. }) if file == "bad.json"),
            "{result:?}"
        );
    }
}

#[test]
fn archives_that_lie_are_errors() {
    let good = npy(1, &header("|u1", "False", "(2,)"), &[1, 2]);
    let file = zipped(&[("x.npy", &good)]);
    assert_eq!(parse_npz(&file, "f").expect("valid"), [("x".into(), tensor(&[2], vec![1., 2.]))]);
    assert!(parse_npz(&zipped(&[("readme.txt", b"hello")]), "f").is_err());
    assert!(parse_npz(&zipped(&[("x.npy", b"hello")]), "f").is_err());
    // A bomb: 64 MiB of zeros in 64 kB are unpacked, and refused for not being what they say.
    let mut bomb = npy(1, &header("|u1", "False", "(2,)"), &[]);
    bomb.resize(64 << 20, 0);
    let file = zipped(&[("x.npy", &bomb)]);
    assert!(file.len() < 1 << 17);
    assert!(matches!(parse_npz(&file, "f"), Err(DataError::Malformed { .. })));
    let many: Vec<String> = (0..1100).map(|i| format!("x{i}.npy")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|n| (n.as_str(), good.as_slice())).collect();
    assert!(matches!(parse_npz(&zipped(&many), "f"), Err(DataError::TooLarge { .. })));
}

#[test]
fn inputs_are_matched_by_name_and_shape() {
    let x = spec("x", &[1, 4]);
    let four = || tensor(&[4], vec![1., 2., 3., 4.]);
    let one = |array: Tensor<f32>| inputs(Arrays::Single(array), std::slice::from_ref(&x), "f");
    assert_eq!(one(four()).expect("flat")[0].shape(), &x.shape);
    assert!(one(tensor(&[1, 1, 4], vec![0.; 4])).is_ok());
    assert!(matches!(one(tensor(&[2, 2], vec![0.; 4])), Err(DataError::Shape { .. })));
    assert!(matches!(one(tensor(&[3], vec![0.; 3])), Err(DataError::Shape { .. })));

    let specs = [x, spec("y", &[2])];
    let two = tensor(&[2], vec![5., 6.]);
    let named = |names: &[&str]| {
        let array = |name: &&str| if *name == "y" { two.clone() } else { four() };
        Arrays::Named(names.iter().map(|n| ((*n).to_owned(), array(n))).collect())
    };
    let found = inputs(named(&["y", "x"]), &specs, "f").expect("both");
    assert_eq!(found[1], two);
    assert!(matches!(
        inputs(named(&["x"]), &specs, "f"),
        Err(DataError::MissingInput { name, .. }) if name == "y"
    ));
    assert!(matches!(
        inputs(named(&["x", "y", "z"]), &specs, "f"),
        Err(DataError::UnknownInput { name, expected, .. }) if name == "z" && expected == "`x`, `y`"
    ));
    assert!(matches!(inputs(Arrays::Single(four()), &specs, "f"), Err(DataError::Unnamed { .. })));
}

#[test]
fn samples_are_split() {
    let count = |input: &[usize], array: &[usize]| {
        let len = array.iter().product();
        let array = tensor(array, (0..len).map(|i| i as f32).collect());
        samples(Arrays::Single(array), &[spec("x", input)], "f").map(|s| s.len())
    };
    for (input, array, expected) in [
        (&[1, 4][..], &[5, 1, 4][..], 5),
        (&[1, 4], &[5, 4], 5),
        (&[1, 4], &[1, 4], 1),
        (&[1, 4], &[4], 1),
        (&[8, 4], &[24, 4], 3),
        (&[8, 4], &[3, 8, 4], 3),
        (&[8, 4], &[8, 4], 1),
        (&[4], &[3, 4], 3),
    ] {
        assert_eq!(count(input, array).expect("splits"), expected, "{array:?} for {input:?}");
    }
    for (input, array) in
        [(&[1, 4][..], &[5, 3][..]), (&[8, 4], &[9, 4]), (&[1, 4], &[0, 4]), (&[4], &[0, 4])]
    {
        assert!(matches!(count(input, array), Err(DataError::Shape { .. })), "{array:?}");
    }
    let specs = [spec("x", &[1, 2]), spec("y", &[1])];
    let arrays = |n: usize| {
        Arrays::Named(vec![
            ("x".into(), tensor(&[3, 1, 2], (0..6u8).map(f32::from).collect())),
            ("y".into(), tensor(&[n, 1], vec![9.0; n])),
        ])
    };
    let both = samples(arrays(3), &specs, "f").expect("three");
    assert_eq!(both[2][0].data(), [4.0, 5.0]);
    assert_eq!(both[2][1].data(), [9.0]);
    assert!(matches!(samples(arrays(2), &specs, "f"), Err(DataError::Samples { got: 2, .. })));
}

#[test]
fn labels_are_class_numbers() {
    let of = |data: Vec<f32>| labels(Arrays::Single(tensor(&[data.len()], data)), 2, 2, "f");
    assert_eq!(of(vec![0., 1., 9., 3.]).expect("labels"), [[0, 1], [9, 3]]);
    for bad in [vec![0.; 3], vec![0., -1., 0., 0.], vec![0.5; 4], vec![f32::NAN; 4]] {
        assert!(matches!(of(bad), Err(DataError::Labels { .. })));
    }
}

#[test]
fn files_are_read_by_extension() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("x.json");
    std::fs::write(&path, "[1, 2]").expect("writes");
    assert_eq!(Arrays::read(&path).expect("valid"), Arrays::Single(tensor(&[2], vec![1., 2.])));
    assert!(matches!(Arrays::read(&dir.path().join("no.npy")), Err(DataError::Read { .. })));
    assert!(matches!(Arrays::read(dir.path()), Err(DataError::UnknownFormat { .. })));
}

fn formats() -> [Format; 3] {
    [Format::Json, Format::Npy, Format::Npz]
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in formats() {
            let _ = Arrays::parse(&bytes, format, "f");
        }
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend(&bytes);
        let _ = parse_npy(&npy, "f");
    }

    #[test]
    fn truncated_and_changed_files_never_panic(
        cut in 0usize..400,
        at in 0usize..400,
        byte in any::<u8>(),
    ) {
        let array = vec![("x".to_owned(), tensor(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]))];
        let files = [
            write_json(&array).expect("writes").into_bytes(),
            write_npy(&array[0].1),
            write_npz(&array).expect("writes"),
        ];
        for (format, file) in formats().into_iter().zip(files) {
            let cut = cut % file.len();
            prop_assert!(Arrays::parse(&file[..cut], format, "f").is_err());
            let mut changed = file.clone();
            let at = at % changed.len();
            changed[at] = byte;
            let _ = Arrays::parse(&changed, format, "f");
        }
    }
}
