use super::*;
use crate::{
    exec::integer,
    ir::{Axis, Origin, Window},
    tensor::{Shape, Tensor},
};
use proptest::prelude::*;

mod columns;
mod convolution;
mod product;

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

proptest! {
    /// Whatever bytes a file holds: an error, or a program that runs or refuses without panic.
    #[test]
    fn hostile_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in 0..3usize,
    ) {
        let program = [good, convolution::convolution, product::products][kind]();
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
