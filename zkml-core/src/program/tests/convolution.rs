//! Convolutions: invariants and bounds.

use super::*;

/// A convolution and its shortcut of stride 2 in one step, and an output of holes filled up.
pub(super) fn convolution() -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input("x", shape(&[1, 2, 4, 4]), encoding("x"));
    let term = |kernel: usize, before, weight: Tensor<i32>| {
        let axis = Axis::convolution(4, 2, kernel, (2, 1), before);
        let window = Window { height: axis, width: axis };
        Term::Correlate { view: builder.whole(x), weight, window, groups: 2 }
    };
    let terms = vec![
        term(3, 1, tensor(&[4, 1, 3, 3], (0..36).map(|w| w % 7 - 3).collect())),
        term(1, 0, tensor(&[4, 1, 1, 1], vec![1, 0, -1, 2])),
    ];
    let h = builder.affine(shape(&[4, 4]), encoding("conv"), Affine::new(terms).shift(4));
    let hole = View { tensor: h, shape: shape(&[2, 1]), index: Some(vec![View::HOLE, 15]) };
    let y = builder.affine(shape(&[2, 1]), encoding("pad"), Affine::copy(hole));
    let view = builder.whole(y);
    builder.output("y", view);
    builder.finish().expect("well-formed")
}

#[test]
fn each_violation_of_a_convolution_is_found() {
    fn change(p: &mut Program, f: impl Fn(&mut View, &mut Tensor<i32>, &mut Window, &mut usize)) {
        if let Term::Correlate { view, weight, window, groups } = &mut affine(p, 1).terms[1] {
            f(view, weight, window, groups);
        }
    }
    type Change = fn(&mut Program);
    let huge = [("convolution of", 0), ("convolution of", 3), ("convolution of", usize::MAX)];
    for (expected, groups) in huge {
        let mut program = convolution();
        change(&mut program, |_, _, _, g| *g = groups);
        assert!(program.check().expect_err("groups").to_string().contains(expected));
    }
    // Each number of each axis, by what no window has.
    type Number = fn(&mut Axis) -> &mut usize;
    let numbers: [Number; 5] = [
        |a| &mut a.input,
        |a| &mut a.output,
        |a| &mut a.kernel,
        |a| &mut a.out_step,
        |a| &mut a.in_step,
    ];
    for (i, number) in numbers.iter().enumerate() {
        for wrong in [0, 1 << 28, 1 << 40, usize::MAX, usize::MAX / 2 + 1] {
            for both in [false, true] {
                let mut program = convolution();
                change(&mut program, |_, _, window, _| {
                    *number(&mut window.width) = wrong;
                    if both {
                        *number(&mut window.height) = wrong;
                    }
                });
                let error = program.check().expect_err("a window").to_string();
                assert!(error.contains("convolution of"), "{error} for number {i} = {wrong}");
                assert!(integer::run(&program, &[tensor(&[1, 2, 4, 4], vec![0; 32])]).is_err());
            }
        }
    }
    let changes: [(&str, Change); 8] = [
        ("convolution of", |p| change(p, |_, _, window, _| window.height.origin = i64::MIN)),
        ("convolution of", |p| change(p, |_, _, window, _| window.width.slope = i64::MAX)),
        ("convolution of", |p| change(p, |view, _, _, _| view.shape = shape(&[2, 4, 4]))),
        ("convolution of", |p| change(p, |view, _, _, _| view.shape = shape(&[2, 1, 4, 4]))),
        ("convolution of", |p| {
            change(p, |_, weight, _, _| *weight = tensor(&[4, 1, 1], vec![1; 4]))
        }),
        ("convolution of", |p| {
            change(p, |_, weight, _, _| *weight = tensor(&[4, 2, 1, 1], vec![1; 8]));
        }),
        ("[2, 2, 2, 2] product beside a [1, 4, 2, 2] one", |p| {
            change(p, |view, weight, _, groups| {
                view.shape = shape(&[2, 1, 4, 4]);
                *weight = tensor(&[2, 1, 1, 1], vec![1; 2]);
                *groups = 1;
            });
        }),
        ("convolution of", |p| {
            change(p, |view, weight, _, groups| {
                // No channels.
                view.shape = shape(&[1, 0, 4, 4]);
                view.index = Some(Vec::new());
                *weight = tensor(&[4, 0, 1, 1], Vec::new());
                *groups = 1;
            });
        }),
    ];
    for (expected, change) in changes {
        let mut program = convolution();
        change(&mut program);
        let error = program.check().expect_err(expected).to_string();
        assert!(error.contains(expected), "{error} for {expected}");
    }
    // A hole is no element: an output must be stored whole.
    let mut program = convolution();
    program.outputs[0].view.index = Some(vec![0, View::HOLE]);
    assert!(program.check().expect_err("a hole").to_string().contains("no permutation"));
}

#[test]
fn the_bound_of_a_convolution_is_that_of_its_largest_channel() {
    let bounds = Bounds::new(&convolution()).expect("small");
    let channel = |o: i64| (9 * o..9 * o + 9).map(|w| (w % 7 - 3).abs()).sum::<i64>();
    let largest = (0..4).map(channel).max().expect("four") as u64;
    assert_eq!(bounds.accumulator_of(TensorId(1)), 128 * (largest + 2) + 8);
}
