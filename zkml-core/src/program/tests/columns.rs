//! Inputs that are columns of one.

use super::*;
use crate::program::{Columns, Encoding, InputKind, ProgramBuilder};

fn part(width: usize, columns: &[u32]) -> InputKind {
    InputKind::Columns(Columns { input: "x".into(), width, columns: columns.to_vec() })
}

fn kinds(kinds: &[(&str, InputKind)], dims: &[&[usize]]) -> Result<Program, ProgramError> {
    let origin = Origin { node: "n".into(), op: "Input".into(), opset: 0 };
    let bits = Bits::new(8).expect("a width");
    let encoding = Encoding { bits, scale: Scale(0), origin };
    let mut builder = ProgramBuilder::new();
    for ((name, kind), dims) in kinds.iter().zip(dims) {
        builder.input_of(*name, shape(dims), encoding.clone(), kind.clone());
    }
    let first = View { tensor: TensorId(0), shape: shape(dims[0]), index: None };
    let y = builder.affine(shape(dims[0]), encoding, Affine::copy(first));
    builder.output("y", View { tensor: y, shape: shape(dims[0]), index: None });
    builder.finish()
}

#[test]
fn columns_are_given_as_one_input() {
    let inputs = [
        ("a", InputKind::Real),
        ("p", part(4, &[0, 2, 3])),
        ("q", part(4, &[1])),
        ("ids", InputKind::Whole),
    ];
    let program = kinds(&inputs, &[&[5], &[2, 3], &[2, 1], &[3]]).expect("well-formed");
    let given = program.given();
    let given: Vec<_> =
        given.iter().map(|g| (g.name, g.shape.dims(), g.integer, g.parts.len())).collect();
    assert_eq!(
        given,
        [("a", &[5][..], false, 1), ("x", &[2, 4], false, 2), ("ids", &[3], true, 1)]
    );
}

#[test]
fn parts_that_are_not_all_columns_once_are_refused() {
    let two = |a: InputKind, b: InputKind| kinds(&[("p", a), ("q", b)], &[&[2, 2], &[2, 1]]);
    two(part(3, &[0, 2]), part(3, &[1])).expect("well-formed");
    let wrong = [
        two(part(3, &[0, 1]), part(3, &[1])),
        two(part(4, &[0, 2]), part(4, &[1])),
        two(part(3, &[0, 2]), part(4, &[1])),
        two(part(3, &[0, 3]), part(3, &[1])),
        two(part(3, &[2, 0]), part(3, &[1])),
        two(part(3, &[0, 1, 2]), part(3, &[])),
        two(part(3, &[0, u32::MAX]), part(3, &[1])),
        two(part(usize::MAX, &[0, 2]), part(usize::MAX, &[1])),
        kinds(&[("p", part(3, &[0, 2]))], &[&[2, 2]]),
        kinds(&[("p", part(3, &[0, 2])), ("q", part(3, &[1]))], &[&[2, 2], &[3, 1]]),
        kinds(&[("p", part(3, &[0, 2])), ("q", part(3, &[1]))], &[&[2, 2], &[2]]),
        kinds(
            &[("p", part(3, &[0, 2])), ("b", InputKind::Real), ("q", part(3, &[1]))],
            &[&[2, 2], &[1], &[2, 1]],
        ),
        // The name of another input.
        kinds(&[("x", InputKind::Real), ("q", part(1, &[0]))], &[&[1], &[2, 1]]),
    ];
    for (i, program) in wrong.into_iter().enumerate() {
        let error = program.expect_err("not the columns").to_string();
        assert!(error.contains("are not its columns") || error.contains("twice"), "{i}: {error}");
    }
}

#[test]
fn names_say_which_columns_and_end() {
    let name = |columns: &[u32]| match part(9, columns) {
        InputKind::Columns(of) => of.name(),
        _ => String::new(),
    };
    assert_eq!(name(&[3]), "x[3]");
    assert_eq!(name(&[0, 1, 2, 5, 7, 8]), "x[0-2,5,7-8]");
    let many: Vec<u32> = (0..1000).map(|i| 2 * i).collect();
    let long = name(&many);
    assert!(long.starts_with("x[0,2,4,") && long.ends_with(",..]") && long.len() < 64, "{long}");
}

/// Programs of before there were columns are read as they were: a flag, and now a kind.
#[test]
fn real_and_whole_inputs_are_written_as_a_flag() {
    for (kind, flag) in [(InputKind::Real, false), (InputKind::Whole, true)] {
        let [kind, flag] = [postcard::to_allocvec(&kind), postcard::to_allocvec(&flag)];
        assert_eq!(kind.expect("encodes"), flag.expect("encodes"));
    }
}
