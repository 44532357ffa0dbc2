use super::*;
use crate::{
    exec::integer,
    ir::{Axis, Origin, Window},
    tensor::{Shape, Tensor},
};
use proptest::prelude::*;

fn shape(dims: &[usize]) -> Shape {
    Shape::new(dims.to_vec()).expect("small")
}

fn tensor<T>(dims: &[usize], data: Vec<T>) -> Tensor<T> {
    Tensor::new(shape(dims), data).expect("its length")
}

fn encoding(node: &str) -> Encoding {
    Encoding {
        bits: Bits::new(8).expect("a width"),
        scale: Scale(4),
        origin: Origin { node: node.into(), op: "Gemm".into(), opset: 13 },
    }
}

/// Input, two products and a residual with a table, an output read through a transposition.
fn good() -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input("x", shape(&[2, 3]), encoding("x"));
    let bits = Bits::new(8).expect("a width");
    let table = builder.table(Table::tabulate("Relu", bits.range(), |v| v.max(0)));
    let weight = tensor(&[3, 2], vec![1, -2, 3, 4, -5, 6]);
    let corner = View { tensor: x, shape: shape(&[2, 2]), index: Some(vec![0, 1, 3, 4]) };
    let affine = Affine::new(vec![
        Term::Contract { view: builder.whole(x), weight: weight.clone() },
        Term::Contract { view: builder.whole(x), weight },
        Term::Scale { view: corner, factor: tensor(&[2, 2], vec![1, 2, 3, 4]) },
    ])
    .bias(Tensor::scalar(5))
    .shift(4)
    .table(table);
    let h = builder.affine(shape(&[2, 2]), encoding("fc"), affine);
    let copy = Affine::copy(builder.whole(h));
    let y = builder.affine(shape(&[2, 2]), encoding("copy"), copy);
    builder.output("y", View { tensor: y, shape: shape(&[2, 2]), index: Some(vec![0, 2, 1, 3]) });
    builder.finish().expect("well-formed")
}

fn affine(program: &mut Program, id: usize) -> &mut Affine {
    match &mut program.tensors[id].step {
        Step::Affine(affine) => affine,
        Step::Input(_) => panic!("an input"),
    }
}

fn view(term: &mut Term) -> &mut View {
    match term {
        Term::Contract { view, .. }
        | Term::Scale { view, .. }
        | Term::Correlate { view, .. }
        | Term::Product { left: view, .. } => view,
    }
}

#[test]
fn each_violation_is_found_and_named() {
    type Change = fn(&mut Program);
    let changes: [(&str, Change); 34] = [
        ("no inputs", |p| p.inputs.clear()),
        ("no outputs", |p| p.outputs.clear()),
        ("without a name", |p| p.inputs[0].name.clear()),
        ("two outputs named `y`", |p| p.outputs.push(p.outputs[0].clone())),
        ("is not input 0", |p| p.inputs[0].tensor = TensorId(1)),
        ("is not input 0", |p| p.inputs[0].tensor = TensorId(99)),
        ("no input 1 declares it", |p| p.tensors[2].step = Step::Input(1)),
        ("no input 0 declares it", |p| p.tensors[2].step = Step::Input(0)),
        ("no values", |p| p.tables[0].values.clear()),
        ("domain [-32769, -32514] does not fit 16 bits", |p| p.tables[0].first = -32769),
        ("domain [32513, 32768] does not fit 16 bits", |p| p.tables[0].first = 32513),
        ("domain [2147483647, 2147483902] does", |p| p.tables[0].first = i32::MAX),
        ("does not fit 16 bits", |p| p.tables[0].values = vec![0; (1 << 16) + 1]),
        ("a table of [-127, 128] for values of 8 bits", |p| p.tables[0].first += 1),
        ("a table of [-129, 126] for values of 8 bits", |p| p.tables[0].first -= 1),
        ("occurs twice", |p| p.tables.push(Table { name: "other".into(), ..p.tables[0].clone() })),
        ("has no elements", |p| p.tensors[0].shape = shape(&[2, 0])),
        ("scale", |p| p.tensors[1].scale = Scale(i32::MIN)),
        ("no terms", |p| affine(p, 1).terms.clear()),
        ("shift 17", |p| affine(p, 1).shift = 17),
        ("not an earlier one", |p| view(&mut affine(p, 1).terms[0]).tensor = TensorId(1)),
        ("not an earlier one", |p| view(&mut affine(p, 1).terms[0]).tensor = TensorId(usize::MAX)),
        ("without index", |p| view(&mut affine(p, 1).terms[2]).index = None),
        ("with 1 indices", |p| view(&mut affine(p, 1).terms[2]).index = Some(vec![0])),
        ("element 6 of 6", |p| view(&mut affine(p, 1).terms[2]).index = Some(vec![0, 1, 2, 6])),
        ("product of [6] and [3, 2]", |p| view(&mut affine(p, 1).terms[0]).shape = shape(&[6])),
        ("product of [3, 2] and [3, 2]", |p| {
            view(&mut affine(p, 1).terms[0]).shape = shape(&[3, 2]);
        }),
        ("[1, 4] product beside a [2, 2] one", |p| {
            let x = View { tensor: TensorId(0), shape: shape(&[1, 6]), index: None };
            affine(p, 1).terms[1] =
                Term::Contract { view: x, weight: tensor(&[6, 4], vec![1; 24]) };
        }),
        ("factor of shape [4]", |p| {
            if let Term::Scale { factor, .. } = &mut affine(p, 1).terms[2] {
                *factor = tensor(&[4], vec![1; 4]);
            }
        }),
        ("summand of shape [4]", |p| view(&mut affine(p, 2).terms[0]).shape = shape(&[4])),
        ("bias of shape [2]", |p| affine(p, 1).bias = Some(tensor(&[2], vec![1, 2]))),
        ("there is no table 1", |p| affine(p, 1).table = Some(TableId(1))),
        ("a table of [-128, 127] for values of 7 bits", |p| {
            p.tensors[1].bits = Bits::new(7).expect("a width");
        }),
        ("is no permutation", |p| p.outputs[0].view.index = Some(vec![0, 2, 1, 1])),
    ];
    for (expected, change) in changes {
        let mut program = good();
        change(&mut program);
        let error = program.check().expect_err(expected);
        assert!(error.to_string().contains(expected), "{error} for {expected}");
        assert!(integer::run(&program, &[tensor(&[2, 3], vec![0; 6])]).is_err());
    }
    let mut program = good();
    program.outputs[0].view.tensor = TensorId(0);
    program.outputs[0].view.index = Some(vec![0, 2, 1, 5]);
    assert!(program.check().expect_err("an input").to_string().contains("an input"));
    let mut program = good();
    program.outputs.push(OutputDecl { name: "z".into(), ..program.outputs[0].clone() });
    assert!(program.check().expect_err("shared").to_string().contains("shares tensor 2"));
}

#[test]
fn the_bound_counts_every_summand_at_its_worst() {
    let bounds = Bounds::new(&good()).expect("small");
    // Columns of weights: 1 + 3 + 5 and 2 + 4 + 6, twice, at 128; factor 4 at 128; bias 5; half 8.
    assert_eq!(bounds.accumulator_of(TensorId(1)), 128 * (24 + 4) + 5 + 8);
    assert_eq!(bounds.values_of(TensorId(1)), (0, 127));
    assert_eq!(bounds.accumulator_of(TensorId(2)), 127);
    assert_eq!(bounds.largest(), 128 * 28 + 13);
}

#[test]
fn a_bound_of_two_to_the_62_is_refused() {
    for (bias, fits) in [((1i64 << 62) - 1 - 128 * 28 - 8, true), ((1 << 62) - 128 * 28 - 8, false)]
    {
        for sign in [1, -1] {
            let mut program = good();
            affine(&mut program, 1).bias = Some(tensor(&[2, 2], vec![0, 0, sign * bias, 0]));
            program.check().expect("well-formed");
            match Bounds::new(&program) {
                Ok(bounds) => assert!(fits && bounds.largest() == (1 << 62) - 1),
                Err(error) => {
                    assert!(!fits && error.bound == 1 << 62 && error.origin.node == "fc");
                    assert!(error.to_string().contains("4611686018427387904"), "{error}");
                    let zeros = [tensor(&[2, 3], vec![0; 6])];
                    assert!(integer::run(&program, &zeros).is_err());
                }
            }
        }
    }
    let mut program = good();
    affine(&mut program, 1).bias = Some(Tensor::scalar(i64::MIN));
    assert!(Bounds::new(&program).is_err());
    let weight = tensor(&[3, 2], vec![i32::MIN; 6]);
    affine(&mut program, 1).bias = None;
    for _ in 0..100 {
        let x = View { tensor: TensorId(0), shape: shape(&[2, 3]), index: None };
        affine(&mut program, 1).terms.push(Term::Contract { view: x, weight: weight.clone() });
    }
    // 3 x 100 products of 2^31 and 2^7: far below, and summed without overflow.
    assert!(Bounds::new(&program).expect("fits").largest() > 1 << 46);
}

#[test]
fn programs_survive_serialisation() {
    let program = good();
    let bytes = postcard::to_stdvec(&program).expect("writes");
    assert_eq!(postcard::from_bytes::<Program>(&bytes).as_ref(), Ok(&program));
    let text = serde_json::to_string(&program).expect("writes");
    assert_eq!(serde_json::from_str::<Program>(&text).expect("reads"), program);
    // Widths, shapes and lengths are checked as they are read.
    for (from, to) in [
        ("\"bits\":8", "\"bits\":0"),
        ("\"bits\":8", "\"bits\":17"),
        ("\"shape\":[2,3]", "\"shape\":[4294967296,4294967296]"),
        ("\"data\":[1,-2,3,4,-5,6]", "\"data\":[1,-2,3,4,-5]"),
    ] {
        assert!(text.contains(from));
        assert!(serde_json::from_str::<Program>(&text.replacen(from, to, 1)).is_err(), "{to}");
    }
}

/// A convolution and its shortcut of stride 2 in one step, and an output of holes filled up.
fn convolution() -> Program {
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

#[test]
fn a_table_may_have_a_domain_inside_its_tensors_range() {
    for (first, last) in [(-128, 127), (-128, -128), (127, 127), (-3, 90)] {
        let mut program = good();
        program.tables[0] = Table::tabulate("Relu", first..=last, |v| v.max(0));
        program.check().expect("inside");
        assert_eq!(
            Bounds::new(&program).expect("small").values_of(TensorId(1)),
            (first.max(0).into(), last.max(0).into())
        );
    }
}

#[test]
fn what_is_public_has_values_of_16_bits() {
    // The table of an inner tensor may be wide, that of an output not: two values of one digit.
    for (value, digit) in [
        (32767, true),
        (-32768, true),
        (32768, false),
        (-32769, false),
        (i32::MAX, false),
        (i32::MIN, false),
    ] {
        let mut program = good();
        program.tables[0].values[200] = value;
        program.check().expect("not public");
        assert!(Bounds::new(&program).is_ok());
        affine(&mut program, 2).table = Some(TableId(0));
        match program.check() {
            Ok(()) => assert!(digit),
            Err(error) => {
                assert!(!digit);
                assert!(error.to_string().contains("not of 16 bits"), "{error}");
            }
        }
    }
}

/// Scores `q k^T` and `e v` of two heads beside a contraction, and a product of one tensor with
/// itself.
fn products() -> Program {
    let mut builder = ProgramBuilder::new();
    let x = builder.input("x", shape(&[2, 3, 4]), encoding("x"));
    let (transposed, index) = shape(&[2, 3, 4]).transpose_map(&[0, 2, 1]).expect("three axes");
    let right = View { tensor: x, shape: transposed, index: Some(index) };
    let scores = Affine::new(vec![
        Term::Product { left: builder.whole(x), right, factor: -2 },
        Term::Contract {
            view: builder.reshaped(x, shape(&[6, 4])),
            weight: tensor(&[4, 3], vec![1; 12]),
        },
    ]);
    let s = builder.affine(shape(&[2, 3, 3]), encoding("scores"), scores.shift(9));
    let (left, right) = (builder.whole(s), builder.whole(x));
    let mix = Affine::new(vec![Term::Product { left, right, factor: 1 }]);
    let y = builder.affine(shape(&[6, 4]), encoding("mix"), mix.shift(9));
    let view = builder.whole(y);
    builder.output("y", view);
    builder.finish().expect("well-formed")
}

#[test]
fn each_violation_of_a_product_is_found() {
    fn change(p: &mut Program, f: impl Fn(&mut View, &mut View, &mut i32)) {
        if let Term::Product { left, right, factor } = &mut affine(p, 1).terms[0] {
            f(left, right, factor);
        }
    }
    type Change = fn(&mut Program);
    let changes: [(&str, Change); 15] = [
        ("factor 0", |p| change(p, |_, _, factor| *factor = 0)),
        ("not an earlier one", |p| change(p, |_, right, _| right.tensor = TensorId(1))),
        ("not an earlier one", |p| change(p, |left, _, _| left.tensor = TensorId(usize::MAX))),
        ("view reads element 24 of 24", |p| {
            change(p, |_, right, _| right.index = Some([vec![0; 23], vec![24]].concat()));
        }),
        ("with 1 indices", |p| change(p, |_, right, _| right.index = Some(vec![0]))),
        ("without index", |p| change(p, |left, _, _| left.shape = shape(&[2, 3, 5]))),
        // Heads, inner axes, axes at all, and the result.
        ("product of", |p| change(p, |left, _, _| left.shape = shape(&[1, 6, 4]))),
        ("product of", |p| change(p, |_, right, _| right.shape = shape(&[2, 3, 4]))),
        ("product of", |p| change(p, |left, _, _| left.shape = shape(&[6, 4]))),
        ("product of", |p| change(p, |_, right, _| right.shape = shape(&[24]))),
        ("product of", |p| {
            change(p, |left, right, _| {
                left.shape = shape(&[2, 4, 3]);
                right.shape = shape(&[2, 3, 4]);
            });
        }),
        // As many results as wanted of no products at all.
        ("product of", |p| {
            change(p, |left, right, _| {
                (left.shape, left.index) = (shape(&[2, 3, 0]), Some(Vec::new()));
                (right.shape, right.index) = (shape(&[2, 0, 3]), Some(Vec::new()));
            });
        }),
        // The largest there are: `b i` and `j` below 2^28 each.
        ("product of", |p| {
            change(p, |left, right, _| {
                (left.shape, left.index) = (shape(&[1, 24, 1]), None);
                (right.shape, right.index) = (shape(&[1, 1, 24]), None);
            });
        }),
        ("[3, 6] product beside a [6, 3] one", |p| {
            let view = View { tensor: TensorId(0), shape: shape(&[3, 8]), index: None };
            affine(p, 1).terms[1] = Term::Contract { view, weight: tensor(&[8, 6], vec![1; 48]) };
        }),
        ("a product in a batch of 1 beside one of 2", |p| {
            let left = View { tensor: TensorId(0), shape: shape(&[1, 6, 4]), index: None };
            let right = View { shape: shape(&[1, 4, 3]), index: Some(vec![0; 12]), ..left.clone() };
            affine(p, 1).terms[1] = Term::Product { left, right, factor: 1 };
        }),
    ];
    for (expected, change) in changes {
        let mut program = products();
        change(&mut program);
        let error = program.check().expect_err(expected).to_string();
        assert!(error.contains(expected), "{error} for {expected}");
        assert!(integer::run(&program, &[tensor(&[2, 3, 4], vec![0; 24])]).is_err());
    }
}

#[test]
fn the_bound_of_a_product_is_that_of_its_operands_worst() {
    let bounds = Bounds::new(&products()).expect("small");
    // Factor 2, four products of 128 and 128; four of 128 by 1; half of 2^9.
    assert_eq!(bounds.accumulator_of(TensorId(1)), 2 * 4 * 128 * 128 + 4 * 128 + 256);
    assert_eq!(bounds.accumulator_of(TensorId(2)), 3 * 128 * 128 + 256);
    // Tables of 32 bits: 2^31 2^31 is too much for one product, and any number of terms is no
    // overflow of the bound itself.
    let mut program = products();
    program.tables.push(Table::tabulate("Wide", -128..=127, |_| i32::MIN));
    affine(&mut program, 1).table = Some(TableId(0));
    assert_eq!(
        Bounds::new(&program).expect("2^31 2^7").accumulator_of(TensorId(2)),
        (3 << 38) + 256
    );
    let square = |factor| Term::Product {
        left: View { tensor: TensorId(1), shape: shape(&[2, 3, 3]), index: None },
        right: View { tensor: TensorId(1), shape: shape(&[2, 3, 3]), index: None },
        factor,
    };
    program.tensors[2].shape = shape(&[2, 3, 3]);
    program.outputs[0].view.shape = shape(&[2, 3, 3]);
    affine(&mut program, 2).terms = vec![square(1)];
    program.check().expect("well-formed");
    let error = Bounds::new(&program).expect_err("3 2^62");
    assert_eq!((error.tensor, error.bound), (TensorId(2), (3 << 62) + 256));
    affine(&mut program, 2).terms = vec![square(i32::MIN); 1 << 10];
    assert!(Bounds::new(&program).expect_err("3 2^103").bound >= 3 << 103);
}

proptest! {
    /// Whatever bytes a file holds: an error, or a program that runs or refuses without panic.
    #[test]
    fn hostile_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in 0..3usize,
    ) {
        let program = [good, convolution, products][kind]();
        let mut bytes = postcard::to_stdvec(&program).expect("writes");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let Ok(program) = postcard::from_bytes::<Program>(&bytes) else { return Ok(()) };
        if program.check().is_ok() {
            let input = |decl: &InputDecl| {
                let shape = program.tensors[decl.tensor.0].shape.clone();
                let len = shape.len();
                Tensor::new(shape, vec![0i64; len]).expect("its length")
            };
            let inputs: Vec<_> = program.inputs.iter().map(input).collect();
            let _ = integer::run(&program, &inputs);
        }
    }
}
