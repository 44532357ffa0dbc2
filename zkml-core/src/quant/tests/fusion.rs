//! Which nodes become one step, and which cost nothing.

use super::*;

#[test]
fn an_mlp_is_one_step_a_layer_with_one_table_and_one_shift() {
    let mut w = Writer::default();
    let x = w.input(&[1, 12]);
    let h = w.linear(x, [12, 20], 1);
    let h = w.relu(h);
    let h = w.linear(h, [20, 16], 2);
    let h = w.relu(h);
    let y = w.linear(h, [16, 5], 3);
    w.output(y);
    let samples = samples(&w.graph, 8);
    let settings = calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
    let program = compile(&w.graph, &settings).expect("compiles");
    assert_eq!(
        kinds(&program),
        ["input", "contract+bias>table", "contract+bias>table", "contract+bias"]
    );
    assert_eq!(program.tables.len(), 1);
    let shifts: Vec<u8> = program.tensors.iter().filter_map(shift).collect();
    assert!(shifts.iter().all(|s| *s == shifts[0] && *s > 0), "{shifts:?}");
    close(&w.graph);
}

#[test]
fn a_constant_on_the_left_is_a_transposed_product() {
    let mut w = Writer::default();
    let x = w.input(&[7, 3]);
    let a = w.constant(random(&[5, 7], 1));
    let b = w.constant(random(&[5, 1], 2));
    let y = w.op(Op::MatMul, &[a, x]);
    let y = w.op(Op::Add, &[b, y]);
    let scale = w.constant(random(&[5, 1], 3));
    let y = w.op(Op::Mul, &[y, scale]);
    let y = w.relu(y);
    w.output(y);
    let compiled = close(&w.graph);
    // The row factors of the transposed product are column factors of the stored one.
    assert_eq!(kinds(&compiled.program), ["input", "contract+bias>table"]);
    assert!(compiled.program.outputs[0].view.index.is_some());
}

#[test]
fn batch_axes_and_vectors() {
    for (dims, constant, left) in [
        (&[2, 3, 4][..], &[4, 5][..], false),
        (&[2, 3, 4], &[1, 4, 5], false),
        (&[3, 4], &[1, 2, 4, 5][..], false),
        (&[2, 1, 3, 4], &[4], false),
        (&[4], &[4, 5], false),
        (&[4], &[4], false),
        (&[2, 4, 3], &[5, 4], true),
        (&[4, 3], &[2, 5, 4], true),
        (&[2, 4, 3], &[4], true),
        (&[4], &[5, 4], true),
        (&[4], &[2, 5, 4], true),
    ] {
        let mut w = Writer::default();
        let x = w.input(dims);
        let c = w.constant(random(constant, 5));
        let operands = if left { [c, x] } else { [x, c] };
        let y = w.op(Op::MatMul, &operands);
        w.output(y);
        close(&w.graph);
    }
}

#[test]
fn views_cost_nothing_and_compose() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3, 4]);
    let x = w.op(Op::Transpose(vec![2, 0, 1]), &[x]);
    let x = w.op(Op::Reshape(shape(&[4, 6])), &[x]);
    let h = w.linear(x, [6, 6], 1);
    let h = w.op(Op::Transpose(vec![1, 0]), &[h]);
    let row = w.constant(random(&[4], 4));
    let h = w.op(Op::Add, &[h, row]);
    let h = w.op(Op::Reshape(shape(&[3, 8])), &[h]);
    let h = w.relu(h);
    let h = w.op(Op::Transpose(vec![1, 0]), &[h]);
    let y = w.linear(h, [3, 2], 2);
    w.output(y);
    let compiled = close(&w.graph);
    assert_eq!(kinds(&compiled.program), ["input", "contract+bias>table", "contract+bias"]);
}

#[test]
fn a_residual_is_one_step() {
    let mut w = Writer::default();
    let x = w.input(&[3, 6]);
    let h = w.linear(x, [6, 6], 1);
    let sum = w.op(Op::Add, &[x, h]);
    let sum = w.relu(sum);
    let h = w.linear(sum, [6, 6], 3);
    let g = w.linear(sum, [6, 6], 5);
    let both = w.op(Op::Sub, &[h, g]);
    let y = w.op(Op::Sub, &[both, sum]);
    w.output(y);
    let compiled = close(&w.graph);
    assert_eq!(
        kinds(&compiled.program),
        ["input", "contract+scale+bias>table", "contract+contract+scale+bias"]
    );
}

#[test]
fn products_in_different_orders_are_stored_before_they_are_added() {
    for op in [Op::Add, Op::Sub] {
        let mut w = Writer::default();
        let x = w.input(&[4, 4]);
        let a = w.constant(random(&[4, 4], 1));
        let left = w.op(Op::MatMul, &[a, x]);
        let right = w.op(Op::MatMul, &[x, a]);
        let y = w.op(op, &[left, right]);
        w.output(y);
        let compiled = close(&w.graph);
        assert_eq!(kinds(&compiled.program), ["input", "contract", "contract+scale"]);
    }
}

#[test]
fn row_factors_of_a_product_store_it_first() {
    let mut w = Writer::default();
    let x = w.input(&[3, 4]);
    let weight = w.constant(random(&[4, 2], 1));
    let rows = w.constant(random(&[3, 1], 2));
    let y = w.op(Op::MatMul, &[x, weight]);
    let y = w.op(Op::Mul, &[rows, y]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "contract", "scale"]);
}

#[test]
fn a_normalised_input_is_absorbed_by_the_product() {
    for (rows, ratio, expected) in
        [(1, 4.0, "contract+bias>table"), (3, 4.0, "contract+bias>table"), (1, 400.0, "scale+bias")]
    {
        let mut w = Writer::default();
        let x = w.input(&[rows, 3]);
        let mean = w.constant(random(&[3], 1));
        let factor = Tensor::new(shape(&[3]), vec![0.5, 0.5 * ratio, 1.0]).expect("three");
        let factor = w.constant(factor);
        let h = w.op(Op::Sub, &[x, mean]);
        let h = w.op(Op::Mul, &[factor, h]);
        let h = w.linear(h, [3, 4], 4);
        let y = w.op(Op::Activation(Activation::Tanh), &[h]);
        w.output(y);
        let program = if ratio < 16.0 {
            close(&w.graph).program
        } else {
            let samples = samples(&w.graph, 3);
            let settings =
                calibrate(&w.graph, &samples, &CalibrationOptions::default()).expect("ranges");
            compile(&w.graph, &settings).expect("compiles")
        };
        assert_eq!(kinds(&program)[1], expected);
    }
    // On the right of a constant, by rows; and by columns, which the product does not absorb.
    for (dims, count) in [([3, 1], 2), ([1, 2], 3)] {
        let mut w = Writer::default();
        let x = w.input(&[3, 2]);
        let mean = w.constant(random(&dims, 1));
        let h = w.op(Op::Sub, &[mean, x]);
        let a = w.constant(random(&[4, 3], 2));
        let y = w.op(Op::MatMul, &[a, h]);
        w.output(y);
        assert_eq!(close(&w.graph).program.tensors.len(), count);
    }
}

#[test]
fn functions_of_inputs_of_functions_and_of_shared_tensors() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3]);
    let t = w.op(Op::Activation(Activation::Tanh), &[x]);
    let s = w.op(Op::Activation(Activation::Sigmoid), &[t]);
    let h = w.linear(s, [3, 3], 1);
    let r = w.relu(h);
    let y = w.op(Op::Sub, &[r, h]);
    w.output(y);
    let compiled = close(&w.graph);
    assert_eq!(
        kinds(&compiled.program),
        ["input", "scale>table", "scale>table", "contract+bias", "scale>table", "scale+scale"]
    );
}

#[test]
fn broadcast_of_an_activation_is_a_view() {
    let mut w = Writer::default();
    let x = w.input(&[1, 3]);
    let z = w.input(&[2, 3]);
    let h = w.linear(x, [3, 3], 1);
    let y = w.op(Op::Add, &[z, h]);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "input", "contract+bias", "scale+scale"]);
}

#[test]
fn every_output_has_a_tensor_of_its_own() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3]);
    let h = w.linear(x, [3, 3], 1);
    let turned = w.op(Op::Transpose(vec![1, 0]), &[h]);
    let s = w.op(Op::Activation(Activation::Sigmoid), &[h]);
    for id in [x, h, turned, s, s] {
        w.output(id);
    }
    let compiled = close(&w.graph);
    let read: std::collections::BTreeSet<_> =
        compiled.program.outputs.iter().map(|output| output.view.tensor).collect();
    assert_eq!(read.len(), 5);
    assert_eq!(
        kinds(&compiled.program),
        ["input", "contract+bias", "scale>table", "scale", "scale", "scale"]
    );
}

#[test]
fn constants_fold_and_dead_nodes_vanish() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3]);
    let unused = w.input(&[1]);
    let a = w.constant(random(&[3, 3], 1));
    let b = w.op(Op::Transpose(vec![1, 0]), &[a]);
    let b = w.op(Op::Mul, &[a, b]);
    let y = w.op(Op::MatMul, &[x, b]);
    let dead = w.op(Op::Mul, &[x, y]);
    let _ = (w.op(Op::Add, &[unused, unused]), dead);
    w.output(y);
    assert_eq!(kinds(&close(&w.graph).program), ["input", "input", "contract"]);
}

#[test]
fn what_is_not_supported_names_the_node() {
    let mut w = Writer::default();
    let x = w.input(&[2, 3, 4]);
    let c = w.constant(random(&[2, 4, 5], 5));
    let y = w.op(Op::MatMul, &[x, c]);
    w.output(y);
    assert!(
        matches!(refused(&w.graph), QuantError::Unsupported { origin, .. } if origin.node == "v2")
    );

    let mut w = Writer::default();
    let x = w.input(&[3]);
    let c = w.constant(random(&[3], 5));
    let d = w.op(Op::Add, &[c, c]);
    w.output(x);
    w.output(d);
    assert!(matches!(refused(&w.graph), QuantError::ConstantOutput { name } if name == "out1"));
}
