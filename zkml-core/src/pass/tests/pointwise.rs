//! Element-wise expressions as one function.

use super::*;
use crate::ir::Pointwise;

fn f(b: &mut Builder, f: Activation, y: ValueId) -> ValueId {
    b.op(Op::Activation(f), &[y])
}

fn number(b: &mut Builder, value: f32) -> ValueId {
    b.constant(Tensor::scalar(value))
}

/// The one function left, and that it is an expression.
fn expression(after: &Graph) -> &Pointwise {
    match after.nodes() {
        [.., node] => match &node.op {
            Op::Activation(Activation::Pointwise(expression)) => expression,
            other => panic!("{other:?}"),
        },
        [] => panic!("no nodes"),
    }
}

/// `0.5 x (1 + tanh(0.8 (x + 0.044715 x^3)))` as PyTorch exports it.
fn tanh_gelu(b: &mut Builder, x: ValueId) -> ValueId {
    let numbers = [0.5, 0.044_715, 0.797_884_6, 1.0].map(|value| number(b, value));
    let half = b.op(Op::Mul, &[x, numbers[0]]);
    let y = b.op(Op::Mul, &[x, numbers[1]]);
    let y = b.op(Op::Mul, &[y, x]);
    let y = b.op(Op::Mul, &[y, x]);
    let y = b.op(Op::Add, &[x, y]);
    let y = b.op(Op::Mul, &[y, numbers[2]]);
    let y = f(b, Activation::Tanh, y);
    let y = b.op(Op::Add, &[y, numbers[3]]);
    b.op(Op::Mul, &[half, y])
}

#[test]
fn gelu_by_tanh_is_one_function() {
    let (mut b, x) = Builder::new(&[2, 9]);
    let y = tanh_gelu(&mut b, x);
    let after = close(b.finish(y), 1);
    let fused = Activation::Pointwise(std::sync::Arc::new(expression(&after).clone()));
    for x in [-3.0, -0.5, 0.0, 1.0, 2.5] {
        assert!((fused.eval(x) - Activation::Gelu { tanh: true }.eval(x)).abs() < 1e-6);
    }
}

#[test]
fn gelu_by_tanh_of_a_power_is_one_function() {
    // Pow(x, 3), as TensorFlow and Hugging Face write it.
    let (mut b, x) = Builder::new(&[2, 9]);
    let cube = f(&mut b, Activation::Pow { exponent: 3.0 }, x);
    let c = number(&mut b, 0.044_715);
    let y = b.op(Op::Mul, &[c, cube]);
    let y = b.op(Op::Add, &[x, y]);
    let c = number(&mut b, 0.797_884_6);
    let y = b.op(Op::Mul, &[y, c]);
    let y = f(&mut b, Activation::Tanh, y);
    let one = number(&mut b, 1.0);
    let y = b.op(Op::Add, &[one, y]);
    let y = b.op(Op::Mul, &[x, y]);
    let half = number(&mut b, 0.5);
    let y = b.op(Op::Mul, &[half, y]);
    expression(&close(b.finish(y), 1));
}

#[test]
fn gelu_by_erf_is_one_function_behind_its_layer() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let u = b.with(Op::MatMul, x, &[3, 5], 1);
    let u = b.with(Op::Add, u, &[5], 2);
    let root = number(&mut b, std::f32::consts::FRAC_1_SQRT_2);
    let y = b.op(Op::Mul, &[u, root]);
    let y = f(&mut b, Activation::Erf, y);
    let one = number(&mut b, 1.0);
    let y = b.op(Op::Add, &[y, one]);
    let y = b.op(Op::Mul, &[u, y]);
    let half = number(&mut b, 0.5);
    let y = b.op(Op::Mul, &[y, half]);
    let after = close(b.finish(y), 3);
    assert!(matches!(ops(&after)[..], [Op::MatMul, Op::Add, Op::Activation(_)]));
    expression(&after);
}

#[test]
fn gates_are_one_function() {
    let (mut b, x) = Builder::new(&[7]);
    let y = f(&mut b, Activation::Sigmoid, x);
    let y = b.op(Op::Mul, &[x, y]);
    let after = close(b.finish(y), 1);
    assert_eq!(expression(&after).to_string(), "(x * Sigmoid[x])");
    let (mut b, x) = Builder::new(&[7]);
    let y = f(&mut b, Activation::Softplus, x);
    let y = f(&mut b, Activation::Tanh, y);
    let y = b.op(Op::Mul, &[y, x]);
    let after = close(b.finish(y), 1);
    assert_eq!(expression(&after).to_string(), "(Tanh[Softplus[x]] * x)");
}

#[test]
fn chains_of_powers_share_what_they_read() {
    // x2 = x x, x4 = x2 x2, x + x2 + x4
    let (mut b, x) = Builder::new(&[7]);
    let x2 = b.op(Op::Mul, &[x, x]);
    let x4 = b.op(Op::Mul, &[x2, x2]);
    let y = b.op(Op::Add, &[x, x2]);
    let y = b.op(Op::Add, &[y, x4]);
    let after = same(b.finish(y), 1);
    assert_eq!(expression(&after).to_string(), "((x + Square[x]) + Square[Square[x]])");
}

#[test]
fn what_is_linear_before_stays_and_behind_joins() {
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = b.with(Op::MatMul, x, &[3, 5], 1);
    let c = number(&mut b, 0.5);
    let y = b.op(Op::Mul, &[y, c]);
    let gate = f(&mut b, Activation::Sigmoid, y);
    let y = b.op(Op::Mul, &[y, gate]);
    let y = b.op(Op::Mul, &[c, y]);
    let y = b.op(Op::Sub, &[c, y]);
    let after = close(b.finish(y), 2);
    assert!(matches!(ops(&after)[..], [Op::MatMul, Op::Activation(_)]));
    assert_eq!(expression(&after).to_string(), "(0.5 - (0.5 * (x * Sigmoid[x])))");
}

#[test]
fn a_function_alone_stays() {
    let (mut b, x) = Builder::new(&[7]);
    let c = number(&mut b, 0.5);
    let y = b.op(Op::Mul, &[x, c]);
    let y = f(&mut b, Activation::Tanh, y);
    let y = b.op(Op::Add, &[y, c]);
    let after = same(b.finish(y), 3);
    assert!(matches!(ops(&after)[..], [Op::Mul, Op::Activation(Activation::Tanh), Op::Add]));
}

#[test]
fn expressions_of_two_tensors_stay() {
    // SwiGLU: the gate is one function, the product with the other half is none.
    let (mut b, x) = Builder::new(&[2, 3]);
    let g = b.with(Op::MatMul, x, &[3, 5], 1);
    let u = b.with(Op::MatMul, x, &[3, 5], 2);
    let s = f(&mut b, Activation::Sigmoid, g);
    let y = b.op(Op::Mul, &[g, s]);
    let y = b.op(Op::Mul, &[y, u]);
    let after = close(b.finish(y), 4);
    let fused = |op: &&Op| matches!(op, Op::Activation(Activation::Pointwise(_)));
    assert_eq!(ops(&after).into_iter().filter(fused).count(), 1);
    assert_eq!(ops(&after).last(), Some(&&Op::Mul));
    // Constants for each channel stay beside it.
    let (mut b, x) = Builder::new(&[2, 3]);
    let y = f(&mut b, Activation::Sigmoid, x);
    let y = b.with(Op::Mul, y, &[3], 1);
    let y = b.op(Op::Mul, &[x, y]);
    let after = close(b.finish(y), 2);
    assert!(matches!(ops(&after)[..], [Op::Activation(Activation::Pointwise(_)), Op::Mul]));
}

#[test]
fn what_is_read_elsewhere_is_not_computed_twice() {
    let (mut b, x) = Builder::new(&[7]);
    let t = f(&mut b, Activation::Tanh, x);
    let y = f(&mut b, Activation::Sigmoid, t);
    let y = b.op(Op::Mul, &[t, y]);
    b.0.output("t", t);
    let after = close(b.finish(y), 2);
    assert_eq!(ops(&after)[0], &Op::Activation(Activation::Tanh));
    assert_eq!(expression(&after).to_string(), "(x * Sigmoid[x])");
    // But for a number times or plus another.
    let (mut b, x) = Builder::new(&[7]);
    let c = number(&mut b, 0.5);
    let h = b.op(Op::Mul, &[x, c]);
    let t = f(&mut b, Activation::Tanh, x);
    let y = b.op(Op::Mul, &[h, t]);
    b.0.output("h", h);
    let after = close(b.finish(y), 2);
    assert_eq!(expression(&after).to_string(), "((x * 0.5) * Tanh[x])");
}

#[test]
fn expressions_are_bounded() {
    // Each step doubles the expression: 1, 3, 7, ... and not one of 2^40.
    let (mut b, x) = Builder::new(&[2]);
    let mut y = x;
    for _ in 0..40 {
        let t = f(&mut b, Activation::Tanh, y);
        y = b.op(Op::Sub, &[t, y]);
    }
    let graph = b.finish(y);
    let before = run(&graph);
    let after = optimise(graph).expect("whole");
    assert!((2..20).contains(&after.nodes().len()), "{}", after.nodes().len());
    for (got, expected) in run(&after)[0].data().iter().zip(before[0].data()) {
        assert!((got - expected).abs() < 1e-5);
    }
}

#[test]
fn whole_numbers_stay_exact() {
    let mut b = Builder(Graph::new());
    let x = b.0.integer_input("x", Shape::new(vec![5]).expect("small"));
    let p = f(&mut b, Activation::IsPositive, x);
    let y = b.op(Op::Mul, &[p, x]);
    let after = same(b.finish(y), 2);
    assert!(after.get(after.outputs()[0].1).integer);
}

#[test]
fn a_choice_between_expressions_is_one_function() {
    // x where x > 0, else exp(x) - 1
    let (mut b, x) = Builder::new(&[9]);
    let one = number(&mut b, 1.0);
    let keep = f(&mut b, Activation::IsPositive, x);
    let drop = b.op(Op::Sub, &[one, keep]);
    let e = f(&mut b, Activation::Exp, x);
    let e = b.op(Op::Sub, &[e, one]);
    let a = b.op(Op::Mask { value: 0.0 }, &[x, keep]);
    let c = b.op(Op::Mask { value: 0.0 }, &[e, drop]);
    let y = b.op(Op::Add, &[a, c]);
    let after = close(b.finish(y), 1);
    let fused = Activation::Pointwise(std::sync::Arc::new(expression(&after).clone()));
    for x in [-3.0, -0.5, 0.0, 1.0, 2.5] {
        assert!((fused.eval(x) - Activation::Elu { alpha: 1.0 }.eval(x)).abs() < 1e-6);
    }
}

/// As long as a file may make them: in time that does not grow with the square of the length.
#[test]
fn long_chains_are_cut_into_expressions() {
    let (mut b, x) = Builder::new(&[3]);
    let mut y = x;
    for _ in 0..4000 {
        y = f(&mut b, Activation::Tanh, y);
    }
    // One leaf and 255 functions each.
    close(b.finish(y), 16);
}

#[test]
fn powers_have_names() {
    let power = |exponent: f32| vec![Activation::Pow { exponent }];
    use Activation::{Reciprocal, Rsqrt, Sqrt, Square};
    for (chain, expected) in [
        (power(2.0), Square),
        (power(0.5), Sqrt),
        (power(-0.5), Rsqrt),
        (power(-1.0), Reciprocal),
        (vec![Sqrt, Reciprocal], Rsqrt),
        (vec![Reciprocal, Sqrt], Rsqrt),
        (vec![Activation::Pow { exponent: 0.5 }, Activation::Pow { exponent: -1.0 }], Rsqrt),
    ] {
        let (mut b, x) = Builder::new(&[7]);
        let x = f(&mut b, Activation::Exp, x);
        let y = b.with(Op::Mul, x, &[7], 3);
        let y = b.op(Op::Mul, &[y, y]);
        let c = number(&mut b, 0.5);
        let y = b.op(Op::Add, &[y, c]);
        let y = chain.into_iter().fold(y, |y, g| f(&mut b, g, y));
        let graph = b.finish(y);
        let before = run(&graph);
        let after = optimise(graph).expect("whole");
        for (got, expected) in run(&after)[0].data().iter().zip(before[0].data()) {
            assert!((got - expected).abs() <= 1e-6 * expected.abs(), "{got} {expected}");
        }
        let last = expression(&after).to_string();
        assert_eq!(last, format!("{expected}[(Square[x] + 0.5)]"));
    }
    let (mut b, x) = Builder::new(&[7]);
    let y = f(&mut b, Activation::Pow { exponent: 1.0 }, x);
    same(b.finish(y), 0);
    let (mut b, x) = Builder::new(&[7]);
    let y = f(&mut b, Activation::Pow { exponent: 3.0 }, x);
    same(b.finish(y), 1);
}
