//! Inputs of whole numbers, and texts.

use super::*;

/// Token ids and a mask, as exporters declare them: int64 and bool.
fn ids_and_mask() -> [InputSpec; 2] {
    [spec("ids", &[1, 3]), spec("mask", &[1, 3])].map(|spec| InputSpec { integer: true, ..spec })
}

#[test]
fn whole_numbers_and_booleans() {
    let text = r#"{"mask": [[true, true, false]], "ids": [[64, 0, 7]]}"#;
    let arrays = Arrays::parse(text.as_bytes(), Format::Json, "in.json").expect("reads");
    let read = inputs(arrays, &ids_and_mask(), "in.json").expect("fits");
    assert_eq!(read[0].data(), [64.0, 0.0, 7.0]);
    assert_eq!(read[1].data(), [1.0, 1.0, 0.0]);

    let ids: Vec<u8> = [5i64, 6, 7, 8, 9, 10].iter().flat_map(|id| id.to_le_bytes()).collect();
    let ids = npy(1, &header("<i8", "False", "(2, 1, 3)"), &ids);
    let mask = npy(1, &header("|b1", "False", "(2, 1, 3)"), &[1, 1, 1, 1, 0, 0]);
    let archive = zipped(&[("ids.npy", &ids), ("mask.npy", &mask)]);
    let arrays = Arrays::parse(&archive, Format::Npz, "s.npz").expect("reads");
    let read = samples(arrays, &ids_and_mask(), "s.npz").expect("fits");
    assert_eq!(read.len(), 2);
    assert_eq!(
        (read[1][0].data(), read[1][1].data()),
        (&[8.0, 9.0, 10.0][..], &[1.0, 0.0, 0.0][..])
    );
}

#[test]
fn fractions_are_no_ids() {
    for (text, element, got) in [
        (r#"{"ids": [1, 2.5, 3], "mask": [1, 1, 1]}"#, 1, "2.5"),
        (r#"{"ids": [1, 2, 3], "mask": [1, 1, 0.5]}"#, 2, "0.5"),
    ] {
        let arrays = Arrays::parse(text.as_bytes(), Format::Json, "in.json").expect("reads");
        for refused in [
            inputs(arrays.clone(), &ids_and_mask(), "in.json").map(|_| ()),
            samples(arrays, &ids_and_mask(), "in.json").map(|_| ()),
        ] {
            let refused = refused.expect_err("a fraction");
            assert!(matches!(refused, DataError::NotWhole { element: at, .. } if at == element));
            let said = refused.to_string();
            assert!(
                said.contains("in.json") && said.contains(got) && said.contains("whole"),
                "{said}"
            );
        }
    }
    let nan = Arrays::Named(vec![
        ("ids".into(), tensor(&[3], vec![1.0, f32::NAN, 2.0])),
        ("mask".into(), tensor(&[3], vec![1.0; 3])),
    ]);
    assert!(matches!(inputs(nan, &ids_and_mask(), "x"), Err(DataError::NotWhole { .. })));
}

#[test]
fn a_text_is_a_list_of_token_ids() {
    let list = |data: Vec<f32>| Arrays::Single(tensor(&[data.len()], data));
    assert_eq!(tokens(list(vec![3.0, 0.0, 64.0]), "t.npy").expect("ids"), [3, 0, 64]);
    for (wrong, part) in [(vec![1.0, -1.0], "-1"), (vec![0.5], "0.5"), (vec![2e9], "2000000000")] {
        let said = tokens(list(wrong), "t.npy").expect_err("no ids").to_string();
        assert!(
            said.contains("t.npy") && said.contains(part) && said.contains("token id"),
            "{said}"
        );
    }
    let two = Arrays::Named(vec![
        ("a".into(), tensor(&[1], vec![1.0])),
        ("b".into(), tensor(&[1], vec![1.0])),
    ]);
    assert!(matches!(tokens(two, "t.npz"), Err(DataError::Tokens { .. })));
}
