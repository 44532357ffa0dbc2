//! Plans of convolutions: strides, junk, storage.

use super::*;
use crate::testing::{Dice, encoding, random, random_windows, shape};
use zkml_core::{
    ir::{Axis, Window},
    program::{Affine, ProgramBuilder, Term, View},
};

/// A convolution of a 3 x 3 kernel with one pad around over 32 x 32.
fn convolution(stride: usize, channels: (usize, usize), groups: usize) -> Program {
    let mut dice = Dice::new(1);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, channels.0, 32, 32]), encoding("x", 6));
    let output = (32 + 2 - 3) / stride + 1;
    let axis = Axis::convolution(32, output, 3, (stride, 1), 1);
    let weight = random(&mut dice, &[channels.1, channels.0 / groups, 3, 3], 7);
    let window = Window { height: axis, width: axis };
    let term = Term::Correlate { view: b.whole(x), weight, window, groups };
    let out = shape(&[1, channels.1, output, output]);
    let y = b.affine(out, encoding("conv", 12), Affine::new(vec![term]).shift(2));
    let view = b.whole(y);
    b.output("y", view);
    b.finish().expect("a program")
}

fn plan(program: &Program, lanes: usize, policy: LayoutPolicy) -> Plan {
    let profile = Profile::new(lanes, 1, 32, 1).expect("a machine");
    Plan::with_policy(program, profile, Visibility::Private, policy).expect("fits")
}

fn junk(plan: &Plan) -> usize {
    plan.rows.vector.iter().filter(|row| row.junk != 0).count()
}

/// The numbers of machine.md 4.3: junk does not grow with the channels.
#[test]
fn junk_is_one_cell_an_exponent_of_a_layer() {
    for (stride, expected) in [(1, 99), (2, 867)] {
        for (channels, groups) in [((1, 1), 1), ((3, 5), 1), ((4, 4), 4)] {
            let plan = plan(&convolution(stride, channels, groups), 8, LayoutPolicy::Balanced);
            assert_eq!(junk(&plan), expected, "stride {stride}, {channels:?}");
            assert!(matches!(plan.layouts[0].arrangement, Arrangement::Frame(33)));
        }
    }
}

/// A depthwise layer costs no weight segment: its taps are constants of vector rows.
#[test]
fn depthwise_kernels_are_constants() {
    let plan = plan(&convolution(1, (4, 4), 4), 8, LayoutPolicy::Balanced);
    let weights = plan.rows.groups.iter().filter(|g| !g.weights.is_empty()).count();
    // The rounding constants of the four channels.
    assert_eq!(weights, 1);
    assert!(plan.scalars.is_empty());
}

#[test]
fn policies_choose_frames_or_rows() {
    let program = convolution(1, (2, 3), 1);
    let frames = plan(&program, 8, LayoutPolicy::Frames);
    let rows = plan(&program, 8, LayoutPolicy::Rows);
    for tensor in 0..2 {
        assert!(matches!(frames.layouts[tensor].arrangement, Arrangement::Frame(33)));
        let expected = Arrangement::Rows { spacing: 1, piece: 32 };
        assert_eq!(rows.layouts[tensor].arrangement, expected);
    }
    assert!(rows.rows.vector.len() > frames.rows.vector.len());
    assert!(rows.rows.groups.len() < frames.rows.groups.len());
    let summaries = rows.layout_summaries(&program);
    assert_eq!(
        summaries[1].to_string(),
        "`conv`: 1 x 3 channels of 32 x 32, a segment an image row; 96 segments in 384 groups, 0 lanes empty"
    );
    assert_eq!((summaries[0].groups, summaries[0].empty), (256, 0));
}

/// The rows of a strided layer's outputs lie apart where they are made, every second position too.
#[test]
fn strided_outputs_are_stored_by_rows_and_read_with_the_square() {
    let plan = plan(&convolution(2, (1, 2), 1), 8, LayoutPolicy::Balanced);
    let expected = Arrangement::Rows { spacing: 1, piece: 16 };
    assert_eq!(plan.layouts[1].arrangement, expected);
    let first = plan.layouts[1].segments[0].group;
    assert_eq!(plan.rows.groups[first].output, Some(Base::LambdaSquared));
}

/// A matrix product over many rows, which is what 1x1 convolutions and patch embeddings become, has
/// neither junk nor scalars.
#[test]
fn one_tap_has_no_junk() {
    let mut dice = Dice::new(3);
    let mut b = ProgramBuilder::new();
    let x = b.input("x", shape(&[1, 3, 5, 4]), encoding("x", 6));
    let (_, index) = shape(&[1, 3, 20]).transpose_map(&[0, 2, 1]).expect("three axes");
    let view = View { tensor: x, shape: shape(&[20, 3]), index: Some(index) };
    let weight = random(&mut dice, &[3, 6], 7);
    let y = b.affine(
        shape(&[20, 6]),
        encoding("pointwise", 12),
        Affine::new(vec![Term::Contract { view, weight }]).shift(1),
    );
    let view = b.whole(y);
    b.output("y", view);
    let plan = plan(&b.finish().expect("a program"), 8, LayoutPolicy::Balanced);
    assert_eq!((junk(&plan), plan.scalars.len()), (0, 0));
    assert_eq!(plan.layouts[0].image, [1, 3, 1, 20]);
}

/// Convolutions over the whole attribute space are read by whole segments, but for strides above 2
/// and what is flattened.
#[test]
fn plans_of_windows_are_deterministic_and_lint_under_every_policy() {
    for seed in 0..30 {
        let program = random_windows(seed, 2);
        for policy in LayoutPolicy::ALL {
            let one = plan(&program, 8, policy);
            assert_eq!(one, plan(&program, 8, policy));
            crate::lint::lint(&program, &one).unwrap_or_else(|e| panic!("{seed} {policy:?}: {e}"));
        }
    }
}

/// Programs come from files: absurd windows are refused at once.
#[test]
fn windows_without_bounds_are_refused() {
    let with = |input: usize, output: usize, in_step: usize, out_step: usize, origin: i64| {
        let mut b = ProgramBuilder::new();
        let x = b.input("x", shape(&[1, 1, input, input]), encoding("x", 4));
        let slope = -1;
        let axis = Axis { input, output, kernel: 1, out_step, in_step, origin, slope };
        let window = Window { height: axis, width: axis };
        let weight = random(&mut Dice::new(1), &[1, 1, 1, 1], 3);
        let term = Term::Correlate { view: b.whole(x), weight, window, groups: 1 };
        let out = shape(&[1, 1, output, output]);
        let y = b.affine(out, encoding("y", 8), Affine::new(vec![term]));
        let view = b.whole(y);
        b.output("y", view);
        let profile = Profile::standard()[0];
        Plan::new(&b.finish().expect("a program"), profile, Visibility::Private)
    };
    assert!(with(8, 8, 1, 1, 0).is_ok());
    for (input, output, in_step, out_step, origin) in [
        (8, 8, 1 << 20, 1, 0),
        (8, 8, 1, 1 << 20, 0),
        (8, 8, 1 << 20, 1 << 20, 1 << 20),
        (2, 2, 1, 1, -(1 << 20)),
        (2, 1 << 11, 1, 1, 0),
    ] {
        let refused = with(input, output, in_step, out_step, origin);
        assert!(matches!(refused, Err(PlanError::Unsupported { .. })), "{refused:?}");
    }
}
