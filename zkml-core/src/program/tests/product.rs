//! Products of two activations: invariants and bounds.

use super::*;

/// Scores `q k^T` and `e v` of two heads beside a contraction, and a product of one tensor with
/// itself.
pub(super) fn products() -> Program {
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
