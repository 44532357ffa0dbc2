//! Products of two activations.

use super::*;

fn products(program: &Program) -> Vec<[usize; 4]> {
    let of = |term: &Term| match term {
        Term::Product { left, right, .. } => {
            let (l, r) = (left.shape.dims(), right.shape.dims());
            assert_eq!((l[0], l[2]), (r[0], r[1]));
            Some([l[0], l[1], l[2], r[2]])
        }
        _ => None,
    };
    let steps = program.tensors.iter().filter_map(|tensor| match &tensor.step {
        Step::Affine(affine) => Some(affine),
        Step::Input(_) => None,
    });
    steps.flat_map(|affine| affine.terms.iter().filter_map(of)).collect()
}

#[test]
fn matrix_products_follow_numpy() {
    for (left, right, expected) in [
        (&[3, 4][..], &[4, 5][..], [1, 3, 4, 5]),
        (&[2, 3, 4], &[2, 4, 5], [2, 3, 4, 5]),
        // Batch axes of the left operand alone are rows.
        (&[2, 3, 4], &[4, 5], [1, 6, 4, 5]),
        (&[2, 3, 4], &[1, 4, 5], [1, 6, 4, 5]),
        (&[3, 4], &[2, 4, 5], [2, 3, 4, 5]),
        (&[2, 1, 3, 4], &[3, 4, 2], [6, 3, 4, 2]),
        (&[4], &[4, 5], [1, 1, 4, 5]),
        (&[3, 4], &[4], [1, 3, 4, 1]),
        (&[4], &[4], [1, 1, 4, 1]),
    ] {
        let mut w = Writer::default();
        let (a, b) = (w.input(left), w.input(right));
        let y = w.op(Op::MatMul, &[a, b]);
        w.output(y);
        assert_eq!(products(&close(&w.graph).program), [expected], "{left:?} {right:?}");
    }
}

#[test]
fn a_product_of_a_tensor_with_itself_reads_it_twice() {
    let mut w = Writer::default();
    let x = w.input(&[3, 4]);
    let turned = w.op(Op::Transpose(vec![1, 0]), &[x]);
    let y = w.op(Op::MatMul, &[x, turned]);
    let two = w.constant(Tensor::scalar(-0.25));
    let y = w.op(Op::Mul, &[y, two]);
    let y = w.op(Op::Activation(Activation::Tanh), &[y]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "product>table"]);
}

#[test]
fn sums_of_products_in_one_order_are_one_step() {
    let mut w = Writer::default();
    let [a, b, c, d] = [[2, 3, 4], [2, 4, 5], [2, 3, 6], [2, 6, 5]].map(|dims| w.input(&dims));
    let left = w.op(Op::MatMul, &[a, b]);
    let right = w.op(Op::MatMul, &[c, d]);
    let y = w.op(Op::Sub, &[left, right]);
    let bias = w.constant(random(&[5], 3));
    let y = w.op(Op::Add, &[y, bias]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program)[4..], ["product+product+bias"]);
    // Beside a product with a constant the second is stored.
    let mut w = Writer::default();
    let (a, b) = (w.input(&[3, 4]), w.input(&[4, 5]));
    let left = w.op(Op::MatMul, &[a, b]);
    let right = w.linear(a, [4, 5], 1);
    let y = w.op(Op::Add, &[left, right]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program)[2..], ["contract+bias", "product+scale"]);
}

#[test]
fn one_factor_for_many_elements_is_a_product() {
    for (left, right, expected) in [
        (&[5, 16][..], &[5, 1][..], Some([5, 1, 1, 16])),
        (&[2, 5, 1], &[2, 5, 16], Some([10, 1, 1, 16])),
        (&[16], &[5, 1], Some([1, 5, 1, 16])),
        // Too few to be worth it.
        (&[5, 16], &[16], None),
        (&[9, 16], &[16], Some([16, 1, 1, 9])),
        (&[1, 1], &[3, 16], Some([1, 1, 1, 48])),
        (&[2, 4, 3, 5], &[2, 1, 3, 1], Some([6, 1, 1, 20])),
        (&[1], &[1], Some([1, 1, 1, 1])),
        (&[3, 4], &[3, 4], None),
        (&[3, 1], &[3, 2], None),
    ] {
        let mut w = Writer::default();
        let (a, b) = (w.input(left), w.input(right));
        let y = w.op(Op::Mul, &[a, b]);
        w.output(y);
        let program = close(&w.graph).program;
        assert_eq!(products(&program), expected.into_iter().collect::<Vec<_>>(), "{left:?}");
        if expected.is_none() {
            assert_eq!(
                kinds(&program)[2..],
                ["scale+scale>table", "scale+scale>table", "scale+scale"]
            );
            // Both squares read one table.
            assert_eq!(program.tables.len(), 1);
        }
    }
}

#[test]
fn products_by_squares_are_exact() {
    let mut w = Writer::default();
    let (a, b) = (w.input(&[4, 6]), w.input(&[6]));
    let big = w.constant(Tensor::scalar(50.0));
    let a = w.op(Op::Mul, &[a, big]);
    let b = w.op(Op::Activation(Activation::Sigmoid), &[b]);
    let y = w.op(Op::Mul, &[a, b]);
    w.output(y);
    let (samples, Compiled { program, .. }) = compiled(&w.graph, 11);
    for inputs in &samples {
        let trace = run(&program, inputs).expect("in range");
        let values = |id: usize| trace.tensors[id].values();
        let (a, b) = (values(3), values(2));
        for e in 0..24 {
            let (a, b) = (i64::from(a[e]), i64::from(b[e % 6]));
            let (sum, difference) = (i64::from(values(4)[e]), i64::from(values(5)[e]));
            assert_eq!(sum - difference, 4 * a * b);
            // The result is their product, rounded once.
            let [x, y, z] = [2, 3, 6].map(|id| program.tensors[id].scale.0);
            let product = a * b * 2;
            let shift = x + y - z + 1;
            assert_eq!(i64::from(values(6)[e]), (product + (1 << (shift - 1))) >> shift);
        }
    }
    // A tensor with itself.
    let mut w = Writer::default();
    let x = w.input(&[3]);
    let y = w.op(Op::Mul, &[x, x]);
    w.output(y);
    close(&w.graph);
}

#[test]
fn factors_of_a_product_are_never_lost() {
    // Far finer operands than the result. What only the product reads is made coarser; what others
    // read is not, and the shift grows beyond the limit.
    for others in [false, true] {
        let mut w = Writer::default();
        let (a, b) = (w.input(&[2, 3]), w.input(&[3, 2]));
        let y = w.op(Op::MatMul, &[a, b]);
        let c = w.input(&[2, 2]);
        let big = w.constant(Tensor::scalar(64.0));
        let c = w.op(Op::Mul, &[c, big]);
        let y = w.op(Op::Add, &[y, c]);
        w.output(y);
        if others {
            let [r, s] = [a, b].map(|x| w.relu(x));
            w.output(r);
            w.output(s);
        }
        let samples = samples(&w.graph, 3);
        let options = CalibrationOptions { bits: 10, max_shift: 4, ..Default::default() };
        let settings = calibrate(&w.graph, &samples, &options).expect("calibrates");
        let program = compile(&w.graph, &settings).expect("compiles");
        let sum = program.outputs[0].view.tensor.0;
        let Step::Affine(affine) = &program.tensors[sum].step else { panic!("computed") };
        let Term::Product { factor, .. } = affine.terms[0] else { panic!("a product") };
        let scales = [0, 1, sum].map(|id| program.tensors[id].scale.0);
        assert_eq!(factor, 1 << (scales[2] + i32::from(affine.shift) - scales[0] - scales[1]));
        assert_eq!(affine.shift > 4, others);
        // Operands of 16 bits are made coarser where no shift would do.
        let options = CalibrationOptions { bits: 16, weight_bits: 16, max_shift: 16, ..options };
        let settings = calibrate(&w.graph, &samples, &options).expect("calibrates");
        compile(&w.graph, &settings).expect("compiles");
    }
}

#[test]
fn a_factor_behind_a_product_goes_into_an_operand_that_takes_it() {
    let mut w = Writer::default();
    let x = w.input(&[4, 5]);
    let (a, b) = (w.linear(x, [5, 6], 1), w.linear(x, [5, 6], 3));
    let b = w.op(Op::Transpose(vec![1, 0]), &[b]);
    let y = w.op(Op::MatMul, &[a, b]);
    let factor = w.constant(Tensor::scalar(1.0 / 6f32.sqrt()));
    let y = w.op(Op::Mul, &[y, factor]);
    w.output(y);
    let program = close(&w.graph).program;
    assert_eq!(kinds(&program), ["input", "contract+bias", "contract+bias", "product"]);
    let Step::Affine(affine) = &program.tensors[3].step else { panic!("computed") };
    let Term::Product { factor, .. } = affine.terms[0] else { panic!("a product") };
    assert!(factor > 0 && factor & (factor - 1) == 0, "{factor} is no power of two");
    // Where both operands are inputs, the product keeps its factor.
    let mut w = Writer::default();
    let (a, b) = (w.input(&[4, 5]), w.input(&[5, 4]));
    let y = w.op(Op::MatMul, &[a, b]);
    let factor = w.constant(Tensor::scalar(-0.3));
    let y = w.op(Op::Mul, &[y, factor]);
    w.output(y);
    close(&w.graph);
}
