//! Functions whose tables have a domain of their own.

use super::*;

fn positive(w: &mut Writer, dims: &[usize]) -> ValueId {
    let x = w.input(dims);
    let two = w.constant(Tensor::scalar(2.0));
    w.op(Op::Add, &[x, two])
}

#[test]
fn singular_functions_have_the_calibrated_domain() {
    for f in [
        Activation::Reciprocal,
        Activation::Rsqrt,
        Activation::Sqrt,
        Activation::Log,
        Activation::Exp,
        Activation::Pow { exponent: -1.5 },
        Activation::Pow { exponent: 0.5 },
    ] {
        let mut w = Writer::default();
        let x = positive(&mut w, &[40]);
        let y = w.op(Op::Activation(f.clone()), &[x]);
        w.output(y);
        close(&w.graph);
        let (_, Compiled { program, .. }) = compiled(&w.graph, 10);
        let table = &program.tables[0];
        assert!(table.values.len() <= 1024, "{f}: {}", table.values.len());
        // Arguments from 1 to 3, with room: none near 0, and some beyond the samples.
        let last = table.first + table.values.len() as i32 - 1;
        let ratio = f64::from(table.first) / f64::from(last);
        assert!((0.1..0.3).contains(&ratio), "{f}: {} to {last}", table.first);
        let far = Tensor::new(shape(&[40]), vec![9.0; 40]).expect("forty");
        assert!(run(&program, &[far]).is_err());
    }
}

#[test]
fn a_function_of_a_range_around_its_pole_is_refused() {
    let mut w = Writer::default();
    let x = w.input(&[40]);
    let y = w.op(Op::Activation(Activation::Reciprocal), &[x]);
    w.output(y);
    assert!(matches!(refused(&w.graph), QuantError::Table { origin, .. } if origin.node == "v1"));
}

#[test]
fn a_domain_beyond_every_table_is_refused_unseen() {
    let mut w = Writer::default();
    let x = w.input(&[4]);
    let huge = w.constant(Tensor::scalar(3e38));
    let sum = w.op(Op::Add, &[x, huge]);
    let y = w.op(Op::Activation(Activation::Sqrt), &[sum]);
    w.output(y);
    let error = refused(&w.graph).to_string();
    assert!(error.contains("as arguments of a table"), "{error}");
}

#[test]
fn a_function_that_only_zeros_multiply_has_a_scale() {
    for f in [Activation::Exp, Activation::Square] {
        let mut w = Writer::default();
        let x = w.input(&[3, 8]);
        let y = w.op(Op::Activation(f), &[x]);
        let zeros = w.constant(Tensor::new(shape(&[8, 1]), vec![0.0; 8]).expect("eight"));
        let nothing = w.op(Op::MatMul, &[y, zeros]);
        let ones = w.constant(Tensor::new(shape(&[8, 1]), vec![1.0; 8]).expect("eight"));
        let sum = w.op(Op::MatMul, &[x, ones]);
        let sum = w.op(Op::Add, &[nothing, sum]);
        w.output(sum);
        let program = close(&w.graph).program;
        assert!(program.tensors.iter().all(|tensor| tensor.scale.0.abs() <= 100));
    }
}

#[test]
fn squares_are_exact_and_wide() {
    let mut w = Writer::default();
    let x = w.input(&[3, 8]);
    let y = w.op(Op::Activation(Activation::Square), &[x]);
    let mean = w.constant(Tensor::new(shape(&[8, 1]), vec![0.125; 8]).expect("eight"));
    let m = w.op(Op::MatMul, &[y, mean]);
    w.output(m);
    w.output(y);
    let program = close(&w.graph).program;
    assert!(program.tables[0].values.iter().any(|v| *v > 1 << 16));
    // The output gets a tensor of 16 bits.
    assert_eq!(kinds(&program), ["input", "scale>table", "contract", "scale"]);
}

#[test]
fn a_normalisation_is_five_steps() {
    let mut w = Writer::default();
    let x = w.input(&[5, 16]);
    let ones = w.constant(Tensor::new(shape(&[16, 1]), vec![0.0625; 16]).expect("sixteen"));
    let mean = w.op(Op::MatMul, &[x, ones]);
    let centred = w.op(Op::Sub, &[x, mean]);
    let square = w.op(Op::Activation(Activation::Square), &[centred]);
    let variance = w.op(Op::MatMul, &[square, ones]);
    let epsilon = w.constant(Tensor::scalar(1e-5));
    let variance = w.op(Op::Add, &[variance, epsilon]);
    let inverse = w.op(Op::Activation(Activation::Rsqrt), &[variance]);
    let normal = w.op(Op::Mul, &[centred, inverse]);
    let gamma = w.constant(random(&[16], 3).map(|v| v / 4.0 + 1.0));
    let y = w.op(Op::Mul, &[normal, gamma]);
    let y = w.linear(y, [16, 4], 4);
    w.output(y);
    let program = close(&w.graph).program;
    let expected = [
        "input",
        "contract",
        "scale+scale",
        "scale>table",
        "contract+bias>table",
        "product",
        "contract+bias",
    ];
    let kinds = kinds(&program);
    assert_eq!(kinds, expected);
}

#[test]
fn equal_functions_of_close_ranges_share_a_table() {
    let mut w = Writer::default();
    let x = w.input(&[30]);
    let sum = |w: &mut Writer, x, by: f32| {
        let c = w.constant(Tensor::scalar(by));
        w.op(Op::Add, &[x, c])
    };
    for by in [2.0, 2.5, 3.0] {
        let h = sum(&mut w, x, by);
        let y = w.op(Op::Activation(Activation::Rsqrt), &[h]);
        w.output(y);
    }
    let (_, Compiled { program, .. }) = compiled(&w.graph, 10);
    assert_eq!(program.tables.len(), 1);
}
