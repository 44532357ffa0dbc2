//! Bytes to arrays, as JSON, npy and npz: what is accepted is written and read as it was, and matched to inputs.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use zkml_core::{
    io::{
        Arrays, Format, InputSpec, inputs, labels, parse_json, parse_npy, parse_npz, samples,
        tokens, write_json, write_npy, write_npz,
    },
    tensor::{Shape, Tensor},
};
use zkml_core_fuzz::{bytes::mutate_with, data::change, dice::Dice, memory::bounded, seeds};

fuzz_target!(init: begin(), |data: &[u8]| {
    for format in [Format::Json, Format::Npy, Format::Npz] {
        // Deflate makes a thousand bytes of one at most, and an element of a byte is held as four.
        let each = if format == Format::Npz { 8 * 1032 } else { 64 };
        let parse = || Arrays::parse(data, format, "fuzz");
        let parsed = bounded(each * data.len() + (1 << 20), parse).map_err(|e| e.to_string());
        let Ok(arrays) = parsed else { continue };
        match &arrays {
            Arrays::Single(tensor) => check(vec![("x".into(), tensor.clone())]),
            Arrays::Named(arrays) => {
                let names: std::collections::BTreeSet<_> = arrays.iter().map(|(name, _)| name).collect();
                assert_eq!(names.len(), arrays.len());
                check(arrays.clone());
            }
        }
        match_to_inputs(arrays);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_with(data, size, max_size, |bytes| change(bytes, &mut Dice::new(seed)))
});

/// Written in each format and read, the arrays are the same.
fn check(arrays: Vec<(String, Tensor<f32>)>) {
    for (_, tensor) in &arrays {
        assert!(same(tensor, &parse_npy(&write_npy(tensor), "again").expect("as written")));
    }
    let archive = write_npz(&arrays).map(|bytes| parse_npz(&bytes, "again").expect("as written"));
    if let Ok(archive) = archive {
        assert!(all_same(&arrays, &archive));
    }
    // A list of no lists does not say how long they were; one of very many would be written at length.
    let hollow = |(_, tensor): &(_, Tensor<f32>)| tensor.data().is_empty();
    if arrays.iter().any(hollow) {
        return;
    }
    let finite = arrays.iter().all(|(_, tensor)| tensor.data().iter().all(|v| v.is_finite()));
    match write_json(&arrays) {
        Ok(text) => {
            let deep = arrays.iter().any(|(_, tensor)| tensor.shape().rank() > 120);
            match parse_json(text.as_bytes(), "again") {
                Ok(Arrays::Named(again)) => assert!(all_same(&arrays, &again)),
                other => assert!(deep, "{other:?}"),
            }
        }
        Err(error) => assert!(!finite, "{error}"),
    }
}

fn all_same(a: &[(String, Tensor<f32>)], b: &[(String, Tensor<f32>)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
}

/// Bit by bit: what is not a number is the same, too.
fn same(a: &Tensor<f32>, b: &Tensor<f32>) -> bool {
    let bits = |tensor: &Tensor<f32>| tensor.data().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    a.shape() == b.shape() && bits(a) == bits(b)
}

fn match_to_inputs(arrays: Arrays) {
    let spec = |name: &str, dims: &[usize], integer| InputSpec {
        name: name.into(),
        shape: Shape::new(dims.to_vec()).expect("small"),
        integer,
    };
    let all = [spec("x", &[2, 3], false), spec("ids", &[3], true)];
    for specs in [&all[..1], &all[1..], &all] {
        if let Ok(tensors) = inputs(arrays.clone(), specs, "fuzz") {
            assert!(tensors.iter().zip(specs).all(|(tensor, spec)| *tensor.shape() == spec.shape));
        }
        for sample in samples(arrays.clone(), specs, "fuzz").unwrap_or_default() {
            assert!(sample.iter().zip(specs).all(|(tensor, spec)| *tensor.shape() == spec.shape));
        }
    }
    let _ = labels(arrays.clone(), 3, 1, "fuzz");
    let _ = tokens(arrays, "fuzz");
}

fn begin() {
    let tensor = |dims: &[usize]| {
        let shape = Shape::new(dims.to_vec()).expect("small");
        let data = (0..shape.len()).map(|i| i as f32 / 8.0 - 1.0).collect();
        Tensor::new(shape, data).expect("as many as the shape")
    };
    let arrays = [("x".to_owned(), tensor(&[2, 3])), ("ids".to_owned(), tensor(&[3]))];
    seeds::write("named.json", write_json(&arrays).expect("finite").as_bytes());
    seeds::write("single.json", b"[[1, 2.5, -3e-4], [0, true, 4]]");
    seeds::write("two.npz", &write_npz(&arrays).expect("small"));
    for dims in [&[][..], &[4], &[2, 3], &[5, 2, 3]] {
        seeds::write(&format!("rank{}.npy", dims.len()), &write_npy(&tensor(dims)));
    }
}
